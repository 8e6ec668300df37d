"""Every screen says what it said when it was last read by somebody: `make screens` records, git diff shows."""

from __future__ import annotations

import pytest

from tests.cli.running import TERMINAL_VARIABLES
from tests.lab.quick_runs import LONG
from tests.screens.comparing import difference
from tests.screens.running import RECORDED, made, screens

#: The quick runs of the longest experiments: only `make test-all` measures them.
LONG_SCREENS = {f"{look}-{name}" for name in LONG for look in ("experiment", "first-look")}


@pytest.mark.parametrize(
    "screen",
    [pytest.param(one, id=one.name, marks=pytest.mark.slow if one.name in LONG_SCREENS else ()) for one in screens()],
)
def test_the_screen_says_what_was_recorded(screen, monkeypatch, tmp_path):
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"COLUMNS": "80", "LINES": "24", "TERM": "dumb", **screen.variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TFX_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = difference(screen.path.read_text(encoding="utf-8"), made(screen), screen.unsteady)
    assert not found, f"{screen.name}: {found}\nIf that is right: make screens, read git diff, commit."


def test_nothing_is_recorded_that_is_not_looked_at():
    assert {path.name for path in RECORDED.iterdir()} == {screen.path.name for screen in screens()}


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ("the sum is 0.93", "the sum is 0.94", True),
        ("the sum is 0.93", "the sum is 0.96", False),
        ("12 of 12 words", "11 of 12 words", False),
        ("1,024 numbers", "1,025 numbers", False),
        ("a  0.9  b", "a 10.0  b", False),
        ("a  9.9  b", "a 10.0  b", True),
        ("a  9.9  b", "a   9.9  b", False),
        ("2 checks, worst 2.2e-16", "2 checks, worst 4.4e-16", True),
        ("worst 2.2e-16", "worst 4.4e-06", False),
        ("the sum is 0.93", "the sum is 0.932", False),
        ("the sum is 0.932", "the sum is 0.93", False),
        ("the sum is 0.0999", "the sum is 0.1", True),
        ("the sum is 9.9", "the sum is 10", True),
        ("it is met", "it is not met", False),
        ("it looks at -0.12", "it looks at 0.12", False),
        ("1.2e-05", "1.3e-05", True),
        ("1.2e-05", "1.2e-04", False),
    ],
)
def test_what_counts_as_the_same(before, now, same):
    assert (difference(before, now) == "") == same


def test_a_line_that_depends_on_the_clock_only_has_to_be_there():
    assert not difference("took 3 ms", "took 90 ms", r"\d ms")
    assert difference("took 3 ms", "took long", r"\d ms")
    assert difference("took 3 ms\nend", "took 3 ms", r"\d ms")
