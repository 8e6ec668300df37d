"""How much a last token reads of one place in a long context: by its score, and by where the place stands."""

from __future__ import annotations

import numpy as np

from tfx.ops.basics.softmax import softmax_forward


def needle_weight(length: int, ahead: float) -> float:
    """The weight of one key whose score is `ahead` of those of all length - 1 others, which are equal."""
    scores = np.zeros(length)
    scores[0] = ahead
    return float(softmax_forward(scores)[0][0])


def read_by_place(length: int, slope: float, layers: int) -> np.ndarray:
    """-> (length,): how much of each place is in the last output after so many layers of causal attention whose scores
    fall by `slope` a place with the distance and know nothing of content.  The sum is 1."""
    places = np.arange(length)
    distance = places[:, None] - places
    weights = softmax_forward(np.where(distance >= 0, -slope * distance, -np.inf))[0]
    row = np.eye(length)[-1]
    for _ in range(layers):
        row = row @ weights
    return np.asarray(row)
