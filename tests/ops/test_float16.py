"""Every operation in float16 is its float32 result, rounded once: forward and backward, small and large numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.generate.shaping import Shaping, probabilities_of
from tfx.gradcheck.cases import CASES
from tfx.half import HALF, WIDE
from tfx.models import VisionTransformer
from tfx.ops.basics.embedding import embedding_backward, embedding_forward
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.log_softmax import log_softmax_backward, log_softmax_forward
from tfx.ops.basics.logsumexp import logsumexp_backward, logsumexp_forward
from tfx.ops.basics.mean_pool import mean_pool_backward, mean_pool_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward
from tfx.ops.losses.focal_loss import focal_loss_backward, focal_loss_forward
from tfx.ops.losses.negative_log_likelihood import negative_log_likelihood_backward, negative_log_likelihood_forward
from tfx.ops.losses.soft_cross_entropy import soft_cross_entropy_backward, soft_cross_entropy_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward
from tfx.train.regression import NumbersBatch, squared_error_loss

OPERATIONS = [case for case in CASES if case.covers.split(".")[1] in ("ops", "efficient")]
#: cases whose loss also reads what the cache keeps for later, in float32: weights, states
READS_WHAT_IS_KEPT = {
    "attention", "noisy_logits", "causal_product", "fast_weights",
}  # fmt: skip
SIZES = (1.0, 30.0, 300.0, 3000.0)


def as_type(value: Any, dtype: np.dtype, size: float = 1.0) -> Any:
    """Floats as float16, then as `dtype`; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return (value * size).astype(HALF).astype(dtype)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(as_type(part, dtype, size) for part in value)
    return value


def results(case: Any, dtype: np.dtype, size: float) -> list[np.ndarray]:
    """The output and every gradient of a case whose numbers have this dtype."""
    problem = case.build(np.random.default_rng(0))
    inputs = {name: as_type(value, dtype, size) for name, value in problem.inputs.items()}
    fixed = {name: as_type(value, dtype) for name, value in problem.fixed.items()}
    y, cache = problem.forward(**inputs, **fixed)
    dy = np.random.default_rng(1).standard_normal(np.shape(y)).astype(HALF).astype(dtype)
    gradients = problem.backward(dy if np.ndim(y) else dy[()], cache)
    if isinstance(gradients, dict):
        gradients = tuple(gradients.values())
    flat = gradients if isinstance(gradients, tuple) else (gradients,)
    return [np.asarray(y), *(np.asarray(g) for g in flat if g is not None)]


def same(half: np.ndarray, wide: np.ndarray) -> bool:
    """Equal to rounding: within one unit of the last of eleven bits, the same infinities and NaNs."""
    with np.errstate(over="ignore"):
        half, rounded = half.astype(HALF), wide.astype(HALF)
    finite = np.isfinite(rounded) & np.isfinite(half)
    if not np.array_equal(half[~finite], rounded[~finite], equal_nan=True):
        return False
    a, b = half[finite].astype(float), rounded[finite].astype(float)
    return bool((abs(a - b) <= 2.0**-10 * abs(b) + 2.0**-24).all())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", OPERATIONS, ids=lambda case: f"{case.op}-{case.variant}")
def test_float16_is_the_float32_result_rounded_once(case, size):
    with np.errstate(all="ignore"):
        half, wide = results(case, HALF, size), results(case, WIDE, size)
    for got, wanted in zip(half, wide, strict=True):
        if wanted.dtype == WIDE:
            assert same(got, wanted)
            assert got.dtype == HALF or case.op in READS_WHAT_IS_KEPT


MANY = 100_000
RNG = np.random.default_rng(2)
SCORES, UPSTREAM = ((RNG.standard_normal((2, MANY)) * size).astype(HALF) for size in (3, 1))
CLASSES = np.array([3, MANY - 1])
TOKENS, THEIRS = RNG.standard_normal((MANY, 8)).astype(HALF), RNG.integers(0, 8, MANY)


