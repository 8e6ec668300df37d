"""The losses of BERT and of an image classifier, on one batch."""

import numpy as np
import pytest

from tfx.models import Bert, VisionTransformer
from tfx.train import ImageBatch, PretrainingBatch, classification_loss, pretraining_loss

RNG = np.random.default_rng(0)
IDS = RNG.integers(9, size=(3, 5))
CHOSEN = np.array([[0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0]], dtype=bool)
BOTH = PretrainingBatch(IDS, None, np.array([5, 4, 3]), (IDS + 1) % 9, CHOSEN, np.array([0, 1, 1]))


def bert_on(batch):
    model = Bert(9, d_model=8, n_heads=2, d_ff=6, n_layers=1, dtype="float64")
    value = pretraining_loss()(model, batch, None)
    return value, np.concatenate([p.grad.ravel() for p in model.parameters().values()])


def test_the_loss_is_the_sum_of_both_means_and_so_is_its_gradient():
    both, gradient = bert_on(BOTH)
    words, words_gradient = bert_on(BOTH._replace(labels=None))
    pairs, pairs_gradient = bert_on(BOTH._replace(targets=None, chosen=None))
    assert both.loss == pytest.approx(words.loss + pairs.loss, rel=1e-14)
    np.testing.assert_allclose(gradient, words_gradient + pairs_gradient, rtol=0, atol=1e-15)
    assert (both.tokens, words.tokens, pairs.tokens) == (3, 3, 3), "three chosen places; three pairs"


def test_the_mean_is_over_the_chosen_places_only():
    model = Bert(9, d_model=8, n_heads=2, d_ff=6, n_layers=1, dtype="float64")
    logits = model.forward(IDS, lengths=BOTH.lengths)[0].mlm_logits
    log_probs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    by_hand = -np.mean([log_probs[b, t, BOTH.targets[b, t]] for b, t in ((0, 1), (1, 2), (1, 3))])
    assert bert_on(BOTH._replace(labels=None))[0].loss == pytest.approx(by_hand, rel=1e-12)


def test_a_batch_that_asks_for_nothing_is_refused():
    with pytest.raises(ValueError, match="targets, labels or both"):
        bert_on(PretrainingBatch(IDS))


def test_a_classifier_is_charged_for_each_image_once():
    model = VisionTransformer((4, 4), 2, 3, d_model=8, n_heads=2, d_ff=6, n_layers=1, dtype="float64")
    images, labels = RNG.standard_normal((5, 4, 4, 1)), np.array([0, 2, 1, 1, 0])
    value = classification_loss()(model, ImageBatch(images, labels), None)
    logits, _ = model.forward(images)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert value.loss == pytest.approx(-np.log(probabilities[np.arange(5), labels]).mean(), rel=1e-12)
    assert value.tokens == 5 and model.head.w.grad.any()
