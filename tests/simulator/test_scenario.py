"""Scenarios: what a file may say, and what is wrong with one, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinstream.model.device import check_dsn
from twinstream.simulator.scenario import ScenarioError, list_examples, load_scenario

PROPERTY = '[[models.properties]]\nname = "t"\nbase_type = "decimal"\ndirection = "output"\n'
MODEL = f'[[models]]\noem_model = "m"\n{PROPERTY}'


def write(tmp_path: Path, text: str) -> str:
    """A scenario's file."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def test_at_least_three_examples_come_along() -> None:
    """Each can be named in place of a path, says what it is, and has devices."""
    examples = list_examples()
    assert [one.name for one in examples] == ["freezers", "household", "storm"]
    for one in examples:
        assert one.about
        assert load_scenario(one.name) == one
        assert any(one.list_devices())


def test_devices_of_different_scenarios_are_different() -> None:
    """So several scenarios run in one server; a scenario's own stay the same."""
    dsns = [dsn for one in list_examples() for dsn, _ in one.list_devices()]
    assert len(set(dsns)) == len(dsns)
    assert all(check_dsn(dsn) == dsn and len(dsn) == 15 for dsn in dsns)
    assert len({one.oem for one in list_examples()}) == 3


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    """A model and a property are enough."""
    scenario = load_scenario(write(tmp_path, MODEL))
    assert (scenario.name, scenario.seed, scenario.outages, scenario.users) == ("mine", 1, None, None)
    assert [model.devices for _, model in scenario.list_devices()] == [1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "0 devices"),
        ("models = 5", "models"),
        ("nonsense", "nonsense|Expected|expected"),
        ('[[models]]\noem_model = "m"\n', "nothing to tell"),
        (f"speed = 5\n{MODEL}", "line 1: speed: no such key; did you mean seed?"),
        (f"xyz = 5\n{MODEL}", "line 1: xyz: no such key; expected some of name, about, seed, models, outages, users"),
        (f"{MODEL}[user]\ninterval_s = 1\n", "line 7: user: no such key; did you mean users?"),
        (f"{MODEL}hihg = 5\n", "line 7: models.properties.hihg: no such key; did you mean high?"),
        (f"{MODEL}[users]\nlow = 5\nhigh = 1\n", "line 8: users.low: no such key; expected some of interval_s"),
        (f"{MODEL}[users]\nname = 5\n", ": users.name: no such key"),
        (f"{MODEL}low = 5\nhigh = 1\n", "m.t: low is 5 and high is 1; expected low <= high"),
        (f"{MODEL}low = 200\n", "low is 200 and high is 100; expected low <= high .unless given"),
        (f"{MODEL}words = []\n", "m.t: words is empty; expected at least one"),
        (f"{MODEL}high = 99999999\n", "21474836"),
        (MODEL.replace("decimal", "file"), "not simulated"),
        (MODEL.replace("decimal", "float"), "float"),
        (f"{MODEL}{PROPERTY}", "twice"),
        (f"{MODEL}{MODEL}", "twice"),
        (f"[users]\ninterval_s = 1\n{MODEL}", "nothing to set"),
        (f"[outages]\nevery_s = 0\nlasting_s = 1\n{MODEL}", "every_s"),
        (MODEL.replace('oem_model = "m"', 'oem_model = "m"\ndevices = 100000'), "100000 devices"),
        (MODEL.replace('oem_model = "m"', 'oem_model = "m"\ninterval_s = 0'), "interval_s"),
    ],
)
def test_what_cannot_be_simulated_is_told_in_a_line(tmp_path: Path, text: str, told: str) -> None:
    """With the file, and what is wrong."""
    place = write(tmp_path, text)
    with pytest.raises(ScenarioError, match=told) as refusal:
        load_scenario(place)
    assert str(refusal.value).startswith(place)
    assert "\n" not in str(refusal.value)


def test_a_name_that_is_none_is_told_the_names() -> None:
    """Whoever mistypes an example reads which there are."""
    with pytest.raises(ScenarioError, match="freezers, household, storm"):
        load_scenario("houshold")
