"""Bugs of a feed-forward block with LayerNorm and a residual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.program import Program

program = Program(
    "block", "A feed-forward block with LayerNorm and a residual, both ways",
    "each token is normalised, goes through two matrices, and is added to what it was; gradients are those of that",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    n = rng.standard_normal
    for batch, length, width, hidden, by in (
        (2, 3, 5, 7, 1.0),
        (1, 1, 4, 3, 1.0),
        (3, 4, 8, 8, 10.0),
        (2, 2, 6, 1, 0.02),
    ):
        w = {"gain": n(width), "bias": n(width), "up": n((width, hidden)), "down": n((hidden, width))}
        x = by * n((batch, length, width)) + n((batch, length, 1))
        yield "norm", {"x": x, "gain": w["gain"], "bias": w["bias"]}
        yield "forward", {"w": w, "x": x}
        yield "gradients", {"w": w, "x": x, "dout": n(x.shape)}
    yield "norm", {"x": np.ones((1, 2, 3)), "gain": n(3), "bias": n(3)}
    w = {"gain": np.ones(6), "bias": np.zeros(6), "up": 0.4 * n((6, 5)), "down": 0.4 * n((5, 6))}
    yield "fit", {"w": w, "x": n((4, 3, 6)), "goal": n((4, 3, 6)), "steps": 15, "rate": 0.2}


program.bug(
    "variance-around-nought", "norm", "((x - mean) ** 2).mean(axis=-1, keepdims=True)", "(x**2).mean(axis=-1, keepdims=True)",
    "the variance is taken around 0, and not around the mean", "that is what RMSNorm does",
    "invariants", "variances are off by", "higher",
)  # fmt: skip
program.bug(
    "mean-not-subtracted", "norm", "rows = (x - mean) / spread", "rows = x / spread",
    "rows are divided by their spread, and keep their mean", "the mean is already used in the variance",
    "invariants", "means are off by", "higher",
)  # fmt: skip
program.bug(
    "variance-for-spread", "norm", "np.sqrt(variance + EPSILON)", "variance + EPSILON",
    "rows are divided by the variance, and not by its root", "both are a measure of spread",
    "invariants", "variances are off by", "higher",
)  # fmt: skip
program.bug(
    "one-less-in-the-count", "norm", "((x - mean) ** 2).mean(axis=-1, keepdims=True)",
    "((x - mean) ** 2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)",
    "the variance is divided by one less than the width", "that is how statistics estimates a variance from a sample",
    "invariants", "variances are off by", "higher",
)  # fmt: skip
program.bug(
    "epsilon-too-large", "norm", "EPSILON = 1e-5", "EPSILON = 1e-1",
    "epsilon is no longer small beside a variance", "any small number will do, so it seems",
    "invariants", "variances are off by", "higher",
)  # fmt: skip
program.bug(
    "residual-of-the-normed", "norm", "out = x + h @", "out = y + h @",
    "the normed rows are added, and not what came in", "y is the variable that was last made",
    "invariants", "the empty block is off by", "higher",
)  # fmt: skip
program.bug(
    "no-residual", "norm", "out = x + h @", "out = h @",
    "what came in is not added", "a block is thought of as a function that is applied",
    "invariants", "the empty block is off by", "higher",
)  # fmt: skip
program.bug(
    "no-residual-on-the-way-back", "norm", "    dx = dx + dout\n", "",
    "the gradient goes back through the matrices alone", "the plus of the forward looks like no operation",
    "invariants", "its gradient is off by", "higher",
)  # fmt: skip
program.bug(
    "term-of-the-mean-missing", "norm", "(drows - by_mean - by_spread) / spread", "(drows - by_spread) / spread",
    "the backward forgets that every number moves the mean", "the formula of RMSNorm has no such term",
)  # fmt: skip
program.bug(
    "term-of-the-spread-missing", "norm", "(drows - by_mean - by_spread) / spread", "(drows - by_mean) / spread",
    "the backward takes the spread for a constant", "a division is differentiated as if by a number",
)  # fmt: skip
program.bug(
    "spread-on-the-wrong-side", "scale", "(drows - by_mean - by_spread) / spread", "(drows - by_mean - by_spread) * spread",
    "the backward multiplies by the spread", "the forward divides, and a backward is thought of as its inverse",
)  # fmt: skip
program.bug(
    "gain-forgotten-on-the-way-back", "scale", "drows = dy * gain", "drows = dy",
    "the gradient of the rows lacks the gain", "gains begin as 1",
)  # fmt: skip
program.bug(
    "gain-gets-the-mean", "scale", "(dy * rows).sum(axis=(0, 1))", "(dy * rows).mean(axis=(0, 1))",
    "the gain's gradient is a mean over the tokens", "a loss is a mean, and so its gradient, it seems",
    "gradients", "norm of d gain", "lower",
)  # fmt: skip
program.bug(
    "gain-gets-the-biases-gradient", "scale", "dgain = (dy * rows).sum(axis=(0, 1))", "dgain = dy.sum(axis=(0, 1))",
    "the gain's gradient lacks the rows that it multiplies", "the line of the bias is copied",
)  # fmt: skip
program.bug(
    "mean-over-tokens", "axis", "x.mean(axis=-1, keepdims=True)", "x.mean(axis=-2, keepdims=True)",
    "the mean runs over the tokens of a text", "BatchNorm's axis is remembered",
    "causality", "another token moves", "higher",
)  # fmt: skip
program.bug(
    "spread-over-texts", "axis", "((x - mean) ** 2).mean(axis=-1, keepdims=True)", "((x - mean) ** 2).mean(axis=0, keepdims=True)",
    "the variance runs over the texts of the batch", "BatchNorm's axis is remembered",
    "causality", "another text moves", "higher",
)  # fmt: skip
program.bug(
    "backward-over-tokens", "axis", "drows.mean(axis=-1, keepdims=True)", "drows.mean(axis=-2, keepdims=True)",
    "the term through the mean runs over the tokens", "-1 and -2 are soon taken for each other",
)  # fmt: skip
program.bug(
    "gate-upside-down", "scale", "1 / (1 + np.exp(-a))", "1 / (1 + np.exp(a))",
    "the sigmoid falls where it should rise", "a sign in an exponent",
    "invariants", "silu of 40 is off by", "higher",
)  # fmt: skip
program.bug(
    "gate-is-a-constant", "scale", "dh * (gate + h * (1 - gate))", "dh * gate",
    "the backward of SiLU takes the gate for a constant", "a product is differentiated in one factor",
)  # fmt: skip
