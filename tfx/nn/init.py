"""First values of parameters: how large a random matrix has to be for signals to keep their size.

One entry of y = x W is a sum of I products, so with independent entries of mean zero

    Var y  = I Var W Var x          forward, W: (I, J)
    Var dx = J Var W Var dy         backward, dx = dy W^T

A stack of L maps multiplies these factors: at 0.5 per layer twenty layers leave a millionth, at 2 a million times as
much.  Forward wants Var W = 1 / I, backward 1 / J.  Xavier takes 2 / (I + J), which is both when I = J, and a map from
I to J with one back then multiplies either signal by 4 I J / (I + J)^2 in all.  A ReLU sets half of what it gets to
zero, so that half of the mean square is left, and He's 2 / I makes up for it.

A residual stream x + f1 + f2 + ... adds instead: after L blocks of two sub-layers with outputs of variance 1 it has
variance 1 + 2L, unless the last map of every sub-layer starts smaller by 1 / sqrt(2L) (`scaled_residual`).

An initialisation is a function (rng, rows, columns, dtype) -> (rows, columns); layers take it, or its name.
Sources: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", section
4.2; He et al. 2015, "Delving Deep into Rectifiers", section 2.2; Radford et al. 2019 (GPT-2), section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Initialisation = Callable[[Rng, int, int, Any], np.ndarray]


def xavier_uniform(rng: Rng, width_in: int, width_out: int, dtype: Any) -> np.ndarray:
    """(I, J) uniform in +-sqrt(6 / (I + J)): variance 2 / (I + J), as a uniform in +-a has a^2 / 3.

    Source: Glorot and Bengio 2010, equation 16.
    """
    limit = math.sqrt(6.0 / (width_in + width_out))
    return rng.uniform(-limit, limit, size=(width_in, width_out)).astype(dtype)


def xavier_normal(rng: Rng, width_in: int, width_out: int, dtype: Any) -> np.ndarray:
    """(I, J) normal with variance 2 / (I + J).  Source: Glorot and Bengio 2010, equation 12."""
    return normal(rng, width_in, width_out, dtype, math.sqrt(2.0 / (width_in + width_out)))


def he_uniform(rng: Rng, width_in: int, width_out: int, dtype: Any) -> np.ndarray:
    """(I, J) uniform in +-sqrt(6 / I): variance 2 / I, for maps that read a ReLU."""
    limit = math.sqrt(6.0 / width_in)
    return rng.uniform(-limit, limit, size=(width_in, width_out)).astype(dtype)


def he_normal(rng: Rng, width_in: int, width_out: int, dtype: Any) -> np.ndarray:
    """(I, J) normal with variance 2 / I.  Source: He et al. 2015, equation 10."""
    return normal(rng, width_in, width_out, dtype, math.sqrt(2.0 / width_in))


def normal(rng: Rng, rows: int, columns: int, dtype: Any, std: float = 0.02) -> np.ndarray:
    """(rows, columns) normal with standard deviation `std`, whatever the widths.  0.02: Radford et al. 2018 (GPT)."""
    return (rng.standard_normal((rows, columns)) * std).astype(dtype)


def truncated_normal(rng: Rng, rows: int, columns: int, dtype: Any, std: float = 0.02) -> np.ndarray:
    """As `normal`, but what falls outside +-2 std is drawn again, so that no weight starts as an outlier.

    That leaves a standard deviation of 0.88 std.  Devlin et al. 2019 (BERT) start so, with 0.02.
    """
    values = rng.standard_normal((rows, columns))
    outside = abs(values) > 2
    while outside.any():
        values[outside] = rng.standard_normal(int(outside.sum()))
        outside = abs(values) > 2
    return (values * std).astype(dtype)


def embedding_normal(rng: Rng, rows: int, width: int, dtype: Any) -> np.ndarray:
    """(rows, C) normal with variance 1 / C, so that a row has length about 1.

    Tied logits x E^T then start with the variance of x, and the look-up, multiplied by sqrt(C) (Vaswani et al. 2017,
    section 3.4), gives inputs of variance 1.
    """
    return (rng.standard_normal((rows, width)) / math.sqrt(width)).astype(dtype)


def scaled_residual(n_layers: int, init: str | Initialisation = "xavier_uniform") -> Initialisation:
    """`init` divided by sqrt(2 n_layers), for the last map of each sub-layer: attention's output, the second of the
    feed-forward network.  Raises ValueError for fewer than one layer or a name that is not known."""
    if n_layers < 1:
        raise ValueError(f"a stack has at least one layer, not {n_layers}")
    draw = find_initialisation(init)

    def scaled(rng: Rng, rows: int, columns: int, dtype: Any) -> np.ndarray:
        return (draw(rng, rows, columns, "float64") / math.sqrt(2.0 * n_layers)).astype(dtype)

    return scaled


INITIALISATIONS: dict[str, Initialisation] = {
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "normal": normal,
    "truncated_normal": truncated_normal,
    "embedding_normal": embedding_normal,
}


def find_initialisation(init: str | Initialisation) -> Initialisation:
    """The function of that name; a function is returned as it is.  Raises ValueError for an unknown name."""
    if callable(init):
        return init
    if init not in INITIALISATIONS:
        raise ValueError(f"init must be one of {', '.join(INITIALISATIONS)}, or a function, not {init!r}")
    return INITIALISATIONS[init]
