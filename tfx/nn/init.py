"""First values of parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Rng = np.random.Generator


def xavier_uniform(rng: Rng, width_in: int, width_out: int, dtype: Any) -> np.ndarray:
    """(I, J) uniform in +-sqrt(6 / (I + J)): variance 2 / (I + J).

    y = x W keeps the variance of x if Var W = 1 / I, and dx = dy W^T that of dy if Var W = 1 / J; this is the
    compromise.  Source: Glorot and Bengio 2010, equation 16.
    """
    limit = math.sqrt(6.0 / (width_in + width_out))
    return rng.uniform(-limit, limit, size=(width_in, width_out)).astype(dtype)


def embedding_normal(rng: Rng, rows: int, width: int, dtype: Any) -> np.ndarray:
    """(rows, C) normal with variance 1 / C, so that a row has length about 1.

    Tied logits x E^T then start with the variance of x, and the look-up, multiplied by sqrt(C) (Vaswani et al. 2017,
    section 3.4), gives inputs of variance 1.
    """
    return (rng.standard_normal((rows, width)) / math.sqrt(width)).astype(dtype)
