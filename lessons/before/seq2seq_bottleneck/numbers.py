"""Numbers for the quiz on the bottleneck: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.counting import matmul
from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq
from tfx.ops.attention.attend import attend_forward


@told_apart
def noise(rng: np.random.Generator) -> NumberCase:
    """Standard deviation of a sum of independent fits of variance 1/C."""
    width, symbols = int(rng.choice([16, 25, 64, 100, 144])), int(rng.choice([5, 10, 17, 26, 37]))
    variance = sum(1 / width for _ in range(symbols - 1))
    wrong = (
        Wrong(variance, "variance for deviation", "That is the variance; the standard deviation is its root."),
        Wrong((symbols - 1) / math.sqrt(width), "deviations added", "Variances of independent terms add, not deviations."),
        Wrong(math.sqrt(width / (symbols - 1)), "length and width exchanged", "More symbols disturb more, more numbers less."),
    )  # fmt: skip
    return NumberCase({"width": width, "symbols": symbols}, math.sqrt(variance), wrong, 0.02)


@told_apart
def work(rng: np.random.Generator) -> NumberCase:
    """Multiply-adds of the products of state and matrix, by the library's count."""
    width, words = int(rng.choice([16, 32, 64, 100])), int(rng.choice([20, 50, 200]))
    answer = sum(matmul("step", 1, 1, width, width).matmul_flops // 2 for _ in range(words))
    wrong = (
        Wrong(float(words**2 * width), "attention for recurrence", "That is the work of comparing each word with each; an RNN does one step a word."),
        Wrong(float(words * width), "vector for matrix", "Each of the numbers of the new state needs all of the old ones."),
        Wrong(float(width * width), "one step counted", "There is such a product for every word."),
    )  # fmt: skip
    return NumberCase({"width": width, "words": words}, float(answer), wrong, 0.0)


@told_apart
def context(rng: np.random.Generator) -> NumberCase:
    """By the library's attention over three states of one number."""
    weights = rng.permutation([0.1, 0.2, 0.7]) if rng.random() < 0.5 else rng.permutation([0.1, 0.3, 0.6])
    states = rng.choice(np.arange(1.0, 30.0), size=3, replace=False)
    out, _ = attend_forward(np.log(weights)[None], states[:, None])
    wrong = (
        Wrong(float(states[weights.argmax()]), "softmax picks one key", "The other states add their part."),
        Wrong(float(states.mean()), "plain mean for weighted mean", "Each state counts by its weight."),
        Wrong(float(states[-1]), "the last state", "That is the context without attention."),
    )  # fmt: skip
    values = {f"a{i}": f"{w:g}" for i, w in enumerate(weights, start=1)}
    values |= {f"h{i}": f"{h:g}" for i, h in enumerate(states, start=1)}
    return NumberCase(values, float(out[0, 0]), wrong, 0.01)


@told_apart
def kept(rng: np.random.Generator) -> NumberCase:
    """Numbers of the source that a real translator with attention keeps."""
    words, width = int(rng.integers(5, 40)), int(rng.choice([8, 16, 32]))
    memory, _ = RecurrentSeq2Seq(5, width).encode(np.zeros((1, words), int))
    wrong = (
        Wrong(float(width), "the fixed vector", "With attention every state is kept, not the last alone."),
        Wrong(float(words * words), "scores for states", "Scores are made anew at each step; what is kept are the states."),
        Wrong(float(words + width), "sides added", "One state of that width for each word."),
    )  # fmt: skip
    return NumberCase({"words": words, "width": width}, float(memory.size), wrong, 0.0)


@told_apart
def shape_of_weights(rng: np.random.Generator) -> ShapeCase:
    """Of a real translator with attention."""
    batch, source, target = (int(n) for n in rng.choice(np.arange(2, 14), size=3, replace=False))
    _, cache = RecurrentSeq2Seq(5, 4).forward(np.zeros((batch, source), int), np.zeros((batch, target), int))
    wrong = (
        Wrong((batch, source, target), "source as rows", "Each target word has a row: its weights over the source."),
        Wrong((batch, source, source), "self-attention for cross-attention", "The decoder asks, the encoder's states answer."),
        Wrong((batch, target), "one source word each", "A weight for every source word, not the place of one."),
    )  # fmt: skip
    return ShapeCase({"batch": batch, "source": source, "target": target}, cache.weights.shape, wrong)
