"""Scheduled sampling: a model that always read the truth has never read its own mistakes, so let it read some.

Teacher forcing shows the model the true tokens before place t, while in use it reads what it wrote itself; how much
that costs is measured in measure/exposure_bias.py.  Here, with probability 1 - e, a place reads the model's own guess
instead of the truth.  A Transformer has no step before to take the guess from, so it reads twice: once teacher-forced,
to guess, and then the mixture, which alone is trained.  The guesses are tokens, hence constants: no gradient flows into
the first reading.
e falls from 1, as the model's guesses become worth reading.
Sources: Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", section 2.4;
two passes: Mihaylova and Martins 2019, "Scheduled Sampling for Transformers", section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tfx.arguments import number
from tfx.backend import to_numpy
from tfx.models import DecoderOnly
from tfx.train.loop import Loss, LossValue, Rng
from tfx.train.losses import learn_targets


def inverse_sigmoid_decay(step: int, k: float) -> float:
    """e at a step: k / (k + exp(step / k)), near 1 at first, 1/2 at step k log k.  Raises ValueError for k < 1."""
    number("step", step, 0)
    if number("k", k) < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return k / (k + math.exp(min(step / k, 700.0)))  # exp(700) is near the largest float


def mixed_inputs(ids: np.ndarray, logits: np.ndarray, rng: Rng, truth: float) -> np.ndarray:
    """ids: (B, T) what a model read, logits: (B, T, V) what it said -> (B, T) what it reads the second time.

    Place t + 1 keeps its token with probability `truth`, and else gets the best guess of place t; place 0 keeps it.
    Guesses on a device are read, for which it has to wait.
    """
    number("truth", truth, 0, 1)
    guesses = np.concatenate((ids[:, :1], to_numpy(logits[:, :-1].argmax(axis=-1))), axis=1)
    kept = rng.random(ids.shape) < truth
    return np.where(kept, ids, guesses)


def scheduled_sampling_loss(truth: float | Callable[[], float], smoothing: float = 0.0) -> Loss[DecoderOnly]:
    """The batch is ids (B, T + 1) for a DecoderOnly, as for next_token_loss, which it is at truth = 1.

    truth: e, or a function that tells it, such as lambda: inverse_sigmoid_decay(optimizer.steps, 100).
    """

    def loss(model: DecoderOnly, ids: np.ndarray, rng: Rng) -> LossValue:
        e = number("truth", truth() if callable(truth) else truth, 0, 1)
        read = ids[:, :-1]
        if e < 1:
            guesses, _ = model.forward(read)
            read = mixed_inputs(read, guesses, rng, e)
        logits, cache = model.forward(read, rng=rng)
        return learn_targets(model, logits, cache, ids[:, 1:], smoothing)

    return loss
