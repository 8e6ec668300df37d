"""Efficient attention in models: nn.MultiHeadAttention(kernel=...) attends by one of the methods of tfx.efficient.

    Encoder(vocab, attention={"kernel": "tiled"})                                         by name
    Encoder(vocab, attention={"kernel": {"name": "tiled", "block_q": 32, "block_k": 32}})   with settings

A kernel is anything with forward(q, k, v, mask, scale) -> (out, cache) and backward(dout, cache) -> (dq, dk, dv), on
heads (..., H, T, D).  Given by name, every block makes a kernel of its own; one object given to a model is shared by
all of its blocks, parameters included.  One with reads_keys = False makes keys of the queries, or needs none; then the
attention around it has one map for both.  Cross-attention stays exact.  In a language model, methods that take the
setting `causal` need it, since a mask of single scores is more than most of them can do.  {"kernel": "fourier"} puts
Fourier mixing (nn/fourier_mixing.py) in the place of the whole attention of an encoder block.

A method is imported when a model first asks for it: most models ask for none, and there are many.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.params import Layer


class OperationKernel(Layer):
    """An operation of tfx.efficient that has no parameters, with its settings.

    Raises TypeError for a setting that the operation does not have.
    """

    def __init__(self, forward: Callable[..., Any], backward: Callable[..., Any], **settings: Any) -> None:
        known = list(inspect.signature(forward).parameters)[5:]  # after q, k, v, mask, scale
        unknown = sorted(settings.keys() - set(known))
        if unknown:
            raise TypeError(f"{forward.__name__} has no setting {', '.join(unknown)}; it has {', '.join(known)}")
        self._forward, self._backward, self.settings = forward, backward, settings

    def forward(
        self, q: Array, k: Array, v: Array, mask: Array | None = None, scale: float | None = None
    ) -> tuple[Array, Any]:
        """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv)."""
        return self._forward(q, k, v, mask, scale, **self.settings)

    def backward(self, dout: Array, cache: Any) -> tuple[Array, Array, Array]:
        """dout: (..., T, Dv) -> dq, dk, dv."""
        return self._backward(dout, cache)


#: Operations without parameters: name -> the module, which has `name`_attention_forward and `name`_attention_backward.
OPERATIONS = {
    "tiled": "tfx.efficient.tiled_attention",
    "memory_efficient": "tfx.efficient.memory_efficient_attention",
    "linear": "tfx.efficient.linear_attention",
    "nystrom": "tfx.efficient.nystrom_attention",
    "longformer": "tfx.efficient.longformer",
    "sparse_transformer": "tfx.efficient.sparse_transformer",
    "big_bird": "tfx.efficient.big_bird",
}

#: Kernels that own something: name -> module and class, called with n_heads, d_head, rng, dtype and the settings.
LAYERS = {
    "performer": ("tfx.nn.attention_kernels", "PerformerKernel"),
    "linformer": ("tfx.nn.attention_kernels", "LinformerKernel"),
    "random_synthesizer": ("tfx.nn.attention_kernels", "RandomSynthesizerKernel"),
    "dense_synthesizer": ("tfx.nn.attention_kernels", "DenseSynthesizerKernel"),
    "lsh": ("tfx.nn.lsh_kernel", "LshKernel"),
}


def make_kernel(kernel: Any, n_heads: int, d_head: int, rng: np.random.Generator, dtype: Any = "float32") -> Any:
    """kernel: None, a name, {"name": ..., settings}, or a ready object, which is returned as it is.

    Raises ValueError for an unknown name, TypeError for an unknown setting or for an object that is no kernel.
    """
    if kernel is None:
        return None
    if not isinstance(kernel, str | Mapping):
        if not (callable(getattr(kernel, "forward", None)) and callable(getattr(kernel, "backward", None))):
            raise TypeError(f"a kernel needs forward and backward, and {type(kernel).__name__} does not have both")
        return kernel
    settings: dict[str, Any] = {"name": kernel} if isinstance(kernel, str) else dict(kernel)
    name: Any = settings.pop("name", None)
    if name in OPERATIONS:
        module = importlib.import_module(OPERATIONS[name])
        both = (getattr(module, f"{name}_attention_{way}") for way in ("forward", "backward"))
        return OperationKernel(*both, **settings)
    if name in LAYERS:
        home, kind = LAYERS[name]
        return getattr(importlib.import_module(home), kind)(
            n_heads=n_heads, d_head=d_head, rng=rng, dtype=dtype, **settings
        )
    raise ValueError(f"kernel must be one of {', '.join(sorted([*OPERATIONS, *LAYERS]))}, not {name!r}")
