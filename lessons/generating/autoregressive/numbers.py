"""Numbers for the quiz on writing token by token: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.generate import WholePass, greedy
from tfx.generate.beam import log_probability
from tfx.lab.generation.random_trees import START, Tree, reader_of_tree


def text_of(chances: list[float]) -> float:
    """log p of a text whose tokens have these chances, by the library: token 0 of two at each place."""
    places = [np.log(np.tile([[p, 1 - p]], (2**t, 1))) for t, p in enumerate(chances)]
    return log_probability(reader_of_tree(Tree(2, tuple(places))), [START], [0] * len(chances))


@told_apart
def chance_of_text(rng: np.random.Generator) -> NumberCase:
    """A product of three."""
    a, b, c = (float(p) for p in rng.choice([0.2, 0.25, 0.4, 0.5, 0.6, 0.8, 0.9], 3, replace=False))
    wrong = (
        Wrong((a + b + c) / 3, "mean for product", "A text needs all its tokens: chances are multiplied."),
        Wrong(min(a, b, c), "weakest link", "The others have to come as well, so it is less than the smallest."),
        Wrong(a * b, "last factor forgotten", "The third token has to be chosen, too."),
    )
    return NumberCase({"a": a, "b": b, "c": c}, math.exp(text_of([a, b, c])), wrong, 0.01)


@told_apart
def log_of_text(rng: np.random.Generator) -> NumberCase:
    """A sum of logarithms."""
    p, n = float(rng.choice([0.1, 0.2, 0.25, 0.5, 0.8])), int(rng.integers(3, 9))
    wrong = (
        Wrong(math.log(p), "mean for sum", "That is one token; the text has more, and their logarithms are added."),
        Wrong(-n * math.log(p), "loss for log p", "Logarithms of chances are negative; minus that is the loss."),
        Wrong(math.log(n * p), "sum inside the logarithm", "Chances are multiplied, so logarithms are added."),
    )
    return NumberCase({"p": p, "n": n}, text_of([p] * n), wrong, 0.01, "nats")


@told_apart
def perplexity(rng: np.random.Generator) -> NumberCase:
    """exp of minus the mean log p."""
    a, b = (float(p) for p in rng.choice([0.04, 0.1, 0.2, 0.4, 0.5, 0.8], 2, replace=False))
    wrong = (
        Wrong(2 / (a + b), "mean of chances", "The mean is taken of logarithms: a root of the product."),
        Wrong(1 / (a * b), "length forgotten", "That grows with the text; perplexity is a mean over its tokens."),
        Wrong((1 / a + 1 / b) / 2, "mean of 1 / p", "The mean is taken of logarithms, before exp."),
    )
    return NumberCase({"a": a, "b": b}, math.exp(-text_of([a, b]) / 2), wrong, 0.01)


@told_apart
def tokens_read(rng: np.random.Generator) -> NumberCase:
    """Places that go through a model that stores nothing, to write and to score."""
    t, n = int(rng.integers(3, 9)), int(rng.integers(4, 9))
    read: list[int] = []

    def logits_of(ids: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        read.append(ids.shape[1])
        return np.eye(5)[ids]

    log_probability(WholePass(logits_of), [0] * t, greedy(WholePass(logits_of), [0] * t, n).tolist())
    wrong = (
        Wrong(1.0, "writing in one pass", "Each token has to be there before the next pass can read it."),
        Wrong(float(n), "scoring for free", "The finished text is read once more."),
        Wrong(float(2 * n), "scoring token by token", "A finished text is scored at all places in one pass."),
        Wrong(float(t + n + 1), "a pass per token of the prompt", "The whole beginning is read in one pass."),
    )
    return NumberCase({"t": t, "n": n}, float(len(read)), wrong, 0.0)
