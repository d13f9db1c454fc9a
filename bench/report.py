"""The figures of a run as a table for people and as JSON for machines.

A figure is the median over the rounds, its spread the middle half of them (first to third quartile).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.ingest import Ingest
from bench.scenario import Lane, Sample


@dataclass(frozen=True)
class Figure:
    """Median and quartiles of one quantity over the rounds."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Sum up the values of the rounds, at least one."""
        low, median, high = (
            statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
        )
        return cls(round(median, 4), round(low, 4), round(high, 4), len(values))

    def text(self, digits: int = 2) -> str:
        """Show it as ``median (low-high)``."""
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}-{self.high:.{digits}f})"


@dataclass(frozen=True)
class Delivery:
    """What a lane cost. Microseconds of server CPU per delivered event; milliseconds from POST to frame."""

    server: str
    scenario: str
    subscribers: int
    pattern: str
    delivery_us: Figure
    total_us: Figure
    p50_ms: Figure
    p99_ms: Figure
    deliveries: int
    joined: float

    @classmethod
    def of(cls, lane: Lane, samples: Sequence[Sample]) -> Delivery:
        """Sum up the samples of a lane, at least one."""
        return cls(
            server=lane.server,
            scenario=lane.scenario.name,
            subscribers=lane.scenario.subscribers,
            pattern=lane.pattern,
            delivery_us=Figure.of([sample.delivery_us for sample in samples]),
            total_us=Figure.of([sample.total_us for sample in samples]),
            p50_ms=Figure.of([sample.p50_ms for sample in samples]),
            p99_ms=Figure.of([sample.p99_ms for sample in samples]),
            deliveries=sum(sample.deliveries for sample in samples),
            joined=round(statistics.median(sample.joined for sample in samples), 2),
        )


@dataclass
class Report:
    """Everything a run found. `faults` is empty in a run that may be believed."""

    machine: dict[str, str]
    settings: dict[str, Any]
    deliveries: list[Delivery] = field(default_factory=list)
    idle_kib: dict[str, float] = field(default_factory=dict)
    ingest: list[Ingest] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes."""
        return asdict(self)

    def text(self) -> str:
        """Return it as tables."""
        parts = [_pairs(self.machine), *self._delivery_tables()]
        if self.idle_kib:
            rows = [[server, f"{kib:.1f}"] for server, kib in self.idle_kib.items()]
            parts.append(_table("Memory per idle connection, KiB (without the kernel's)", ["server", "KiB"], rows))
        if self.ingest:
            parts.append(_ingest_table(self.ingest))
        parts += [f"FAULT: {fault}" for fault in self.faults]
        parts.append(f"{self.seconds:.0f} s, {self.settings['rounds_done']} rounds")
        return "\n\n".join(parts)

    def _delivery_tables(self) -> Iterable[str]:
        if not self.deliveries:
            return
        yield _delivery_table(
            "Delivery alone: server CPU, microseconds per delivered event, median (middle half)",
            self.deliveries,
            lambda delivery: delivery.delivery_us.text(),
            lambda delivery: delivery.delivery_us.median,
        )
        yield _delivery_table(
            "Everything, taking the event in included: the same unit",
            self.deliveries,
            lambda delivery: delivery.total_us.text(),
        )
        yield _delivery_table(
            "From POST to frame: p50 / p99, ms",
            self.deliveries,
            lambda delivery: f"{delivery.p50_ms.median:.2f} / {delivery.p99_ms.median:.2f}",
        )


def _delivery_table(
    title: str,
    deliveries: Sequence[Delivery],
    show: Callable[[Delivery], str],
    compare: Callable[[Delivery], float] | None = None,
) -> str:
    """Make a table; ``compare`` adds columns with the first server's figure as a multiple of each of the others'."""
    servers = list(dict.fromkeys(delivery.server for delivery in deliveries))
    rows: dict[str, dict[str, str]] = {}
    figures: dict[str, dict[str, float]] = {}
    for delivery in deliveries:
        row = f"{delivery.scenario} to {delivery.subscribers:,}, {delivery.pattern}"
        rows.setdefault(row, {})[delivery.server] = show(delivery)
        figures.setdefault(row, {})[delivery.server] = compare(delivery) if compare else 0
    cells = [[row, *(shown.get(server, "-") for server in servers)] for row, shown in rows.items()]
    heads = ["events", *servers]
    if compare is not None:
        heads += [f"/ {server.partition('(')[2].rstrip(')') or server}" for server in servers[1:]]
        for figure, line in zip(figures.values(), cells, strict=True):
            line += [_multiple(figure.get(servers[0], 0), figure.get(server, 0)) for server in servers[1:]]
    return _table(title, heads, cells)


def _multiple(figure: float, of: float) -> str:
    return f"{figure / of:.1f} x" if figure > 0 and of > 0 else "-"


def _ingest_table(found: Sequence[Ingest]) -> str:
    heads = ["ingest", "beside", "datapoints/s", "p50 ms", "p99 ms", "CPU us each", "fan-out p50 / p99, ms"]
    rows = []
    for (kind, beside), runs in _grouped(found).items():
        fan_out = ""
        if beside != "nothing":
            p50_ms = statistics.median(run.fan_out_p50_ms for run in runs)
            p99_ms = statistics.median(run.fan_out_p99_ms for run in runs)
            fan_out = f"{p50_ms:.1f} / {p99_ms:.1f}"
        rows.append(
            [
                kind,
                beside,
                Figure.of([run.datapoints_per_s for run in runs]).text(0),
                Figure.of([run.p50_ms for run in runs]).text(),
                Figure.of([run.p99_ms for run in runs]).text(),
                Figure.of([run.cpu_us for run in runs]).text(1),
                fan_out,
            ]
        )
    return _table("Ingest: datapoints acknowledged after their commit", heads, rows)


def _grouped(found: Sequence[Ingest]) -> dict[tuple[str, str], list[Ingest]]:
    groups: dict[tuple[str, str], list[Ingest]] = {}
    for run in found:
        groups.setdefault((run.kind, run.beside), []).append(run)
    return groups


def _pairs(pairs: dict[str, str]) -> str:
    width = max(map(len, pairs))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in pairs.items())


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    head = "  ".join(f"{cell:<{width}}" for cell, width in zip(heads, widths, strict=True)).rstrip()
    return "\n".join([title, head, "-" * len(head), *lines])
