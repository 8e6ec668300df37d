"""Losses for `train`: forward with dropout, cross-entropy, and backward into the gradients of the model.

The value of each includes the auxiliary losses of the model, if it has experts, as their gradient is in backward.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import as_number
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.nn.auxiliary_losses import auxiliary_loss
from tfx.ops.basics.embedding import check_rows_of_ids
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.train.loop import Loss, LossValue, Rng


class LabelledBatch(NamedTuple):
    """ids: (B, T) what an Encoder reads; targets: (B, T) what it should say at each place; lengths: (B,) or None."""

    ids: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray | None = None


class PairBatch(NamedTuple):
    """src: (B, S) and tgt: (B, T + 1) for an EncoderDecoder, tgt with its start token; lengths (B,) or None."""

    src: np.ndarray
    tgt: np.ndarray
    src_lengths: np.ndarray | None = None
    tgt_lengths: np.ndarray | None = None


def labelling_loss(smoothing: float = 0.0) -> Loss[Encoder]:
    """One target per place: LabelledBatch for an Encoder."""

    def loss(model: Encoder, batch: LabelledBatch, rng: Rng) -> LossValue:
        logits, cache = model.forward(batch.ids, lengths=batch.lengths, rng=rng)
        return learn_targets(model, logits, cache, batch.targets, smoothing, kept_places(batch.lengths, batch.targets))

    return loss


def next_token_loss(smoothing: float = 0.0) -> Loss[DecoderOnly]:
    """Each place predicts the token after it: the batch is ids (B, T + 1) for a DecoderOnly."""

    def loss(model: DecoderOnly, ids: np.ndarray, rng: Rng) -> LossValue:
        check_rows_of_ids(ids)
        logits, cache = model.forward(ids[:, :-1], rng=rng)
        return learn_targets(model, logits, cache, ids[:, 1:], smoothing)

    return loss


def translation_loss(smoothing: float = 0.0) -> Loss[EncoderDecoder]:
    """Teacher forcing: the decoder reads tgt without its last token and predicts tgt without its first."""

    def loss(model: EncoderDecoder, batch: PairBatch, rng: Rng) -> LossValue:
        shorter = None if batch.tgt_lengths is None else batch.tgt_lengths - 1
        logits, cache = model.forward(batch.src, batch.tgt[:, :-1], batch.src_lengths, shorter, rng=rng)
        targets = batch.tgt[:, 1:]
        return learn_targets(model, logits, cache, targets, smoothing, kept_places(shorter, targets))

    return loss


def learn_targets(
    model: Any, logits: Any, cache: Any, targets: Any, smoothing: float = 0.0, keep: Any = None
) -> LossValue:
    """Cross-entropy of logits (B, T, V) with targets (B, T), and backward through the model that gave them.

    keep: (B, T) bool, True = this target counts; None = all do.
    """
    value, ce_cache = cross_entropy_forward(logits, targets, smoothing, keep)
    model.backward(cross_entropy_backward(1.0, ce_cache), cache)
    return loss_value(value, cache, count_kept(keep, targets))


def loss_value(value: Any, cache: Any, tokens: int) -> LossValue:
    """A loss, together with the auxiliary losses that its model left in the cache: what was trained on."""
    return LossValue(as_number(value + auxiliary_loss(cache)), tokens)


def kept_places(lengths: np.ndarray | None, like: np.ndarray) -> np.ndarray | None:
    """(B, T) True where a row has not ended."""
    return None if lengths is None else np.arange(like.shape[1]) < lengths[:, None]


def count_kept(keep: np.ndarray | None, targets: np.ndarray) -> int:
    """How many targets count."""
    return int(targets.size if keep is None else keep.sum())
