"""The training loop: a generator that yields one record a step.

Everything random in step n comes from `np.random.default_rng((seed, n))`: the batch and the dropout.  So a run is the
same every time, and one resumed at step n (`start=n`, see io/checkpoint.py) is the same as one never stopped.
The consumer decides when to stop: it closes the generator between two steps, when the model is whole.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tfx.errors import TfxError
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.ops.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import Optimizer, clip_by_norm, global_norm
from tfx.params import Layer
from tfx.schedule import Schedule

Batch = Any
M = TypeVar("M", bound=Layer)
Rng = np.random.Generator


class StepRecord(NamedTuple):
    """One step: its number (from 1), the mean loss in nats per token, the learning rate used, the gradient norm
    before clipping, the tokens counted in the loss, and the seconds it took.  `seconds` alone differs between runs."""

    step: int
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    seconds: float


class LossValue(NamedTuple):
    loss: float  # mean over the counted tokens
    tokens: int  # how many were counted


#: loss(model, batch, rng): forward with dropout from rng, then backward into the gradients of the model.
Loss = Callable[[M, Batch, Rng], LossValue]


class TrainingDiverged(TfxError):
    """The loss or a gradient stopped being a number."""

    exit_code = 1


def train(
    model: M,
    batches: Callable[[Rng], Batch],
    loss: Loss[M],
    optimizer: Optimizer,
    schedule: Schedule,
    steps: int,
    clip: float | None = 1.0,
    seed: int = 0,
    start: int = 0,
) -> Iterator[StepRecord]:
    """Trains up to step `steps` and yields a StepRecord after each.

    batches(rng): draws the batch of one step.  clip: limit on the global gradient norm, None for no limit.
    start: steps already taken (a resumed run).  Raises TrainingDiverged when loss or gradient is not finite, before
    the parameters are touched.
    """
    for step in range(start + 1, steps + 1):
        began = time.perf_counter()
        rng = np.random.default_rng((seed, step))
        batch = batches(rng)
        model.zero_grad()
        value, tokens = loss(model, batch, rng)
        grad = optimizer.parameters.grad
        norm = global_norm(grad) if clip is None else clip_by_norm(grad, clip)
        if not (math.isfinite(value) and math.isfinite(norm)):
            raise TrainingDiverged(
                f"training diverged at step {step}: loss {value}, gradient norm {norm}.",
                "Lower the learning rate or lengthen the warm-up.",
            )
        rate = float(schedule(step))
        optimizer.step(rate)
        yield StepRecord(step, value, rate, norm, tokens, time.perf_counter() - began)


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
        keep = _inside(batch.lengths, batch.targets)
        value, ce_cache = cross_entropy_forward(logits, batch.targets, smoothing, keep)
        model.backward(cross_entropy_backward(1.0, ce_cache), cache)
        return LossValue(float(value), _count(keep, batch.targets))

    return loss


def next_token_loss(smoothing: float = 0.0) -> Loss[DecoderOnly]:
    """Each place predicts the token after it: the batch is ids (B, T + 1) for a DecoderOnly."""

    def loss(model: DecoderOnly, ids: np.ndarray, rng: Rng) -> LossValue:
        logits, cache = model.forward(ids[:, :-1], rng=rng)
        value, ce_cache = cross_entropy_forward(logits, ids[:, 1:], smoothing)
        model.backward(cross_entropy_backward(1.0, ce_cache), cache)
        return LossValue(float(value), ids[:, 1:].size)

    return loss


def translation_loss(smoothing: float = 0.0) -> Loss[EncoderDecoder]:
    """Teacher forcing: the decoder reads tgt without its last token and predicts tgt without its first."""

    def loss(model: EncoderDecoder, batch: PairBatch, rng: Rng) -> LossValue:
        shorter = None if batch.tgt_lengths is None else batch.tgt_lengths - 1
        logits, cache = model.forward(batch.src, batch.tgt[:, :-1], batch.src_lengths, shorter, rng=rng)
        targets = batch.tgt[:, 1:]
        keep = _inside(shorter, targets)
        value, ce_cache = cross_entropy_forward(logits, targets, smoothing, keep)
        model.backward(cross_entropy_backward(1.0, ce_cache), cache)
        return LossValue(float(value), _count(keep, targets))

    return loss


def _inside(lengths: np.ndarray | None, like: np.ndarray) -> np.ndarray | None:
    """(B, T) True where a row has not ended."""
    return None if lengths is None else np.arange(like.shape[1]) < lengths[:, None]


def _count(keep: np.ndarray | None, targets: np.ndarray) -> int:
    return int(targets.size if keep is None else keep.sum())
