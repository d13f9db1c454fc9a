"""docs/errors.md says what the code does."""

from __future__ import annotations

from scripts.write_protocol import ERRORS_PAGE, TITLES, list_paths, render_errors
from twinstream.errors import REQUEST_ERRORS, RequestError
from twinstream.web.error import _SERVICES, encode_error


def test_tables() -> None:
    """Shapes and codes are those of the code (else: `make docs`)."""
    page = ERRORS_PAGE.read_text()
    assert page == render_errors(page)
    for code, kind in REQUEST_ERRORS.items():
        assert f"| {kind.status} | `{code}` | " in page


def test_services() -> None:
    """Every beginning of a path that has a shape of its own stands under a title, beside those that share the shape."""
    listed = [other for path in TITLES for other in list_paths(path)]
    assert sorted(listed) == sorted([*(prefix for prefix, _ in _SERVICES), "/stream"])
    error = RequestError("invalid", "it cannot be.", field="name")
    for path in TITLES:
        assert len({encode_error(other, error, "r")[1] for other in list_paths(path)}) == 1


def test_a_wrong_application() -> None:
    """The page explains why signing in with one is 404."""
    assert REQUEST_ERRORS["bad_application"].status == 404
    assert "is 404 on purpose" in ERRORS_PAGE.read_text()
