"""The list in watch mode: keys move, search, filter and take; at any size it shows what is pointed at."""

from __future__ import annotations

import pytest

from lessons.exercise_names import Listed
from tfx_cli.practice.choosing import Chooser
from tfx_cli.practice.workspace import Standing

KNOWN = {f"rope-{n}": Listed(f"rope-{n}", f"The {n}th rotation", "rope") for n in range(40)}
KNOWN["norm"] = Listed("norm", "One norm", "layernorm")
NOW = {name: Standing(last="passed", passed=True) if name.endswith("5") else Standing() for name in KNOWN}


def chooser(at: str = "rope-0") -> Chooser:
    return Chooser(KNOWN, NOW, at)


def press(screen: Chooser, *keys: str) -> list[str]:
    return [screen.press(key) for key in keys]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 24), (40, 12), (20, 8)])
@pytest.mark.parametrize("at", ["rope-0", "rope-20", "norm"])
def test_every_size_shows_what_is_pointed_at_and_the_keys(columns, rows, at):
    lines = chooser(at).lines(columns, rows)
    assert [line.split()[2] for line in lines if line.startswith("> ")] == [at]
    assert lines[-1].endswith("q quit ") and all(len(line) <= columns for line in lines)
    assert len(lines) <= max(rows, 12)


def test_arrows_move_and_stop_at_both_ends():
    screen = chooser()
    press(screen, "\x1b[A", "\x1b[B", "j", "\x1bOB", "k")
    assert screen.at == "rope-2"
    press(screen, *["\x1b[B"] * 60)
    assert screen.at == "norm"


def test_a_search_narrows_while_it_is_typed_and_enter_then_takes():
    screen = chooser()
    assert press(screen, "/", *"LAYERx", "\x7f", "\n") == [""] * 9
    assert [one.name for one in screen.left] == ["norm"] and screen.at == "norm"
    assert press(screen, "\n") == ["take"] and "norm" in " ".join(screen.lines(80, 24))
    press(screen, "/", "q", "\x1b")
    assert len(screen.left) == len(KNOWN), "q was a letter of the search, and Esc ends it"


def test_filters_and_what_is_to_be_done():
    screen = chooser()
    press(screen, "d")
    assert [one.name for one in screen.left] == ["rope-5", "rope-15", "rope-25", "rope-35"] and screen.at == "rope-5"
    assert screen.lines(80, 24)[0] == "4 of 41 passed   passed only"
    press(screen, "p")
    assert len(screen.left) == 37 and screen.at != "rope-5"
    press(screen, "a")
    assert len(screen.left) == 41
    assert press(screen, "x", "l", "\x1b", "q", "", "z") == ["anew", "back", "back", "quit", "quit", ""]


def test_nothing_can_be_taken_where_nothing_is_left():
    screen = chooser()
    press(screen, "/", *"zzz", "\n")
    assert press(screen, "\n", "x", "j") == ["", "", ""] and "  There is none." in screen.lines(80, 24)
