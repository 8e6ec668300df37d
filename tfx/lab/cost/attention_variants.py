"""The ways to attend that the experiment efficient-variants compares: each a function of queries, keys and values.

Sizes inside them are fixed, so that what grows, grows with the length alone: a window of 16 to each side, 32 landmarks
and mixed keys, 64 features.  Sources: the docstrings of tfx/efficient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.efficient.big_bird import big_bird_attention_forward
from tfx.efficient.linear_attention import linear_attention_forward
from tfx.efficient.linformer import linformer_forward
from tfx.efficient.longformer import longformer_attention_forward
from tfx.efficient.nystrom_attention import nystrom_attention_forward
from tfx.efficient.performer import performer_forward, random_features
from tfx.efficient.sparse_transformer import sparse_transformer_attention_forward
from tfx.efficient.tiled_attention import tiled_attention_forward
from tfx.measure.counting_array import CountingArray, counted
from tfx.ops.attention.scaled_dot_product import attention_forward

#: q, k, v -> output and cache.
Attend = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, Any]]

WINDOW, LANDMARKS, FEATURES = 16, 32, 64


class Variant(NamedTuple):
    """make(n, d, rng): attention for that length and width.  power: how its memory grows with n, as its paper says.
    exact: whether it is attention over all tokens."""

    make: Callable[[int, int, np.random.Generator], Attend]
    power: float
    exact: bool = False


def linformer(n: int, d: int, rng: np.random.Generator) -> Attend:
    mixing = (rng.standard_normal((min(LANDMARKS, n), n)) / np.sqrt(n)).astype("float32")
    return partial(linformer_forward, e=mixing)


def performer(n: int, d: int, rng: np.random.Generator) -> Attend:
    return partial(performer_forward, w=random_features(FEATURES, d, int(rng.integers(2**31)), dtype="float32"))


def sparse(n: int, d: int, rng: np.random.Generator) -> Attend:
    return partial(sparse_transformer_attention_forward, stride=max(1, round(n**0.5)), part="merged", causal=False)


VARIANTS: dict[str, Variant] = {
    "exact": Variant(lambda n, d, rng: attention_forward, 2.0, True),
    "tiled": Variant(lambda n, d, rng: tiled_attention_forward, 1.0, True),
    "window": Variant(lambda n, d, rng: partial(longformer_attention_forward, window=WINDOW), 1.0),
    "big-bird": Variant(lambda n, d, rng: partial(big_bird_attention_forward, block=WINDOW), 1.0),
    "sparse": Variant(sparse, 1.5),
    "linformer": Variant(linformer, 1.0),
    "performer": Variant(performer, 1.0),
    "linear": Variant(lambda n, d, rng: linear_attention_forward, 1.0),
    "nystrom": Variant(lambda n, d, rng: partial(nystrom_attention_forward, n_landmarks=LANDMARKS), 1.0),
}


def work(attend: Attend, heads: tuple[np.ndarray, ...]) -> int:
    """Multiply-adds that its matrix products really make."""
    q, k, v = (x.view(CountingArray) for x in heads)
    counted.reset()
    attend(q, k, v)
    return counted.multiply_adds
