"""What importing the SDK costs."""

from __future__ import annotations

import subprocess
import sys

import twinstream.client


def modules_after(statement: str) -> set[str]:
    """Import in a process of its own; answer the modules that are there then."""
    program = f"import sys; {statement}; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    )


def test_importing_the_package_imports_next_to_nothing() -> None:
    """Neither sockets nor HTTP: what is offered is imported when it is first asked for."""
    modules = modules_after("import twinstream, twinstream.client")
    assert {name for name in modules if name.startswith("twinstream")} == {"twinstream", "twinstream.client"}
    assert modules & {"websockets", "httpx", "msgspec", "asyncio"} == set()


def test_a_stream_imports_nothing_of_the_server() -> None:
    """Of ours only the wire and the errors, and no REST."""
    modules = modules_after("from twinstream import connect, connect_sync")
    ours = {name.split(".")[1] for name in modules if name.startswith("twinstream.")}
    assert ours == {"client", "wire", "errors"}
    assert "httpx" not in modules


def test_all_that_is_promised_is_there() -> None:
    """`__all__` is what `from twinstream.client import ...` finds, and nothing else is found."""
    for name in twinstream.client.__all__:
        assert getattr(twinstream.client, name) is not None
    assert not hasattr(twinstream.client, "nonsense")
