"""Perplexity and its baselines, checked against direct calculation."""

import math

import numpy as np
import pytest

from tfx.models import LanguageModel
from tfx.ops.basics.softmax import softmax_forward
from tfx.shipped.language_scores import perplexity, score_language

V = 7
PARAGRAPHS = [np.array(ids) for ids in ([1, 2, 3, 1, 2], [4, 4, 5, 6], [3, 2], [1, 2, 3, 4, 5, 6, 0, 1, 2])]


def _model():
    return LanguageModel(V, d_model=8, n_heads=2, d_ff=8, n_layers=1, dtype="float64")


def test_perplexity_of_a_padded_batch_is_that_of_each_paragraph_alone():
    model, logs = _model(), []
    for ids in PARAGRAPHS:
        logits, _ = model.forward(ids[None, :-1])
        probabilities, _ = softmax_forward(logits[0])
        logs += [math.log(p[target]) for p, target in zip(probabilities, ids[1:], strict=True)]
    assert perplexity(model, PARAGRAPHS) == pytest.approx(math.exp(-np.mean(logs)), rel=1e-12)


def test_a_model_that_knows_nothing_has_the_perplexity_of_its_vocabulary():
    model = _model()
    model.embedding.table.value[:] = 0
    assert perplexity(model, PARAGRAPHS) == pytest.approx(V)


def test_the_unigram_is_laplace_smoothed_counting():
    training = [np.array([1, 1, 1, 2])]
    held_out = [np.array([5, 1, 6])]
    expected = math.exp(-(math.log(4 / 11) + math.log(1 / 11)) / 2)
    assert score_language(_model(), training, held_out).unigram == pytest.approx(expected)


def test_the_bigram_beats_the_unigram_where_the_last_token_decides_the_next():
    training = [np.tile([1, 2, 3, 4], 200)]
    scores = score_language(_model(), training, [np.tile([1, 2, 3, 4], 5)])
    assert scores.bigram < 1.1 < 3.5 < scores.unigram and scores.n == 19
