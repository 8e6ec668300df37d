"""Efficient attention in models: nn.MultiHeadAttention(kernel=...) attends by one of the methods of tfx.efficient.

    Encoder(vocab, attention={"kernel": "tiled"})                                         by name
    Encoder(vocab, attention={"kernel": Kernel("tiled", block_q=32, block_k=32)})           with settings
    Encoder(vocab, attention={"kernel": Kernel("linformer", max_len=64, rank=8, one_for_all=True)})

A kernel is anything with forward(q, k, v, mask, scale) -> (out, cache) and backward(dout, cache) -> (dq, dk, dv), on
heads (..., H, T, D).  Every block of a model makes a kernel of its own; with one_for_all, all blocks share one,
parameters included.  One with reads_keys = False makes keys of the queries, or needs none; then the attention around
it has one map for both.  Cross-attention stays exact.  In a language model, methods that take the setting `causal` need
it, since a mask of single scores is more than most of them can do.  The kernel "fourier" puts Fourier mixing
(nn/fourier_mixing.py) in the place of the whole attention of an encoder block.

A method is imported when a model first asks for it: most models ask for none, and there are many.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.backend import Array, is_array
from tfx.nn.settings import Settings
from tfx.params import Layer


class OperationKernel(Layer):
    """An operation of tfx.efficient that has no parameters, with its settings.

    Raises TypeError for a setting that the operation does not have.
    """

    def __init__(self, forward: Callable[..., Any], backward: Callable[..., Any], **settings: Any) -> None:
        check_names(forward, 5, settings)  # q, k, v, mask, scale
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


#: Takes the place of the whole attention of an encoder block: it is no kernel inside one.
FOURIER = "fourier"


@dataclass(frozen=True, init=False)
class Kernel(Settings):
    """A kernel by name, with its settings: those of its operation or class.

    one_for_all: the blocks of a stack share one.
    Raises ValueError for an unknown name, TypeError for an unknown setting.
    """

    name: str
    settings: Mapping[str, Any]
    one_for_all: bool = False

    def __init__(self, name: Any = None, *, one_for_all: bool = False, **settings: Any) -> None:
        for attribute, value in (("name", name), ("settings", settings), ("one_for_all", one_for_all)):
            object.__setattr__(self, attribute, value)
        self.check()

    def check(self) -> None:
        for setting, value in self.settings.items():
            if is_array(value):
                raise TypeError(f"settings hold numbers and names, and {setting} is an array")
        if self.name == FOURIER:
            if self.settings:
                raise TypeError(f"Fourier mixing has no setting {', '.join(sorted(self.settings))}")
            return
        maker, after = _maker(self.name)
        maker, after = getattr(maker, "takes", (maker, after))
        check_names(maker, after, self.settings)

    def non_defaults(self) -> Any:
        """The name alone, or a mapping of name and settings."""
        shared = {"one_for_all": True} if self.one_for_all else {}
        given = {**self.settings, **shared}
        return {"name": self.name, **given} if given else self.name

    @classmethod
    def read(cls, given: Any) -> Kernel | None:
        """None, a name, {"name": ..., settings}, or a Kernel."""
        if given is None or isinstance(given, cls):
            return given
        if isinstance(given, str):
            return cls(given)
        if isinstance(given, Mapping):
            return cls(**given)
        raise TypeError(f'settings hold a kernel by name, such as Kernel("tiled"), not a {type(given).__name__}')

    def make(self, n_heads: int, d_head: int, rng: np.random.Generator, dtype: Any = "float32") -> Any:
        """A fresh kernel for attention with H heads of width D."""
        maker, _ = _maker(self.name)
        if self.name in OPERATIONS:
            return OperationKernel(maker, _operation(self.name, "backward"), **self.settings)
        return maker(n_heads=n_heads, d_head=d_head, rng=rng, dtype=dtype, **self.settings)


def make_kernel(kernel: Any, n_heads: int, d_head: int, rng: np.random.Generator, dtype: Any = "float32") -> Any:
    """kernel: None, a name, {"name": ..., settings}, a Kernel, or a ready layer, which is returned as it is.

    Raises ValueError for an unknown name, TypeError for an unknown setting or for an object that is no kernel.
    """
    if kernel is None:
        return None
    if isinstance(kernel, str | Mapping):
        kernel = Kernel.read(kernel)
    if isinstance(kernel, Kernel):
        return kernel.make(n_heads, d_head, rng, dtype)
    if not (callable(getattr(kernel, "forward", None)) and callable(getattr(kernel, "backward", None))):
        raise TypeError(f"a kernel needs forward and backward, and {type(kernel).__name__} does not have both")
    return kernel


def check_names(maker: Callable[..., Any], after: int, settings: Mapping[str, Any]) -> None:
    """Raises TypeError for a setting that `maker` does not have; its first `after` parameters are no settings."""
    parameters = inspect.signature(maker).parameters
    known = list(parameters)[after:]
    unknown = sorted(settings.keys() - set(known))
    if unknown:
        raise TypeError(f"{maker.__name__} has no setting {', '.join(unknown)}; it has {', '.join(known)}")
    missing = [name for name in known if parameters[name].default is inspect.Parameter.empty and name not in settings]
    if missing:
        raise TypeError(f"{maker.__name__} needs {', '.join(missing)}")


def _maker(name: Any) -> tuple[Callable[..., Any], int]:
    """What makes or is the kernel of that name, and how many of its parameters are no settings."""
    if name in OPERATIONS:
        return _operation(name, "forward"), 5  # q, k, v, mask, scale
    if name in LAYERS:
        home, kind = LAYERS[name]
        return getattr(importlib.import_module(home), kind), 4  # n_heads, d_head, rng, dtype
    raise ValueError(f"kernel must be one of {', '.join(sorted([*OPERATIONS, *LAYERS]))}, not {name!r}")


def _operation(name: str, way: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(importlib.import_module(OPERATIONS[name]), f"{name}_attention_{way}")
    return found
