"""Teacher forcing on a reader's sentence: one masked pass against a pass for each prefix, and a batch with padding.

    words     how    are   you             the decoder reads <start> how are you
    targets   how    are   you   <end>     and each place is asked for the word after the one that it reads

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.1 (shift and mask); Williams and Zipser 1989, "A
Learning Algorithm for Continually Running Fully Recurrent Neural Networks", who gave teacher forcing its name.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tfx.models import DecoderOnly, EncoderDecoder
from tfx.models.seq2seq import EncoderDecoderCache
from tfx.ops.basics.softmax import softmax_forward

START, END, PAD = "<start>", "<end>", "<pad>"
WIDTH, HEADS, SOURCE = 16, 2, 5


class Texts(NamedTuple):
    """vocabulary: the marks, then each word once.  read, asked: (B, T) ids; kept: (B, T), False at padding."""

    vocabulary: tuple[str, ...]
    read: np.ndarray
    asked: np.ndarray
    kept: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.asarray(self.kept.sum(axis=1))


def texts_of(*rows: tuple[str, ...]) -> Texts:
    """Rows of words -> what a decoder reads, and what it is asked for, padded to the longest."""
    vocabulary = (START, END, PAD, *dict.fromkeys(word for row in rows for word in row))
    longest = 1 + max(len(row) for row in rows)

    def ids(words: tuple[str, ...]) -> list[int]:
        return [vocabulary.index(word) for word in (*words, *[PAD] * (longest - len(words)))]

    read, asked = (
        np.array([ids(r) for r in side]) for side in ([(START, *r) for r in rows], [(*r, END) for r in rows])
    )
    kept = np.array([[i <= len(row) for i in range(longest)] for row in rows])
    return Texts(vocabulary, read, asked, kept)


def untrained(texts: Texts, seed: int) -> DecoderOnly:
    return DecoderOnly(
        len(texts.vocabulary), WIDTH, HEADS, 2 * WIDTH, 2, max_len=texts.read.shape[1], seed=seed, dtype="float64"
    )


def minus_log(logits: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """logits: (..., words), asked: (...) ids -> (...) losses, in nats."""
    p, _ = softmax_forward(logits)
    return -np.log(np.take_along_axis(p, asked[..., None], axis=-1)[..., 0])


def one_pass(model: DecoderOnly, texts: Texts) -> np.ndarray:
    """(T,): the loss at each place of the first row, all from one pass behind the causal mask."""
    return minus_log(model.forward(texts.read[:1])[0], texts.asked[:1])[0]


def a_pass_each(model: DecoderOnly, texts: Texts) -> np.ndarray:
    """(T,): the same from a pass for each prefix, as if the words after it did not exist."""
    found = []
    for t in range(texts.read.shape[1]):
        logits = model.forward(texts.read[:1, : t + 1])[0]
        found.append(minus_log(logits[0, -1], texts.asked[0, t]))
    return np.array(found)


def one_query_at_a_time(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """q: (T, D), k: (S, D), v: (S, Dv) -> (T, Dv): attention by a loop over queries and one over keys."""
    out = np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        weights = [math.exp(float(q[i] @ k[j]) / math.sqrt(q.shape[1])) for j in range(len(k))]
        for j, weight in enumerate(weights):
            out[i] += weight / sum(weights) * v[j]
    return out


class Step(NamedTuple):
    """A step of training up to the loss.  losses: (B, T), of padded places too."""

    src: np.ndarray
    logits: np.ndarray
    cache: EncoderDecoderCache
    losses: np.ndarray


def decoder_step(texts: Texts, seed: int) -> Step:
    """The texts as targets of an untrained encoder-decoder, whose sources are SOURCE random ids."""
    rng = np.random.default_rng((seed, 2))
    b, t = texts.read.shape
    src = rng.integers(3, len(texts.vocabulary), size=(b, SOURCE))
    model = EncoderDecoder(
        len(texts.vocabulary), WIDTH, HEADS, 2 * WIDTH, 1, max_len=max(t, SOURCE), seed=seed, dtype="float64"
    )
    logits, cache = model.forward(src, texts.read, tgt_lengths=texts.lengths)
    return Step(src, logits, cache, minus_log(logits, texts.asked))
