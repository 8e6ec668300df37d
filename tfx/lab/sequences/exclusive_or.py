"""XOR, the smallest question that no affine map answers: the best line, a network by hand, and networks that learn.

    y = W2^T ReLU(W1^T x + b1) + b2        h_1 = ReLU(a + b), h_2 = ReLU(a + b - 1), y = h_1 - 2 h_2

Source: Minsky and Papert 1969, "Perceptrons" (no single unit with a threshold computes it).
"""

from __future__ import annotations

import numpy as np

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
ANSWERS = np.array([0.0, 1.0, 1.0, 0.0])
#: w1, b1, w2, b2 of the network above.
SOLUTION = (np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([[1.0], [-2.0]]), np.zeros(1))
RATE = 0.05


def best_line() -> np.ndarray:
    """-> (4,): what the affine map with the least squared error answers to the four inputs."""
    x = np.concatenate([INPUTS, np.ones((4, 1))], axis=1)
    return np.asarray(x @ np.linalg.lstsq(x, ANSWERS, rcond=None)[0])


def learn_xor(seed: int, hidden: int, starts: int, steps: int, bend: bool = True) -> np.ndarray:
    """-> (starts,): the worst error of the four answers after gradient descent from each of `starts` random networks.

    All networks learn side by side, on the mean squared error of the four cases.  bend: ReLU between the two layers.
    """
    rng = np.random.default_rng(seed)
    w1, w2 = (
        rng.standard_normal((starts, 2, hidden)) / np.sqrt(2),
        rng.standard_normal((starts, hidden, 1)) / np.sqrt(hidden),
    )
    b1, b2 = np.zeros((starts, 1, hidden)), np.zeros((starts, 1, 1))
    for _ in range(steps):
        h, y = network(w1, b1, w2, b2, bend)
        dy = (y - ANSWERS[:, None]) / 2  # of the mean of the four squared errors
        dh = dy @ w2.swapaxes(1, 2)  # y = h @ w2 + b2
        dw2, db2 = h.swapaxes(1, 2) @ dy, dy.sum(axis=1, keepdims=True)
        da = dh * (h > 0) if bend else dh  # h = max(a, 0)
        w1, b1 = w1 - RATE * (INPUTS.T @ da), b1 - RATE * da.sum(axis=1, keepdims=True)  # a = x @ w1 + b1
        w2, b2 = w2 - RATE * dw2, b2 - RATE * db2
    _, y = network(w1, b1, w2, b2, bend)
    return np.asarray(np.abs(y[..., 0] - ANSWERS).max(axis=1))


def network(
    w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray, bend: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Of each start (N, ...) -> the hidden units (N, 4, hidden) and the outputs (N, 4, 1) for all four inputs."""
    a = INPUTS @ w1 + b1
    h = np.maximum(a, 0) if bend else a
    return h, h @ w2 + b2
