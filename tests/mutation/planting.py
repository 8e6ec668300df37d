"""Plants a mutant in modules that are imported already, so that a warm process can be forked for each one.

Other modules hold the functions themselves (`from tfx.ops.basics.softmax import softmax_forward`), so the functions
stay and get other code.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from types import FunctionType, ModuleType
from typing import Any

from tests.mutation.mutants import ROOT, Mutant


def module_of(mutant: Mutant) -> str:
    return ".".join(mutant.path.relative_to(ROOT).with_suffix("").parts)


def plant(mutant: Mutant) -> None:
    """Makes the imported module behave as the mutant's source says."""
    module = importlib.import_module(module_of(mutant))
    changed: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(mutant.source, str(module.__file__), "exec"), changed)
    for name, new in changed.items():
        old = vars(module).get(name)
        if inspect.isclass(old) and old.__module__ == module.__name__:
            for attribute, method in vars(new).items():
                _replace(vars(old).get(attribute), method)
        elif not _replace(old, new) and _is_plain(old) and repr(old) != repr(new):
            _rebind(module, name, old, new)
    _forget()


def _replace(old: Any, new: Any) -> bool:
    """Gives a function, also one behind a property or a cache, the code of another; True when it did."""
    if isinstance(old, property):
        return _replace(old.fget, new.fget)
    if isinstance(old, staticmethod | classmethod):
        return _replace(old.__func__, new.__func__)
    if hasattr(old, "__wrapped__"):  # behind a cache, or computed in float32
        return _replace(old.__wrapped__, new.__wrapped__)
    if not isinstance(old, FunctionType) or not isinstance(new, FunctionType):
        return False
    if old.__module__ == new.__module__ and len(old.__code__.co_freevars) == len(new.__code__.co_freevars):
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return True


def _forget() -> None:
    """Empties every cache of tfx: a table of another module may have been made with the function that has changed."""
    for name, module in list(sys.modules.items()):
        if name.startswith("tfx."):
            for value in list(vars(module).values()):
                if isinstance(value, type(functools.cache(repr))):
                    value.cache_clear()


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | tuple | list | dict) or type(value).__module__ == "numpy"


def _rebind(module: ModuleType, name: str, old: Any, new: Any) -> None:
    """A constant of the module, here and wherever it was imported by name."""
    for other in list(sys.modules.values()):
        if other is not None and vars(other).get(name, functools) is old:
            setattr(other, name, new)
    setattr(module, name, new)
