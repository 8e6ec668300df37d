"""How surprised is a language model by text it has not seen?  Perplexity, next to two baselines that only count.

    perplexity = exp(mean over predicted tokens of -log P(token | what came before))

    unigram   P(w)     = (c(w) + 1) / (n + V)                          ignores everything before
    bigram    P(w | v) = (c(v, w) + k P(w)) / (c(v) + k)               looks one token back

k says how many occurrences of v the unigram is worth (a Dirichlet prior: MacKay and Peto 1995, section 3).  The
bigram gets the k that suits it best on the very text it is judged by, which flatters the baseline and not the model.
Every paragraph is read on its own; its first token is given, and its end is one more token to predict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tfx.models.decoder import DecoderOnly
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.tokenizers.word import END, WordTokenizer

_PRIORS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_BATCH = 16


class LanguageScores(NamedTuple):
    """Perplexities over the same n predicted tokens."""

    n: int
    model: float
    unigram: float
    bigram: float


def as_ids(tokenizer: WordTokenizer, paragraphs: Iterable[str]) -> list[np.ndarray]:
    """Each paragraph as (T,) int64 ids that end with `<end>`."""
    end = tokenizer.id_of[END]
    return [np.array([*tokenizer.encode(text), end], dtype=np.int64) for text in paragraphs]


def score_language(
    model: DecoderOnly, training: Sequence[np.ndarray], held_out: Sequence[np.ndarray], window: int = 128
) -> LanguageScores:
    """training feeds the counts of the baselines only.  Paragraphs are cut after window + 1 tokens."""
    held_out = [ids[: window + 1] for ids in held_out if len(ids) > 1]
    vocab = int(model.embedding.table.shape[0])
    pairs = np.concatenate([np.stack([ids[:-1], ids[1:]]) for ids in held_out], axis=1)  # (2, n): token, next token
    unigram, bigram = _counting_baselines(training, pairs, vocab)
    return LanguageScores(pairs.shape[1], perplexity(model, held_out), unigram, bigram)


def perplexity(model: DecoderOnly, paragraphs: Sequence[np.ndarray]) -> float:
    """Over every token of the paragraphs but the first of each."""
    total, count = 0.0, 0
    ordered = sorted(paragraphs, key=len)  # neighbours of equal length need little padding
    for start in range(0, len(ordered), _BATCH):
        batch = ordered[start : start + _BATCH]
        lengths = np.array([len(ids) - 1 for ids in batch])
        padded = np.zeros((len(batch), int(lengths.max()) + 1), dtype=np.int64)
        for row, ids in zip(padded, batch, strict=True):
            row[: len(ids)] = ids
        keep = np.arange(padded.shape[1] - 1) < lengths[:, None]
        logits, _ = model.forward(padded[:, :-1], lengths=lengths)
        loss, _ = cross_entropy_forward(logits, padded[:, 1:], keep=keep)
        total += float(loss) * int(lengths.sum())
        count += int(lengths.sum())
    return math.exp(total / count)


def _counting_baselines(training: Sequence[np.ndarray], pairs: np.ndarray, vocab: int) -> tuple[float, float]:
    stream = np.concatenate(training)
    counts = np.bincount(stream, minlength=vocab)
    unigram = (counts + 1) / (len(stream) + vocab)
    before, after = pairs
    seen, times = np.unique(stream[:-1] * vocab + stream[1:], return_counts=True)
    wanted = before * vocab + after
    at = np.minimum(np.searchsorted(seen, wanted), len(seen) - 1)
    joint = np.where(seen[at] == wanted, times[at], 0)
    perplexities = [math.exp(-np.log((joint + k * unigram[after]) / (counts[before] + k)).mean()) for k in _PRIORS]
    return math.exp(-np.log(unigram[after]).mean()), min(perplexities)
