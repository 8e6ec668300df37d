"""The quick run of every experiment, measured once for all tests that look at its Result or its pages."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from tests.once import once
from tests.screens.even_clocks import even_clocks
from tfx.lab import experiment_module, experiments, frame
from tfx.records import Result

measure = frame.run

#: Their quick runs and what they draw take a second of computing or more, so that only `make test-all` measures them.
LONG = {
    "additive-vs-dot", "attention-vs-ablation", "batch-size", "checkpointing", "clipping", "curriculum", "distillation",
    "dropout", "exposure-bias", "fixed-vector", "forgetting", "four-kinds", "gradient-flow", "greedy-vs-beam",
    "head-pruning", "induction-heads", "label-leakage", "label-smoothing", "layer-costs", "length-extrapolation",
    "loss-scaling", "modular-addition", "norm-placement", "norm-stability", "optimizers", "permutation", "power-law",
    "quantisation", "rank-bottleneck", "repetition", "router-balance", "speculative", "vit-digits", "warmup",
    "width-vs-depth",
}  # fmt: skip


def each_experiment() -> list[Any]:
    """Names to parametrize a test with."""
    return [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in experiments()]


@functools.cache
def quick_result(name: str) -> Result:
    """With the default settings and seed 0."""
    module = experiment_module(name)
    return once(name, lambda: measure(module, module.Settings(), 0, quick=True))


@functools.cache
def evenly_timed(name: str) -> Result:
    """The same, as clocks that tick evenly give it: another one only where something is timed."""
    module = experiment_module(name)
    if not hasattr(module, "stopwatch"):
        return quick_result(name)
    with even_clocks():
        return measure(module, module.Settings(), 0, quick=True)


@contextmanager
def served(evenly: bool = False) -> Iterator[None]:
    """Inside, `tfx experiment NAME --quick` shows that Result instead of measuring it again."""

    def run(module: ModuleType, settings: Any, seed: int = 0, quick: bool = False, *rest: Any, **named: Any) -> Result:
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        plain = quick and seed == 0 and not named and rest[:1] in ((), ("cpu",)) and not any(rest[3:])
        if plain and name in experiments() and settings == module.Settings():
            return evenly_timed(name) if evenly else quick_result(name)
        return measure(module, settings, seed, quick, *rest, **named)

    with patch("tfx.lab.frame.run", run):
        yield
