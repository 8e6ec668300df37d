"""How a test-out ended: what passed, what to read when it did not, and that it goes on record either way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lessons.grading import Asked
from tfx_cli.learner.state import State
from tfx_cli.quizzing.round import Asking, where_to_see
from tfx_cli.quizzing.testing_out import needed

if TYPE_CHECKING:
    from lessons.course import Topic


@dataclass(frozen=True)
class Outcome:
    """How a test ended: its questions, and which of them were answered rightly, in the order asked."""

    topic: Topic
    asked: tuple[Asked, ...]
    right: tuple[bool, ...]

    @property
    def needed(self) -> int:
        return needed(len(self.asked))

    @property
    def passed(self) -> bool:
        return sum(self.right) >= self.needed

    @property
    def to_read(self) -> tuple[str, ...]:
        """The commands that show what was missed, each once."""
        missed = [asked.item for asked, right in zip(self.asked, self.right, strict=True) if not right]
        return tuple(dict.fromkeys(where_to_see(item) for item in missed))

    @property
    def verdict(self) -> str:
        """What passed, by number of the question, and what that means."""
        which = [str(number) for number, right in enumerate(self.right, start=1) if right]
        some = 0 < len(which) < len(self.asked)
        counted = f"{len(which)} of {len(self.asked)} right" + (f" (questions {', '.join(which)})" if some else "")
        if self.passed:
            return f"Tested out: {counted}, and {self.needed} are needed. {self.topic.title} counts as done."
        return f"Not tested out: {counted}, and {self.needed} are needed."

    @property
    def advice(self) -> list[tuple[str, str]]:
        """What to type next, each with a label; only the first of the commands to read has one."""
        read = [("read" if place == 0 else "", command) for place, command in enumerate(self.to_read)]
        return [*read, ("next" if self.passed else "again", self.next_command)]

    @property
    def next_command(self) -> str:
        return "tfx" if self.passed else f"tfx quiz {self.topic.name} --test-out"


def ended(state: State, asked: Sequence[Asked], done: Sequence[Asking]) -> Outcome:
    """Puts a test on record that was taken to its end; a question that was skipped was not answered rightly."""
    from lessons.course import find_topic

    topic = find_topic(asked[0].item.topic)
    right = {one.asked.item.id for one in done if one.verdict is not None and one.verdict.correct}
    outcome = Outcome(topic, tuple(asked), tuple(question.item.id in right for question in asked))
    state.record_test(topic.name, len(asked), sum(outcome.right), outcome.needed)
    return outcome


def document(outcome: Outcome) -> dict[str, Any]:
    """The JSON face."""
    return {
        "topic": outcome.topic.name,
        "asked": len(outcome.asked),
        "right": sum(outcome.right),
        "needed": outcome.needed,
        "passed": outcome.passed,
        "read": list(outcome.to_read),
        "next": outcome.next_command,
    }
