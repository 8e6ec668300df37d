"""BERT's two objectives at once: fill the gaps, and say whether the second sentence follows the first.

    loss = mean over the chosen places of -log p(original token)  +  mean over the pairs of -log p(is next, or is not)

Source: Devlin et al. 2019, appendix A.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.backend import as_number
from tfx.models import Bert
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.train.loop import Loss, LossValue, Rng


class PretrainingBatch(NamedTuple):
    """ids, segments: (B, T) what a Bert reads; lengths: (B,).

    targets: (B, T) the original tokens and chosen: (B, T) bool where they count, or both None.
    labels: (B,) 0 = the second sentence follows, 1 = it does not, or None.
    """

    ids: np.ndarray
    segments: np.ndarray | None = None
    lengths: np.ndarray | None = None
    targets: np.ndarray | None = None
    chosen: np.ndarray | None = None
    labels: np.ndarray | None = None


def pretraining_loss() -> Loss[Bert]:
    """The sum of both objectives, or the one whose answers the batch has.  `tokens` counts chosen places, or pairs.

    Raises ValueError for a batch that asks for nothing.
    """

    def loss(model: Bert, batch: PretrainingBatch, rng: Rng) -> LossValue:
        if batch.targets is None and batch.labels is None:
            raise ValueError("a batch needs targets, labels or both")
        output, cache = model.forward(batch.ids, batch.segments, batch.lengths, rng)
        total, dmlm, dnsp, counted = 0.0, None, None, len(batch.ids)
        if batch.labels is not None:
            value, ce_cache = cross_entropy_forward(output.nsp_logits, batch.labels)
            total, dnsp = as_number(value), cross_entropy_backward(1.0, ce_cache)
        if batch.targets is not None:
            value, ce_cache = cross_entropy_forward(output.mlm_logits, batch.targets, keep=batch.chosen)
            total, dmlm = total + as_number(value), cross_entropy_backward(1.0, ce_cache)
            counted = int(batch.targets.size if batch.chosen is None else batch.chosen.sum())
        model.backward(dmlm, dnsp, cache)
        return LossValue(total, counted)

    return loss
