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
from tfx.gradcheck.mistake import Mistake


def random_synthesizer_of_the_first_rows(dout: Any, cache: RandomSynthesizerCache) -> Any:
    """The last T places are mistaken for the first T."""
    dv, dscores = random_synthesizer_backward(dout, cache)
    return dv, np.roll(dscores, -cache.rows.start, axis=-2)


def dense_synthesizer_without_relu(dout: Any, cache: DenseSynthesizerCache) -> DenseSynthesizerGrads:
    open_everywhere = cache.relu._replace(x=cache.relu.x * 0 + 1)
    return dense_synthesizer_backward(dout, cache._replace(relu=open_everywhere))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="random_synthesizer",
        name="rows-counted-from-the-front",
        says="the first rows",
        why="Places are usually counted from the front, and with as many queries as keys both ways agree.",
        hint="With stored keys, to which rows of the table do the last queries belong?",
        problem=lambda rng: random_synthesizer(rng, n_queries=T),
        wrong_backward=random_synthesizer_of_the_first_rows,
    ),
    Mistake(
        op="dense_synthesizer",
        name="relu-forgotten",
        says="relu forgotten",
        why="Between two products the nonlinearity is easily skipped, because it has no parameters.",
        hint="Is there a hidden unit that was off in the forward pass and gets a gradient here?",
        problem=dense_synthesizer,
        wrong_backward=dense_synthesizer_without_relu,
    ),
)
