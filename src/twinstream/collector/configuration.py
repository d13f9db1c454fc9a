"""The file that says what a collector does: TOML of ours, or a JSON list of streams.

Owns what the keys of the TOML mean, and the choice between the two. Knows nothing of how streams are read.
Invariant: a plan that leaves here is whole: every stream has a place, a key and an output, and every output is used.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from twinstream.client.regions import find_hosts
from twinstream.collector.plan import Output, Plan, Secret, Stream, make_output, split_stream_url, tell_twins
from twinstream.collector.plan_file import (
    Mistakes,
    PlanFile,
    check_key,
    check_keys,
    check_name,
    convert_table,
    open_plan_file,
    open_to_others,
    read_secret,
)
from twinstream.collector.stream_list import read_list
from twinstream.exits import EX_CONFIG, CommandError

EXAMPLE = """\
# twinstream collect --config collect.toml
# Relative paths begin at the working directory.

status = "/run/twinstream/collect.sock"   # for `twinstream collect status`
metrics = "127.0.0.1:9464"                # Prometheus

[streams.freezers]                        # the name is in every row: never change it
url = "wss://stream.example.com/stream"
key_file = "/etc/twinstream/freezers.key" # or: key_env = "VARIABLE", or: key = "…" with chmod 600 on this file
outputs = ["database", "archive"]         # left out: all of them

[streams.washers]                         # a stream of the Ayla cloud, by name
region = "us"
deployment = "field"
client_type = "cloud"
key_env = "WASHERS_STREAM_KEY"
outputs = ["database"]
# seq_start = 1000                        # where to begin in an output that has nothing of it; left out: all there is

[outputs.database]
url = "sqlite:////var/lib/twinstream/events.db"
# url = "mysql://collector@localhost/events"
# url = "postgresql://collector@localhost/events"
# url_env = "DATABASE_URL"                # with a password in it; or: url_file
batch_size = 1000                         # write after so many events …
batch_time_s = 1.0                        # … or so long after the first of them

