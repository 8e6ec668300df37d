"""Attention roll-out: of which words is a vector made, once all layers have mixed?

    mixed = (P_L + I) / 2 ... (P_2 + I) / 2 (P_1 + I) / 2

P_l are the weights of layer l, averaged over its heads, and I stands for the residual connection.  Rows sum to 1.
It is an estimate: it takes half of each vector to come past the attention, all values to be alike in length, and the
feed-forward networks to mix nothing.
Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def attention_rollout(weights: Sequence[np.ndarray]) -> np.ndarray:
    """weights: for each layer, first to last, (T, T) -> (T, T): row i says how much of each input is in vector i.

    Raises ValueError without a layer, or when the layers have different shapes or are not square.
    """
    shapes = {layer.shape for layer in weights}
    if len(shapes) != 1 or (shape := shapes.pop())[0] != shape[-1] or len(shape) != 2:
        raise ValueError(f"a roll-out takes layers of one shape (T, T), not {[layer.shape for layer in weights]}")
    mixed = np.eye(shape[0])
    for layer in weights:
        mixed = (layer + np.eye(shape[0])) / 2 @ mixed
    return mixed
