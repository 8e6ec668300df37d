"""Numbers for the quiz on sequence-to-sequence: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.ops.recurrence.rnn import rnn_forward


@told_apart
def context_size(rng: np.random.Generator) -> NumberCase:
    """Counted on the last state of a real RNN."""
    words, width = int(rng.integers(6, 40)), int(rng.choice([16, 48, 64, 100]))
    one = np.eye(width)
    h, _ = rnn_forward(np.zeros((1, words, width)), np.zeros((1, width)), one, one)
    wrong = (
        Wrong(float(h.size), "all states handed over", "Without attention the last state alone is handed over."),
        Wrong(float(words), "one number a word", "The context has a fixed width, whatever was read."),
        Wrong(2.0 * width, "first and last state", "One state: the last."),
    )  # fmt: skip
    return NumberCase({"words": words, "width": width}, float(h[0, -1].size), wrong, 0.0)


@told_apart
def loss(rng: np.random.Generator) -> NumberCase:
    """The library's cross-entropy, summed over the words."""
    chances = rng.choice([0.2, 0.25, 0.4, 0.5, 0.8, 0.9], size=3, replace=False)
    logits = np.log(np.stack([chances, 1 - chances], axis=-1))
    mean, _ = cross_entropy_forward(logits[None], np.zeros((1, 3), dtype=int))
    wrong = (
        Wrong(-math.log(float(chances.sum()) / 3), "log of the mean", "Each word has a logarithm of its own; they are added."),
        Wrong(float(np.prod(chances)), "chance for loss", "That is the chance of the whole output; the loss is its negative logarithm."),
        Wrong(float((1 - chances).sum()), "missing chances added", "The loss of a word is - log p, not 1 - p."),
    )  # fmt: skip
    values = {f"p{i}": f"{p:g}" for i, p in enumerate(chances, start=1)}
    return NumberCase(values, 3 * float(mean), wrong, 0.02)


@told_apart
def shape_of_chances(rng: np.random.Generator) -> ShapeCase:
    """Of a real translator."""
    batch, source, target, words = (int(n) for n in rng.choice(np.arange(2, 14), size=4, replace=False))
    model = RecurrentSeq2Seq(words, 4, attention="none", cell="rnn")
    logits, _ = model.forward(np.zeros((batch, source), int), np.zeros((batch, target), int))
    values = {"batch": batch, "source": source, "target": target, "words": words}
    wrong = (
        Wrong((batch, source, words), "source for target", "The decoder gives a row of chances for each target place."),
        Wrong((batch, target), "words chosen already", "There is a chance for every word of the vocabulary; nothing is chosen yet."),
        Wrong((batch, target, source), "attention weights for chances", "Those would say which source word is read; this model has none."),
    )  # fmt: skip
    return ShapeCase(values, logits.shape, wrong)


@told_apart
def waiting_steps(rng: np.random.Generator) -> NumberCase:
    """Steps that a real translator made, reading and being fed the truth."""
    source, target = (int(n) for n in rng.choice(np.arange(3, 20), size=2, replace=False))
    model = RecurrentSeq2Seq(5, 4, attention="none", cell="rnn")
    _, cache = model.forward(np.zeros((1, source), int), np.zeros((1, target), int))
    wrong = (
        Wrong(2.0, "teacher forcing runs in parallel", "The inputs are known, yet each state waits for the one before."),
        Wrong(float(source + 1), "decoder in parallel", "The decoder's states wait for one another as well."),
        Wrong(float(source * target), "pairs of words counted", "Words are read and written once, one after the other."),
    )  # fmt: skip
    return NumberCase({"source": source, "target": target}, float(cache.memory.shape[1] + len(cache.steps)), wrong, 0.0)


@told_apart
def turned(rng: np.random.Generator) -> NumberCase:
    """How often the code of a word was multiplied, seen on an RNN that doubles."""
    words = int(rng.integers(5, 20))
    place = int(rng.integers(1, words - 1))
    x = np.zeros((1, words, 1))
    x[0, place - 1] = 1.0
    h, _ = rnn_forward(x, np.zeros((1, 1)), np.ones((1, 1)), np.full((1, 1), 2.0), activation="identity")
    wrong = (
        Wrong(float(place), "counted from the start", "A word is turned after it was read, by each later word."),
        Wrong(float(words - place + 1), "own step counted", "The code is added after the turn of its own step."),
        Wrong(float(words), "all words turned alike", "The last word is not turned at all, the first one most."),
    )  # fmt: skip
    return NumberCase({"words": words, "place": place}, math.log2(float(h[0, -1, 0])), wrong, 0.0)
