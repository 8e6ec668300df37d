"""Label leakage: a model that can see its answer copies it.  Mask and shift, each on and off, on random tokens.

    shifted      the input at place t is token t - 1, and a start mark at the first; else it is the token itself
    masked       place t sees inputs up to t; else all of them
    asked for    token t

Tokens are drawn evenly and independently, so nothing but the answer tells anything about it, and the least loss of
each cell can be counted: log V for every place whose answer cannot be seen.

    shifted and masked    no place sees its answer                            log V
    masked alone          every place sees it, as its own input               0
    shifted alone         all but the last see it, one place further on       log V / T
    neither               every place sees it                                 0

Sources: Vaswani et al. 2017, section 3.1 (mask and offset together "ensure that the predictions for position i can
depend only on the known outputs at positions less than i"); Kaufman et al. 2012, "Leakage in Data Mining".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.label_leakage import future_leak, uniform_floor
from tfx.measure.verdicts import at_least, at_most, between, exactly, smallest
from tfx.models import Encoder
from tfx.ops.attention.masks import causal_mask
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train.loop import LossValue, train
from tfx.train.losses import learn_targets

QUESTION = "Does the causal mask alone stop a decoder from copying its answer, or is the shift needed as well?"
TITLE = "Loss on random tokens with the causal mask and the shift on and off"
CLAIM = (
    "The causal mask is what stops a decoder from copying its answer in training, if its input is shifted by one place "
    "as well."
)
BREAK_IT = ("--set repeats=0.9",)
HOST_ONLY = "A few small models that train for seconds: nothing for a card."

#: Of every model.
SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 4, "d_ff": 64, "n_layers": 1, "positions": "learned"}
BATCH, LEARNING_RATE, HELD_OUT = 32, 1e-2, 500
#: A trained loss may lie so far above the least one, in nats: training has an end.
TRAINED = 0.1
#: An honest model may gain so much by chance, in nats: its loss is a mean over held-out rows.
CHANCE = 0.02

#: Points of a curve of training.
PARTS = 10
#: (masked, shifted), in the order of the rows.
CELLS = ((True, True), (True, False), (False, True), (False, False))


@dataclass(frozen=True)
class Settings:
    symbols: int = setting(8, 2, 64, "different tokens")
    length: int = setting(6, 3, 32, "tokens in a row")
    steps: int = setting(300, 50, 5000, "of training")
    draws: int = setting(5, 2, 100, "models for each row")
    repeats: float = setting(0.0, 0.0, 1.0, "the chance that a token repeats the one before, so that it can be guessed")

    def quick(self) -> Settings:
        """Two models of 100 steps."""
        return replace(self, steps=min(self.steps, 100), draws=2)

    def full(self) -> Settings:
        """Twenty models of 1000 steps."""
        return replace(self, steps=max(self.steps, 1000), draws=max(self.draws, 20))

    def bytes_needed(self) -> float:
        """Activations of the held-out rows."""
        return 4.0 * HELD_OUT * self.length * (30 * SIZES["d_model"] + 8 * self.length + 4 * self.symbols)


COLUMNS = (
    Column("masked", "mask"),
    Column("shifted", "shift"),
    Column("loss", "loss", "nats"),
    Column("least", "least possible", "nats"),
    Column("answer", "moved by its answer", digits=3),
    Column("later", "by later tokens", digits=3, detail=True),
    Column("loss_se", "standard error", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every cell; models of one draw begin alike and see the same tokens."""
    for masked, shifted in run.over(CELLS, "mask {0[0]}, shift {0[1]}"):
        yield measure_row(run, masked, shifted)


def measure_row(run: Run[Settings], masked: bool, shifted: bool) -> dict[str, Any]:
    settings, found = run.settings, []
    with blas_threads(1):  # products of small matrices: a second thread would only wait
        for draw in range(settings.draws):
            run.saying(f"model {draw + 1} of {settings.draws}")(draw, settings.draws)
            found.append(measure_model(settings, masked, shifted, (run.seed, draw)))
    losses, answers, laters = np.array([model[:3] for model in found]).T
    loss, error = mean_with_error(losses)
    return {
        "masked": "on" if masked else "off",
        "shifted": "on" if shifted else "off",
        "loss": loss,
        "loss_se": error,
        "least": least_loss(settings, masked, shifted),
        "answer": float(answers.max()),
        "later": float(laters.max()),
        "curve": np.mean([model.curve for model in found], axis=0).tolist(),
    }


def least_loss(settings: Settings, masked: bool, shifted: bool) -> float:
    """log V for the share of the places whose answer cannot be seen."""
    hidden = settings.length if masked and shifted else 1 if shifted else 0
    return uniform_floor(settings.symbols) * hidden / settings.length


class Trained(NamedTuple):
    """loss: on held-out rows.  answer, later: how far an output moves by its answer or later tokens, and by later ones.
    curve: the loss of training, of each tenth of the steps."""

    loss: float
    answer: float
    later: float
    curve: tuple[float, ...]


def measure_model(settings: Settings, masked: bool, shifted: bool, seed: tuple[int, int]) -> Trained:
    number = int(np.random.default_rng(seed).integers(2**31))
    model, steps = learn(settings, masked, shifted, number)
    outputs = partial(logits_of, model, settings, masked, shifted)
    held_out = draw_rows(settings, HELD_OUT, np.random.default_rng((number, 0)))
    value, _ = cross_entropy_forward(outputs(held_out)[0], held_out)
    few = held_out[:20]
    # outputs one place on: what must not move there with later tokens is the answer as well
    answer = future_leak(lambda ids: np.asarray(outputs(ids)[0][:, 1:]), few, settings.symbols)
    later = future_leak(lambda ids: np.asarray(outputs(ids)[0]), few, settings.symbols)
    return Trained(float(value), answer, later, tuple(float(part.mean()) for part in np.array_split(steps, PARTS)))


