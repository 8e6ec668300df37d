"""Known mistakes in tfx/efficient/fourier_mixing.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.fourier_mixing import FourierMixingCache
from tfx.gradcheck.cases.efficient.fourier_mixing import fourier_mixing
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(fourier_mixing)
def inverse_transform(dy: Any, cache: FourierMixingCache) -> Any:
    """Inverted.

    The inverse transform instead of the transposed one.

    Why: The way back is said to undo the forward pass, and to undo is taken for to invert.
    Hint: The backward needs the transpose of a linear map; is that the same as its inverse here?
    """
    return np.fft.ifft2(dy, axes=(-2, -1)).real
