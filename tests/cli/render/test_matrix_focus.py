"""A matrix shows the rows in focus first, and says how many more there are."""

from __future__ import annotations

import numpy as np

from tfx.records import Matrix, Step
from tfx_cli.explaining.manner import Manner
from tfx_cli.explaining.written import written_parts
from tfx_cli.options import Face

ROWS = ("the", "animal", "it")
RECORD = Matrix("P", np.array([[0.5, 0.25], [0.0, 0.0], [0.75, 0.125]]), ("query", "key"), ROWS, ("a", "b"), focus=(2,))


def shown(**manner: bool) -> str:
    step = Step("A step", (RECORD,))
    return "".join(part.text for part in written_parts("1/1", step, Manner(Face.terminal, **manner), {}))


def test_a_screen_shows_the_row_in_focus_and_counts_the_others():
    text = shown(screen=True)
    assert "  it 0.750 0.125\n  1 more row: d shows it\n  1 row is zero\n" in text and "the" not in text


def test_all_rows_are_there_in_a_pipe_and_with_details():
    for text in (shown(), shown(screen=True, details=True)):
        assert "  the 0.500 0.250\n" in text and "more row" not in text
