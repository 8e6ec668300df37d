"""Benchmarks: how fast is it, compared with what, and why?

A benchmark is one module that follows the contract of an experiment (tfx/lab/__init__.py): frozen `Settings`, and
`run(settings, seed, quick, device, progress)` that returns a `Result`.  What is compared is timed in turns, in one
process; the medians count, and every row gives its spread.  Its checks say whether the compared things computed the
same numbers, and whether counted work (FLOPs, bytes, allocations) is what it should be.  Seconds belong to one machine,
so a speed that was aimed at and missed is a note and not a failure.

A module with PARTS (name -> one line) measures one of several things: `tfx bench ladder softmax`; its Settings then
have the field `part`.

`BENCHMARKS` lists them without importing them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from tfx.errors import unknown_name

#: name -> one line on what it measures; the module is tfx.bench.<name>.
BENCHMARKS: Mapping[str, str] = {
    "train": "A training step of a GPT, beside PyTorch where it is installed",
    "attention": "Exact and tiled attention, time and memory as the sequence grows",
    "ladder": "From loops to the code in use, each step timed: attention, softmax, gelu ...",
    "roofline": "What the machine can do, and how near each operation comes",
    "decode": "Tokens per second with stored keys and values, and without",
}


def bench_module(name: str) -> ModuleType:
    """The module of the benchmark `name`; raises BadInput with the nearest name when there is none."""
    if name not in BENCHMARKS:
        raise unknown_name("benchmark", name, BENCHMARKS, "tfx bench")
    return importlib.import_module(f"tfx.bench.{name}")
