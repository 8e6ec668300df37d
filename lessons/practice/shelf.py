"""The exercises of the course, on a shelf: a name is known without its module, which is imported when it is taken down."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any


class Shelf(Mapping[str, Any]):
    """Exercises by name, each imported when it is first asked for."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        """modules: name of an exercise -> its module."""
        self._modules = modules

    def __getitem__(self, name: str) -> Any:
        module = self._modules[name]
        exercise = importlib.import_module(module).exercise
        importlib.import_module(f"{module}_mistakes")
        return exercise

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)
