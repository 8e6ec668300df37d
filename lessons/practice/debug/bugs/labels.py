"""Bugs of labels and loss of a language model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.asking.labels import texts
from lessons.practice.debug.program import Program

program = Program(
    "labels", "Labels and the loss of a language model",
    "each letter is predicted from the one before it; padding counts for nothing, in loss, gradient and accuracy",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    for seed, size, length in ((1, 3, 5), (2, 1, 2), (3, 6, 6), (4, 2, 9)):
        text = texts(seed, size, length)
        yield "shifted", {"text": text}
        logits = rng.standard_normal((size, length, 7))
        yield "gradients", {"logits": logits, "labels": text, "smoothing": 0.0}
        yield "gradients", {"logits": 30 * logits, "labels": text, "smoothing": 0.3}
        yield "measures", {"logits": logits, "labels": text}
    yield (
        "gradients",
        {"logits": 1e4 * rng.standard_normal((2, 3, 4)), "labels": rng.integers(0, 4, (2, 3)), "smoothing": 0.0},
    )
    yield "gradients", {"logits": rng.standard_normal((2, 3, 4)), "labels": np.zeros((2, 3), int), "smoothing": 0.1}
    yield "gradients", {"logits": rng.standard_normal((1, 3, 4)), "labels": np.array([[0, 2, 0]]), "smoothing": 0.1}
    yield "train", {"text": texts(5, 6), "letters": 6, "steps": 12, "rate": 1.3, "smoothing": 0.1}
    yield "train", {"text": texts(6, 4), "letters": 6, "steps": 5, "rate": 0.7}
    yield "solved", {"steps": 40}


program.bug(
    "not-shifted", "shift", "np.concatenate([starts, text[:, :-1]], axis=1)", "np.concatenate([starts, text[:, 1:]], axis=1)",
    "each input but the first is its own label", "both slices leave one letter out",
    "causality", "inputs that are their label", "higher",
)  # fmt: skip
program.bug(
    "start-behind-the-end", "shift", "np.concatenate([starts, text[:, :-1]], axis=1)", "np.concatenate([text[:, 1:], starts], axis=1)",
    "each letter is predicted from the one after it", "a shift has two directions",
    "loss", "right on the next letter", "lower",
)  # fmt: skip
program.bug(
    "two-letters-ahead", "shift", "    return inputs, text\n", "    return inputs[:, :-1], text[:, 1:]\n",
    "inputs are shifted, and labels once more", "that is how one shifts where there is no start",
    "loss", "right on the next letter", "lower",
)  # fmt: skip
program.bug(
    "the-inputs-are-judged", "shift", "loss_and_gradient(logits, labels, smoothing)\n        losses", "loss_and_gradient(logits, inputs, smoothing)\n        losses",
    "the loss compares with the inputs", "inputs and labels stand side by side",
    "loss", "right on the next letter", "lower",
)  # fmt: skip
program.bug(
    "padding-has-a-gradient", "mask", "(np.exp(logp) - goal) * counts[..., None] / total", "(np.exp(logp) - goal) / total",
    "the loss leaves padding out, the gradient does not", "the mask is put on once",
    "gradients", "norm at padding", "higher",
)  # fmt: skip
program.bug(
    "padding-has-a-loss", "mask", "(losses * counts).sum() / total", "losses.sum() / total",
    "padding is in the sum of the loss", "the mask is put on the gradient alone",
    "causality", "padding moves the loss by", "higher",
)  # fmt: skip
program.bug(
    "only-padding-counts", "mask", "    counts = labels != PAD\n    total", "    counts = labels == PAD\n    total",
    "the mask keeps what it should leave out", "a mask of padding is taken for one of letters",
    "gradients", "norm at padding", "higher",
)  # fmt: skip
program.bug(
    "the-start-is-padding", "mask", "    counts = labels != PAD\n    total", "    counts = labels > START + 1\n    total",
    "the first letter of the alphabet counts as padding", "ids are compared by size",
    "loss", "right on the next letter", "lower",
)  # fmt: skip
program.bug(
    "padding-is-a-hit", "mask", "(logits.argmax(axis=-1) == labels) & counts", "(logits.argmax(axis=-1) == labels) | ~counts",
    "padding counts as right", "the mask is joined with `or`",
    "samples", "right share of who knows", "higher",
)  # fmt: skip
program.bug(
    "mean-over-everything", "scale", "max(counts.sum(), 1)", "counts.size",
    "the loss is divided by the number of places, with padding", "mean() does that",
    "invariants", "even guesses are off by", "higher",
)  # fmt: skip
program.bug(
    "mean-of-the-texts", "scale", "max(counts.sum(), 1)", "len(labels)",
    "the loss is divided by the number of texts", "a batch is counted in texts",
    "invariants", "even guesses are off by", "higher",
)  # fmt: skip
program.bug(
    "gradient-not-divided", "scale", "(np.exp(logp) - goal) * counts[..., None] / total", "(np.exp(logp) - goal) * counts[..., None]",
    "the loss is a mean, its gradient that of a sum", "a rate that is small enough hides it",
    "gradients", "norm of d logits", "higher",
)  # fmt: skip
program.bug(
    "smoothing-not-taken-away", "scale", "ones * (1 - smoothing) + smoothing / letters", "ones + smoothing / letters",
    "the spread part is added, and the label keeps its 1", "one half of the formula is remembered",
    "invariants", "goals are off by", "higher",
)  # fmt: skip
program.bug(
    "smoothing-not-shared", "scale", "ones * (1 - smoothing) + smoothing / letters", "ones * (1 - smoothing) + smoothing",
    "every letter gets the whole of the smoothing", "the number of letters is forgotten",
    "invariants", "goals are off by", "higher",
)  # fmt: skip
program.bug(
    "smoothing-among-the-others", "scale", "smoothing / letters", "smoothing / (letters - 1) * (1 - ones)",
    "the smoothing goes to the other letters alone", "both definitions are in use, and this one is not meant here",
)  # fmt: skip
program.bug(
    "probabilities-over-places", "axis", "np.exp(logits).sum(axis=-1, keepdims=True)", "np.exp(logits).sum(axis=-2, keepdims=True)",
    "probabilities sum to 1 over the places", "-1 and -2 are soon taken for each other",
    "invariants", "probabilities are off by", "higher",
)  # fmt: skip
program.bug(
    "largest-of-the-places", "axis", "logits.argmax(axis=-1)", "logits.argmax(axis=1)[:, :1]",
    "the guess is a place, not a letter", "axes are counted from the front",
    "samples", "right share of who knows", "lower",
)  # fmt: skip
program.bug(
    "maximum-not-subtracted", "norm", "    logits = logits - logits.max(axis=-1, keepdims=True)\n", "",
    "exp overflows for large logits", "the formula has no maximum in it",
    "invariants", "2000 more is off by", "higher",
)  # fmt: skip
program.bug(
    "log-of-the-mean", "norm", "np.log(np.exp(logits).sum(axis=-1, keepdims=True))", "np.log(np.exp(logits).mean(axis=-1, keepdims=True))",
    "the logarithm of a mean is subtracted, not of a sum", "both are reductions",
    "invariants", "probabilities are off by", "higher",
)  # fmt: skip
program.bug(
    "letters-counted-once", "data", "np.add.at(dtable, inputs, dlogits)", "dtable[inputs] += dlogits",
    "a letter that stands there more than once gets the gradient of one place alone", "+= with an index keeps the last",
    "loss", "right on the next letter", "lower",
)  # fmt: skip