[outputs.archive]
url = "jsonl:/var/lib/twinstream/archive/?rotate=day"
# url = "parquet:/var/lib/twinstream/lake/"
"""
"""What `twinstream collect --example` prints; a test reads it."""


BatchSize = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
BatchTime = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class _Stream(msgspec.Struct, forbid_unknown_fields=True):
    url: str | None = None
    region: str | None = None
    deployment: str | None = None
    client_type: str | None = None
    key: str | None = None
    key_file: str | None = None
    key_env: str | None = None
    seq_start: Annotated[int, msgspec.Meta(ge=0)] = 0
    outputs: Annotated[list[str], msgspec.Meta(min_length=1)] | None = None


class _Output(msgspec.Struct, forbid_unknown_fields=True):
    url: str | None = None
    url_file: str | None = None
    url_env: str | None = None
    batch_size: BatchSize | None = None
    batch_time_s: BatchTime | None = None


class _Top(msgspec.Struct, forbid_unknown_fields=True):
    streams: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    batch_size: BatchSize | None = None
    batch_time_s: BatchTime | None = None
    status: str | None = None
    metrics: str | None = None


def read_plan(
    path: Path,
    environment: Mapping[str, str] = os.environ,
    *,
    to: tuple[Output, ...] = (),
    batch_size: int | None = None,
    batch_time_s: float | None = None,
) -> Plan:
    """Read a file; ``to`` and the batches, if given, stand in for what it says of outputs.

    Raises:
        CommandError: 78, with a line for people for each mistake.
    """
    file = open_plan_file(path)
    is_list = re.match(r"\s*(\[\s*[{\]]|\{)", file.text) is not None
    plan = read_list(file, to) if is_list else _read_toml(file, environment, to)
    if not plan.streams:
        raise file.refuse((), "no streams in it; `twinstream collect --example` shows what it may look like")
    outputs = {
        name: msgspec.structs.replace(
            output,
            batch_size=batch_size or output.batch_size,
            batch_time_s=output.batch_time_s if batch_time_s is None else batch_time_s,
        )
        for name, output in plan.outputs.items()
        if any(name in stream.outputs for stream in plan.streams)
    }
    return msgspec.structs.replace(plan, outputs=outputs)


def _read_toml(file: PlanFile, environment: Mapping[str, str], to: tuple[Output, ...]) -> Plan:
    try:
        table = tomllib.loads(file.text)
    except tomllib.TOMLDecodeError as error:
        reason, _, at = str(error).rpartition(" (at ")
        line = re.match(r"line (\d+), column (\d+)", at)
        place = f"{file.path}:{line[1]}:{line[2]}" if line else str(file.path)
        raise CommandError(
            EX_CONFIG, f"{place}: {reason or error}; expected TOML, as `twinstream collect --example` prints it"
        ) from None
    mistakes = Mistakes()
    top = msgspec.convert(check_keys(file, table, _Top, (), mistakes), _Top)
    outputs = {output.name: output for output in to}
    streams: list[Stream] = []
    for name, raw in () if to else top.outputs.items():
        with mistakes.gather():
            said = convert_table(file, raw, _Output, ("outputs", name))
            outputs[name] = _make_output(file, name, said, top, environment)
    named = list(outputs if to else top.outputs)
    for name, raw in top.streams.items():
        with mistakes.gather():
            wanted = convert_table(file, raw, _Stream, ("streams", name))
            streams.append(_make_stream(file, name, wanted, named, outputs, environment, is_chosen=bool(to)))
    with mistakes.gather():
        if top.streams and not named:
            raise file.refuse(
                ("outputs",), 'none; expected a table like [outputs.database] with url = "sqlite:///events.db"'
            )
    mistakes.tell()
    return Plan(tuple(streams), outputs, top.status, top.metrics)


def _make_output(file: PlanFile, name: str, said: _Output, top: _Top, environment: Mapping[str, str]) -> Output:
    place = ("outputs", name)
    check_name(file, place)
    url = read_secret(file, place, "url", {"url": said.url, "file": said.url_file, "env": said.url_env}, environment)
    size = said.batch_size or top.batch_size
    time_s = said.batch_time_s if said.batch_time_s is not None else top.batch_time_s
    try:
        output = make_output(url, name=name, batch_size=size, batch_time_s=time_s)
    except ValueError as error:
        raise file.refuse((*place, "url"), str(error)) from None
    if said.url and output.holds_password and not file.is_private:
        raise file.refuse((*place, "url"), f"others can read this password; mend it with: chmod 600 {file.path}")
    return output


def _make_stream(
    file: PlanFile,
    name: str,
    said: _Stream,
    outputs: list[str],
    made: Mapping[str, Output],
    environment: Mapping[str, str],
    *,
    is_chosen: bool,
) -> Stream:
    """Make a stream; ``outputs`` are the names of all, which ``is_chosen`` makes those of the stream; ``made`` are
    those without mistakes.
    """
    place = ("streams", name)
    mistakes = Mistakes()
    url, key, seq_start = None, None, None
    wanted = tuple(outputs if is_chosen or said.outputs is None else said.outputs)
    with mistakes.gather():
        check_name(file, place)
    with mistakes.gather():
        url, key, seq_start = _find_place(file, place, said)
    with mistakes.gather():
        if key is None and (said.url is None or "stream_key=" not in said.url):
            given = {"key": said.key, "file": said.key_file, "env": said.key_env}
            key = Secret(read_secret(file, place, "key", given, environment))
        if key is not None:
            check_key(file, place, key)
    with mistakes.gather():
        if not file.is_private and (said.key or (said.url and "stream_key=" in said.url)):
            raise file.refuse((*place, "key" if said.key else "url"), open_to_others(file.path))
    for output in () if is_chosen else said.outputs or ():
        with mistakes.gather():
            if output not in outputs:
                near = difflib.get_close_matches(output, outputs, 1)
                hint = f"did you mean {near[0]}?" if near else f"expected some of {', '.join(outputs)}"
                raise file.refuse((*place, "outputs"), f"no output is called {output}; {hint}")
    with mistakes.gather():
        if twins := tell_twins(wanted, made):
            raise file.refuse((*place, "outputs"), twins)
    mistakes.tell()
    return Stream(
        name=name,
        key=key,
        outputs=wanted,
        url=url,
        region=said.region,
        deployment=said.deployment,
        client_type=said.client_type,
        seq_start=said.seq_start or seq_start or 0,
    )


def _find_place(file: PlanFile, place: tuple[str, ...], said: _Stream) -> tuple[str | None, Secret | None, int | None]:
    """Return what a stream's URL says: the address, the key and the first number; None for what it does not."""
    if said.url is not None:
        try:
            return split_stream_url(said.url)
        except ValueError as error:
            raise file.refuse((*place, "url"), str(error)) from None
    if said.region is None:
        raise file.refuse(place, 'no url; expected url = "wss://HOST/stream", or region, deployment and client_type')
    try:
        find_hosts(said.region, said.deployment or "field", said.client_type or "cloud", environ={})
    except ValueError as error:
        raise file.refuse((*place, "region"), str(error)) from None
    return None, None, None
