"""Limits on the settings of experiments: a setting out of range is the reader's to mend, so it is a `BadInput`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tfx.errors import BadInput


def require_range(name: str, value: float, low: float, high: float) -> None:
    """Raises BadInput unless low <= value <= high (NaN is refused too)."""
    if not low <= value <= high:
        nearest = low if math.isnan(value) else min(max(value, low), high)
        raise BadInput(f"{name} must be from {low:g} to {high:g}, but is {value:g}.", f"Try: --set {name}={nearest:g}")


def require_all_in_range(name: str, values: Sequence[float], low: float, high: float, at_least: int = 1) -> None:
    """Raises BadInput unless there are `at_least` different values and all are in range."""
    for value in values:
        require_range(name, value, low, high)
    if len(set(values)) < at_least:
        numbers = "one number" if at_least == 1 else f"{at_least} different numbers"
        raise BadInput(f"{name} needs at least {numbers}.", f"Numbers are joined by commas: --set {name}=1,2,4")


def require_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raises BadInput unless value is one of the choices."""
    if value not in choices:
        words = ", ".join(choices)
        raise BadInput(f'{name} must be one of {words}, but is "{value}".', f"Try: --set {name}={choices[0]}")
