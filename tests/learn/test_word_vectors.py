"""Words that stand among the same words get vectors that point the same way; without such company they do not."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.data.word_contexts import co_occurrences, neighbours, noise_distribution
from tfx.models.word_vectors import GloVe, SkipGram, nearest
from tfx.optim import Adam

TOPICS, WORDS_IN_TOPIC = 3, 6
V = TOPICS * WORDS_IN_TOPIC


def texts(mixed: bool, n: int = 300) -> list[np.ndarray]:
    """Each text draws its eight words from one topic; mixed: from all, the same words as often."""
    rng = np.random.default_rng(0)
    topic = rng.integers(TOPICS, size=(n, 1))
    ids = topic * WORDS_IN_TOPIC + rng.integers(WORDS_IN_TOPIC, size=(n, 8))
    return list(rng.permutation(ids.ravel()).reshape(ids.shape) if mixed else ids)


def skip_gram(corpus: list[np.ndarray], steps: int = 200) -> np.ndarray:
    rng = np.random.default_rng(1)
    model = SkipGram(V, 8, rng)
    optimizer = Adam(model)
    pairs = neighbours(corpus, radius=2)
    noise = noise_distribution(np.bincount(np.concatenate(corpus), minlength=V))
    for _ in range(steps):
        some = rng.integers(len(pairs.words), size=128)
        negatives = rng.choice(V, size=(128, 4), p=noise)
        model.zero_grad()
        _, cache = model.forward(pairs.words[some], pairs.contexts[some], negatives)
        model.backward(1.0, cache)
        optimizer.step(0.05)
    return model.vectors


def glove(corpus: list[np.ndarray], steps: int = 200) -> np.ndarray:
    model = GloVe(V, 8, np.random.default_rng(1))
    optimizer = Adam(model)
    found = co_occurrences(corpus, radius=2)
    losses = []
    for _ in range(steps):
        model.zero_grad()
        loss, cache = model.forward(*found)
        model.backward(1.0, cache)
        optimizer.step(0.05)
        losses.append(float(loss))
    assert losses[-1] < 0.1 * losses[0]
    return model.vectors


def share_of_neighbours_in_the_topic(vectors: np.ndarray) -> float:
    own = [nearest(vectors, word, WORDS_IN_TOPIC - 1) for word in range(V)]
    hits = [other // WORDS_IN_TOPIC == word // WORDS_IN_TOPIC for word in range(V) for other in own[word]]
    return float(np.mean(hits))


@pytest.mark.parametrize("learn", [skip_gram, glove])
def test_the_nearest_words_are_those_of_the_same_topic(learn):
    assert share_of_neighbours_in_the_topic(learn(texts(mixed=False))) > 0.95


@pytest.mark.parametrize("learn", [skip_gram, glove])
def test_without_topics_the_nearest_words_are_any_words(learn):
    assert share_of_neighbours_in_the_topic(learn(texts(mixed=True))) < 0.5  # by chance 5 of 17


def test_nearest_goes_by_angle_and_not_by_length():
    vectors = np.array([[1.0, 0.0], [100.0, 100.0], [0.1, 0.01], [-5.0, 0.0], [0.0, 0.0]])
    assert nearest(vectors, 0, 4) == [2, 1, 4, 3]
    assert nearest(vectors, 0, 2) == [2, 1]
