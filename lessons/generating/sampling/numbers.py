"""Numbers for the quiz on drawing tokens: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.generate.shaping import probabilities_of, temperature, top_k, top_p


@told_apart
def ratio(rng: np.random.Generator) -> NumberCase:
    """How many times as likely one token is as another."""
    a, gap, t = int(rng.integers(-2, 3)), int(rng.integers(1, 4)), float(rng.choice([0.5, 2.0, 4.0]))
    p = probabilities_of(temperature(np.array([[a + gap, a]], dtype=float), t))[0]
    wrong = (
        Wrong(math.exp(gap), "temperature forgotten", "That is the ratio at temperature 1."),
        Wrong(math.exp(gap * t), "multiplied by the temperature", "Logits are divided by it: above 1 the ratio falls."),
        Wrong(math.exp(gap) / t, "chances divided", "The logits are divided, before exp."),
    )
    return NumberCase({"a": a + gap, "b": a, "t": f"{t:g}"}, float(p[0] / p[1]), wrong, 0.02)


def descending(rng: np.random.Generator) -> list[int]:
    """Percents of five tokens, the likeliest first, that sum to 100."""
    while True:
        cuts = np.sort(rng.choice(np.arange(1, 20), 4, replace=False))
        parts = sorted((5 * int(n) for n in np.diff([0, *cuts, 20])), reverse=True)
        if len(set(parts)) == 5:
            return parts


@told_apart
def after_top_k(rng: np.random.Generator) -> NumberCase:
    """The likeliest token's chance after top-k."""
    parts, k = descending(rng), int(rng.integers(2, 4))
    p = probabilities_of(top_k(np.log(np.array([parts])), k))[0]
    wrong = (
        Wrong(float(parts[0]), "not renormalised", "What is left is divided by its sum, so that it sums to 100 again."),
        Wrong(100 / k, "kept tokens made equal", "They keep their ratios."),
        Wrong(parts[0] + (100 - sum(parts[:k])) / k, "the rest shared evenly", "All are multiplied by one factor, so larger ones get more of the rest."),
    )  # fmt: skip
    return NumberCase({"list": listed(parts), "k": k}, 100 * float(p[0]), wrong, 0.01, "percent")


@told_apart
def kept_by_top_p(rng: np.random.Generator) -> NumberCase:
    """How many tokens top-p keeps."""
    parts = descending(rng)
    limit = int(rng.integers(2, 5))
    percent = sum(parts[:limit]) - int(rng.integers(1, 4))
    kept = int((probabilities_of(top_p(np.log(np.array([parts])), percent / 100)) > 0).sum())
    wrong = (
        Wrong(float(kept - 1), "the crossing token left out", "Without it the sum is below p; it stays in."),
        Wrong(float(sum(part >= percent for part in parts)), "p as a threshold", "Not each token has to reach p: their chances are added up."),
        Wrong(float(5 - kept), "cut for kept", "These are cut off."),
    )  # fmt: skip
    return NumberCase({"list": listed(parts), "percent": percent}, float(kept), wrong, 0.0)


@told_apart
def from_the_tail(rng: np.random.Generator) -> NumberCase:
    """The chance that a text has at least one token of the tail."""
    per_cent, n = int(rng.integers(1, 6)), int(rng.choice([10, 20, 30, 50]))
    kept = probabilities_of(np.log(np.array([[100 - per_cent, per_cent]])))[0, 0]
    text = float(np.exp(np.log(np.full(n, kept)).sum()))
    wrong = (
        Wrong(100 * text, "none for some", "That is the chance that no token is from the tail."),
        Wrong(float(per_cent * n), "chances added up", "Added up they count texts with two such tokens twice."),
        Wrong(float(per_cent), "one token for the text", "Each token of the text is drawn anew."),
    )
    return NumberCase({"per_cent": per_cent, "n": n}, 100 * (1 - text), wrong, 0.01, "percent")


def listed(parts: list[int]) -> str:
    return ", ".join(map(str, parts))