def over(forward: Any, backward: Any, *inputs: Any, **settings: Any) -> Any:
    """dtype -> the output and every gradient, for inputs with 100,000 entries; of a loss with S = 1024 in front."""

    def run(dtype: np.dtype) -> list[np.ndarray]:
        y, cache = forward(*(as_type(given, dtype) for given in inputs), **settings)
        dy = as_type(UPSTREAM, dtype).reshape(-1)[: np.size(y)].reshape(np.shape(y)) if np.ndim(y) else dtype.type(1024)
        grads = backward(dy, cache)
        return [
            np.asarray(part) for part in (y, *(grads if isinstance(grads, tuple) else (grads,))) if part is not None
        ]

    return run


LARGE = {
    "mean over tokens": over(cross_entropy_forward, cross_entropy_backward, TOKENS, THEIRS),
    "mean over tokens that count": over(
        cross_entropy_forward, cross_entropy_backward, TOKENS, THEIRS, keep=THEIRS > 0, smoothing=0.1
    ),
    "classes": over(cross_entropy_forward, cross_entropy_backward, SCORES, CLASSES),
    "classes, smoothed": over(cross_entropy_forward, cross_entropy_backward, SCORES, CLASSES, smoothing=0.1),
    "equal classes": over(cross_entropy_forward, cross_entropy_backward, SCORES * 0, CLASSES),
    "focal": over(focal_loss_forward, focal_loss_backward, TOKENS, THEIRS),
    "likelihood": over(negative_log_likelihood_forward, negative_log_likelihood_backward, -abs(TOKENS), THEIRS),
    "soft targets": over(soft_cross_entropy_forward, soft_cross_entropy_backward, TOKENS, abs(TOKENS)),
    "distillation": over(distillation_loss_forward, distillation_loss_backward, TOKENS, TOKENS[::-1]),
    "softmax": over(softmax_forward, softmax_backward, SCORES),
    "softmax of equal scores": over(softmax_forward, softmax_backward, SCORES * 0),
    "log-softmax": over(log_softmax_forward, log_softmax_backward, SCORES),
    "log-sum-exp": over(logsumexp_forward, logsumexp_backward, SCORES),
    "layer norm": over(layer_norm_forward, layer_norm_backward, SCORES * HALF.type(300), UPSTREAM[0], UPSTREAM[1]),
    "rms norm": over(rms_norm_forward, rms_norm_backward, SCORES * HALF.type(300), UPSTREAM[0]),
    "one id again and again": over(
        lambda table, ids: embedding_forward(ids, table), embedding_backward, TOKENS[:3], np.zeros(25_000, int)
    ),
    "a map of many rows": over(linear_forward, linear_backward, TOKENS[:25_000], TOKENS[:8], TOKENS[8]),
    "one mean of all": over(mean_pool_forward, mean_pool_backward, TOKENS[None] + HALF.type(7), stride=MANY),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_hundred_thousand_entries_are_added_up_in_float32(name):
    with np.errstate(all="ignore"):
        half, wide = LARGE[name](HALF), LARGE[name](WIDE)
    assert np.isfinite(half[0]).all()
    for got, wanted in zip(half, wide, strict=True):
        assert got.dtype == HALF and same(got, wanted)


@pytest.mark.parametrize("shaping", [
    Shaping(temperature=0.7), Shaping(temperature=1e-4), Shaping(top_k=50), Shaping(top_p=0.9), Shaping(min_p=0.01),
    Shaping(repetition_penalty=1.3, presence_penalty=0.5, frequency_penalty=0.1),
])  # fmt: skip
@pytest.mark.parametrize("size", SIZES)
def test_tokens_are_drawn_from_float16_logits_with_the_probabilities_of_the_same_numbers(shaping, size):
    logits = (RNG.standard_normal((3, 5000)) * size).astype(HALF)
    texts = [[1, 2, 2], [], [4999]]
    half, wide = (probabilities_of(shaping(logits.astype(dtype), texts)) for dtype in (HALF, WIDE))
    np.testing.assert_allclose(half.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(half, wide, rtol=0.02 * max(size, 1), atol=0.02)


def test_a_squared_error_beyond_256_is_a_number():
    size = {"image_size": (8, 8), "channels": 1, "patch": 4, "n_classes": 3, "d_model": 8, "n_heads": 2, "d_ff": 8}
    model = VisionTransformer(**size, n_layers=1, dtype="float16")
    images = RNG.random((2, 8, 8, 1)).astype(HALF)
    found = squared_error_loss()(model, NumbersBatch(images, np.full((2, 3), 3000.0)), None)
    assert 8e6 < found.loss < 1e7
