"""How unsure is a prediction, and why: because the world is noisy, or because the model does not know?

    total      H(mean over samples of p)              entropy of the averaged prediction
    aleatoric  mean over samples of H(p)              what is left even when the model is known
    epistemic  total - aleatoric >= 0                 how much the samples of the model disagree

Samples of a model are an ensemble, or one model run several times with dropout on.  All in nats.
Sources: Gal and Ghahramani 2016, "Dropout as a Bayesian Approximation"; the split: Depeweg et al. 2018, equation 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.ops.basics.entropy import entropy


class Uncertainty(NamedTuple):
    """Each (...,), in nats."""

    total: np.ndarray
    aleatoric: np.ndarray
    epistemic: np.ndarray


def split_uncertainty(samples: np.ndarray) -> Uncertainty:
    """samples: (M, ..., classes) probabilities of M models or M runs with dropout."""
    total, aleatoric = entropy(samples.mean(axis=0)), entropy(samples).mean(axis=0)
    return Uncertainty(total, aleatoric, total - aleatoric)
