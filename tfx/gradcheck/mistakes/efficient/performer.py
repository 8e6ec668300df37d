"""Known mistakes in tfx/efficient/performer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.performer import PerformerCache, performer_backward
from tfx.gradcheck.cases.efficient.performer import performer
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(performer)
def length_forgotten(dout: Any, cache: PerformerCache) -> Any:
    """Length forgotten.

    |k|^2 / 2 in the exponent forgotten. (That of the query is a factor of its whole row, and cancels.)

    Why: The random features are remembered as exp(w . k), and the squared length in the exponent is lost.
    Hint: Which terms stand in the exponent besides w . k, and do they depend on k?
    """
    return performer_backward(dout, cache._replace(key=cache.key._replace(x=0 * cache.key.x)))
