"""Benchmarks: how fast is it, compared with what, and why?

A benchmark is one file and stands in the frame of the experiments (tfx/lab/frame.py).  What is compared is timed in
turns, in one process; the medians count, and every row gives its spread.  Its checks say whether the compared things
computed the same numbers, and whether counted work (FLOPs, bytes, allocations) is what it should be.  Seconds belong to
one machine, so a speed that was aimed at and missed is a note and not a failure.

A module with PARTS (name -> one line) measures one of several things: `tfx bench ladder softmax`; its Settings then
have the field `part`.

`benchmarks()` lists them without importing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from tfx.lab.listing import find_module, questions


def benchmarks() -> Mapping[str, str]:
    """name -> one line on what it measures, in the order of the list."""
    return questions(__name__, __path__)


def bench_module(name: str) -> ModuleType:
    """The module of the benchmark `name`; raises BadInput with the nearest name when there is none."""
    return find_module(__name__, __path__, name, "benchmark", "tfx bench")
