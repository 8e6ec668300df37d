"""The one bank of known wrong answers.  The checker has to catch them all; lessons, quiz and practice read from it.

    >>> from tfx.gradcheck.mistakes import find_mistake, mistakes_of
    >>> [mistake.name for mistake in mistakes_of("log_softmax")]
    ['sum-missing', 'backward-of-softmax']
    >>> find_mistake("softmax/inner-sum-missing").says
    'the inner sum is missing'

The mistakes in tfx/ops/basics/softmax.py stand in mistakes/ops/basics/softmax.py, as MISTAKES: a new file is found by
itself.
"""

from __future__ import annotations

from tfx.errors import unknown_name
from tfx.gradcheck.discovery import found_in
from tfx.gradcheck.mistake import Mistake

ROOMS = ("ops", "efficient", "models")


def all_mistakes() -> tuple[Mistake, ...]:
    """The whole bank, room by room.  It imports the whole library."""
    return found_in(__name__, ROOMS, "MISTAKES")


def mistakes_of(op: str) -> tuple[Mistake, ...]:
    """Those of one operation (`softmax`), in the order of the bank.  Raises BadInput with the nearest name."""
    found = tuple(mistake for mistake in all_mistakes() if mistake.op == op)
    if not found:
        raise unknown_name("operation", op, dict.fromkeys(mistake.op for mistake in all_mistakes()), "tfx gradcheck")
    return found


def find_mistake(identity: str) -> Mistake:
    """`softmax/inner-sum-missing` -> that mistake.  Raises BadInput with the nearest name."""
    by_id = {mistake.id: mistake for mistake in all_mistakes()}
    if identity not in by_id:
        raise unknown_name("mistake", identity, by_id, "tfx gradcheck")
    return by_id[identity]
