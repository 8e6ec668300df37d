"""Which questions a test-out asks: `tfx quiz TOPIC --test-out` skips a topic that the reader knows already.

Six of its questions, whose answers are computed or keyed, because nobody marks himself.  Each is asked once, and one
may be answered wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence

from lessons.grading import item_seed
from lessons.quiz import Item
from tfx.errors import BadInput, many

ASKED, MAY_BE_WRONG = 6, 1
#: with fewer questions one can pass by guessing
FEWEST = 4
#: of the questions so many, where there are, have new numbers every time
COMPUTED = 4


def drawn(topic: str, items: Sequence[Item], seed: int) -> list[Item]:
    """items: of the topic, in order, which stays.  Equal seeds draw the same.  Raises BadInput for too few."""
    keyed = sorted((item for item in items if item.kind != "open"), key=lambda item: item_seed(seed, item.id))
    if len(keyed) < FEWEST:
        raise BadInput(
            f"{topic} has {many(len(keyed), 'question')} that nobody has to mark, too few for a test.",
            f"Read it: tfx explain {topic}",
        )
    computed = [item for item in keyed if item.compute][:COMPUTED]
    others = [item for item in keyed if item not in computed]
    chosen = [*computed, *sorted(others, key=lambda item: bool(item.compute))][:ASKED]
    return [item for item in items if item in chosen]


def needed(asked: int) -> int:
    """Right answers that pass a test of so many questions."""
    return asked - MAY_BE_WRONG
