"""Experiments: measure something and return a `Result` of plain records; no printing, no plotting.

An experiment is one file, here or in a folder here; `tfx/lab/frame.py` says what is in it and runs it.  A file becomes
an experiment by its line `QUESTION = "..."`: `experiments()` lists them without importing them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from tfx.errors import unknown_name
from tfx.lab.listing import entries


def experiments() -> Mapping[str, str]:
    """name -> the question it answers, in the order of the list."""
    return {name: entry.question for name, entry in entries(__name__, __path__).items()}


def experiment_module(name: str) -> ModuleType:
    """The module of the experiment `name`; raises BadInput with the nearest name when there is none."""
    known = entries(__name__, __path__)
    if name not in known:
        raise unknown_name("experiment", name, known, "tfx experiment")
    return importlib.import_module(known[name].module)
