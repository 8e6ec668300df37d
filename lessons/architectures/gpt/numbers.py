"""Numbers for the quiz on GPT: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.models import GPT
from tfx.models.gpt import gpt_parameter_count
from tfx.nn.init import normal, scaled_residual
from tfx.ops.losses.cross_entropy import cross_entropy_forward


@told_apart
def first_loss(rng: np.random.Generator) -> NumberCase:
    """The loss of equal scores."""
    v = int(rng.choice([27, 65, 256, 1000, 32000, 50257]))
    answer = float(cross_entropy_forward(np.zeros((1, 1, v)), np.zeros((1, 1), dtype=np.int64))[0])
    wrong = (
        Wrong(0.0, "untrained for perfect", "A loss of 0 would mean that every next token is predicted with certainty."),
        Wrong(math.log2(v), "bits for nats", "That is the loss in bits; in nats the natural logarithm is taken."),
        Wrong(float(v), "perplexity for loss", "That is exp of the loss: among how many tokens it wavers."),
    )  # fmt: skip
    return NumberCase({"v": v}, answer, wrong, 0.01, "nats")


@told_apart
def untied(rng: np.random.Generator) -> NumberCase:
    """Counted on two real models."""
    v, c = int(rng.choice([50, 65, 90, 120])), int(rng.choice([16, 24, 32, 48]))
    tied, own = (GPT(v, c, n_heads=2, n_layers=1, max_len=8, tied=tied) for tied in (True, False))
    maps = [sum(p.value.size for p in model.parameters().values() if p.value.ndim == 2) for model in (tied, own)]
    answer = maps[1] - maps[0]
    wrong = (
        Wrong(float(2 * v * c), "both tables counted", "The embedding is there in any case; one more map is asked for."),
        Wrong(float(c * c), "output of the model's width", "The output has a score for each token of the vocabulary."),
        Wrong(float(v), "one number per token", "Each token's score is a product with C numbers of its own."),
    )  # fmt: skip
    return NumberCase({"v": v, "c": c}, float(answer), wrong, 0.0)


def last_map(rng: np.random.Generator) -> NumberCase:
    """The factor between two draws of the same weights."""
    layers, seed = int(rng.choice([2, 4, 8, 12, 24, 32, 48])), int(rng.integers(2**31))
    small = scaled_residual(layers, "normal")(np.random.default_rng(seed), 2, 2, "float64")
    answer = 0.02 * float(small[0, 0] / normal(np.random.default_rng(seed), 2, 2, "float64")[0, 0])
    wrong = (
        Wrong(0.02 / math.sqrt(layers), "one output per block", "A block adds two outputs to the stream, so there are two for each block."),
        Wrong(0.02 / (2 * layers), "the count for its root", "Variances add: it is the root of the number of terms that counts."),
        Wrong(0.02, "all maps start alike", "The last map of each sub-layer starts smaller, since GPT-2."),
    )  # fmt: skip
    return NumberCase({"layers": layers}, answer, wrong, 0.02)


@told_apart
def parameters(rng: np.random.Generator) -> NumberCase:
    """Of one more block."""
    c = int(rng.choice([64, 128, 256]))
    two, three = (gpt_parameter_count(1000, c, n, 128) for n in (2, 3))
    norms = 4 * c
    answer = three - two - norms - 9 * c  # weights alone
    wrong = (
        Wrong(float(4 * c * c), "attention alone", "The feed-forward network has two maps of C times 4 C besides."),
        Wrong(float(8 * c * c), "network alone", "Attention has four maps of C times C besides."),
        Wrong(float(16 * c * c), "cross-attention in GPT", "GPT reads no second sequence: a block has one attention."),
    )  # fmt: skip
    return NumberCase({"c": c, "f": 4 * c}, float(answer), wrong, 0.0)


@told_apart
def logits(rng: np.random.Generator) -> ShapeCase:
    """Of a real forward."""
    b, t, c = int(rng.integers(2, 6)), int(rng.integers(6, 12)), int(rng.choice([16, 32]))
    v = int(rng.choice([40, 65, 100]))
    y, _ = GPT(v, c, n_heads=2, n_layers=1, max_len=t).forward(np.zeros((b, t), dtype=np.int64))
    wrong = (
        Wrong((b, v), "only the last place predicts", "Every place predicts its next token: that is how it is trained."),
        Wrong((b, t, c), "stream for scores", "The last map goes from the width to the vocabulary."),
        Wrong((b, t), "the token for its scores", "There is a score for every token of the vocabulary, not one chosen id."),
    )  # fmt: skip
    return ShapeCase({"b": b, "t": t, "c": c, "v": v}, tuple(y.shape), wrong)
