"""Files that mirror the library are found by walking through them: no list to keep."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any


@cache
def found_in(package: str, rooms: tuple[str, ...], name: str) -> tuple[Any, ...]:
    """Everything in the tuples called `name` of the modules below these rooms of the package, room by room."""
    found: list[Any] = []
    for room in rooms:
        path = importlib.import_module(f"{package}.{room}").__path__
        for info in pkgutil.walk_packages(path, f"{package}.{room}."):
            found += getattr(importlib.import_module(info.name), name, ())
    return tuple(found)
