"""Numbers for the quiz on writing all at once: each function draws one case and computes its truth."""

from __future__ import annotations

import itertools

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.generate.speculative import acceptance_rate, expected_tokens, residual


@told_apart
def mixed(rng: np.random.Generator) -> NumberCase:
    """Percent of whole texts, places drawn by themselves, counted over all texts."""
    m, n = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    texts = list(itertools.product(range(m), repeat=n))
    whole = sum(len(set(text)) == 1 for text in texts) / len(texts)
    wrong = (
        Wrong(100 / len(texts), "one answer counted", "There are several whole texts, one for each answer."),
        Wrong(100 - 100 * whole, "mixed for whole", "That is the share of texts in which answers are mixed."),
        Wrong(100 / m, "one place for the text", "All the other places have to draw the same answer, too."),
    )
    return NumberCase({"m": m, "n": n}, 100 * whole, wrong, 0.01, "percent")


def two_models(rng: np.random.Generator) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
    """Percents of three tokens by the large model and by the one that drafts."""
    while True:
        p, q = (np.sort(rng.choice(np.arange(1, 19), 2, replace=False)) for _ in range(2))
        large, small = (5 * np.diff([0, *cuts, 20]) for cuts in (p, q))
        if (large > small).sum() in (1, 2) and abs(large - small).min() >= 5:
            shown = {f"p{i + 1}": int(large[i]) for i in range(3)} | {f"q{i + 1}": int(small[i]) for i in range(3)}
            return shown, large / 100, small / 100


@told_apart
def kept(rng: np.random.Generator) -> NumberCase:
    """How often a drafted token stays."""
    shown, p, q = two_models(rng)
    wrong = (
        Wrong(100 * float((p * q).sum()), "both draw it by chance", "The large model does not draw anew: it keeps with chance min(1, p / q)."),
        Wrong(100 * float(np.minimum(1, p / q).mean()), "tokens drafted evenly", "Tokens are drafted by their chances, not evenly."),
        Wrong(100 - 100 * acceptance_rate(p, q), "rejected for kept", "That is how often it is rejected."),
    )  # fmt: skip
    return NumberCase(shown, 100 * acceptance_rate(p, q), wrong, 0.01, "percent")


@told_apart
def after_rejection(rng: np.random.Generator) -> NumberCase:
    """The chance of token 1 once the drafted one was rejected."""
    while True:
        shown, p, q = two_models(rng)
        if p[0] > q[0] and (p > q).sum() == 2:
            break
    rest = residual(p, q)
    wrong = (
        Wrong(100 * float(p[0]), "drawn from the large model", "Then tokens that were drafted too often would stay too frequent."),
        Wrong(100 * float(p[0] - q[0]), "not divided by the sum", "What the large model has more is divided by its sum."),
        Wrong(100 * float(p[0] / p[p > q].sum()), "the whole chance for what is more", "Only the part above the draft's chance counts."),
    )  # fmt: skip
    return NumberCase(shown, 100 * float(rest[0]), wrong, 0.01, "percent")


@told_apart
def tokens_a_pass(rng: np.random.Generator) -> NumberCase:
    """On average, if each place keeps its token with the same chance."""
    percent, n = int(rng.choice([50, 60, 70, 80, 90])), int(rng.integers(2, 6))
    a = percent / 100
    wrong = (
        Wrong(n * a, "places independent of each other", "A token counts only if all drafted before it were kept, and one comes from the large model."),
        Wrong(expected_tokens(a, n) - 1, "the large model's token forgotten", "A pass always gives one token of the large model as well."),
        Wrong(float(n + 1), "all kept", "That is the most that a pass can give."),
    )  # fmt: skip
    return NumberCase({"percent": percent, "n": n}, expected_tokens(a, n), wrong, 0.01)
