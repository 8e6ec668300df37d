"""Losses with company: a head at every depth, two passes that should agree, and tokens that are hard.

deep supervision    sum_i w_i CE_i                                     one cross-entropy for each block
R-Drop              (CE_1 + CE_2) / 2 + alpha (KL(1|2) + KL(2|1)) / 2  two dropout passes over the same batch
focal               cross-entropy, discounted where the model is right
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfx.arguments import number
from tfx.backend import as_number, xp_of
from tfx.models import DeepSupervision, Encoder
from tfx.nn.auxiliary_losses import weigh
from tfx.ops.losses.consistency_loss import consistency_loss_backward, consistency_loss_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.focal_loss import focal_loss_backward, focal_loss_forward
from tfx.train.loop import Loss, LossValue, Rng
from tfx.train.losses import LabelledBatch, count_kept, kept_places, loss_value


def deep_supervision_loss(weights: Sequence[float], smoothing: float = 0.0) -> Loss[DeepSupervision]:
    """LabelledBatch; weights: w_i of each block's loss, first block first.  The value reported is the last block's.

    Al-Rfou et al. 2019 let the lower weights fall to 0 in the first half of training.
    Raises ValueError when there is not one weight for each block.
    """

    def loss(model: DeepSupervision, batch: LabelledBatch, rng: Rng) -> LossValue:
        logits, cache = model.forward(batch.ids, batch.lengths, rng=rng)
        if len(weights) != len(logits):
            raise ValueError(f"{len(weights)} weights do not fit {len(logits)} blocks")
        keep, value, dlogits = kept_places(batch.lengths, batch.targets), 0.0, []
        for depth, weight in enumerate(weights):
            last, ce_cache = cross_entropy_forward(logits[depth], batch.targets, smoothing, keep)
            value = as_number(last)
            dlogits.append(cross_entropy_backward(weight, ce_cache))
        model.backward(xp_of(logits).stack(dlogits), cache)
        return LossValue(value, count_kept(keep, batch.targets))

    return loss


def r_drop_loss(alpha: float, smoothing: float = 0.0) -> Loss[Encoder]:
    """LabelledBatch for an Encoder with dropout.  The value reported is that of the cross-entropy.

    Written as a mean of the two passes; the paper's equation 4 has their sum, with alpha twice as large.
    Source: Liang et al. 2021, "R-Drop", section 2.2.  Raises ValueError for an alpha below 0.
    """
    number("alpha", alpha, 0)

    def loss(model: Encoder, batch: LabelledBatch, rng: Rng) -> LossValue:
        keep = kept_places(batch.lengths, batch.targets)
        passes = [model.forward(batch.ids, batch.lengths, rng=rng) for _ in range(2)]  # rng goes on: two dropouts
        value, gradients = 0.0, []
        for logits, _ in passes:
            of_pass, ce_cache = cross_entropy_forward(logits, batch.targets, smoothing, keep)
            value = value + 0.5 * as_number(of_pass)
            gradients.append(cross_entropy_backward(0.5, ce_cache))
        _, apart = consistency_loss_forward(passes[0][0], passes[1][0], keep)
        for (_, cache), gradient, dapart in zip(
            passes, gradients, consistency_loss_backward(alpha, apart), strict=True
        ):
            model.backward(gradient + dapart, weigh(cache, 0.5))  # each pass is half of the loss
        return LossValue(value, count_kept(keep, batch.targets))

    return loss


def focal_labelling_loss(gamma: float = 2.0, class_weights: Any = None) -> Loss[Encoder]:
    """LabelledBatch for an Encoder, see ops/losses/focal_loss.py."""

    def loss(model: Encoder, batch: LabelledBatch, rng: Rng) -> LossValue:
        logits, cache = model.forward(batch.ids, lengths=batch.lengths, rng=rng)
        keep = kept_places(batch.lengths, batch.targets)
        value, focal_cache = focal_loss_forward(logits, batch.targets, gamma, keep, class_weights)
        model.backward(focal_loss_backward(1.0, focal_cache), cache)
        return loss_value(value, cache, count_kept(keep, batch.targets))

    return loss
