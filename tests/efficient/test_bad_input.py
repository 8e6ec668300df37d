"""What does not fit is named, by every method alike: never an index, a division by zero or a broadcast of NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.efficient.causal_product import causal_product_forward
from tfx.efficient.fourier_mixing import fourier_mixing_forward
from tfx.efficient.gathered_attention import gathered_attention_forward, gathering_of_mask
from tfx.efficient.iterative_inverse import iterative_inverse_forward
from tfx.efficient.linformer import linformer_forward
from tfx.efficient.longformer import longformer_attention_forward
from tfx.efficient.lsh_attention import lsh_attention_forward
from tfx.efficient.lsh_hashing import lsh_buckets, random_rotations
from tfx.efficient.performer import performer_forward, random_features
from tfx.efficient.synthesizer import dense_synthesizer_forward, random_synthesizer_forward
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.efficient_attention import LAYERS, OPERATIONS, make_kernel
from tfx.ops.attention.scaled_dot_product import attention_forward

RNG = np.random.default_rng(0)
B, H, T, D = 2, 3, 6, 4
Q, K, V = (RNG.standard_normal((B, H, T, D)) for _ in range(3))

#: What each kernel needs to be made.
NEEDS = {
    "nystrom": {"n_landmarks": 3},
    "longformer": {"window": 2},
    "sparse_transformer": {"stride": 2},
    "big_bird": {"block": 2},
    "linformer": {"max_len": 8, "rank": 3},
    "random_synthesizer": {"max_len": 8},
    "dense_synthesizer": {"max_len": 8},
    "lsh": {"n_buckets": 2},
}
#: Its sizes that are whole numbers, and the least of them.
SIZES = [
    ("tiled", "block_q", 1),
    ("tiled", "block_k", 1),
    ("memory_efficient", "chunk", 1),
    ("linear", "chunk", 1),
    ("nystrom", "n_landmarks", 1),
    ("nystrom", "n_iterations", 0),
    ("longformer", "window", 0),
    ("longformer", "dilation", 1),
    ("sparse_transformer", "stride", 1),
    ("sparse_transformer", "n_summary", 1),
    ("big_bird", "block", 1),
    ("big_bird", "n_window", 1),
    ("big_bird", "n_global", 0),
    ("big_bird", "n_random", 0),
    ("performer", "n_features", 1),
    ("performer", "chunk", 1),
    ("linformer", "max_len", 1),
    ("linformer", "rank", 1),
    ("random_synthesizer", "max_len", 1),
    ("random_synthesizer", "rank", 1),
    ("dense_synthesizer", "max_len", 1),
    ("dense_synthesizer", "hidden", 1),
    ("lsh", "n_buckets", 1),
    ("lsh", "chunk", 1),
    ("lsh", "n_rounds", 1),
]
EXACT = {name: make_kernel({"name": name, **NEEDS.get(name, {})}, H, D, RNG, "float64") for name in OPERATIONS}


def attend(name, q=Q, k=K, v=V, mask=None):
    return attention_forward(q, k, v, mask)[0] if name == "exact" else EXACT[name].forward(q, k, v, mask)[0]


@pytest.mark.parametrize("name", ["exact", *OPERATIONS])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k": K[..., :3]}, ValueError, "keys have width 3 but queries have 4"),
        ({"v": V[..., :5, :]}, ValueError, "there are 6 keys but 5 values"),
        ({"k": K[:1, :2], "v": V[:1, :2]}, ValueError, r"keys for \(1, 2\) in front do not fit \(2, 3\)"),
        ({"mask": np.ones((4, 1, T), dtype=bool)}, ValueError, r"mask for \(4,\) in front do not fit \(2, 3\)"),
        ({"mask": np.ones((T, T - 1), dtype=bool)}, ValueError, "mask covers 5 keys but there are 6"),
        ({"mask": np.ones((T, T))}, TypeError, "mask must be boolean"),
        ({"q": Q[0, 0, 0]}, ValueError, r"queries must be \(..., length, width\), not \(4,\)"),
        ({"q": Q.astype(int)}, TypeError, "queries must be floats, not int64"),
        ({"q": Q[..., :0], "k": K[..., :0]}, ValueError, "width 0"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_named_by_every_method(name, change, error, message):
    with pytest.raises(error, match=message):
        attend(name, **change)


@pytest.mark.parametrize(("name", "size", "least"), SIZES)
def test_a_size_below_its_least_is_named_by_every_kernel(name, size, least):
    settings = {"name": name, **NEEDS.get(name, {}), size: least - 1}
    with pytest.raises(ValueError, match=size):
        MultiHeadAttention(H * D, H, RNG, kernel=settings).forward(np.ones((1, T, H * D), dtype=np.float32))


@pytest.mark.parametrize(("name", "size", "least"), SIZES)
@pytest.mark.parametrize("value", [2.5, "two"])
def test_a_size_that_is_no_whole_number_is_named_by_every_kernel(name, size, least, value):
    settings = {"name": name, **NEEDS.get(name, {}), size: value}
    with pytest.raises(TypeError, match=rf"{size} must be a whole number"):
        MultiHeadAttention(H * D, H, RNG, kernel=settings).forward(np.ones((1, T, H * D), dtype=np.float32))


def test_every_kernel_is_tried_here():
    assert {name for name, _, _ in SIZES} == {*OPERATIONS, *LAYERS}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: causal_product_forward(Q, K, V, np.ones((5, 4))), r"a state for keys .* is no \(5, 4\)"),
        (lambda: fourier_mixing_forward(np.ones(4)), r"x must be \(..., length, width\), not \(4,\)"),
        (lambda: fourier_mixing_forward(Q, np.ones((B, 1, T + 1), bool)), "keys cover 7 tokens but there are 6"),
        (lambda: fourier_mixing_forward(Q, np.ones((B, 1, T))), "keys must be boolean"),
        (lambda: gathering_of_mask(np.ones(T, bool)), r"boolean mask \(T, S\), not of bool \(6,\)"),
        (lambda: gathering_of_mask(np.ones((T, T))), r"boolean mask \(T, S\), not of float64"),
        (
            lambda: gathered_attention_forward(Q, K, V, table=gathering_of_mask(np.ones((T, 9), bool))),
            "the table reads key 8 but there are 6",
        ),
        (lambda: iterative_inverse_forward(np.ones(3)), r"a matrix has two axes, not \(3,\)"),
        (lambda: linformer_forward(Q, K, V, np.ones(8)), r"e must be \(K, L\) or \(H, K, L\)"),
        (lambda: linformer_forward(Q, K, V, np.ones((0, 8))), r"K above 0, not \(0, 8\)"),
        (
            lambda: linformer_forward(Q, K, V, np.ones((2, 3, 8))),
            r"e is \(2, 3, 8\) but queries and keys have",
        ),
        (lambda: longformer_attention_forward(Q, K, V, window=1, global_places=3), "global_places must be a sequence"),
        (
            lambda: longformer_attention_forward(Q, K, V, window=1, global_places=[1.5]),
            "a global place must be",
        ),
        (lambda: lsh_attention_forward(Q, V, n_buckets=2, buckets=np.zeros((B, H, 1, 5), int)), "buckets are"),
        (lambda: lsh_attention_forward(Q, V, n_buckets=2, buckets=np.zeros((B, H, 1, T))), "buckets must be integers"),
        (lambda: lsh_attention_forward(Q, V, n_buckets=2, eps=0), "eps must be above 0"),
        (lambda: lsh_buckets(Q, random_rotations(3, 2, 1)), "rotations are for width 3 but x has 4"),
        (lambda: performer_forward(Q, K, V, np.ones((0, D))), "at least one feature"),
        (lambda: random_features(4, 0), "the width of features must be at least 1"),
        (lambda: random_synthesizer_forward(V, np.ones((2, 8, 8))), "scores are for 2 heads but values have 3"),
        (lambda: random_synthesizer_forward(V, np.ones((8, 8)), -1), "n_queries must be at least 0"),
        (
            lambda: dense_synthesizer_forward(Q, V, np.ones((D, 7)), np.ones((1, 6)), np.ones((7, 8)), np.ones((1, 8))),
            r"b1 is \(1, 6\) but the map before it makes 7",
        ),
        (
            lambda: dense_synthesizer_forward(Q, V, np.ones((D, 7)), np.ones((1, 7)), np.ones((7, 8)), np.ones((1, 5))),
            r"b2 is \(1, 5\) but the map before it makes 8",
        ),
    ],
)
def test_what_one_method_alone_takes_is_named(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
