"""Known mistakes in tfx/efficient/linformer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.linformer import LinformerCache, LinformerGrads, linformer_backward
from tfx.gradcheck.cases.efficient.linformer import linformer
from tfx.gradcheck.mistake import Mistake


def linformer_shared_once(dout: Any, cache: LinformerCache) -> LinformerGrads:
    """One matrix mixes keys and values; its gradient from the values forgotten."""
    grads = linformer_backward(dout, cache)
    return grads._replace(de=linformer_backward(dout, cache._replace(f=cache.e)).de)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="linformer",
        name="shared-matrix-used-once",
        says="shared matrix, one use",
        why="The matrix was meant for the keys, and that the values pass through it too is overlooked.",
        hint="Count how many products the shared matrix takes part in.",
        problem=lambda rng: linformer(rng, shared=True),
        wrong_backward=linformer_shared_once,
    ),
)
