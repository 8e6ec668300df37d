"""Catastrophic forgetting: learning the second task undoes the first.

    a_ij                 accuracy on task j after having learnt tasks 0 .. i
    forgetting           mean over j < last of  max over i < last of a_ij  -  a_last,j        0 = nothing lost

Nothing in the loss of the second task speaks for the first, so its weights are free to go wherever they are needed.
Mixing old examples into the new ones (replay) speaks for it.
Sources: McCloskey and Cohen 1989; the measure: Chaudhry et al. 2018, "Riemannian Walk", section 3; replay: Robins 1995.
"""

from __future__ import annotations

import numpy as np


def forgetting(accuracies: np.ndarray) -> float:
    """accuracies: (n, n), row i: after task i, column j: on task j.  Raises ValueError for fewer than two tasks."""
    if accuracies.ndim != 2 or len(accuracies) < 2 or accuracies.shape[0] != accuracies.shape[1]:
        raise ValueError(f"accuracies must be square, for two tasks or more, not {accuracies.shape}")
    return float((accuracies[:-1, :-1].max(axis=0) - accuracies[-1, :-1]).mean())
