"""Write docs/settings.md from the declarations of the settings: `make docs`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from twinstream.cli.server import describe_default
from twinstream.exits import EXIT_CODES
from twinstream.settings import SETTINGS, Setting

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

HEAD = """\
# Settings

Made by `make docs` from `src/twinstream/settings.py`; change that.

A setting, say `port`, can come from four places; the first that has it wins:

1. the flag: `twinstream serve --port 9000`
2. the environment: `TWINSTREAM_PORT=9000` (an empty variable counts as not set; lists are separated by commas)
3. a TOML file: `port = 9000` (lists are `["a", "b"]`), named by `--config FILE` or `TWINSTREAM_CONFIG`
4. the default

`twinstream config show` takes the same flags and prints every setting with its value and the place that it came from.
A value that cannot be, or a key that does not exist, is refused at the start, in one line.
"""


def render_page() -> str:
    """Return the whole page."""
    sections = [_render_group(name, list(rows)) for name, rows in groupby(SETTINGS.values(), lambda s: s.group)]
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    return HEAD + "".join(sections) + f"\n## Exit codes of `twinstream`\n\n| code | meaning |\n|---|---|\n{codes}"


def _render_group(name: str, settings: list[Setting]) -> str:
    rows = "".join(f"| `{s.name}` | {_cell(s.description)} | {_cell(s.expected)} | {_default(s)} |\n" for s in settings)
    return f"\n## {name}\n\n| setting | what it does | form | default |\n|---|---|---|---|\n{rows}"


def _default(setting: Setting) -> str:
    return describe_default(setting).removeprefix("default ").removesuffix(" by default")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render_page())
