"""A run of changed settings that takes longer than two minutes is told with its estimate, and asked for or refused."""

from __future__ import annotations

import pytest

from tests.cli.commands.test_experiment import squares
from tfx_cli import how_long, measurement
from tfx_cli.how_long import watched

__all__ = ["squares"]


class Clocks:
    """wall and work go on by these seconds whenever they are read."""

    def __init__(self, wall: float, work: float) -> None:
        self.step, self.now = (wall, work), [0.0, 0.0]

    def __call__(self) -> tuple[float, float]:
        self.now = [now + step for now, step in zip(self.now, self.step, strict=True)]
        return self.now[0], self.now[1]


def estimates(clocks: Clocks, total: int, minutes: int = 2) -> list[tuple[int, float]]:
    """(pieces done, seconds told) of a run of `total` pieces, where the clocks are read at its start and at each."""
    told: list[tuple[int, float]] = []
    seen: list[int] = []
    look = watched(lambda done, *_: seen.append(done), minutes, lambda s: told.append((seen[-1], s)), clocks)
    for done in range(total + 1):
        look(done, total, "at work")
    assert seen == list(range(total + 1))
    return told


def test_what_takes_long_in_all_is_told_once_and_as_soon_as_it_is_known():
    assert estimates(Clocks(1.0, 1.0), 200) == [(4, 200.0)]
    assert estimates(Clocks(10.0, 10.0), 200) == [(1, 2000.0)]


def test_what_ends_in_time_is_not_told():
    assert estimates(Clocks(1.0, 1.0), 120) == []
    assert estimates(Clocks(1.0, 1.0), 200, minutes=4) == []


def test_neither_a_busy_machine_nor_many_threads_make_it_longer():
    assert estimates(Clocks(9.0, 1.0), 100) == [], "others had the processor most of the time"
    assert estimates(Clocks(1.0, 8.0), 100) == [], "eight threads worked at once"


@pytest.fixture
def slow(monkeypatch, squares, tfx):
    """Every piece of the experiment takes seconds; tfx runs it, with these lines typed by somebody or by nobody."""

    def run(*words, seconds=10.0, typed=None):
        lines = iter(typed or ())
        monkeypatch.setattr(how_long, "clocks", Clocks(seconds, seconds))
        monkeypatch.setattr(how_long.watched, "__defaults__", (how_long.clocks,))
        monkeypatch.setattr(measurement, "interactive", lambda: typed is not None)
        monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
        return tfx("experiment", "squares", *words)

    return run


def test_where_nobody_sits_it_is_refused_with_the_command_that_asks_for_the_time(slow, squares):
    ran = slow("--set", "top=60", "--seed", "3", "--plain")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "tfx: these settings take about 10 minutes in all, and 2 are taken unasked.\n"
        "     Ask for them: tfx experiment squares --set top=60 --seed 3 --plain --minutes 11"
        "   or choose smaller sizes: --set help\n"
    )
    assert squares().measured == [0], "it stopped as soon as it was known"


@pytest.mark.parametrize("words", [["--minutes", "11"], ["--full"], ["--resume"]])
def test_who_has_asked_for_the_time_gets_it(slow, words):
    ran = slow("--set", "top=60", "--plain", *words)
    assert ran.code == 1 and "minute" not in ran.err


def test_what_the_house_has_chosen_is_not_asked_for_and_a_limit_is_kept(slow):
    assert slow("--plain", seconds=100.0).code == 0
    refused = slow("--plain", "--minutes", "1", seconds=100.0)
    assert refused.code == 2 and "tfx: these settings take about 5 minutes in all" in refused.err


def test_in_a_terminal_it_is_asked(slow, squares):
    ran = slow("--set", "top=60", "--no-predict", typed=[""])
    assert ran.code == 1 and "tfx: these settings take about 10 minutes in all.\n" in ran.err
    assert len(squares().measured) == 60
    squares().measured.clear()
    ran = slow("--set", "top=60", "--no-predict", typed=["q"])
    assert (
        ran.code == 130
        and squares().measured == [0]
        and "Go on: tfx experiment squares --set top=60 --resume\n" in ran.err
    )
