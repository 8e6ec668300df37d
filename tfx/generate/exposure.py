"""Exposure bias: a model is trained on texts that are right, and then has to go on with its own.

    teacher forced    how often token t is right when the model has read the true tokens before it
    free running      how often it is right when the model has read what it wrote itself

At the first token both are the same.  From then on one mistake can put the model where it has never been, so the second
curve falls below the first; the distance between them is what training with true texts alone does not show.
Sources: Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", section 2;
Ranzato et al. 2016, "Sequence Level Training with Recurrent Neural Networks", who gave it the name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.generate.choose_reader import reader_of
from tfx.generate.greedy import greedy


class Exposure(NamedTuple):
    """Each (n,): the share of rows that are right at each of n places."""

    teacher_forced: np.ndarray
    free_running: np.ndarray


def exposure(model: Any, prompts: np.ndarray, targets: np.ndarray) -> Exposure:
    """prompts: (B, T), targets: (B, n), the right new tokens; the model writes greedily.  model: as in `greedy`.

    Raises ValueError unless there is a target for each prompt, of at least one token.
    """
    if targets.ndim != 2 or len(targets) != len(prompts) or not targets.size:
        raise ValueError(f"targets {targets.shape} must have one row, of a token or more, for each of {len(prompts)}")
    reader, n = reader_of(model), targets.shape[1]
    reader.begin(len(prompts))
    forced = reader.read(np.concatenate([prompts, targets[:, :-1]], axis=1), n).argmax(axis=-1)
    free = greedy(reader, prompts, n)
    return Exposure((forced == targets).mean(axis=0), (free == targets).mean(axis=0))
