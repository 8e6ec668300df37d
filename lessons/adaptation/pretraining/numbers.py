"""Numbers for the quiz on pre-training objectives: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.data.masked_tokens import mask_tokens
from tfx.data.span_corruption import corrupt_spans


@told_apart
def masked_answers(rng: np.random.Generator) -> NumberCase:
    """Places that count in a batch, by the library's masking."""
    rows, length = int(rng.integers(2, 9)), int(rng.choice([40, 60, 80, 100, 120]))
    found = mask_tokens(rng.integers(50, size=(rows, length)), rng, 51, 50)
    answer = float(found.chosen.sum())
    wrong = (
        Wrong(answer * 0.8, "masks for chosen", "The loss counts at all chosen places, also those that do not read [MASK]."),
        Wrong(float(rows * length), "every place counts", "Only chosen places are asked for."),
        Wrong(answer / rows, "one row for the batch", "Each row has its chosen places."),
    )  # fmt: skip
    return NumberCase({"rows": rows, "length": length}, answer, wrong, 0.0)


@told_apart
def next_answers(rng: np.random.Generator) -> NumberCase:
    """Losses of a batch of texts that are read without a start token."""
    rows, length = int(rng.integers(2, 9)), int(rng.choice([16, 32, 64, 128]))
    ids = np.zeros((rows, length))
    answer = float(ids[:, 1:].size)
    wrong = (
        Wrong(float(rows * length), "first token predicted", "Nothing stands before the first token."),
        Wrong(float(rows * length - 1), "one long text", "Each text has a first token of its own."),
        Wrong(float(rows), "one answer a text", "Each place but the last is asked for the token behind it."),
    )  # fmt: skip
    return NumberCase({"rows": rows, "length": length}, answer, wrong, 0.0)


@told_apart
def chance_of_text(rng: np.random.Generator) -> NumberCase:
    a, b, c = (float(p) for p in rng.choice([0.5, 0.25, 0.2, 0.4, 0.8, 0.1], 3, replace=False))
    wrong = (
        Wrong((a + b + c) / 3, "mean for product", "Chances of things that all happen multiply."),
        Wrong(min(a, b, c), "smallest for product", "All three have to happen."),
        Wrong(c, "last for all", "The last chance is that of the last token alone."),
    )
    return NumberCase({"a": a, "b": b, "c": c}, a * b * c, wrong)


@told_apart
def target_length(rng: np.random.Generator) -> NumberCase:
    """Tokens that the decoder writes, from the library's corruption."""
    length, rate, span = int(rng.choice([60, 100, 120, 200])), float(rng.choice([0.15, 0.3])), 3.0
    _, target = corrupt_spans(np.arange(length), range(1000, 1100), rng, rate, span)
    cut = round(rate * length)
    runs = len(target) - 1 - cut
    wrong = (
        Wrong(float(cut), "sentinels not written", "A sentinel stands in front of each span, and one at the end."),
        Wrong(float(cut + runs), "no last sentinel", "One more sentinel ends the target."),
        Wrong(float(length), "whole text written", "Only what was cut is written."),
    )
    return NumberCase({"length": length, "cut": cut, "runs": runs}, float(len(target)), wrong, 0.0)
