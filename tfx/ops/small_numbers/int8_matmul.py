"""A matrix product of 8-bit integers: multiplied as integers, added up in 32 bits, scaled once at the end.

    x ~ s_x q_x  (a scale for each row)          w ~ s_w q_w  (a scale for each column)
    y_nj = sum_i x_ni w_ij ~ s_x,n s_w,j sum_i q_x,ni q_w,ij

Both scales leave the sum, because neither depends on i; groups along i would not.  Each product is at most 127^2, so a
sum of I of them fits into 32 bits for I up to 2^31 / 127^2 = 133,144.  The integer sum itself is exact: all the error
is the rounding of x and w.
Source: Jacob et al. 2018, sections 2.2 and 2.3; scales by rows and columns: Dettmers et al. 2022, "LLM.int8()", section
2.1.
"""

from __future__ import annotations

import numpy as np

from tfx.backend import Array
from tfx.ops.small_numbers.quantisation import Quantised, quantise

LARGEST = np.iinfo("int32").max // 127**2


def int8_matmul(x: Array, w: Quantised) -> Array:
    """x: (..., I) float, w: symmetric codes (I, J) with a scale for the tensor or each channel -> y: (..., J).

    x is quantised here, each row by its largest number.  Raises ValueError for affine or grouped codes, for widths that
    do not fit and for an I whose sum could overflow.
    """
    width = w.codes.shape[0]
    if x.shape[-1] != width:
        raise ValueError(f"x has width {x.shape[-1]} but w expects {width}")
    if w.zero_point is not None or w.scale.shape[0] != 1:
        raise ValueError("integers are added up before they are scaled: w needs symmetric codes without groups")
    if width > LARGEST:
        raise ValueError(f"a sum of {width} products can overflow 32 bits; at most {LARGEST}")
    rows = quantise(x.reshape(-1, width).T, per="channel")  # a row of x is a column here
    total = rows.codes.T.astype("int32") @ w.codes.astype("int32")
    y = total.astype(x.dtype) * rows.scale.reshape(-1, 1) * w.scale.reshape(1, -1).astype(x.dtype)
    return y.reshape(*x.shape[:-1], w.codes.shape[1])
