"""Known mistakes in tfx/efficient/linformer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.linformer import LinformerCache, LinformerGrads, linformer_backward
from tfx.gradcheck.cases.efficient.linformer import linformer
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(linformer, shared=True)
def shared_matrix_used_once(dout: Any, cache: LinformerCache) -> LinformerGrads:
    """Shared matrix, one use.

    One matrix mixes keys and values; its gradient from the values forgotten.

    Why: The backward is written for two matrices, and sharing makes them one without a change in that code.
    Hint: Count how many products the shared matrix takes part in.
    """
    grads = linformer_backward(dout, cache)
    return grads._replace(de=linformer_backward(dout, cache._replace(f=cache.e)).de)
