"""Rows whose cells run over several lines: they begin together at the top, and heads end together at the bottom."""

from __future__ import annotations

import pytest

from tfx.records import Column, Table
from tfx_cli.options import Face
from tfx_cli.render.show import show_records

COLUMNS = (Column("who", "who"), Column("what", "about it"), Column("n", "how many"))
SAID = "so many words that no column of a page could hold them all on one and the same line"


@pytest.fixture(params=[40, 80])
def shown(request, capsys, monkeypatch):
    def show(*firsts: str) -> list[str]:
        """The lines of a table whose second column always runs on and whose third is a number."""
        monkeypatch.setenv("COLUMNS", str(request.param))
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        rows = tuple({"who": who, "what": SAID, "n": 10**k} for k, who in enumerate(firsts))
        show_records([Table("What is said", COLUMNS, rows)], Face.terminal)
        return [line.rstrip() for line in capsys.readouterr().out.strip("\n").split("\n")]

    return show


def line_of(lines: list[str], first_word: str) -> int:
    (place,) = [number for number, line in enumerate(lines) if line.split()[:1] == [first_word]]
    return place


def test_all_cells_of_a_row_begin_on_its_first_line(shown):
    lines = shown("norm", "gate")
    for who, number in (("norm", "1"), ("gate", "10")):
        words = lines[line_of(lines, who)].split()
        assert words[:3] == [who, "so", "many"]
        assert words[-1] == number


def test_heads_end_on_the_line_above_the_first_row(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    long_head = Column("n", "how many of them there are at all")
    show_records([Table("What is said", (COLUMNS[0], long_head), ({"who": "norm", "n": 1},))], Face.terminal)
    lines = capsys.readouterr().out.strip("\n").split("\n")
    norm = line_of(lines, "norm")
    assert norm > 1  # the long head took several lines, and "who" stands on the last
    assert lines[norm - 1].split()[0] == "who"
    assert "who" not in "".join(lines[: norm - 1])


def test_numbers_stay_at_the_right_edge_of_their_column(shown):
    lines = shown("norm", "gate")
    assert len(lines[line_of(lines, "norm")]) == len(lines[line_of(lines, "gate")])


def test_rows_stand_together_where_every_first_cell_fits_on_its_line(shown):
    assert "" not in shown("norm", "gate", "loss")


def test_a_blank_line_says_where_the_next_row_begins_where_a_first_cell_runs_on(shown):
    lines = shown("the norm of the layer before every other", "gate", "loss")
    after_blank = [lines[number + 1].split()[0] for number, line in enumerate(lines) if not line]
    assert after_blank == ["gate", "loss"]
