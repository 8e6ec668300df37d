"""Known mistakes in tfx/efficient/synthesizer.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.synthesizer import (
    DenseSynthesizerCache,
    DenseSynthesizerGrads,
    RandomSynthesizerCache,
    dense_synthesizer_backward,
    random_synthesizer_backward,
)
from tfx.gradcheck.cases.efficient.synthesizer import dense_synthesizer, random_synthesizer
from tfx.gradcheck.cases.sizes import T
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(random_synthesizer, n_queries=T)
def rows_counted_from_the_front(dout: Any, cache: RandomSynthesizerCache) -> Any:
    """The first rows.

    The last T places are mistaken for the first T.

    Why: Places are usually counted from the front, and with as many queries as keys both ways agree.
    Hint: With stored keys, to which rows of the table do the last queries belong?
    """
    dv, dscores = random_synthesizer_backward(dout, cache)
    return dv, np.roll(dscores, -cache.rows.start, axis=-2)


@wrong_backward(dense_synthesizer)
def relu_forgotten(dout: Any, cache: DenseSynthesizerCache) -> DenseSynthesizerGrads:
    """relu forgotten.

    Why: Between two products the nonlinearity is easily skipped, because it has no parameters.
    Hint: Is there a hidden unit that was off in the forward pass and gets a gradient here?
    """
    open_everywhere = cache.relu._replace(x=cache.relu.x * 0 + 1)
    return dense_synthesizer_backward(dout, cache._replace(relu=open_everywhere))
