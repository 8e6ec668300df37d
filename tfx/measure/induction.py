"""Induction heads: heads that continue a text as it went on before.

In a sequence that repeats, the head looks from a token to the place after the token's earlier occurrence: "A B ... A"
attends to B, and so predicts it.

    score(head) = mean over the second half of the weight from place t to place t - period + 1

It takes two layers: in the first a head notes for each place which token stood before it, in the second a head looks
for the place whose note is the present token.
Source: Olsson et al. 2022, "In-context Learning and Induction Heads"; Elhage et al. 2021.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def induction_scores(model: Any, ids: np.ndarray, period: int) -> np.ndarray:
    """model: DecoderOnly; ids: (B, T), each row with the given period -> (L, H), 0 to 1.

    Raises ValueError when a row does not repeat.
    """
    if period < 1 or (ids[:, period:] != ids[:, :-period]).any():
        raise ValueError(f"the rows do not repeat after {period} tokens")
    _, cache = model.forward(ids)
    from_places = np.arange(period, ids.shape[1])
    scores = [block.weights[:, :, from_places, from_places - period + 1].mean(axis=(0, 2)) for block in cache.blocks]
    return np.stack(scores)
