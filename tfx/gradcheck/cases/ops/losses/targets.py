"""Tokens that count in a loss, and tokens that do not."""

from __future__ import annotations

import numpy as np

from tfx.gradcheck.cases.sizes import B, Rng, T


def kept_tokens(rng: Rng, kept: int | None) -> np.ndarray | None:
    return None if kept is None else (rng.permutation(B * T) < kept).reshape(B, T)
