"""A small model learns a toy task, and is asked what it never saw.

    kind of the toy     model
    label               Encoder, which sees the whole sequence
    continue            DecoderOnly, which sees only the left
    rewrite             EncoderDecoder

Accuracy is measured with the true tokens on the left.  For whole rows that is the same as writing greedily: a row that
is right at every place is exactly a row whose every greedy choice is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import to_numpy
from tfx.data.toys.toy import Pairs, PairsToy, Places, PlacesToy
from tfx.models import DecoderOnly, Encoder, EncoderDecoder, Model
from tfx.nn.normalisation import evaluating
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import Loss, LossValue, Rng, StepRecord, train
from tfx.train.losses import PairBatch, learn_targets, translation_loss

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


class ToyRun:
    """A model on its way to learn a toy: `for record in run.train(): ...` goes on from where the run stands."""

    def __init__(
        self,
        toy: PlacesToy | PairsToy,
        model: Any,
        steps: int,
        seed: int = 0,
        learning_rate: float = 6e-3,
        batch: int = 64,
        pool: int | None = None,
        warmup: int | None = None,
        weight_decay: float = 0.01,
    ) -> None:
        """pool: as in learn_toy.  warmup: steps, a tenth of all of them unless told."""
        self.toy, self.model, self.steps, self.seed = toy, model, steps, seed
        self.learning_rate = learning_rate
        self.batch = _new_rows(toy, batch) if pool is None else _rows_of_pool(toy, batch, pool, seed)
        self.warmup = max(steps // 10, 1) if warmup is None else warmup
        self.optimizer = AdamW(model, weight_decay=weight_decay)

    @property
    def steps_done(self) -> int:
        return self.optimizer.steps

    def train(self) -> Iterator[StepRecord]:
        """Up to `steps`."""
        return train(
            self.model,
            self.batch,
            toy_loss(self.toy),
            self.optimizer,
            lambda step: warmup_cosine(step, self.learning_rate, self.warmup, self.steps),
            self.steps,
            seed=self.seed,
            start=self.steps_done,
        )


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
    losses = tuple(record.loss for record in ToyRun(toy, model, steps, seed, learning_rate, batch, pool).train())
    marks = examine(model, toy.draw(held_out, np.random.default_rng((seed, 0)), held_out=True))
    return Learnt(model, marks.accuracy, marks.whole, losses)


def make_model(toy: PlacesToy | PairsToy, seed: int, **sizes: Any) -> Model:
    """A fresh model of the kind that the toy needs."""
    settings = {**SIZES, "seed": seed, **sizes}
    if isinstance(toy, PairsToy):
        return EncoderDecoder(toy.n_tokens, **settings)
    if toy.kind == "continue":
        return DecoderOnly(toy.n_tokens, **settings)
    return Encoder(toy.n_tokens, n_outputs=toy.n_answers, **settings)


def toy_loss(toy: PlacesToy | PairsToy) -> Loss[Any]:
    """The loss of the model that `make_model` gives."""
    return _pairs_loss if toy.kind == "rewrite" else places_loss()


def places_loss(smoothing: float = 0.0) -> Loss[Encoder | DecoderOnly]:
    """Cross-entropy of the places that are asked: Places for an Encoder or DecoderOnly."""

    def loss(model: Encoder | DecoderOnly, batch: Places, rng: Rng) -> LossValue:
        logits, cache = model.forward(batch.ids, rng=rng)
        return learn_targets(model, logits, cache, batch.targets, smoothing, batch.asked)

    return loss


def _pairs_loss(model: EncoderDecoder, batch: Pairs, rng: Rng) -> LossValue:
    return translation_loss()(model, PairBatch(batch.src, batch.tgt), rng)


def examine(model: Any, drawn: Places | Pairs) -> Marks:
    """What the model answers to `drawn`."""
    if isinstance(drawn, Pairs):
        inputs: tuple[np.ndarray, ...] = (drawn.src, drawn.tgt[:, :-1])
        targets, asked = drawn.tgt[:, 1:], np.ones(drawn.tgt[:, 1:].shape, dtype=bool)
    else:
        inputs, targets, asked = (drawn.ids,), drawn.targets, drawn.asked
    with evaluating(model):
        logits, _ = model.forward(*inputs)
    return Marks(*shares_right(to_numpy(logits.argmax(axis=-1)), targets, asked), logits)


def shares_right(written: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """All (B, T) -> (share of the asked places that are right, share of the rows that are right wherever asked)."""
    right = (written == targets) | ~asked
    return float(right[asked].mean()), float(right.all(axis=1).mean())


def _new_rows(toy: PlacesToy | PairsToy, batch: int) -> Callable[[Rng], Places | Pairs]:
    return lambda rng: toy.draw(batch, rng)


def _rows_of_pool(toy: PlacesToy | PairsToy, batch: int, pool: int, seed: int) -> Callable[[Rng], Places | Pairs]:
    """The same `pool` rows again and again, drawn with replacement."""
    rows = toy.draw(pool, np.random.default_rng((seed, 0, 0)))

    def chosen(rng: Rng) -> Places | Pairs:
        numbers = rng.integers(pool, size=batch)
        return type(rows)(*(part[numbers] for part in rows))

    return chosen
