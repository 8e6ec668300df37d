"""The one bank of known wrong answers.  The checker has to catch them all; lessons, quiz and practice read from it.

    >>> from tfx.gradcheck.mistakes import find_mistake, mistakes_of
    >>> [mistake.name for mistake in mistakes_of("log_softmax")]
    ['sum-missing', 'backward-of-softmax']
    >>> find_mistake("softmax/inner-sum-missing").says
    'the inner sum is missing'

A mistake is one thing, the wrong function, and its docstring says the rest:

    @wrong_backward(softmax)
    def inner_sum_missing(dy: Any, cache: SoftmaxCache) -> Any:
        \"\"\"The inner sum is missing.

        Why: The derivative of exp is remembered and that of the divisor is not.
        Hint: Move one input: how many outputs of the row move?
        \"\"\"
        return cache.y * dy

The decorator is handed the problem of a case on which the mistake shows, and with it the operation's name where the
problem has another (`op="relu"`) and the problem's settings (`scale=0.3`).  The function's name is the slug, and stays:
ids are links.  Why says what makes people do it, Hint what to look at without giving the answer away; both are shown
to readers.  A paragraph above Why is for those who read the code.  `wrong_forward` marks a wrong forward.

The mistakes in tfx/ops/basics/softmax.py stand in mistakes/ops/basics/softmax.py: a new file is found by itself.
"""

from __future__ import annotations

from tfx.errors import unknown_name
from tfx.gradcheck.discovery import modules_in
from tfx.gradcheck.mistake import WRITTEN_IN, Mistake

ROOMS = ("ops", "efficient", "models")


def all_mistakes() -> tuple[Mistake, ...]:
    """The whole bank, room by room.  It imports the whole library."""
    modules = modules_in(__name__, ROOMS)
    return tuple(mistake for module in modules for mistake in WRITTEN_IN.get(module.__name__, ()))


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
