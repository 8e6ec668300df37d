"""Cases of tfx/models/word_vectors.py."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import Rng, V
from tfx.models.word_vectors import GloVe, SkipGram

K, D = 3, 4
WORDS = np.array([3, 3, 0, 7, 1])
CONTEXTS = np.array([2, 6, 3, 3, 1])


def skip_gram(rng: Rng) -> Problem:
    negatives = rng.integers(0, V, (len(WORDS), K))
    return layer_problem(SkipGram(V, D, rng), rng, {"words": WORDS, "contexts": CONTEXTS, "negatives": negatives})


def glove_model(rng: Rng) -> Problem:
    counts = {"counts": np.array([0.5, 2.0, 90.0, 150.0, 7.0])}  # from the corpus: no gradient
    return layer_problem(GloVe(V, D, rng), rng, {"words": WORDS, "contexts": CONTEXTS}, counts)


CASES: tuple[Case, ...] = (
    Case(SkipGram, "repeated words, a word in its own context", skip_gram),
    Case(GloVe, "repeated words, a word in its own context", glove_model),
)
