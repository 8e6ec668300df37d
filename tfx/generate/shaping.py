"""Shaping what a model expects before a token is drawn: each step takes logits and gives logits.

    temperature           x / t                                           below 1 sharper, above 1 flatter
    top-k                 keep the k most likely tokens                   Fan, Lewis and Dauphin 2018, section 5.4
    top-p (nucleus)       keep the smallest set of most likely tokens     Holtzman et al. 2020, section 3.1, equation 2
                          whose probabilities sum to at least p
    min-p                 keep tokens with at least p times the           Nguyen et al. 2024, section 3
                          probability of the most likely one
    repetition penalty    x / c where x > 0, x c where x < 0,             Keskar et al. 2019 (CTRL), section 4.1
                          for every token that the text has
    count penalties       x - presence - frequency * (how often)          the API documentation of OpenAI
    no-repeat n-grams     a token that would repeat n tokens of the text  Paulus, Xiong and Socher 2018, section 2.5
                          cannot follow

A token that is left out has logit -inf, so probability 0, and the softmax shares its part out among the others.
Adding one number to all logits changes no probability, and none of these steps sees it, with one exception: the
repetition penalty asks where 0 is.  That is a property of the published rule.  CTRL's formula divides by c alone; a
negative logit divided by c > 1 would be made *more* likely, which is why everybody multiplies there.

All functions are pure: logits (N, V) floats -> (N, V) of the same dtype.  Among equal logits the smaller id comes
first, as in greedy decoding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfx.arguments import number, whole_number
from tfx.ops.basics.embedding import check_ids
from tfx.ops.basics.softmax import softmax_forward

#: The texts, one for each row of logits.
Texts = Sequence[Sequence[int]]


def temperature(logits: np.ndarray, t: float) -> np.ndarray:
    """t = 1 changes nothing; t = 0 is the limit: only the most likely token stays.  Raises ValueError below 0."""
    number("temperature", t, 0)
    if t == 0:
        return top_k(logits, 1)
    with np.errstate(over="ignore"):
        scaled = (logits / t).astype(logits.dtype)
        if (np.isfinite(logits) & ~np.isfinite(scaled)).any():  # so small a t that even the most likely is infinite
            scaled = ((logits - logits.max(axis=-1, keepdims=True)) / t).astype(logits.dtype)
    return scaled


def top_k(logits: np.ndarray, k: int) -> np.ndarray:
    """Exactly k tokens stay; from k = V on all do, as in Hugging Face.  Raises ValueError for k below 1."""
    if whole_number("k of top-k", k) < 1:
        raise ValueError(f"top-k keeps at least 1 token, not {k}")
    return _only(logits, _ranks(logits) < k)


def top_p(logits: np.ndarray, p: float) -> np.ndarray:
    """A token stays when those that are more likely sum to less than p.  Raises ValueError unless 0 < p <= 1.

    The most likely token always stays, and for p = 1 all do.
    """
    if not 0 < number("p of top-p", p) <= 1:
        raise ValueError(f"top-p keeps a part of the probability above 0 and up to 1, not {p}")
    if p == 1:
        return logits.copy()
    ranks = _ranks(logits)
    probabilities = probabilities_of(logits)
    in_order = np.zeros_like(probabilities)
    np.put_along_axis(in_order, ranks, probabilities, axis=-1)
    before = np.cumsum(in_order, axis=-1) - in_order
    return _only(logits, np.take_along_axis(before, ranks, axis=-1) < p)


def min_p(logits: np.ndarray, p: float) -> np.ndarray:
    """The most likely token always stays; p = 0 keeps all.  Raises ValueError unless 0 <= p <= 1."""
    if not 0 <= number("p of min-p", p) <= 1:
        raise ValueError(f"min-p keeps tokens above a part of the largest probability, between 0 and 1, not {p}")
    probabilities = probabilities_of(logits)
    return _only(logits, probabilities >= p * probabilities.max(axis=-1, keepdims=True))


def repetition_penalty(logits: np.ndarray, texts: Texts, penalty: float) -> np.ndarray:
    """penalty: c; above 1 it holds repetition back, below 1 it favours it.  Raises ValueError unless c > 0."""
    number("the factor of a repetition penalty", penalty, above=0)
    penalised = np.where(logits > 0, logits / penalty, logits * penalty).astype(logits.dtype)
    return np.where(_counts(logits, texts) > 0, penalised, logits)


def count_penalties(logits: np.ndarray, texts: Texts, presence: float = 0.0, frequency: float = 0.0) -> np.ndarray:
    """presence: taken off every token that the text has; frequency: taken off as often as the text has it."""
    number("a presence penalty", presence)
    number("a frequency penalty", frequency)
    counts = _counts(logits, texts)
    return (logits - presence * (counts > 0) - frequency * counts).astype(logits.dtype)


def no_repeat_ngrams(logits: np.ndarray, texts: Texts, n: int) -> np.ndarray:
    """No n tokens in a row stand in a text twice; n = 1: no token does.  Raises ValueError for n below 1."""
    whole_number("n of n-grams", n, 1)
    _check_texts(logits, texts)
    keep = np.ones(logits.shape, dtype=bool)
    for row, text in enumerate(texts):
        text = list(text)
        last = text[len(text) - n + 1 :] if n > 1 else []
        for end in range(n - 1, len(text)):
            if text[end - n + 1 : end] == last:
                keep[row, text[end]] = False
    return _only(logits, keep)


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """(N, V) -> (N, V) float64, rows sum to 1.  Raises ValueError where no token is left, or for NaN."""
    if not logits.shape[-1]:
        raise ValueError("there is no token: logits have width 0")
    if np.isnan(logits).any():
        raise ValueError("a logit is NaN")
    if (logits.max(axis=-1) == -math.inf).any():
        raise ValueError("every token is ruled out; loosen what shapes the logits")
    return softmax_forward(logits.astype(np.float64))[0]


@dataclass(frozen=True)
class Shaping:
    """The steps that are asked for, in this order: penalties, n-grams, temperature, top-k, top-p, min-p.

    What is left alone changes nothing; Shaping() gives the model's own distribution.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    no_repeat_ngram: int | None = None

    def __call__(self, logits: np.ndarray, texts: Texts) -> np.ndarray:
        """logits: (N, V), texts: N rows of ids, prompt included -> (N, V)."""
        if self.repetition_penalty != 1.0:
            logits = repetition_penalty(logits, texts, self.repetition_penalty)
        if self.presence_penalty or self.frequency_penalty:
            logits = count_penalties(logits, texts, self.presence_penalty, self.frequency_penalty)
        if self.no_repeat_ngram is not None:
            logits = no_repeat_ngrams(logits, texts, self.no_repeat_ngram)
        if self.temperature != 1.0:
            logits = temperature(logits, self.temperature)
        if self.top_k is not None:
            logits = top_k(logits, self.top_k)
        if self.top_p != 1.0:
            logits = top_p(logits, self.top_p)
        return min_p(logits, self.min_p) if self.min_p else logits


def _ranks(logits: np.ndarray) -> np.ndarray:
    """(N, V) -> for each token how many are more likely, or as likely with a smaller id."""
    return np.argsort(np.argsort(-logits, axis=-1, kind="stable"), axis=-1, kind="stable")


def _only(logits: np.ndarray, keep: np.ndarray) -> np.ndarray:
    return np.where(keep, logits, -math.inf).astype(logits.dtype)


def _check_texts(logits: np.ndarray, texts: Texts) -> None:
    if len(texts) != len(logits):
        raise ValueError(f"{len(texts)} texts do not fit {len(logits)} rows of logits")
    for text in texts:
        check_ids(np.asarray(text, dtype=np.int64), logits.shape[-1])


def _counts(logits: np.ndarray, texts: Texts) -> np.ndarray:
    """(N, V): how often each token stands in each text."""
    n_tokens = logits.shape[-1]
    _check_texts(logits, texts)
    return np.array([np.bincount(np.asarray(text, dtype=np.int64), minlength=n_tokens) for text in texts])
