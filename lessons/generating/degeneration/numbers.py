"""Numbers for the quiz on repetition: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.generate.shaping import repetition_penalty
from tfx.measure.repetition import loop_period, repeated_share


@told_apart
def repeated(rng: np.random.Generator) -> NumberCase:
    """The repeated share of a text in which a piece comes again."""
    piece, times, tail = int(rng.integers(2, 5)), int(rng.integers(2, 4)), int(rng.integers(0, 3))
    ids = np.array([*(list(range(piece)) * times), *range(7, 7 + tail)])
    n = 2
    all_of, share = len(ids) - n + 1, repeated_share(ids, n)
    wrong = (
        Wrong(1 - share, "distinct for repeated", "That is distinct-2, the share of different pairs."),
        Wrong(1 - len(set(ids.tolist())) / len(ids), "tokens for pairs", "It is counted in pairs of neighbours, not in tokens."),
        Wrong(share * all_of / len(ids), "pairs counted as tokens", "A text has one pair less than tokens."),
    )  # fmt: skip
    return NumberCase({"text": " ".join("abcdefghij"[i] for i in ids)}, share, wrong, 0.01)


@told_apart
def contexts(rng: np.random.Generator) -> NumberCase:
    """After how many steps a context must have come back."""
    v, window = int(rng.integers(3, 8)), int(rng.integers(2, 5))
    table = rng.standard_normal((v,) * (window + 1))
    wrong = (
        Wrong(float(v * window), "sum for product", "Each place of the window can hold each token: they multiply."),
        Wrong(float(window**v), "base for exponent", "There is one factor for each place, not for each token."),
        Wrong(float(v ** (window + 1)), "next token counted", "The next token follows from the context; it is no part of it."),
    )  # fmt: skip
    return NumberCase({"v": v, "window": window}, float(table[..., 0].size), wrong, 0.0)


@told_apart
def penalised(rng: np.random.Generator) -> NumberCase:
    """A negative logit after a repetition penalty."""
    logit, c = -float(rng.choice([0.4, 0.8, 1.0, 1.2, 2.0])), float(rng.choice([1.25, 1.5, 2.0, 2.5]))
    answer = float(repetition_penalty(np.array([[logit, 1.0]]), [[0]], c)[0, 0])
    wrong = (
        Wrong(logit / c, "negative logit divided", "Divided it comes nearer to 0: the token would be more likely."),
        Wrong(logit - c, "penalty subtracted", "Count penalties are subtracted; this one is a factor."),
        Wrong(logit, "negative logits spared", "All tokens that were written are made less likely."),
    )
    return NumberCase({"logit": f"{logit:g}", "c": f"{c:g}"}, answer, wrong, 0.01)


@told_apart
def period(rng: np.random.Generator) -> NumberCase:
    """Of the loop with which a text ends."""
    size, before = int(rng.integers(2, 5)), int(rng.integers(1, 5))
    piece = rng.permutation(6)[:size]
    ids = np.array([*(6 + rng.permutation(4)[:before]), *np.tile(piece, 3)])
    answer = loop_period(ids)
    assert answer is not None
    wrong = (
        Wrong(float(3 * size), "three pieces for one", "The period is the length of one piece."),
        Wrong(float(before + size), "beginning counted", "What stands before the loop is no part of it."),
        Wrong(float(len(ids)), "text for loop", "Only the end of the text repeats."),
    )
    return NumberCase({"text": " ".join("abcdefghij"[i] for i in ids)}, float(answer), wrong, 0.0)
