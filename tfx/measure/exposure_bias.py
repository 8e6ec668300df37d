"""Exposure bias: a model is trained on texts that are right, and then has to go on with its own.

    teacher forced    how often token t is right when the model has read the true tokens before it
    free running      how often it is right when the model has read what it wrote itself
    gap               the first minus the second: the exposure bias, as a number

At the first token both are the same.  From then on one mistake can put the model where it has never been, and where
every token rests on those before it, it spoils all that follows: with a chance of e per token, about (1 - e)^t are
still right.  The distance is what training with true texts alone does not show (train/scheduled_sampling.py closes it).
Sources: Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", section 2;
Ranzato et al. 2016, "Sequence Level Training with Recurrent Neural Networks", section 1, who gave it the name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.generate import greedy, reader_of


class Exposure(NamedTuple):
    """Each (T - n_given,): the share of texts that are right at each place after what was given."""

    teacher_forced: np.ndarray
    free_running: np.ndarray

    @property
    def gap(self) -> float:
        """By how much accuracy, over all places, falls when the model reads what it wrote."""
        return float(self.teacher_forced.mean() - self.free_running.mean())


def exposure(model: Any, ids: np.ndarray, n_given: int) -> Exposure:
    """ids: (B, T) true texts, of which the first n_given tokens are read in any case; the model writes greedily.

    model: a language model or a Reader, as in `greedy`.
    Raises ValueError unless at least one token is given and one is left.
    """
    if ids.ndim != 2 or not 1 <= n_given < ids.shape[1]:
        raise ValueError(f"of ids {ids.shape}, (B, T), the first {n_given} tokens cannot be given")
    reader, wanted = reader_of(model), ids[:, n_given:]
    reader.begin(len(ids))
    forced = reader.read(ids[:, :-1], wanted.shape[1]).argmax(axis=-1)
    written = greedy(reader, ids[:, :n_given], wanted.shape[1])
    return Exposure((forced == wanted).mean(axis=0), (written == wanted).mean(axis=0))