def learn(settings: Settings, masked: bool, shifted: bool, number: int) -> tuple[Encoder, list[float]]:
    """A trained model of one cell, and the loss of each step of its training.  number: the seed."""
    sizes = {**SIZES, "max_len": settings.length, "seed": number, "tied": False, "activation": "relu"}
    model = Encoder(settings.symbols + 1, n_outputs=settings.symbols, **sizes)  # one more: the start mark

    def loss(model: Encoder, tokens: np.ndarray, rng: Any) -> LossValue:
        return learn_targets(model, *logits_of(model, settings, masked, shifted, tokens), tokens)

    def rate(step: int) -> float:
        return warmup_cosine(step, LEARNING_RATE, settings.steps // 10, settings.steps)

    batches = partial(draw_rows, settings, BATCH)
    return model, [step.loss for step in train(model, batches, loss, AdamW(model), rate, settings.steps, seed=number)]


def write_on(
    model: Encoder, settings: Settings, masked: bool, shifted: bool, n: int, rng: np.random.Generator
) -> np.ndarray:
    """-> (n, T): rows that begin with a drawn token and go on with the most likely one, place by place.

    What is not written yet is not known: drawn tokens stand there, as any would have to.
    """
    tokens = rng.integers(settings.symbols, size=(n, settings.length))
    for place in range(1, settings.length):
        logits, _ = logits_of(model, settings, masked, shifted, tokens)
        tokens[:, place] = logits[:, place].argmax(axis=-1)
    return tokens


def logits_of(model: Encoder, settings: Settings, masked: bool, shifted: bool, tokens: np.ndarray) -> tuple[Any, Any]:
    """tokens: (B, T) -> logits: (B, T, V) about the same tokens, and the cache."""
    start = np.full((len(tokens), 1), settings.symbols)
    ids = np.concatenate((start, tokens[:, :-1]), axis=1) if shifted else tokens
    return model.forward(ids, mask=causal_mask(tokens.shape[1]) if masked else None)


def draw_rows(settings: Settings, n: int, rng: np.random.Generator) -> np.ndarray:
    """-> (n, T) tokens."""
    tokens = rng.integers(settings.symbols, size=(n, settings.length))
    again = rng.random(tokens.shape) < settings.repeats
    for place in range(1, settings.length):
        tokens[:, place] = np.where(again[:, place], tokens[:, place - 1], tokens[:, place])
    return tokens


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    both, mask, shift, neither = run.rows
    copied = smallest(row["answer"] for row in (mask, shift, neither))
    return (
        honest_loss("both", "mask and shift: the loss, of which log V is the least", both),
        at_most("mask-alone", "mask alone: the answer is its own input, and the loss", TRAINED, mask["loss"]),
        honest_loss("shift-alone", "shift alone: all but the last place copy, and the loss", shift),
        at_most("neither", "neither: the loss", TRAINED, neither["loss"]),
        exactly("honest", "mask and shift: an output moved by its answer or later tokens by", 0.0, both["answer"]),
        at_least("cheats", "... and in every other cell by at least", TRAINED, copied),
        exactly("mask-is-right", "mask alone: an output moved by later tokens by", 0.0, mask["later"]),
    )


def honest_loss(id: str, statement: str, row: Mapping[str, Any]) -> Check:
    return between(id, statement, row["least"] - CHANCE, row["least"] + TRAINED, row["loss"])


# Saying


def prompt(run: Run[Settings]) -> str:
    v, t = run.settings.symbols, run.settings.length
    return f"{t} random tokens of {v} (log V = {uniform_floor(v):.3g}), shifted but not masked: which loss?"


def question(run: Run[Settings]) -> Question:
    shift = run.rows[2]
    explanation = f"Only the last place cannot see its answer: log V / T = {shift['least']:.3f}."
    return Question(prompt(run), shift["loss"], 0.15, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    both, mask, shift, neither = (row["loss"] for row in run.rows)
    return (
        Text(
            f"Mask and shift together leave a loss of {both:.3f}, and log V is {run.rows[0]['least']:.3f}. The mask "
            f"alone leaves {mask:.3f}, the shift alone {shift:.3f}, neither {neither:.3f}: those models copy."
        ),
        Text(
            "Both are needed (Vaswani et al. 2017, section 3.1). Without the shift the answer of place t is its own "
            "input, which the mask lets it see: no later token moves anything, and yet the answer is copied."
        ),
        Text(
            "A loss below what the data allow is the sign of a leak (Kaufman et al. 2012). Random tokens make that a "
            "number, log V. On real text nobody knows it: change the answer and see whether the output moves."
        ),
        Text(
            "With the shift alone the last place has nothing to copy from, as its answer is no input at all: one "
            "place's share of log V is left."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    steps = [(part + 1) * run.settings.steps / PARTS for part in range(PARTS)]
    both, mask = run.rows[0], run.rows[1]
    return (
        Plot(
            f"Mask and shift end at {both['loss']:.2f} nats, the mask alone at {mask['loss']:.2f}: without the shift "
            "the answer is copied",
            "step of training",
            "loss on random tokens (nats)",
            (
                *(Series(cell_of(row), steps, row["curve"]) for row in run.rows),
                Series("log V", steps, [both["least"]] * PARTS, kind="line"),
            ),
            log_y=True,
        ),
    )


def cell_of(row: Mapping[str, Any]) -> str:
    on = [name for name, key in (("mask", "masked"), ("shift", "shifted")) if row[key] == "on"]
    return " and ".join(on) + (" alone" if len(on) == 1 else "") or "neither"
