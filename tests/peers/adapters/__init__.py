"""Adapters between tfx and the test suites of its peers, family by family.

A module `onnx_<family>` has OPS = {op_type: fn(inputs, attrs, ctx)}, a module `torch_<family>` has
OPS = {(kind, name): fn(args, kwargs, params, config, cot)}; both may have OUT_OF_SCOPE = {the same keys: why}.
An adapter renames, transposes, reshapes and fills in defaults.  It never computes: that is what is being tested.
A single case that is out of scope raises Skip("why").
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


class Skip(Exception):
    """This case is out of scope; the message says why.  The runners know it by its name."""


def collect(prefix: str) -> tuple[dict[Any, Any], dict[Any, str]]:
    """OPS and OUT_OF_SCOPE of every adapter module whose name starts with `prefix`."""
    ops: dict[Any, Any] = {}
    out_of_scope: dict[Any, str] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith(prefix):
            module = importlib.import_module(f"{__name__}.{info.name}")
            ops.update(getattr(module, "OPS", {}))
            out_of_scope.update(getattr(module, "OUT_OF_SCOPE", {}))
    return ops, out_of_scope
