"""What changes each verdict on approximations of attention, and what the section measures with."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims.claim import Trial
from tfx.claims.efficient_attention import error_of, random_heads, smooth_heads
from tfx.lab.cost.random_features import trigonometric_features
from tfx.ops.attention.scaled_dot_product import attention_forward

PLACE = "tfx.claims.efficient_attention"
NO_ERROR = {f"{PLACE}.error_of": instead(lambda found, heads: 0.0)}


def without_bias(q, k, v, w):
    """Exact attention, and next to nothing that depends on the draw."""
    return attention_forward(q, k, v)[0] + 1e-9 * w.sum(), None


BREAKS = {
    "C177": NO_ERROR,
    "C179": {f"{PLACE}.trigonometric_features": lambda original: lambda x, w: abs(original(x, w))},
    "C180": {f"{PLACE}.performer_forward": instead(without_bias)},
    "C181": NO_ERROR,
    "C182": {f"{PLACE}.linear_attention_forward": lambda original: lambda q, k, v: original(q, k, 2 * v)},
    "C191": NO_ERROR,
    "C196": NO_ERROR,
}


def test_fourier_features_estimate_the_exponential_of_a_product():
    rng = np.random.default_rng(0)
    x, y = 0.5 * rng.standard_normal((2, 1, 4))
    w = rng.standard_normal((200_000, 4))
    found = trigonometric_features(x, w) @ trigonometric_features(y, w).T
    assert abs(found[0, 0] - np.exp(x @ y.T)[0, 0]) < 0.02


def test_an_error_is_a_share_of_the_exact_output():
    heads = random_heads(Trial(0), 8, 4)
    exact, _ = attention_forward(*heads)
    assert error_of(exact, heads) == 0.0 and np.isclose(error_of(1.5 * exact, heads), 0.5)


def test_smooth_rows_are_nearer_to_their_neighbours_than_random_ones():
    smooth, rough = (heads(Trial(0))[0] for heads in (smooth_heads, random_heads))
    steps = [np.linalg.norm(np.diff(x, axis=0)) / np.linalg.norm(x) for x in (smooth, rough)]
    assert steps[0] < 0.3 * steps[1]
