"""bfloat16 by rounding: float32 with the lower 16 bits of its 23 behind the point rounded away.

    bfloat16    8 bits of exponent, as float32;  7 bits behind the point;  the next number above 1 is 1 + 2^-7

NumPy has no such type, so a rounded number stays a float32.  Adding half of the last kept place, and one less where
the kept part is even, rounds to the nearest, halves to even, as float32 itself does.
Source: Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training".
"""

from __future__ import annotations

import numpy as np


def round_to_bfloat16(x: np.ndarray) -> np.ndarray:
    """x: floats of any shape -> float32 of that shape, each the nearest bfloat16.  inf and NaN stay."""
    x = np.asarray(x, "float32")
    bits = x.view(np.uint32)
    last_kept = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + last_kept) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(x), rounded.view("float32"), x)
