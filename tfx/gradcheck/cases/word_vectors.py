"""Word vectors: negative sampling, GloVe's weighted squares, and the two models."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import Rng, T, V
from tfx.models.word_vectors import GloVe, SkipGram
from tfx.ops.losses.glove_loss import GloveLossCache, glove_loss_backward, glove_loss_forward
from tfx.ops.losses.negative_sampling import (
    NegativeSamplingCache,
    negative_sampling_backward,
    negative_sampling_forward,
)

K, D = 3, 4  # random words for each pair, width of a vector
WORDS, CONTEXTS = np.array([3, 3, 0, 7, 1]), np.array([2, 6, 3, 3, 1])


def negative_sampling(rng: Rng, n: int = T, k: int = K) -> Problem:
    inputs = {"word": rng.standard_normal((n, D)), "context": rng.standard_normal((n, D))}
    inputs["negatives"] = rng.standard_normal((n, k, D))
    return Problem(negative_sampling_forward, negative_sampling_backward, inputs)


def glove(rng: Rng, **settings: float) -> Problem:
    inputs = {"word": rng.standard_normal((T, D)), "context": rng.standard_normal((T, D))}
    inputs |= {"word_offset": rng.standard_normal(T), "context_offset": rng.standard_normal(T)}
    counts = np.array([0.5, 1.0, 99.0, 100.0, 5000.0])
    return Problem(glove_loss_forward, glove_loss_backward, inputs, {"counts": counts, **settings})


def noise_attracts(dloss: Any, cache: NegativeSamplingCache) -> Any:
    """The random words are drawn near as the real one is: the sign of their part is forgotten."""
    grads = negative_sampling_backward(dloss, cache)
    real = negative_sampling_backward(dloss, cache._replace(negatives=0 * cache.negatives)).dword
    return grads._replace(dnegatives=-grads.dnegatives, dword=2 * real - grads.dword)


def mean_over_noise(dloss: Any, cache: NegativeSamplingCache) -> Any:
    grads = negative_sampling_backward(dloss, cache)
    return grads._replace(dnegatives=grads.dnegatives / cache.negatives.shape[1])


def half_the_square(dloss: Any, cache: GloveLossCache) -> Any:
    """The 2 of the square is forgotten."""
    return tuple(gradient / 2 for gradient in glove_loss_backward(dloss, cache))


def contexts_for_words(dloss: Any, cache: GloveLossCache) -> Any:
    grads = glove_loss_backward(dloss, cache)
    return grads._replace(dword=grads.dcontext, dcontext=grads.dword)


def skip_gram(rng: Rng) -> Problem:
    negatives = rng.integers(0, V, (len(WORDS), K))
    return layer_problem(SkipGram(V, D, rng), rng, {"words": WORDS, "contexts": CONTEXTS, "negatives": negatives})


def glove_model(rng: Rng) -> Problem:
    counts = {"counts": np.array([0.5, 2.0, 90.0, 150.0, 7.0])}  # from the corpus: no gradient
    return layer_problem(GloVe(V, D, rng), rng, {"words": WORDS, "contexts": CONTEXTS}, counts)


CASES: tuple[Case, ...] = (
    Case(negative_sampling_backward, "three random words", negative_sampling),
    Case(negative_sampling_backward, "one random word", partial(negative_sampling, k=1)),
    Case(negative_sampling_backward, "one pair", partial(negative_sampling, n=1)),
    Case(glove_loss_backward, "counts below, at and above the ceiling", glove),
    Case(glove_loss_backward, "low ceiling, power 1/2", partial(glove, ceiling=2.0, power=0.5)),
    Case(SkipGram, "repeated words, a word in its own context", skip_gram),
    Case(GloVe, "repeated words, a word in its own context", glove_model),
)

CONTROLS: tuple[Control, ...] = (
    Control("negative_sampling", "random words attract", noise_attracts, negative_sampling),
    Control("negative_sampling", "the mean over random words", mean_over_noise, negative_sampling),
    Control("glove_loss", "the 2 of the square is forgotten", half_the_square, glove),
    Control("glove_loss", "word and context swapped", contexts_for_words, glove),
)
