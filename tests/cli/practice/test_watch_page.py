"""The screen of watch mode: it fits, and what matters most is on it whatever the size."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from lessons.practice.exercise import find_exercise
from lessons.practice.judging import Verdict
from tfx_cli.practice.learning import Look
from tfx_cli.practice.watch_page import Sheet, fitted, key_lines, link_to, rows_of, status

KEYS = ("h hint", "s skip", "l list", "x anew", "q quit ")
LOOK = Look("tfx explain softmax-attention --step the_overflow", 2)
PATH = Path("tfx-practice/softmax.py")


def sheet(printed: int = 0, trace: int = 0, notes: int = 0, hints: int = 0) -> Sheet:
    softmax = find_exercise("softmax")
    lines = "\n".join(f'  File "softmax.py", line {n}' for n in range(trace)) + "\nValueError: last"
    verdict = Verdict(
        "softmax", "values", "p[0, 0] is 2, and 1 is right.", ("input: a matrix", *([lines] if trace else [])),
        softmax.mistakes[0], printed="".join(f"{n} printed\n" for n in range(printed)),
    )  # fmt: skip
    said = [f"hint {n + 1} of 3: {text}" for n, text in enumerate(softmax.hints[:hints])]
    return Sheet(softmax, PATH, verdict, LOOK, [f"note {n}" for n in range(notes)], said)


def on(one: Sheet, columns: int, rows: int) -> list[str]:
    foot = [*status(3, 34, PATH, columns), *key_lines(KEYS, columns).split("\n")]
    return [*one.lines(columns, rows, 3, 34, KEYS), *foot]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 24), (80, 12), (40, 14)])
@pytest.mark.parametrize("hints", [0, 1, 3])
@pytest.mark.parametrize(("printed", "trace", "notes"), [(0, 0, 0), (500, 0, 1), (0, 300, 2), (500, 300, 9)])
def test_it_fits_and_has_the_verdict_the_last_hint_and_the_keys(columns, rows, hints, printed, trace, notes):
    lines = on(sheet(printed, trace, notes, hints), columns, rows)
    whole = " ".join(" ".join(lines).split())
    assert rows_of(lines, columns) <= rows
    assert "Not yet (values): p[0, 0] is 2, and 1 is right." in whole
    assert not hints or f"hint {hints} of 3: " in whole
    assert "3/34" in whole and str(PATH) in whole and all(key.strip() in whole for key in KEYS)
    assert not any(not line and not after for line, after in pairwise(lines)), "two gaps"


def test_print_outs_come_first_and_give_way_first():
    lines = on(sheet(printed=500), 80, 24)
    at = lines.index("your program printed:")
    assert lines[at + 1] == "  0 printed" and lines[at - 1] == ""
    assert "more lines: tfx practice check softmax" in " ".join(lines)
    assert "  look at: tfx explain softmax-attention --step the_overflow" in lines
    assert "your program printed 500 lines." in on(sheet(500, 9, 3, 2), 80, 24)


def test_of_a_long_traceback_the_end_is_shown():
    lines = on(sheet(trace=300), 80, 24)
    assert "  ValueError: last" in lines and '    File "softmax.py", line 299' in lines
    assert '    File "softmax.py", line 0' not in lines


def test_one_line_too_many_is_one_line():
    assert fitted({"printed": ["a", "b", "c"]}, 80, 2, "all") == ["a", "  ... 2 more lines: all"]
    assert fitted({"printed": ["a"], "verdict": ["b"]}, 80, 2, "all") == ["a", "b"]


def test_the_bar_and_the_file_share_a_line_where_there_is_room():
    assert status(17, 34, PATH, 80) == ["[##########----------] 17/34   tfx-practice/softmax.py"]
    assert status(17, 34, PATH, 40) == ["[#####-----] 17/34", "tfx-practice/softmax.py"]


def test_the_file_is_a_link_on_a_terminal_that_has_links(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    uri = (tmp_path / PATH).as_uri()
    assert link_to(PATH) == f"\x1b]8;;{uri}\x1b\\{PATH}\x1b]8;;\x1b\\"
    for name, value in (("TERM", "linux"), ("TERM", "dumb"), ("NO_COLOR", "1")):
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv(name, value)
        assert link_to(PATH) == str(PATH)
