"""For tables of what breaks a check: a run that trains is made once, and what only judges is then broken for free."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def remembered() -> Callable[[Any], Any]:
    """Planted `always`: the same function, called once for equal arguments in all runs of a table."""
    kept: dict[int, Any] = {}

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        return kept.setdefault(id(original), functools.cache(original))  # type: ignore[no-any-return]

    return make
