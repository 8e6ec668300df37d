"""PyTorch, where it is installed: what some benchmarks compare with.  Nothing else here needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def import_torch() -> Any | None:
    """PyTorch, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    return torch


@contextmanager
def torch_threads(torch: Any | None, n: int) -> Iterator[None]:
    """Inside, PyTorch computes in n threads."""
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
