"""What the last state of a recurrent layer still tells about the words that it has read."""

from __future__ import annotations

import numpy as np

from tfx.lab.sequences.sequence_layers import Recurrent
from tfx.measure.linear_probe import LinearProbe


def read_back(
    rnn: Recurrent, vectors: np.ndarray, length: int, rng: np.random.Generator, sentences: int = 4000
) -> np.ndarray:
    """vectors: (W, C), one for each of W words -> (length,): how often the word k places back is named right.

    The sentences are drawn evenly from the words.  On one half a linear read-out learns to name the word k places
    before the end from the last state alone; entry k is its share of right names on the other half.  Guessing: 1/W.
    """
    words = rng.integers(len(vectors), size=(sentences, length))
    last = rnn.forward(vectors[words])[0][:, -1]
    half = sentences // 2
    return np.array(
        [LinearProbe(last[:half], word[:half]).accuracy(last[half:], word[half:]) for word in words.T[::-1]]
    )
