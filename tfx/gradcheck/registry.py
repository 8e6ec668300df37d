"""The registry of cases, and the search that finds every backward, so that none can be left out of it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from tfx.gradcheck.case import Case
from tfx.gradcheck.cases import CASES
from tfx.gradcheck.mistake import Mistake
from tfx.gradcheck.mistakes import all_mistakes
from tfx.params import Layer
from tfx.records import qualified_name

#: The mistakes of the bank that the checker has to catch by itself.
CONTROLS: tuple[Mistake, ...] = tuple(mistake for mistake in all_mistakes() if mistake.wrong_backward is not None)

_SEARCHED = ("tfx.ops", "tfx.efficient", "tfx.nn", "tfx.tuning", "tfx.models")


def backward_functions() -> dict[str, Callable[..., Any]]:
    """Qualified name -> every public function called `*_backward` in tfx.ops, .efficient, .nn, .tuning or .models."""
    found: dict[str, Callable[..., Any]] = {}
    for module in _modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.endswith("_backward") and not name.startswith("_") and function.__module__ == module.__name__:
                found[qualified_name(function)] = function
    return found


def layer_classes() -> dict[str, type[Layer]]:
    """Qualified name -> every public layer defined in tfx.nn, tfx.tuning or tfx.models that has a `backward`.

    Not an abstract one: its backward is checked in each of the layers that are built on it.
    """
    found: dict[str, type[Layer]] = {}
    for module in _modules():
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if cls.__module__ != module.__name__ or not issubclass(cls, Layer) or name.startswith("_"):
                continue
            if callable(getattr(cls, "backward", None)) and not inspect.isabstract(cls):
                found[qualified_name(cls)] = cls
    return found


def not_registered(cases: tuple[Case, ...] = CASES) -> list[str]:
    """Every backward and every layer that no case covers; empty when the registry is complete."""
    covered = {case.covers for case in cases}
    return sorted((backward_functions().keys() | layer_classes().keys()) - covered)


def broken(op: str) -> Callable[[Any, Any], Any]:
    """A backward of `op` with a known mistake.  Raises KeyError when there is none for this op."""
    for control in CONTROLS:
        if control.op == op and control.wrong_backward is not None:
            return control.wrong_backward
    raise KeyError(f"no broken backward of {op}")


def _modules() -> Iterator[ModuleType]:
    for room in _SEARCHED:
        package = importlib.import_module(room)
        yield package
        for info in pkgutil.walk_packages(package.__path__, room + "."):
            yield importlib.import_module(info.name)
