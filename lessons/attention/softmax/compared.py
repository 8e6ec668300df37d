"""The steps of softmax-attention that put its rivals beside it: weights and gradients on the same scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.ops.basics.normalised_relu import normalised_relu_backward, normalised_relu_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_backward, sparsemax_forward
from tfx.ops.feed_forward.sigmoid import sigmoid_backward, sigmoid_forward
from tfx.records import Check, Code, Column, Formula, Step, Table, Text


class Rival(NamedTuple):
    key: str
    label: str
    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]


RIVALS = (
    Rival("softmax", "softmax", softmax_forward, softmax_backward),
    Rival("sparsemax", "sparsemax", sparsemax_forward, sparsemax_backward),
    Rival("relu", "norm. ReLU", normalised_relu_forward, normalised_relu_backward),
    Rival("sigmoid", "sigmoid", sigmoid_forward, sigmoid_backward),
)
_COLUMNS = tuple(Column(rival.key, rival.label, digits=4) for rival in RIVALS)


def other_weights(scores: np.ndarray, seed: int) -> Step:
    """The same row through all four."""
    weights = {rival.key: rival.forward(scores)[0] for rival in RIVALS}
    rows: list[dict[str, Any]] = [
        {"score": f"{score:g}", **{key: float(w[i]) for key, w in weights.items()}} for i, score in enumerate(scores)
    ]
    rows.append({"score": "sum", **{key: float(w.sum()) for key, w in weights.items()}})
    zeros = {key: int((w == 0).sum()) for key, w in weights.items()}
    points = np.random.default_rng(seed).dirichlet(np.ones(scores.size), size=5000)
    nearest = float(((weights["sparsemax"] - scores) ** 2).sum() - ((points - scores) ** 2).sum(axis=-1).min())
    sums = float(max(abs(weights["softmax"].sum() - 1), abs(weights["sparsemax"].sum() - 1)))
    return Step(
        "Softmax is a choice: three other ways from scores to weights",
        (
            Formula("sparsemax    nearest point of the simplex = max(s - tau, 0)"),
            Formula("norm. ReLU   r / sum r,  r = max(s, 0)"),
            Formula("sigmoid      1 / (1 + exp(-s))"),
            Table("Weights on your scores", (Column("score", "score"), *_COLUMNS), tuple(rows)),
            Text(
                f"Exact zeros: softmax {zeros['softmax']}, sparsemax {zeros['sparsemax']}, normalised ReLU "
                f"{zeros['relu']}, sigmoid {zeros['sigmoid']}. Sparsemax drops keys that are far behind. "
                "Normalised ReLU drops everything below zero, so it is not shift invariant, and a row without a "
                "positive score has no weights at all. Sigmoid weighs each key for itself: no competition, no fixed sum."
            ),
            Text(
                "Linear attention replaces exp(q.k) by a product phi(q).phi(k) of positive features, which lets the "
                "sum over keys be computed once for all queries; it is less able to be sharp."
            ),
            Check("sums", "softmax and sparsemax sum to 1", 0.0, sums, 1e-12, sums <= 1e-12),
            Check(
                "nearest",
                "sparsemax is nearer to the scores than 5,000 random distributions",
                "<= 0",
                nearest,
                "squared distance",
                nearest <= 1e-9,
            ),
            Code(sparsemax_forward),
        ),
        ("tfx explain softmax-attention --step 7 --set scores=-1,-2,-3",),
    )


def gradients(scores: np.ndarray, seed: int) -> Step:
    """One upstream gradient sent back through all four."""
    rng = np.random.default_rng(seed)
    dy = rng.standard_normal(scores.size)
    back = {rival.key: rival.backward(dy, rival.forward(scores)[1]) for rival in RIVALS}
    rows = tuple(
        {"score": f"{score:g}", "dy": dy[i], **{key: float(dx[i]) for key, dx in back.items()}}
        for i, score in enumerate(scores)
    )
    smooth = away_from_kinks(rng)
    errors = {
        rival.key: check_gradients(rival.forward, rival.backward, {"x": smooth}, seed=seed).worst for rival in RIVALS
    }
    worst = max(errors.values())
    blind = int(((back["sparsemax"] == 0) & (sparsemax_forward(scores)[0] == 0)).sum())
    total = float(abs(back["softmax"].sum()))
    return Step(
        "... and what each lets back through",
        (
            Table(
                "The gradient of each score, for one random dy",
                (Column("score", "score"), Column("dy", "dy", digits=3), *_COLUMNS),
                rows,
            ),
            Formula("softmax: w (dy - w.dy)     sparsemax: dy - mean of dy, on the support"),
            Text(
                f"Sparsemax leaves {blind} of {scores.size} keys without weight and without gradient: through this row "
                "such a key cannot earn its way back. Softmax gives every key some gradient, however little, and is "
                "differentiable everywhere; sparsemax and ReLU have kinks. The softmax gradients sum to 0, because a "
                "shift of the whole row does nothing."
            ),
            Check("zero-sum", "softmax gradients sum to 0", 0.0, total, 1e-12, total <= 1e-12),
            Check(
                "all-four",
                "all four backwards against finite differences",
                0.0,
                worst,
                f"relative error {TOLERANCE:.0e}",
                worst <= TOLERANCE,
            ),
            Code(sparsemax_backward),
            Code(normalised_relu_backward),
        ),
        (f"tfx explain softmax-attention --step 8 --seed {seed + 1}",),
    )


def away_from_kinks(rng: np.random.Generator) -> np.ndarray:
    """(3, 5) random scores at least 0.05 away from 0 and from the threshold of sparsemax, where kinks are."""
    while True:
        x = rng.standard_normal((3, 5))
        y, _ = sparsemax_forward(x)
        tau = (x - y).min(axis=-1, keepdims=True, where=y > 0, initial=np.inf)
        if abs(x).min() > 0.05 and abs(x - tau).min() > 0.05:
            return x
