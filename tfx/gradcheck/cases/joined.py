"""Several outputs as one vector, as a loss that reads them all sees them: a case has one output to check."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tfx.backend import xp_of


def join(*parts: Any) -> Any:
    """Arrays of any shapes -> one vector."""
    return xp_of(*parts).concatenate([part.reshape(-1) for part in parts])


def apart(vector: Any, shapes: Iterable[tuple[int, ...]]) -> list[Any]:
    """The vector of `join` -> arrays of these shapes."""
    parts, start = [], 0
    for shape in shapes:
        stop = start + math.prod(shape)
        parts.append(vector[start:stop].reshape(shape))
        start = stop
    return parts
