"""Experiments: measure something and return a `Result` of plain records; no printing, no plotting.

An experiment is one module with `Settings` (a frozen dataclass with defaults: what `--set` can change), and

    def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent)

which returns the `Result`.  With quick, the same checks on fewer samples or sizes.


`EXPERIMENTS` lists them without importing them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType

from tfx.errors import unknown_name

#: progress(done, total, what): called between pieces of long work.
Progress = Callable[[int, int, str], None]

#: name -> one line on the question it answers; the module is tfx.lab.<name with underscores>.
EXPERIMENTS: Mapping[str, str] = {
    "scaling": "Why divide by sqrt(d_k)?  Variance of q.k, before and after",
    "saturation": "How fast does softmax([a, a, 2a]) saturate, and what is left of its gradient?",
    "masking": "What do causal, padding and fully blocked masks do, and what do the usual shortcuts get wrong?",
    "complexity": "What does attention cost in FLOPs, bytes and seconds as n grows?",
}


def silent(done: int, total: int, what: str) -> None:
    """A progress callback for callers who do not show any."""


def experiment_module(name: str) -> ModuleType:
    """The module of the experiment `name`; raises BadInput with the nearest name when there is none."""
    if name not in EXPERIMENTS:
        raise unknown_name("experiment", name, EXPERIMENTS, "tfx experiment")
    return importlib.import_module(f"tfx.lab.{name.replace('-', '_')}")
