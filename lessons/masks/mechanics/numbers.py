"""Numbers for the quiz on what a mask does: each function masks drawn scores with the library or with a shortcut."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.gradcheck.mistakes.ops.attention import masks as shortcuts
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.basics.softmax import softmax_forward

THIRD = np.array([[True, True, False]])


def _scores(rng: np.random.Generator) -> np.ndarray:
    return rng.choice([-1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.5], size=(1, 3), replace=False)


def _values(scores: np.ndarray) -> dict[str, object]:
    return {name: f"{s:g}" for name, s in zip("abc", scores[0], strict=True)}


@told_apart
def weight_before(rng: np.random.Generator) -> NumberCase:
    """The first weight when the third key is blocked."""
    scores = _scores(rng)
    late = shortcuts.mask_after_softmax(scores, THIRD)
    zeroed = shortcuts.blocked_scores_zero(scores, THIRD)
    return NumberCase(
        _values(scores),
        float(attend_forward(scores, np.eye(3), THIRD)[1].weights[0, 0]),
        (
            Wrong(float(late[0, 0]), "mask after softmax", "Then the hidden score still stands in the denominator."),
            Wrong(float(zeroed[0, 0]), "score zero for blocked", "A score of 0 keeps exp(0) = 1 in the sum."),
            Wrong(0.5, "equal weights for the visible", "The visible keys keep their own scores."),
        ),
    )


@told_apart
def sum_after(rng: np.random.Generator) -> NumberCase:
    """What a row sums to when a weight is zeroed after the softmax."""
    scores = _scores(rng)
    return NumberCase(
        _values(scores),
        float(shortcuts.mask_after_softmax(scores, THIRD).sum()),
        (
            Wrong(1.0, "softmax repairs itself", "The softmax is over: nothing divides again."),
            Wrong(2 / 3, "all keys counted alike", "What is lost is the weight of the hidden key, not a third."),
            Wrong(
                float(softmax_forward(scores)[0][0, 2]), "lost weight for what is left", "That is what was taken away."
            ),
        ),
    )


@told_apart
def kept_by_zero(rng: np.random.Generator) -> NumberCase:
    """The weight that a key keeps whose score was set to 0."""
    scores = _scores(rng)
    return NumberCase(
        _values(scores),
        float(shortcuts.blocked_scores_zero(scores, THIRD)[0, 2]),
        (
            Wrong(0.0, "score zero for blocked", "exp(0) is 1, so the key keeps a share."),
            Wrong(
                float(softmax_forward(scores)[0][0, 2]), "score not replaced", "Its score is 0 now, not what it was."
            ),
            Wrong(1 / 3, "equal weights", "The visible keys have scores of their own."),
        ),
    )


@told_apart
def visible_pairs(rng: np.random.Generator) -> NumberCase:
    """Pairs that a causal and a padding mask together leave."""
    n, pads = int(rng.choice([6, 7, 8, 9])), int(rng.choice([2, 3]))
    causal, real = causal_mask(n), padding_mask([n - pads], n)[0, 0]
    return NumberCase(
        {"n": n, "pads": pads},
        float((causal & real).sum()),
        (
            Wrong(float(causal.sum()), "filling is read", "Keys that are filling are blocked as well."),
            Wrong(
                float((causal & real & real[0][:, None]).sum()),
                "rows of filling left out",
                "Filling asks as well: its rows have keys that they may see.",
            ),
            Wrong(float(n * (n - pads)), "no causal mask", "Later keys are blocked."),
        ),
        0.0,
    )


@told_apart
def blocked_throughout(rng: np.random.Generator) -> NumberCase:
    """What each key gets when -1e9 is added to all scores in float32."""
    n = int(rng.choice([3, 4, 5, 6, 8]))
    scores = rng.choice([0.5, 1.0, 2.0], size=(1, n)).astype(np.float32)
    return NumberCase(
        {"n": n},
        round(float(shortcuts.finite_penalty(scores, np.zeros((1, n), bool), -1e9)[0, 0]) * n, 6) / n,
        (
            Wrong(0.0, "a penalty always gives zero", "It cancels when every score of the row has it."),
            Wrong(1.0, "softmax picks one key", "The scores drown in -1e9, and no key leads."),
        ),
    )
