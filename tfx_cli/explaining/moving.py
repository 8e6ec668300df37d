"""A person walks through a lesson: on and back, to a step by name, with another setting, with the code beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tfx.records import Question
from tfx_cli.explaining.changing import changes
from tfx_cli.explaining.going import chosen_step
from tfx_cli.explaining.keys_page import KEYS, key_words, show_keys
from tfx_cli.explaining.manner import Manner
from tfx_cli.explaining.predict import Pressed
from tfx_cli.explaining.step_code import NONE, SHORT, SOURCE, pressed, targets_of
from tfx_cli.explaining.written import Answers, written_parts
from tfx_cli.terminal.captured import Part
from tfx_cli.terminal.console import clear_screen
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.pager import BACK, LEAVE, NEXT, ask_key
from tfx_cli.terminal.scroll import Scroll

if TYPE_CHECKING:
    from lessons.course import Topic
    from lessons.walk import Walk


#: told the name of a step, and those of all steps of that walk, when its end has been on the screen
Seen = Callable[[str, Sequence[str]], None]


class Tour:
    """Where the reader is.  walks: all that were made, one for every change of settings; the last is walked through.

    at: the index of the step on the screen; first, last: of those between which Enter and b move.  whole: whether the
    reader asked for the lesson, from some step on, and not for one step.
    """

    def __init__(
        self, topic: Topic, steps: Walk, chosen: Sequence[int], manner: Manner, seen: Seen, whole: bool
    ) -> None:
        self.topic = topic
        self.walks = [steps]
        self.whole = whole
        self.at = chosen[0]
        self.manner = replace(manner, screen=True)
        self.code = NONE
        self.note = ""
        self._answers: Answers = {}
        self._seen = seen
        self._alone = not whole  # what was asked for by name and fits stays under the command

    @property
    def steps(self) -> Walk:
        return self.walks[-1]

    @property
    def first(self) -> int:
        return 0 if self.whole else self.at

    @property
    def last(self) -> int:
        return len(self.steps) - 1 if self.whole else self.at

    def follow(self) -> None:
        """Shows screens and does what the keys say, until the reader leaves or the last step ends."""
        scroll: Scroll | None = self.scroll()
        typed = ""
        try:
            while scroll is not None:
                try:
                    key, typed = typed or self.key_after(scroll), ""
                    scroll = self.after(key, scroll) if key else None
                except Pressed as instead:
                    typed, scroll = instead.key, self.scroll()
        except EOFError:
            self.leave()
        except KeyboardInterrupt:
            self.leave()
            raise

    def key_after(self, scroll: Scroll) -> str:
        """The key that is pressed when the screenful is there; none when it stays as it is under the command."""
        alone, self._alone = self._alone, False
        if not alone:
            clear_screen()
        scroll.show()
        if not scroll.more:
            if scroll.all_shown:
                self._seen(self.steps.names[self.at], self.steps.names)
            if alone:
                return ""
        can_go_back = self.at > self.first or not scroll.at_top
        return ask_key(key_words(scroll.more, self.at == self.last, can_go_back), KEYS if can_go_back else KEYS - BACK)

    def after(self, key: str, scroll: Scroll) -> Scroll | None:
        """What is on the screen after that key; None when the reader left."""
        if key in LEAVE:
            self.leave()
            return None
        if key in "gsd":
            self.note = ""
        if key in NEXT and scroll.more:
            scroll.forward()
        elif key in BACK and not scroll.at_top:
            scroll.back()
        elif key in NEXT | BACK:
            return self.step_by(1 if key in NEXT else -1)
        elif key in "?h":
            show_keys()
        elif key == "g":
            return self.go()
        elif key == "s":
            return self.change()
        elif key == "d":
            self.manner = replace(self.manner, details=not self.manner.details)
            return self.scroll()
        else:
            return self.next_code()
        return scroll

    def step_by(self, many: int) -> Scroll | None:
        if self.at + many > self.last:
            return None
        self.at = max(self.at + many, self.first)
        self.code, self.note = NONE, ""
        return self.scroll()

    def go(self) -> Scroll:
        to = chosen_step(self.steps, self.at)
        if to is not None:
            self.at, self.code, self.note, self.whole = to, NONE, "", True
        return self.scroll()

    def change(self) -> Scroll:
        """Other settings, and the same step again; the walk stays as it is when the reader gives none."""
        changed = changes(self.topic, self.steps, self.at)
        if changed is not None:
            steps, self.at, self.note = changed
            self.walks.append(steps)
        return self.scroll()

    def next_code(self) -> Scroll:
        """The short form of the code, then its source, then neither.  The code is gone to, but for a question that is
        still open: then it waits below."""
        step = self.steps[self.at]
        if not targets_of(step):
            self.note = "This step shows no code."
            return self.scroll()
        self.code = pressed(self.code, step)
        waits = self.manner.asks and any(
            isinstance(record, Question) and record not in self._answers for record in step.records
        )
        self.note = "The code stands below, behind the question." if waits and self.code != NONE else ""
        scroll = self.scroll()
        if self.code != NONE and not waits:
            scroll.to_last_part()
        return scroll

    def scroll(self) -> Scroll:
        return Scroll(self.parts())

    def parts(self) -> Iterator[Part]:
        step, number = self.steps[self.at], f"{self.at + 1}/{len(self.steps)}"
        manner = self.manner
        if manner.code or self.code != NONE:
            both = manner.code and self.code == NONE
            manner = replace(manner, short=both or self.code == SHORT, code=both or self.code == SOURCE)
        return written_parts(number, step, manner, self._answers, self.topic.title, self.note)

    def leave(self) -> None:
        """Says how to come back."""
        show_line(f"  come back: {self.command()}")

    def command(self) -> str:
        from lessons.links import whole_command

        flags = [flag for flag, on in (("--no-predict", not self.manner.predict), ("--code", self.manner.code),
                                       ("--details", self.manner.details)) if on]  # fmt: skip
        step = f"--{'from' if self.whole else 'step'} {self.steps.names[self.at]}"
        return " ".join([whole_command(self.topic, self.steps.request), *flags, step])


def walk_through(
    topic: Topic, steps: Walk, chosen: Sequence[int], manner: Manner, seen: Seen, whole: bool
) -> list[Walk]:
    """Walks the reader through the lesson from the first chosen step on.  Returns every walk that was made."""
    tour = Tour(topic, steps, chosen, manner, seen, whole)
    tour.follow()
    return tour.walks
