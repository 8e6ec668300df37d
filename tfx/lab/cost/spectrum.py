"""How much of a matrix of attention weights a few directions hold: its singular values, and the heads of a model."""

from __future__ import annotations

import numpy as np

from tfx.shipped.load import load

#: What is read: English, 58 tokens of the shipped language model.
TEXT = (
    "the function returns a list of the names of all files in the directory . if the path does not exist , an error is "
    "raised and the program ends . the second argument is the number of bytes that are read at a time , and the "
    "default is to read the whole file at once ."
)


def energy(weights: np.ndarray) -> np.ndarray:
    """weights: (..., T, S) -> (..., min(T, S)): the share of the summed squares in the first 1, 2, ... directions."""
    squares = np.linalg.svd(weights, compute_uv=False) ** 2
    return np.asarray(np.cumsum(squares, axis=-1) / squares.sum(axis=-1, keepdims=True))


def heads_of_language_model(untrained: bool = False, seed: int = 0) -> np.ndarray:
    """The weights of all blocks and heads of the shipped language model on TEXT: (blocks, H, T, T)."""
    shipped = load("language", untrained=untrained, seed=seed)
    ids = np.array(shipped.tokenizer.encode(TEXT))
    cache = shipped.model.forward(ids[None])[1]
    return np.stack([block.attention.weights[0] for block in cache.stack.blocks])
