"""Sampling: the next token is drawn from the distribution that the model gives, or from a shaped one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.generate.choose_reader import reader_of
from tfx.generate.draws import Chance, Draws
from tfx.generate.shaping import Shaping, probabilities_of
from tfx.generate.stopping import Stopping
from tfx.generate.writing import Written, as_prompts, write


def sample(
    model: Any, prompts: Any, n: int, seed: int, shaping: Shaping | None = None, stopping: Stopping | None = None
) -> Written:
    """Up to n new tokens for each prompt, drawn one after the other.

    model: a language model or a Reader (`translation_of` gives one for sources; its prompts are [[start]] * B).
    prompts: (T,) or (B, T) ids, or a list of rows of different lengths.
    The same seed gives the same tokens.  Row b draws from stream b of the seed, so that what a row says does not depend
    on what the others say, nor on how many there are.
    Raises ValueError for an empty prompt, for settings out of range, and when shaping leaves no token.
    """
    given = as_prompts(prompts)
    drawn = Sampler([Draws(seed, row) for row in range(len(given.ids))], shaping or Shaping())
    return write(reader_of(model), given, n, drawn, stopping)


@dataclass(frozen=True)
class Sampler:
    """What `write` calls to choose.  chance: one for each row of the batch."""

    chance: Sequence[Chance]
    shaping: Shaping

    def __call__(self, logits: np.ndarray, texts: Sequence[Sequence[int]], rows: Sequence[int]) -> list[int]:
        """logits: (N, V) -> (N,)."""
        shaped = probabilities_of(self.shaping(logits, texts))
        return [self.chance[row].token(row_of) for row, row_of in zip(rows, shaped, strict=True)]
