"""First values have the spread that the derivations ask for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.nn.embedding import Embedding
from tfx.nn.init import xavier_uniform


def test_xavier_has_variance_two_over_the_sum_of_widths():
    w = xavier_uniform(np.random.default_rng(0), 300, 500, "float64")
    expected = 2 / (300 + 500)
    standard_error = expected * math.sqrt(0.8 / w.size)  # a uniform's fourth moment is 9/5 of its variance squared
    assert abs(w.var() - expected) < 4 * standard_error
    assert abs(w).max() <= math.sqrt(6 / 800)


def test_embedded_tokens_start_with_variance_one_and_tied_logits_with_that_of_the_hidden_states():
    embedding = Embedding(2000, 128, np.random.default_rng(1), "float64")
    y, _ = embedding.forward(np.arange(2000)[None])
    assert y.var() == pytest.approx(1, abs=0.02)
    x = np.random.default_rng(2).standard_normal((50, 128))
    logits, _ = embedding.logits(x)
    assert logits.var() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly, EncoderDecoder])
def test_equal_seeds_give_equal_weights_and_other_seeds_others(kind):
    one, same, other = (kind(9, d_model=8, n_heads=2, d_ff=8, n_layers=1, seed=s).state() for s in (3, 3, 4))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)
