"""A notebook's cells run with tfx alone, and print again what stands in the file."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from lessons.course import find_topic, topics
from tests.cli import running
from tests.cli.running import one_sentence
from tests.screens.even_clocks import even_clocks
from tfx.errors import TfxError
from tfx_cli.exporting.notebook import notebook_of, run

nbformat = pytest.importorskip("nbformat")

FAST = ("softmax-jacobian", "sequences-order")
_made: dict[str, bytes] = {}


def made(name: str) -> bytes:
    """The notebook of a topic, made once."""
    return _made.setdefault(name, notebook_of(find_topic(name), 0))


def cells(name: str, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(made(name))["cells"] if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def printed(cell: dict[str, Any]) -> str:
    return "".join(line for output in cell["outputs"] for line in output["text"])


def require_that_it_runs(name: str) -> None:
    """Every code cell in order, in a namespace that has nothing but what they make."""
    names: dict[str, Any] = {}
    for cell in cells(name, "code"):
        out = io.StringIO()
        with redirect_stdout(out):
            exec(source(cell), names)
        assert out.getvalue() == printed(cell), source(cell)
        assert "FAIL" not in out.getvalue() and " is off by " not in out.getvalue(), out.getvalue()


@pytest.mark.parametrize("name", FAST)
def test_every_cell_runs_and_prints_what_stands_in_the_file(name):
    require_that_it_runs(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [topic.name for topic in topics() if topic.name not in FAST])
def test_every_cell_of_every_topic_runs(name):
    with even_clocks():
        require_that_it_runs(name)


@pytest.mark.parametrize("name", FAST)
def test_the_numbers_are_those_of_the_lesson(name, tmp_path):
    """Every line that a cell shows of the lesson is a line of `tfx explain`, and no check is left out."""
    told = running.run("explain", name, "--details", home=tmp_path, PYTHONIOENCODING="ascii")
    shown = [line.rstrip() for line in told.out.splitlines()]
    lines = [line.rstrip() for cell in cells(name, "code") if source(cell).startswith("lesson.show")
             for line in printed(cell).splitlines()]  # fmt: skip
    assert len(lines) > 30 and not [line for line in lines if line not in shown]
    table = [line for line in shown if line.startswith(("  PASS", "  FAIL"))]
    assert table and not [line for line in table if line not in lines]


def test_it_is_a_valid_notebook_and_equal_seeds_give_equal_bytes():
    name = FAST[0]
    nbformat.validate(nbformat.reads(made(name).decode("utf-8"), as_version=4))
    assert notebook_of(find_topic(name), 0) == made(name) != notebook_of(find_topic(name), 1)
    ids = [cell["id"] for cell in json.loads(made(name))["cells"]]
    assert len(set(ids)) == len(ids) and all(len(id) <= 64 for id in ids)


def test_the_text_stands_in_markdown_cells_and_each_step_has_its_heading():
    from tfx_cli.notebook import Lesson

    text = [source(cell) for cell in cells("softmax-jacobian", "markdown")]
    lesson = Lesson("softmax-jacobian")
    for number, name in enumerate(lesson.names, start=1):
        assert sum(cell.startswith(f"## {number}. ") for cell in text) == 1
        assert lesson.step(name).records
    assert "pip install tfx-learn" in text[0]


def test_the_few_lines_are_compared_with_the_library_and_a_change_is_seen(capsys):
    (cell,) = [source(cell) for cell in cells("softmax-jacobian", "code") if "compare(jacobian" in source(cell)]
    assert cell.startswith("from tfx.ops.basics.softmax import softmax_jacobian\n\n\ndef jacobian(p):\n    return ")
    names: dict[str, Any] = {}
    exec(source(cells("softmax-jacobian", "code")[0]), names)
    exec(cell, names)
    assert "jacobian equals tfx.ops.basics.softmax.softmax_jacobian " in capsys.readouterr().out
    exec(cell.replace("np.diag(p) - ", "np.diag(p) + "), names)
    assert "jacobian is off by " in capsys.readouterr().out


def test_a_cell_that_fails_is_not_written():
    with pytest.raises(TfxError, match="a cell of softmax-jacobian fails: NameError: name 'nowhere' is not defined"):
        run("nowhere + 1", {}, find_topic("softmax-jacobian"))


def test_a_lesson_in_a_notebook_takes_seed_text_and_settings_and_says_which_parts_there_are(capsys):
    from tfx_cli.notebook import Lesson

    lesson = Lesson("softmax", seed=3, scores=(3.0, 1.0, 0.0))
    lesson.show("one_row")
    assert "k3" in (first := capsys.readouterr().out) and "k4" not in first
    lesson.show("one_row", 2)
    assert capsys.readouterr().out.startswith("  PASS  the weights sum to 1")
    with pytest.raises(IndexError, match="one_row has parts 1 to 2, not 3"):
        lesson.show("one_row", 3)
    with pytest.raises(Exception, match='no step is called "one_rwo"'):
        lesson.show("one_rwo")


def test_a_notebook_looks_the_same_whatever_the_terminal_is(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert notebook_of(find_topic(FAST[0]), 0) == made(FAST[0])


def test_without_nbformat_the_command_says_how_to_get_it(tfx, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbformat", None)
    ran = tfx("export", "notebook", "softmax")
    assert (ran.code, ran.out) == (3, "")
    assert one_sentence(ran) == (
        'tfx: a notebook needs nbformat, which is not installed.\n     Install it: pip install "tfx-learn[notebook]"\n'
    )
    assert not list(Path().iterdir())
