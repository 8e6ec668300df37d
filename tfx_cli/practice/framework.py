"""In which framework an exercise is answered."""

from __future__ import annotations

from enum import StrEnum


class Framework(StrEnum):
    numpy = "numpy"
    torch = "torch"

    @property
    def words(self) -> str:
        """What a command of it ends with."""
        return "" if self is Framework.numpy else f" --framework {self}"
