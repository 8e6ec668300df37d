"""Files that mirror the library are found by walking through them: no list to keep."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def modules_in(package: str, rooms: tuple[str, ...]) -> tuple[ModuleType, ...]:
    """The modules below these rooms of the package, imported, room by room."""
    found = []
    for room in rooms:
        path = importlib.import_module(f"{package}.{room}").__path__
        found += [importlib.import_module(info.name) for info in pkgutil.walk_packages(path, f"{package}.{room}.")]
    return tuple(found)
