"""Knowledge distillation: a student is trained by what a teacher says, at every token or by whole sequences.

    token level       hard CE(labels) + (1 - hard) T^2 KL(teacher at T || student at T)  ops/losses/distillation_loss.py
    sequence level    plain training on what the teacher writes                               greedily here

The teacher only reads: no dropout, no gradient.  At sequence level the student learns one good answer instead of the
average of all, which is what a small or a non-autoregressive model can hold.
Sources: Hinton, Vinyals and Dean 2015; Kim and Rush 2016, "Sequence-Level Knowledge Distillation", sections 3.1 and 3.2
(there with beam search).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.backend import as_number
from tfx.generate import greedy_seq2seq
from tfx.models import Encoder, EncoderDecoder
from tfx.nn.normalisation import evaluating
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward
from tfx.train.loop import Loss, LossValue, Rng
from tfx.train.losses import LabelledBatch, PairBatch, count_kept, kept_places, loss_value


def distilled_labelling_loss(teacher: Any, temperature: float = 2.0, hard: float = 0.0) -> Loss[Encoder]:
    """LabelledBatch for an Encoder; teacher: a model that reads the same ids and has as many outputs.

    hard: the weight of cross-entropy with the batch's own targets; with 0 they are not looked at.  The value
    reported is the whole loss.  Raises ValueError for a weight outside [0, 1].
    """
    if not 0 <= hard <= 1:
        raise ValueError(f"the weight of the labels must be between 0 and 1, not {hard}")

    def loss(model: Encoder, batch: LabelledBatch, rng: Rng) -> LossValue:
        with evaluating(teacher):
            wanted, _ = teacher.forward(batch.ids, lengths=batch.lengths)
        logits, cache = model.forward(batch.ids, lengths=batch.lengths, rng=rng)
        keep = kept_places(batch.lengths, batch.ids)
        soft, soft_cache = distillation_loss_forward(logits, wanted.astype(logits.dtype), temperature, keep)
        value, dlogits = (1 - hard) * as_number(soft), distillation_loss_backward(1 - hard, soft_cache)
        if hard:
            plain, plain_cache = cross_entropy_forward(logits, batch.targets, keep=keep)
            value, dlogits = value + hard * as_number(plain), dlogits + cross_entropy_backward(hard, plain_cache)
        model.backward(dlogits, cache)
        return loss_value(value, cache, count_kept(keep, batch.ids))

    return loss


def taught_sequences(
    teacher: EncoderDecoder, sources: Callable[[Rng], np.ndarray], length: int, start: int
) -> Callable[[Rng], PairBatch]:
    """sources(rng): (B, S) -> batches(rng) for translation_loss: the same with `length` tokens that the teacher writes.

    start: the start token.
    """

    def batches(rng: Rng) -> PairBatch:
        src = sources(rng)
        with evaluating(teacher):
            written = np.asarray(greedy_seq2seq(teacher, src, length, start))
        return PairBatch(src, np.concatenate([np.full((len(src), 1), start), written], axis=1))

    return batches
