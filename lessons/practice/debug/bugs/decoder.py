"""Bugs of the decoder that is trained from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.asking.decoder import repeats
from lessons.practice.debug.program import Program, space_of

program = Program(
    "decoder", "A decoder of two layers, trained from nothing", "it goes on with texts that repeat, such as abcabcabc",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    start = space_of(program.source).initial
    for seed, size, length in ((1, 3, 9), (2, 1, 4), (3, 5, 1)):
        w = start(rng)
        text = repeats(seed, size)[:, : length + 1]
        yield "forward", {"w": w, "letters": text[:, :-1]}
        if length > 2:
            yield "gradients", {"w": w, "letters": text[:, :-1], "labels": text[:, 1:]}
    wide = {name: 40 * one if name[:-1] in ("query", "key") else one for name, one in start(rng).items()}
    yield "forward", {"w": wide, "letters": rng.integers(0, 6, (3, 9))}
    large = {name: 3 * one for name, one in start(rng).items()}
    other = rng.integers(0, 6, (3, 10))
    yield "gradients", {"w": large, "letters": other[:, :-1], "labels": other[:, 1:]}
    yield "data", {"seed": 4, "size": 5}
    yield "train", {"seed": 5, "steps": 14}
    yield "solved", {"seed": 6, "steps": 100}


program.bug(
    "labels-not-shifted", "shift", "text[:, 1 : LENGTH + 1]", "text[:, :LENGTH]",
    "the label of a letter is the letter itself", "inputs and labels are cut from one text, and one of two cuts is forgotten",
    "loss", "right on new texts", "lower",
)  # fmt: skip
program.bug(
    "labels-shifted-twice", "shift", "text[:, 1 : LENGTH + 1]", "text[:, 2 : LENGTH + 2]",
    "the label of a letter is the one after the next", "the data are shifted, and then the loss shifts again",
    "loss", "right on new texts", "lower",
)  # fmt: skip
program.bug(
    "one-letter-ahead", "mask", "np.tril(np.ones((length, length), bool))", "np.tril(np.ones((length, length), bool), 1)",
    "each letter may also look at the next one, which is its label", "the second argument of tril looks like a margin",
    "causality", "a later letter moves", "higher",
)  # fmt: skip
program.bug(
    "judged-upside-down", "mask", "np.arange(labels.shape[1])[:, None] >= 2", "np.arange(labels.shape[1])[:, None] < 2",
    "only the two labels are judged that nobody can know", "a mask of what is left out is taken for one of what is kept",
    "loss", "right on new texts", "lower",
)  # fmt: skip
program.bug(
    "counts-what-is-not-judged", "mask", "labels.shape[0] * judged.sum()", "labels.size",
    "the sum over the judged labels is divided by the number of all labels", "mean() does that",
    "invariants", "even guesses are off by", "higher",
)  # fmt: skip
program.bug(
    "scale-upside-down", "scale", "q @ k.swapaxes(1, 2) / np.sqrt(WIDTH)", "q @ k.swapaxes(1, 2) * np.sqrt(WIDTH)",
    "scores are multiplied by the root of the width", "one remembers that a root is there",
    "entropy", "layer 1", "lower",
)  # fmt: skip
program.bug(
    "gradient-not-divided", "scale", "(p - right) * judged / count", "(p - right) * judged",
    "the loss is a mean, and its gradient that of a sum", "Adam divides by the size of gradients, so that the loss falls all the same",
    "gradients", "norm of d head", "higher",
)  # fmt: skip
program.bug(
    "softmax-over-queries", "axis", "e / e.sum(axis=-1, keepdims=True)", "e / e.sum(axis=-2, keepdims=True)",
    "each column sums to 1, not each row", "both axes of the weights are tokens",
    "invariants", "row sums are off by", "higher",
)  # fmt: skip
program.bug(
    "places-summed-over-texts", "axis", "dx.sum(axis=0)", "dx.sum(axis=(0, 1))",
    "every place gets the gradient of all places", "a sum over the leading axes is what biases need",
    "gradients", "norm of d places", "higher",
)  # fmt: skip
program.bug(
    "norm-over-tokens", "axis", "np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)", "np.sqrt((x * x).mean(axis=-2, keepdims=True) + 1e-5)",
    "each column is normalised over the tokens, which lets later tokens in", "one axis less or more is soon written",
    "causality", "a later letter moves", "higher",
)  # fmt: skip
program.bug(
    "no-places", "position", ' + w["places"][:length]', "",
    "nothing says where a letter stands", "without it everything runs",
    "loss", "loss at step 50", "higher",
)  # fmt: skip
program.bug(
    "one-place-for-all", "position", 'w["places"][:length]', 'w["places"][length - 1]',
    "every letter is told that it stands at the end", "an index and a slice differ by a colon",
    "loss", "loss at step 50", "higher",
)  # fmt: skip
program.bug(
    "mean-square-without-root", "norm", "root = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)", "root = (x * x).mean(axis=-1, keepdims=True) + 1e-5",
    "rows are divided by their mean square, not by its root", "the formula is remembered without the root",
    "invariants", "mean squares are off by", "higher",
)  # fmt: skip
program.bug(
    "residual-lost", "norm", "x = x + mixed @", "x = mixed @",
    "what comes out of attention replaces the stream", "the residual is a plus sign",
    "loss", "loss at step 50", "higher",
)  # fmt: skip
program.bug(
    "residual-lost-on-the-way-back", "norm", "dx = dx + norm_backward(dh, before)", "dx = norm_backward(dh, before)",
    "the gradient goes back through attention alone, and not past it", "the plus of the forward looks like no operation",
)  # fmt: skip
program.bug(
    "norm-is-a-constant", "norm", "(dy - y * (dy * y).mean(axis=-1, keepdims=True)) / root", "dy / root",
    "the backward takes the root for a constant", "a division is differentiated as if by a number",
)  # fmt: skip
program.bug(
    "norm-backward-without-root", "norm", "(dy - y * (dy * y).mean(axis=-1, keepdims=True)) / root", "dy - y * (dy * y).mean(axis=-1, keepdims=True)",
    "the backward of the norm does not divide by the root", "the formula is remembered for rows of size 1",
)  # fmt: skip
program.bug(
    "first-moment-not-corrected", "optimiser", "m[name] / (1 - 0.9**step)", "m[name]",
    "the first moment is not corrected for its start at 0", "after some steps the correction is 1",
)  # fmt: skip
program.bug(
    "uphill", "optimiser", "w[name] - rate * change", "w[name] + rate * change",
    "weights go along the gradient, and not against it", "a sign",
    "loss", "loss at step 20", "higher",
)  # fmt: skip
program.bug(
    "warm-up-that-goes-on", "optimiser", "min(1, step / warmup)", "max(1, step / warmup)",
    "the rate grows for ever from its peak", "min and max are taken for each other",
    "loss", "loss at step 100", "higher",
)  # fmt: skip
program.bug(
    "moments-in-one-place", "optimiser", "m, v = ({name: np.zeros_like(one) for name, one in w.items()} for _ in range(2))", "m = v = {name: np.zeros_like(one) for name, one in w.items()}",
    "both moments are one and the same table", "m = v = ... makes one object with two names",
    "loss", "loss at step 50", "higher",
)  # fmt: skip
program.bug(
    "second-moment-without-root", "optimiser", "np.sqrt(v[name] / (1 - 0.98**step))", "v[name] / (1 - 0.98**step)",
    "the change is divided by the second moment, not by its root", "the root is remembered as part of the bias correction",
    "loss", "loss at step 50", "higher",
)  # fmt: skip
program.bug(
    "the-same-batch-again", "data", "*batch(rng, 16)", "*batch(np.random.default_rng(seed), 16)",
    "every step sees the same texts", "a seed is set inside of the loop, so that runs can be repeated",
    "loss", "right on new texts", "lower",
)  # fmt: skip
program.bug(
    "letters-repeated-one-by-one", "data", "np.tile(rng.integers(0, LETTERS, (size, 3)), (1, 4))", "np.repeat(rng.integers(0, LETTERS, (size, 3)), 4, axis=1)",
    "texts are aaaabbbbcccc", "tile and repeat are taken for each other",
    "loss", "right on new texts", "lower",
)  # fmt: skip
program.bug(
    "letters-counted-once", "data", 'np.add.at(dw["letters"], letters, dx)', 'dw["letters"][letters] += dx',
    "a letter that stands in the batch more than once gets the gradient of one place alone", "+= with an index keeps the last",
    "gradients", "norm of d letters", "lower",
)  # fmt: skip
