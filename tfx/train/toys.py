"""A small model learns a toy task, and is asked what it never saw.

    questions about places       Encoder, or DecoderOnly when only the left may be seen
    rewriting                    EncoderDecoder

Accuracy is measured with the true tokens on the left.  For whole rows that is the same as writing greedily: a row that
is right at every place is exactly a row whose every greedy choice is right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfx.data.toys.toy import Pairs, PairsToy, Places, PlacesToy
from tfx.models import DecoderOnly, Encoder, EncoderDecoder, Model
from tfx.nn.normalisation import evaluating
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import Loss, LossValue, Rng, train
from tfx.train.losses import PairBatch, told, translation_loss

#: Of every model, unless told.
SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 4, "d_ff": 64, "n_layers": 1, "activation": "relu", "tied": False}


class Learnt(NamedTuple):
    """accuracy: share of asked places that are right in held-out rows; whole: of rows that are right everywhere.

    losses: of each step, in nats."""

    model: Any
    accuracy: float
    whole: float
    losses: tuple[float, ...]


class Marks(NamedTuple):
    """accuracy and whole as in Learnt; logits: at every place."""

    accuracy: float
    whole: float
    logits: np.ndarray


def learn_toy(
    toy: PlacesToy | PairsToy,
    steps: int,
    seed: int = 0,
    learning_rate: float = 6e-3,
    batch: int = 64,
    model: Any = None,
    pool: int | None = None,
    held_out: int = 500,
    **sizes: Any,
) -> Learnt:
    """Trains `model`, or one made for the toy with `sizes`, and asks it `held_out` rows that training never saw.

    pool: draw that many rows once and train on nothing else; None = new rows at every step.
    """
    model = make_model(toy, seed, **sizes) if model is None else model
    loss: Any = places_loss() if hasattr(toy, "causal") else _pairs_loss
    schedule = lambda step: warmup_cosine(step, learning_rate, max(steps // 10, 1), steps)  # noqa: E731
    run = train(model, _batches(toy, batch, pool, seed), loss, AdamW(model), schedule, steps, seed=seed)
    losses = tuple(record.loss for record in run)
    marks = examine(model, toy.draw(held_out, np.random.default_rng((seed, 0)), held_out=True))
    return Learnt(model, marks.accuracy, marks.whole, losses)


def make_model(toy: Any, seed: int, **sizes: Any) -> Model:
    """A fresh model of the kind that the toy needs."""
    settings = {**SIZES, "seed": seed, **sizes}
    if not hasattr(toy, "causal"):
        return EncoderDecoder(toy.n_tokens, **settings)
    if toy.causal:
        return DecoderOnly(toy.n_tokens, **settings)
    return Encoder(toy.n_tokens, n_outputs=toy.n_answers, **settings)


def places_loss(smoothing: float = 0.0) -> Loss[Encoder | DecoderOnly]:
    """Cross-entropy of the places that are asked: Places for an Encoder or DecoderOnly."""

    def loss(model: Encoder | DecoderOnly, batch: Places, rng: Rng) -> LossValue:
        logits, cache = model.forward(batch.ids, rng=rng)
        value, ce_cache = cross_entropy_forward(logits, batch.targets, smoothing, batch.asked)
        model.backward(cross_entropy_backward(1.0, ce_cache), cache)
        return told(value, cache, int(batch.asked.sum()))

    return loss


def examine(model: Any, drawn: Places | Pairs) -> Marks:
    """What the model answers to `drawn`."""
    if isinstance(drawn, Pairs):
        inputs: tuple[np.ndarray, ...] = (drawn.src, drawn.tgt[:, :-1])
        targets, asked = drawn.tgt[:, 1:], np.ones(drawn.tgt[:, 1:].shape, dtype=bool)
    else:
        inputs, targets, asked = (drawn.ids,), drawn.targets, drawn.asked
    with evaluating(model):
        logits, _ = model.forward(*inputs)
    right = (logits.argmax(axis=-1) == targets) | ~asked
    return Marks(float(right[asked].mean()), float(right.all(axis=1).mean()), logits)


def _batches(toy: Any, batch: int, pool: int | None, seed: int) -> Callable[[Rng], Any]:
    if pool is None:
        return lambda rng: toy.draw(batch, rng)
    rows = toy.draw(pool, np.random.default_rng((seed, 0, 0)))

    def some(rng: Rng) -> Any:
        chosen = rng.integers(pool, size=batch)
        return type(rows)(*(part[chosen] for part in rows))

    return some


def _pairs_loss(model: EncoderDecoder, batch: Pairs, rng: Rng) -> LossValue:
    return translation_loss()(model, PairBatch(batch.src, batch.tgt), rng)
