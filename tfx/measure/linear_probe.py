"""A linear probe: can a property be read off hidden states by a linear map?

    W = (H^T H + ridge I)^-1 H^T Y          H: hidden states and a column of ones; Y: labels as one-hot rows
    label of a state = argmax(h W)

Least squares instead of logistic regression: it has one answer in closed form, and as a probe it ranks alike.
What a probe finds is there, but need not be used by the model; and a probe may learn by itself what it is asked for.
Against the latter: `selectivity`, its accuracy minus that of a probe for a control task, in which every token has a
label that was drawn once for its id.  Nothing but the probe can have learned that, so what both reach proves nothing.
Sources: Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes"; Hewitt and Liang
2019, "Designing and Interpreting Probes with Control Tasks".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Probed(NamedTuple):
    """What a probe learns from or is judged on: hidden states, their labels, and the ids of their tokens."""

    hidden: np.ndarray  # (N, C)
    labels: np.ndarray  # (N,) integers from 0
    tokens: np.ndarray  # (N,) integers from 0


class LinearProbe:
    """hidden: (N, C), labels: (N,) integers from 0.  Raises ValueError when their numbers differ or there are none."""

    def __init__(self, hidden: np.ndarray, labels: np.ndarray, ridge: float = 1e-3) -> None:
        if len(hidden) != len(labels) or not len(labels):
            raise ValueError(f"{len(labels)} labels do not fit {len(hidden)} hidden states")
        h, y = _with_one(hidden), np.eye(int(labels.max()) + 1)[labels]
        self.w = np.linalg.solve(h.T @ h + ridge * len(h) * np.eye(h.shape[1]), h.T @ y)  # (C + 1, classes)

    def predict(self, hidden: np.ndarray) -> np.ndarray:
        """hidden: (N, C) -> (N,)."""
        return (_with_one(hidden) @ self.w).argmax(axis=1)

    def accuracy(self, hidden: np.ndarray, labels: np.ndarray) -> float:
        return float((self.predict(hidden) == labels).mean())


def control_labels(tokens: np.ndarray, n_labels: int, rng: np.random.Generator) -> np.ndarray:
    """tokens: (N,) ids -> (N,) labels: one drawn at random for each id, the same at each of its occurrences."""
    return rng.integers(n_labels, size=int(tokens.max()) + 1)[tokens]


def selectivity(train: Probed, test: Probed, rng: np.random.Generator, ridge: float = 1e-3) -> float:
    """Accuracy on `test` of a probe trained on `train`, minus that of such a probe for the control task: -1 to 1.

    The control task has as many labels, drawn evenly.  0: the probe would have learned anything as well.
    Raises ValueError where LinearProbe does.
    """
    n_labels = int(max(train.labels.max(initial=0), test.labels.max(initial=0))) + 1
    control = control_labels(np.concatenate([train.tokens, test.tokens]), n_labels, rng)
    control_train, control_test = control[: len(train.tokens)], control[len(train.tokens) :]
    asked = LinearProbe(train.hidden, train.labels, ridge).accuracy(test.hidden, test.labels)
    return asked - LinearProbe(train.hidden, control_train, ridge).accuracy(test.hidden, control_test)


def _with_one(hidden: np.ndarray) -> np.ndarray:
    return np.concatenate([hidden.astype("float64"), np.ones((len(hidden), 1))], axis=1)
