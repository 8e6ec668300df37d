"""Parity of bits: at once, from how many are 1, or step by step, each step from the one before and one bit more.

At once, a network reads the number s of ones (attention can give it: a mean times the length) and has to rise and fall
with it, one bend for each bit:

    y = ReLU(s) - 2 ReLU(s - 1) + 2 ReLU(s - 2) - ...          n hidden units for n bits

Step by step it is an exclusive or each time, with the two hidden units of exclusive_or.py, whatever the length:

    parity of i bits = XOR(parity of i - 1 bits, bit i)
"""

from __future__ import annotations

import numpy as np

from tfx.lab.sequences.exclusive_or import SOLUTION
from tfx.ops.feed_forward.activations import ACTIVATIONS


def zigzag(made_for: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """w1, b1, w2, b2 of the network above, for so many bits.  Raises ValueError for none."""
    if made_for < 1:
        raise ValueError(f"parity is of at least one bit, not {made_for}")
    slopes = 2.0 * (-1.0) ** np.arange(made_for)
    slopes[0] = 1.0
    return np.ones((1, made_for)), -np.arange(made_for, dtype=float), slopes[:, None], np.zeros(1)


def at_once(bits: np.ndarray, made_for: int) -> np.ndarray:
    """bits: (n, length) of 0 and 1 -> (n,): what the network for `made_for` bits gives for their number of ones."""
    return np.asarray(_network(bits.sum(axis=1, keepdims=True).astype(float), zigzag(made_for))[:, 0])


def by_steps(bits: np.ndarray) -> np.ndarray:
    """bits: (n, length) -> (n, length): the parities of the first bit, of the first two, and so on."""
    written = [bits[:, 0].astype(float)]
    for i in range(1, bits.shape[1]):
        written.append(_network(np.stack((written[-1], bits[:, i]), axis=1), SOLUTION)[:, 0])
    return np.stack(written, axis=1)


def every_text(length: int) -> np.ndarray:
    """(2^length, length): each text of so many bits once."""
    return (np.arange(2**length)[:, None] >> np.arange(length)) & 1


def _network(x: np.ndarray, weights: tuple[np.ndarray, ...]) -> np.ndarray:
    w1, b1, w2, b2 = weights
    return np.asarray(ACTIVATIONS["relu"][0](x @ w1 + b1)[0] @ w2 + b2)
