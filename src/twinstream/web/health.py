"""`/healthz`, `/readyz` and `/metrics`: whether the server lives, whether it takes work, and its counts.

Owns the names of metrics. They are read from their owners when somebody asks, so that counting costs the hot path
nothing.
Invariant: no label carries a key, a name or an address; each has a bounded number of values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from litestar import Response, get
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from twinstream.errors import RequestError
from twinstream.model.count import show_count
from twinstream.stream.state import State
from twinstream.web.authentication import Given
from twinstream.web.fault_board import FaultBoard
from twinstream.web.shell import Shell

Gauges = Mapping[str, tuple[str, Callable[[], float]]]


class Health:
    """What the three paths answer from.

    Args:
        shell: of the streams.
        answers: how many requests got which status.
        why_not_ready: answers the reason why no work should be sent here, or None.
        gauges: more numbers to show, by metric name: what it is, and how to read it.
        faults: which are set, where they are allowed; who is asked whether the server is ready tells of them.
    """

    def __init__(
        self,
        shell: Shell,
        answers: Mapping[int, int],
        why_not_ready: Callable[[], RequestError | None],
        gauges: Gauges,
        faults: FaultBoard | None = None,
    ) -> None:
        self.why_not_ready = why_not_ready
        self.faults = faults
        self.registry = CollectorRegistry()
        self.registry.register(_ServerCollector(shell, answers, gauges, faults))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)


@get("/healthz", tags=["operation"])
async def get_health() -> dict[str, str]:
    """Answer 200 while the event loop turns."""
    return {"status": "alive"}


@get("/readyz", tags=["operation"])
async def get_readiness(health: Given[Health]) -> dict[str, str]:
    """Answer 200 if requests and sockets are welcome, 503 while the server starts, drains or cannot store."""
    reason = health.why_not_ready()
    if reason is not None:
        raise reason
    if health.faults is not None and health.faults.active:
        return {"status": "ready", "faults": f"set on purpose on {show_count(health.faults.active, 'subscription')}"}
    return {"status": "ready"}


@get("/metrics", tags=["operation"], media_type="text/plain; version=0.0.4; charset=utf-8")
async def get_metrics(health: Given[Health]) -> Response[bytes]:
    """Answer the metrics in the Prometheus text format."""
    return Response(generate_latest(health.registry), media_type="text/plain; version=0.0.4; charset=utf-8")


ROUTES = [get_health, get_readiness, get_metrics]


class _ServerCollector(Collector):
    def __init__(
        self, shell: Shell, answers: Mapping[int, int], gauges: Gauges, faults: FaultBoard | None = None
    ) -> None:
        self._shell = shell
        self._answers = answers
        self._gauges = gauges
        self._faults = faults

    def collect(self) -> Iterator[Metric]:
        shell, counters = self._shell, self._shell.hub.counters
        sessions: Counter[Any] = Counter(session.state for session in shell.hub.sessions())
        yield _labelled(
            GaugeMetricFamily,
            "sessions",
            "Connected sessions",
            "state",
            {s: sessions[s] for s in (State.READING, State.LIVE)},
        )
        yield _labelled(CounterMetricFamily, "closes", "Sessions ended, by close code", "code", counters.closes)
        yield _labelled(CounterMetricFamily, "refusals", "Requests refused before a handler", "code", shell.refusals)
        yield _labelled(CounterMetricFamily, "requests", "Requests answered, by status", "status", self._answers)
        for name, meaning, count in (
            ("delivered", "Events handed to sockets", counters.delivered),
            ("heartbeats", "Heartbeats handed to sockets", counters.heartbeats),
            ("demotions", "Sessions that stepped back from live because their socket was full", counters.demotions),
            ("gaps", "Times that a session missed events which retention had removed", counters.gaps),
            ("pages", "Pages read from the log", shell.pages),
            ("records", "Events, and changes of subscriptions, that were committed", shell.records),
            ("groups", "Groups of commands that were committed together and made records", shell.groups),
        ):
            yield CounterMetricFamily(f"twinstream_{name}", meaning, value=count)
        if self._faults is not None:
            meaning = "Subscriptions whose sockets have faults on purpose"
            yield GaugeMetricFamily("twinstream_faulty_subscriptions", meaning, value=self._faults.active)
            yield _labelled(CounterMetricFamily, "faults", "Faults done on purpose", "fault", self._faults.totals())
        for name, (meaning, read) in self._gauges.items():
            yield GaugeMetricFamily(f"twinstream_{name}", meaning, value=read())


def _labelled(family: Any, name: str, meaning: str, label: str, values: Mapping[Any, int]) -> Metric:
    metric: Metric = family(f"twinstream_{name}", meaning, labels=[label])
    for value, number in values.items():
        metric.add_metric([str(value)], number)  # type: ignore[attr-defined]
    return metric
