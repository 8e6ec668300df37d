"""Experiments: measure something and return a `Result` of plain records; no printing, no plotting.

An experiment is one file in a folder here, the folder is its group; `tfx/lab/frame.py` says what is in it and runs it.
A file becomes an experiment by its line `QUESTION = "..."`: `experiments()` lists them without importing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from tfx.lab.listing import entries, find_module, questions

#: In the order of the list; each is a folder.
GROUPS = ("attention", "position", "block", "sequences", "training", "generation", "cost", "scale", "beyond text")


def experiments() -> Mapping[str, str]:
    """name -> the question it answers, in the order of the list."""
    return questions(__name__, __path__, GROUPS)


def groups_of() -> Mapping[str, str]:
    """name -> its group, in the order of the list; "" for one that is in no folder."""
    return {name: entry.group for name, entry in entries(__name__, __path__, GROUPS).items()}


def experiment_module(name: str) -> ModuleType:
    """The module of the experiment `name`; raises BadInput with the nearest name when there is none."""
    return find_module(__name__, __path__, name, "experiment", "tfx experiment")
