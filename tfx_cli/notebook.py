"""What the cells of an exported notebook call: a lesson of the course, and how far a few lines are from the library.

    from tfx_cli.notebook import Lesson

    lesson = Lesson("softmax-attention", seed=0)
    lesson.show("one_row")

Everything is computed when the cell runs, from the same steps as `tfx explain`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfx_cli.find_lessons import ensure_lessons

if TYPE_CHECKING:
    from tfx.records import Record, Step


class Lesson:
    """The steps of a topic, on your sentence, seed and settings; `tfx explain TOPIC --set help` lists these.

    Raises BadInput for a topic, a step or a setting that is not there.
    """

    def __init__(self, topic: str, seed: int = 0, text: str | None = None, **settings: Any) -> None:
        ensure_lessons()
        from lessons.course import find_topic, lesson_of
        from lessons.request import Request
        from lessons.walk import walk
        from tfx.settings import apply_settings, as_typed

        self.topic = find_topic(topic)
        pairs = [f"{name}={as_typed(value)}" for name, value in settings.items()]
        chosen = apply_settings(lesson_of(self.topic).settings(), pairs, f"tfx explain {topic} --set help")
        self._steps = walk(self.topic, Request(text, seed, chosen))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        return self._steps.names

    def step(self, name: str) -> Step:
        """Everything that a step says, as records (tfx/records.py)."""
        return self._steps[self._steps.place(name)]

    def show(self, name: str, part: int = 1) -> None:
        """Prints what a step computes; a step that goes on with text between its numbers has several parts."""
        from tfx_cli.render.paper import as_text

        parts = parts_of(self.step(name))
        if not 1 <= part <= len(parts):
            raise IndexError(f"{name} has parts 1 to {len(parts)}, not {part}")
        print(as_text(parts[part - 1]), end="")


def parts_of(step: Step) -> list[list[Record]]:
    """The numbers of a step: matrices, tables, curves and checks, those together that have no text between them."""
    from itertools import groupby

    from tfx.records import Code
    from tfx_cli.render.markdown import NUMBERS

    visible = [record for record in step.records if not isinstance(record, Code)]
    return [list(group) for is_number, group in groupby(visible, key=lambda one: isinstance(one, NUMBERS)) if is_number]


def compare(ours: Callable[..., Any], library: Callable[..., Any]) -> None:
    """Prints how far a function is from the library's on random arrays, relative to the largest entry.

    Raises KeyError for a function of the library that has no short form.
    """
    from tfx.records import qualified_name
    from tfx.short_forms.registry import ShortForm, difference_of, short_forms
    from tfx_cli.render.number_text import brief

    name = qualified_name(library)
    off = difference_of(ShortForm(ours, short_forms()[name].trial))
    same = "bit for bit" if off == 0 else f"to {brief(off, 1)}"
    print(f"{ours.__name__} equals {name} {same}" if off < 1e-9 else f"{ours.__name__} is off by {brief(off, 3)}")
