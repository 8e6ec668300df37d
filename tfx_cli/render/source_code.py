"""Where a live function lives and what its source says."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import tfx

ROOT = Path(tfx.__file__).resolve().parent.parent


def place_of(target: Any) -> tuple[str, str]:
    """(`tfx/ops/basics/softmax.py:41`, `softmax_forward`) of a function or class; the path from the package's home."""
    plain = inspect.unwrap(target)
    path = Path(inspect.getsourcefile(plain) or "?").resolve()
    if path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    lines, line = inspect.getsourcelines(plain)
    line += lines[0] == "@in_float32\n"
    return f"{path.as_posix()}:{line}", target.__qualname__


def source_of(target: Any) -> str:
    """The source text, as it is on disk, without the decorator that is about float16 alone."""
    return inspect.getsource(inspect.unwrap(target)).removeprefix("@in_float32\n").rstrip() + "\n"


def link_of(target: Any) -> str:
    """`path:line name` in one string."""
    return " ".join(place_of(target))
