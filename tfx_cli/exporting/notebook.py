"""A topic as a Jupyter notebook: its text in Markdown cells, what it computes and its code in cells that run.

The outputs are in the file as well.  They come from running the cells here, one after the other, so that a notebook
whose cells fail is not written; who runs it with another seed or other settings gets other numbers.
"""

from __future__ import annotations

import io
import traceback
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from itertools import groupby
from typing import Any, NamedTuple

from lessons.course import Topic
from tfx.errors import EnvironmentProblem, TfxError
from tfx.records import Code, Record
from tfx_cli.exporting.code_cells import code_cells
from tfx_cli.notebook import Lesson
from tfx_cli.render.markdown import NUMBERS, escaped, fenced, markdown

INSTALL = "pip install tfx-learn"


class Cell(NamedTuple):
    """code: to run, else Markdown to read."""

    text: str
    code: bool = False


def notebook_of(topic: Topic, seed: int) -> bytes:
    """The file.  Raises EnvironmentProblem without nbformat, and TfxError when a cell fails."""
    try:
        import nbformat
        from nbformat import v4
    except ImportError:
        raise EnvironmentProblem(
            "a notebook needs nbformat, which is not installed.", 'Install it: pip install "tfx-learn[notebook]"'
        ) from None
    names: dict[str, Any] = {}
    made = []
    for number, cell in enumerate(cells_of(topic, seed, names), start=1):
        if cell.code:
            printed = run(cell.text, names, topic)
            outputs = [v4.new_output("stream", name="stdout", text=printed)] if printed else []
            new = v4.new_code_cell(cell.text, outputs=outputs)
        else:
            new = v4.new_markdown_cell(cell.text)
        new["id"] = f"{topic.name[:50]}-{number}"  # drawn at random unless told
        made.append(new)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = v4.new_notebook(cells=made, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    document["nbformat_minor"] = 5
    nbformat.validate(document)
    return (nbformat.writes(document) + "\n").encode("utf-8")


def run(source: str, names: dict[str, Any], topic: Topic) -> str:
    """What a cell prints."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            exec(compile(source, f"<a cell of {topic.name}>", "exec"), names)
    except Exception as error:
        trace = "".join(traceback.format_exception_only(error)).strip()
        raise TfxError(f"a cell of {topic.name} fails: {trace}\n{source}") from error
    return printed.getvalue()


def cells_of(topic: Topic, seed: int, names: Mapping[str, Any]) -> Iterator[Cell]:
    """All cells, in order.  names: what the cells before have defined, and with it the lesson whose text this is."""
    yield Cell(
        f"# {escaped(topic.title)}\n\nTopic {topic.number} of tfx: Transformers, explained by measurement.  The cells "
        f"need this once:\n\n{fenced(INSTALL, 'sh')}\n\nThe text was written with seed {seed}.  With another one, or "
        "with other settings in the next cell, the cells compute other numbers."
    )
    yield Cell(
        "import inspect\nimport math\n\nimport numpy as np\n\nfrom tfx_cli.notebook import Lesson, compare\n\n"
        f'lesson = Lesson("{topic.name}", seed={seed})\nprint("steps:", ", ".join(lesson.names))',
        code=True,
    )
    lesson: Lesson = names["lesson"]
    shown: set[str] = set()
    for number, name in enumerate(lesson.names, start=1):
        step = lesson.step(name)
        yield from step_cells(name, f"## {number}. {escaped(step.title)}", step.records)
        targets = [record for record in step.records if isinstance(record, Code)]
        yield from (Cell(source, code=True) for source in code_cells(targets, shown))
        if step.tries:
            yield Cell(markdown(step.tries))


def step_cells(name: str, heading: str, records: tuple[Record, ...]) -> Iterator[Cell]:
    """Text and numbers of a step, in its order; the heading stands in its first cell."""
    part, above = 0, heading
    visible = [record for record in records if not isinstance(record, Code)]
    for is_number, group in groupby(visible, key=lambda record: isinstance(record, NUMBERS)):
        if is_number:
            if above:
                yield Cell(above)
            part, above = part + 1, ""
            yield Cell(f'lesson.show("{name}"{f", {part}" if part > 1 else ""})', code=True)
        else:
            yield Cell("\n\n".join(filter(None, [above, markdown(list(group))])))
            above = ""
    if above:
        yield Cell(above)
