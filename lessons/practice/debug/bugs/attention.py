"""Bugs of causal attention with several heads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.asking.attention import NAMES
from lessons.practice.debug.program import Program

program = Program(
    "attention", "Causal attention with several heads, forward and backward",
    "each token mixes the values of itself and of the tokens before it, and the gradients are those of that",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    n = rng.standard_normal
    for batch, length, width, heads, by in (
        (2, 5, 6, 3, 1.0), (3, 4, 8, 2, 1.0), (1, 1, 4, 2, 1.0), (4, 4, 4, 4, 1.0), (2, 7, 12, 2, 3.0), (2, 3, 5, 1, 0.1)
    ):  # fmt: skip
        w = {name: by * n((width, width)) / np.sqrt(width) for name in NAMES}
        ends = length - rng.integers(0, length, batch)
        same = {"w": w, "x": n((batch, length, width)), "padded": np.arange(length) >= ends[:, None], "heads": heads}
        yield "forward", same
        yield "gradients", {**same, "dy": n((batch, length, width))}
    w = {
        name: 300 * n((8, 8)) for name in NAMES
    }  # scores of a hundred thousand, whose exponential is too large for a float
    yield "forward", {"w": w, "x": n((2, 4, 8)), "padded": np.zeros((2, 4), bool), "heads": 2}
    w, x = {name: n((8, 8)) / np.sqrt(8) for name in NAMES}, n((4, 5, 8))
    padded = np.zeros((4, 5), bool)
    yield "fit", {"w": w, "x": x, "padded": padded, "heads": 2, "goal": n(x.shape), "steps": 15, "rate": 0.2}


program.bug(
    "one-token-ahead", "mask", "np.tril(np.ones((length, length), bool))", "np.tril(np.ones((length, length), bool), 1)",
    "each token may also look at the next one", "the second argument of tril is where the diagonal is, and looks like a margin",
    "causality", "a later token moves", "higher",
)  # fmt: skip
program.bug(
    "mask-upside-down", "mask", "np.tril(np.ones((length, length), bool))", "np.triu(np.ones((length, length), bool))",
    "each token looks at itself and at the tokens after it", "triu is what one blocks, and here the mask says what is seen",
    "causality", "a later token moves", "higher",
)  # fmt: skip
program.bug(
    "either-mask-will-do", "mask", "seen & ~padded", "seen | ~padded",
    "a key is seen where either mask allows it", "two masks are joined, and `or` is read as `both`",
    "causality", "a later token moves", "higher",
)  # fmt: skip
program.bug(
    "padding-of-queries", "mask", "~padded[:, None, None, :]", "~padded[:, None, :, None]",
    "padded queries are blocked, and padded keys are seen", "a mask (B, T) can be put on either of the last two axes",
    "invariants", "weight on padding", "higher",
)  # fmt: skip
program.bug(
    "blocked-by-nought", "mask", "np.where(seen, scores, -1e30)", "np.where(seen, scores, 0.0)",
    "a blocked score becomes 0, and exp(0) is 1", "zero looks like nothing",
    "causality", "a later token moves", "higher",
)  # fmt: skip
program.bug(
    "mask-behind-the-softmax", "mask", "softmax(np.where(seen, scores, -1e30))", "softmax(scores) * seen",
    "weights are blocked after the softmax, and what is left does not sum to 1", "it is shorter, and nothing is infinite",
    "invariants", "row sums are off by", "higher",
)  # fmt: skip
program.bug(
    "no-scale", "scale", " / np.sqrt(width // heads)", "",
    "scores are not divided by the root of the width of a head", "without it the shapes are right",
    "entropy", "head 1", "lower",
)  # fmt: skip
program.bug(
    "scale-upside-down", "scale", "/ np.sqrt(width // heads)", "* np.sqrt(width // heads)",
    "scores are multiplied by the root, not divided", "one remembers that a root is there",
    "entropy", "head 1", "lower",
)  # fmt: skip
program.bug(
    "divided-by-the-width", "scale", "/ np.sqrt(width // heads)", "/ width",
    "scores are divided by the whole width, and not by the root of a head's", "a mean divides by the count",
    "entropy", "head 1", "higher",
)  # fmt: skip
program.bug(
    "root-of-the-whole-width", "scale", "/ np.sqrt(width // heads)", "/ np.sqrt(width)",
    "scores are divided by the root of the whole width, and not of a head's", "with one head both are the same",
)  # fmt: skip
program.bug(
    "softmax-over-queries", "axis", "e / e.sum(axis=-1, keepdims=True)", "e / e.sum(axis=-2, keepdims=True)",
    "weights sum to 1 over the queries, and not over the keys", "both axes are tokens",
    "invariants", "row sums are off by", "higher",
)  # fmt: skip
program.bug(
    "heads-cut-from-tokens", "axis",
    "    parts = x.reshape(batch, length, heads, width // heads)\n    return parts.transpose(0, 2, 1, 3)\n",
    "    parts = x.reshape(batch, heads, length, width // heads)\n    return parts\n",
    "heads are cut out of the tokens by reshape alone, so that a head mixes tokens", "the shape is right",
    "causality", "a later token moves", "higher",
)  # fmt: skip
program.bug(
    "heads-merged-in-place", "axis", "    parts = x.transpose(0, 2, 1, 3)\n    return parts.reshape", "    return x.reshape",
    "heads are joined without turning the axes back", "the shape is right",
    "causality", "a later token moves", "higher",
)  # fmt: skip
program.bug(
    "inner-sum-over-queries", "axis", "(dp * weights).sum(axis=-1, keepdims=True)", "(dp * weights).sum(axis=-2, keepdims=True)",
    "the inner sum of the softmax's backward runs over the queries", "both axes are tokens",
    "loss", "loss after 150 steps", "higher",
)  # fmt: skip
program.bug(
    "inner-sum-missing", "norm", "weights * (dp - inner)", "weights * dp",
    "the softmax's backward lacks the term through its divisor", "the derivative of exp is remembered and that of the sum is not",
    "loss", "loss after 150 steps", "higher",
)  # fmt: skip
program.bug(
    "scale-lost-on-the-way-back", "scale", "weights * (dp - inner) / np.sqrt(q.shape[-1])", "weights * (dp - inner)",
    "the divisor of the scores is missing in the backward", "it is applied in the forward and forgotten on the way back",
)  # fmt: skip
