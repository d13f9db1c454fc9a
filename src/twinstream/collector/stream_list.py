"""A JSON list of streams, ``[{"id", "name", "url", "key", "persistence"}]``, as the documents' samples have it.

Owns what its words mean to us. Knows nothing of TOML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

from twinstream.collector.plan import (
    Output,
    Plan,
    Secret,
    Stream,
    is_name,
    make_output,
    name_of_key,
    split_stream_url,
    tell_twins,
)
from twinstream.collector.plan_file import NAME_FORM, Mistakes, PlanFile, check_key, convert_table, open_to_others
from twinstream.exits import EX_CONFIG, CommandError


class _Listed(msgspec.Struct):
    """One stream of a JSON list; further keys are left alone, since other programs may read the list too."""

    key: str
    url: str
    id: int | str | None = None
    name: str | None = None
    persistence: str | bool | list[str] | None = None


def read_list(file: PlanFile, to: tuple[Output, ...]) -> Plan:
    """Read the list; ``to``, if given, stands in for each stream's ``persistence``.

    Raises:
        CommandError: 78, with a line for people for each mistake.
    """
    try:
        found = msgspec.json.decode(file.text)
    except msgspec.DecodeError as error:
        at = re.search(r"byte (\d+)", str(error))
        line = file.text.encode()[: int(at[1])].count(b"\n") + 1 if at else 1
        raise CommandError(
            EX_CONFIG,
            f"{file.path}:{line}: that is no JSON; expected a list of streams, with its names in double quotes",
        ) from None
    if not isinstance(found, list):
        raise file.refuse((), 'no list; expected [{"id": 1, "name": "…", "url": "wss://…", "key": "…"}]')
    if found and not file.is_private:
        raise file.refuse((), open_to_others(file.path))
    outputs = {output.name: output for output in to}
    streams: dict[str, Stream] = {}
    mistakes = Mistakes()
    for number, raw in enumerate(found, 1):
        with mistakes.gather():
            place = (f"stream {number}",)
            said = convert_table(file, raw, _Listed, place)
            name = _name(said)
            if not is_name(name) or name in streams:
                raise file.refuse((*place, "name"), f"taken, or no name; expected {NAME_FORM}")
            check_key(file, place, Secret(said.key))
            try:
                url, _, seq_start = split_stream_url(said.url)
            except ValueError as error:
                raise file.refuse((*place, "url"), str(error)) from None
            wanted = to or tuple(_persist(file, place, said, name))
            if wanted:
                outputs |= {output.name: output for output in wanted}
                names = tuple(output.name for output in wanted)
                if twins := tell_twins(names, outputs):
                    raise file.refuse((*place, "persistence"), twins)
                streams[name] = Stream(name, Secret(said.key), names, url, seq_start=seq_start or 0)
    mistakes.tell()
    return Plan(tuple(streams.values()), outputs)


def _name(said: _Listed) -> str:
    """Number and name together: the samples have the same name for several streams of one OEM."""
    parts = [str(part) for part in (said.id, said.name) if part not in (None, "")]
    return "-".join(parts) or name_of_key(Secret(said.key))


def _persist(file: PlanFile, place: tuple[str, ...], said: _Listed, name: str) -> Iterator[Output]:
    """Make the outputs that ``persistence`` means: "file" (also where nothing is said) as in the samples, URLs as with
    --to, none for "none".
    """
    wanted = said.persistence if isinstance(said.persistence, list) else [said.persistence]
    for word in wanted:
        text = word if isinstance(word, str) else "none" if word is False else "file"
        if text.lower() in ("none", "no", "off"):
            continue
        is_file = text.lower() in ("file", "json", "jsonl", "")
        try:
            yield make_output(f"jsonl:{quote(name, safe=' @+')}.jsonl" if is_file else text)
        except ValueError as error:
            raise file.refuse((*place, "persistence"), f"{error}; or say where with --to") from None
