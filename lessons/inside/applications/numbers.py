"""Numbers for the quiz on uses: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.data.toys.series import REACH, Series
from tfx.lab.beyond_text.contact_map import coupling, partners
from tfx.models import EncoderDecoder, VisionTransformer


@told_apart
def squares(rng: np.random.Generator) -> NumberCase:
    """What a real reader of pictures cuts a picture into."""
    side, across = int(rng.choice([4, 8, 16])), int(rng.integers(3, 9))
    image = side * across
    model = VisionTransformer((image, image), side, 2, d_model=8, n_heads=1, d_ff=8, n_layers=1, pool="mean")
    wrong = (
        Wrong(float(across), "one row of squares", "There are as many rows as columns."),
        Wrong(float(image**2), "pixels for squares", "A token is a square of pixels."),
        Wrong(float(side * side), "pixels of a square", "That many pixels are in one token."),
    )
    return NumberCase({"image": image, "side": side}, float(np.prod(model.grid)), wrong, 0.0, "tokens")


@told_apart
def written(rng: np.random.Generator) -> ShapeCase:
    """Logits of a small model that reads a source and is asked for a target."""
    words, n, m, b = (int(rng.integers(low, high)) for low, high in ((20, 60), (6, 12), (3, 6), (2, 5)))
    model = EncoderDecoder(words, d_model=8, n_heads=1, d_ff=8, n_layers=1)
    out = model.forward(np.zeros((b, n), dtype=int), np.zeros((b, m), dtype=int))[0].shape
    wrong = (
        Wrong((b, n, words), "source for target", "What is scored is the target; the source is read."),
        Wrong((b, words), "one answer for a text", "That is what a classifier gives."),
        Wrong((b, n + m, words), "source and target in one row", "A decoder alone would read both in one row."),
    )
    return ShapeCase({"words": words, "n": n, "m": m, "b": b}, tuple(int(size) for size in out), wrong)


@told_apart
def step_error(rng: np.random.Generator) -> NumberCase:
    """How far a value can be from the middle of its step, where it is cut by the steps of a series."""
    bins = int(rng.choice([8, 10, 16, 20, 32, 40]))
    middles = Series(n_bins=bins).centres()
    width = float(middles[1] - middles[0])
    wrong = (
        Wrong(width, "step for half a step", "The token stands for the middle of its step."),
        Wrong(width / 4, "mean for largest error", "That is the error on average, for even values."),
        Wrong(1 / bins, "steps of a range of 2", "The range is wider than that."),
    )
    return NumberCase({"low": -REACH, "high": REACH, "bins": bins}, width / 2, wrong, 0.01)


@told_apart
def partner(rng: np.random.Generator) -> NumberCase:
    """Which of the columns of an alignment changes with the first."""
    chains = rng.integers(4, size=(5, 5))
    chains[:, 0] = rng.permutation([0, 1, 2, 3, 0])
    match = int(rng.integers(1, 5))
    chains[:, match] = 3 - chains[:, 0]
    others = [j for j in range(1, 5) if j != match]
    if any(len({*zip(chains[:, 0], chains[:, j], strict=True)}) < 5 for j in others):
        return partner.__wrapped__(rng)  # type: ignore[attr-defined]
    found = int(partners(coupling(chains))[0]) + 1
    why = "There the same first letter meets different letters."
    wrong = tuple(Wrong(float(j + 1), "chance for change together", why) for j in others)
    rows = {f"c{i + 1}": "".join("ACGT"[letter] for letter in chain) for i, chain in enumerate(chains)}
    return NumberCase(rows, float(found), wrong, 0.0)
