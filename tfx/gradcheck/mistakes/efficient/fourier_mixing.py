"""Known mistakes in tfx/efficient/fourier_mixing.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.fourier_mixing import FourierMixingCache
from tfx.gradcheck.cases.efficient.fourier_mixing import fourier_mixing
from tfx.gradcheck.mistake import Mistake


def fourier_mixing_inverted(dy: Any, cache: FourierMixingCache) -> Any:
    """The inverse transform instead of the transposed one."""
    return np.fft.ifft2(dy, axes=(-2, -1)).real


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="fourier_mixing",
        name="inverse-transform",
        says="inverted",
        why="To undo something on the way back is confused with inverting it.",
        hint="The backward needs the transpose of a linear map; is that the same as its inverse here?",
        problem=fourier_mixing,
        wrong_backward=fourier_mixing_inverted,
    ),
)
