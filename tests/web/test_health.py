"""Whether the server lives, whether it takes work, and its counts."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.web.harness import KEY, Harness, until, upgrade
from twinstream.errors import RequestError
from twinstream.web.health import Health


async def get(harness: Harness, path: str) -> tuple[int, str]:
    """Ask for a path; answer status and body."""
    client = await harness.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
    status, _, body = await client.read_response()
    return status, body.decode()


async def test_metrics(harness: Harness) -> None:
    """The counts are there when somebody asks: sessions, closes, refusals, requests, deliveries, records."""
    client = await harness.connect()
    await harness.connect()
    harness.append(3)
    await (await harness.send(upgrade("stream_key=unknown"))).read_response()
    await get(harness, "/nowhere")
    await client.close()
    await until(lambda: len(harness.hub.sessions()) == 1)
    status, text = await get(harness, "/metrics")
    assert status == 200
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["twinstream_sessions", "live"] == 1
    assert values["twinstream_closes_total", "1006"] == 1
    assert values["twinstream_refusals_total", "unknown_key"] == 1
    assert values["twinstream_requests_total", "404"] == 1
    assert values["twinstream_delivered_total",] == 6
    assert values["twinstream_records_total",] == 3
    assert values["twinstream_groups_total",] == 3
    assert values["process_open_fds",] > 0
    assert KEY not in text


def test_every_metric_is_said_in_words(harness: Harness) -> None:
    """Each metric of ours has a meaning, and a name in lower case."""
    health = Health(harness.shell, {}, lambda: None, {"extra": ("More", lambda: 1.0)})
    for family in health.registry.collect():
        assert family.documentation
        assert re.fullmatch("[a-z_]+", family.name)


async def test_readiness(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness is 503 with the reason while no work should come, liveness is not touched by that."""
    assert await get(harness, "/readyz") == (200, '{"status":"ready"}')
    monkeypatch.setattr(harness.health, "why_not_ready", lambda: RequestError("storage_full"))
    status, body = await get(harness, "/readyz")
    assert status == 503
    assert '"code":"storage_full"' in body
    assert (await get(harness, "/healthz"))[0] == 200
