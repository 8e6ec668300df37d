"""What changes each verdict of the claims about norms."""

import math

import numpy as np
import pytest

from tests.lab.breaking import instead
from tfx.claims.normalisation import bare, largest_weight

PLACE = "tfx.claims.normalisation"


def over_the_batch(forward):
    """A LayerNorm whose statistics are those of the batch."""
    return lambda x, *rest, **named: ((x - x.mean()) / x.std(), None)


def as_large_as_its_input(forward):
    """A LayerNorm that gives the scale back."""

    def scaled(x, *rest, **named):
        y, cache = forward(x, *rest, **named)
        return y * abs(x).max(), cache

    return scaled


def no_norm(forward):
    return lambda x, *rest, **named: (x, None)


def rows_with(**changed):
    """The rows of layernorm-vs-batchnorm with other values."""
    return {
        f"{PLACE}.batches": lambda batches: (
            lambda trial: {key: {**row, **changed} for key, row in batches(trial).items()}
        )
    }


BREAKS = {
    "C114": {f"{PLACE}.layer_norm_forward": as_large_as_its_input},
    "C115": {"tfx.lab.block.layernorm_vs_batchnorm.layer_norm_forward": over_the_batch},
    "C116": rows_with(evaluation=1.0),
    "C117": rows_with(masked=0.4),
    "C120": {f"{PLACE}.layer_norm_forward": no_norm},
    "C121": {f"{PLACE}.layer_norm_forward": as_large_as_its_input},
    "C124": {f"{PLACE}.rms_norm_forward": instead(lambda x: ((x - x.mean(-1, keepdims=True)) / x.std(), None))},
}


def test_the_bare_formula_loses_a_constant_token():
    assert np.isnan(bare(np.ones((1, 4)), np.ones(4), np.zeros(4))).all()
    assert bare(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2)).tolist() == [[-1.0, 1.0]]


def test_the_largest_weight_of_equal_scores_is_one_over_their_number():
    x = np.random.default_rng(0).standard_normal((8, 4))
    assert largest_weight(x, np.zeros((2, 4, 4))) == pytest.approx(1 / 8)
    assert math.isfinite(largest_weight(x, np.ones((2, 4, 4)), normed=False))
