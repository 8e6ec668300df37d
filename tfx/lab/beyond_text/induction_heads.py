"""Induction heads: copying what followed last time takes two layers, and the head that does it forms while they train.

A text says a random piece twice, "C A B D  C A B D", the piece of another length each time.  To go on, the model has to
find where the present token stood before, and look at the token after it:

    layer 1    each place notes which token stood before it
    layer 2    a head looks for the place whose note is the present token: the token after its earlier occurrence

One layer sees only which tokens there are and where, not what stood before them.  The induction score of a head is the
weight that goes from a token to the one after its earlier occurrence, on average, 0 to 1.
Sources: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022, "In-context
Learning and Induction Heads".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.toys.repeats import Repeats
from tfx.lab.frame import Measured, Run
from tfx.measure.ablation import head_part, without
from tfx.measure.estimates import mean_with_error
from tfx.measure.induction import induction_scores
from tfx.measure.verdicts import at_least, at_most, largest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.train.toys import ToyRun, examine, make_model

QUESTION = "Can one layer learn to copy what followed last time, and when does the head that does it form?"
TITLE = "Copying from earlier in a text, learned by one layer and by more"
CLAIM = (
    "Induction heads copy what followed the present token before. They need two layers, and they form during training, "
    "together with the ability to go on with a new text."
)
BREAK_IT = ("--set deep=1", "--set steps=10")
HOST_ONLY = "Models of a few thousand numbers: nothing for a card."

TOY = Repeats(n_symbols=16, periods=(4, 5, 6, 7), length=14)
#: The texts in which weights are read: pieces of so many tokens, said twice.
PERIOD, TEXTS = 5, 64
SIZES: dict[str, Any] = {"d_model": 24, "d_ff": 48, "n_heads": 1, "positions": "learned", "max_len": 24}
#: On average the deep models answer at least so well, and so much better than one layer.
GOOD, BETTER = 0.75, 0.2
#: Induction score of the deep models' best head, of one layer's, and before training.
FORMED, NOT_FORMED, AT_FIRST = 0.6, 0.5, 0.3
#: Correlation of score and accuracy over training, and the share of the accuracy that is left without the head.
TOGETHER, LEFT = 0.8, 0.5
RATE, BATCH, ASKED = 0.01, 32, 200


@dataclass(frozen=True)
class Settings:
    deep: int = setting(2, 1, 4, "layers of the models that are compared with one layer")
    models: int = setting(4, 1, 50, "models of each depth")
    steps: int = setting(400, 4, 20_000, "of training")
    looks: int = setting(8, 2, 50, "how often each model is looked at on its way, after the start")

    def quick(self) -> Settings:
        """Two models of each depth, fewer steps."""
        return replace(self, models=min(2, self.models), steps=min(300, self.steps), looks=min(6, self.looks))

    def full(self) -> Settings:
        """More models, trained for longer."""
        return replace(self, models=max(12, self.models), steps=max(2000, self.steps), looks=20)

    def bytes_needed(self) -> float:
        """One small model at a time, and its activations."""
        return 5e6 * self.deep


COLUMNS = (
    Column("layers", "layers"),
    Column("model", "model"),
    Column("step", "step"),
    Column("accuracy", "right, new texts", "%", digits=3),
    Column("score", "induction score, best head", digits=3),
    Column("previous", "weight on previous token, layer 1", digits=3, detail=True),
    Column("without", "right without that head", "%", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """One model after the other; both depths see the same texts."""
    settings = run.settings
    keys = [(layers, model) for layers in dict.fromkeys((1, settings.deep)) for model in range(settings.models)]
    with blas_threads(1):
        for layers, model in run.over(keys, "{0[0]} layers, model {0[1]}"):
            say = run.saying(f"{layers} layers, model {model}")
            for row in curve(settings, layers, run.seed, model):
                say(row["step"], settings.steps)
                yield {"layers": layers, "model": model, **row}


def curve(settings: Settings, layers: int, seed: int, model: int) -> list[dict[str, Any]]:
    """What a model can do at the start and at each look."""
    return list(looked_at(settings, layers, seed, model))


def looked_at(settings: Settings, layers: int, seed: int, number: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng((seed, number))
    seed_of_model = int(rng.integers(2**31))
    drawn, texts = TOY.draw(ASKED, rng, held_out=True), said_twice(rng)
    model = make_model(TOY, seed_of_model, n_layers=layers, **SIZES)
    training = ToyRun(TOY, model, settings.steps, seed_of_model, RATE, BATCH).train()
    looks = {round(settings.steps * at / settings.looks) for at in range(settings.looks + 1)}
    for step in range(settings.steps + 1):
        if step:
            next(training)
        if step in looks:
            yield {"step": step, **look(model, drawn, texts)}


def said_twice(rng: np.random.Generator) -> np.ndarray:
    """(TEXTS, 2 * PERIOD): pieces of different tokens, each said twice."""
    pieces = rng.permuted(np.tile(np.arange(TOY.n_symbols), (TEXTS, 1)), axis=1)[:, :PERIOD]
    return np.tile(pieces, (1, 2))


def look(model: Any, drawn: Any, texts: np.ndarray) -> dict[str, float]:
    scores = induction_scores(model, texts, PERIOD)
    layer, head = np.unravel_index(int(scores.argmax()), scores.shape)
    _, cache = model.forward(texts)
    places = np.arange(1, texts.shape[1])
    with without(head_part(model.stack.blocks[layer], int(head))):
        lacking = examine(model, drawn).accuracy
    return {
        "accuracy": 100 * examine(model, drawn).accuracy,
        "score": float(scores.max()),
        "previous": float(cache.blocks[0].weights[:, :, places, places - 1].mean(axis=(0, 2)).max()),
        "without": 100 * lacking,
    }


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    layers = run.settings.deep
    deep, one = (mean(run, each, "accuracy")[0] / 100 for each in (layers, 1))
    return (
        at_least("deep-copies", f"{layers} layers, new texts: share right", GOOD, deep),
        at_least("one-cannot", "... over that of one layer", BETTER, deep - one),
        at_least("head-formed", "induction score of the best head", FORMED, mean(run, layers, "score")[0]),
        at_most("one-has-none", "... of one layer's", NOT_FORMED, mean(run, 1, "score")[0]),
        at_most(
            "at-first",
            "... before training, highest model",
            AT_FIRST,
            largest(row["score"] for row in run.rows if row["step"] == 0),
        ),
        at_least(
            "together",
            "correlation of score and share right, over training",
            TOGETHER,
            correlation([row for row in run.rows if row["layers"] == layers]),
        ),
        at_most(
            "needed",
            "without that head: share right, over the share with it",
            LEFT,
            mean(run, layers, "without")[0] / 100 / deep,
        ),
    )


def last_of(run: Run[Settings], layers: int) -> list[Mapping[str, Any]]:
    """Of each model of that depth the row at the end of training."""
    return [row for row in run.rows if row["layers"] == layers and row["step"] == run.settings.steps]


def correlation(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(np.corrcoef([row["score"] for row in rows], [row["accuracy"] for row in rows])[0, 1])


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        "One layer learns to go on with texts that say a random piece twice. How many percent of new texts' tokens "
        "does it get right?"
    )


def question(run: Run[Settings]) -> Question:
    deep, one = (mean(run, layers, "accuracy")[0] for layers in (run.settings.deep, 1))
    explanation = f"{run.settings.deep} layers get {deep:.3g}; guessing, {100 / TOY.n_symbols:.2g}."
    return Question(prompt(run), one, 0.25, explanation)


def mean(run: Run[Settings], layers: int, key: str) -> tuple[float, float]:
    """Over the models of that depth, at the end of training, with its standard error (0 for one model)."""
    values = np.array([row[key] for row in last_of(run, layers)])
    return mean_with_error(values) if len(values) > 1 else (float(values[0]), 0.0)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The end of one layer, and the first deep model on its way."""
    ends = [at for at, row in enumerate(run.rows) if row["layers"] == 1 and row["step"] == run.settings.steps]
    deep = [at for at, row in enumerate(run.rows) if row["layers"] == run.settings.deep and row["model"] == 0]
    return tuple(sorted({ends[0], *deep[:3], deep[-1]}))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings = run.settings
    (deep, deep_se), (one, one_se) = (mean(run, layers, "accuracy") for layers in (settings.deep, 1))
    formed, lacking, previous = (mean(run, settings.deep, key)[0] for key in ("score", "without", "previous"))
    return (
        Text(
            f"{settings.deep} layers get {deep:.3g}% of new texts' tokens right, one layer {one:.3g}%. Their best head "
            f"has a weight of {formed:.2f} where it should look; without it {lacking:.2g}% are right."
        ),
        Text(
            f"Score and accuracy rise together over training, correlation "
            f"{correlation([row for row in run.rows if row['layers'] == settings.deep]):.2f}; Olsson et al. 2022 found "
            "the same in language models, where the loss falls in a bump as such heads form."
        ),
        Text(
            f"In layer 1 a weight of {previous:.2f} goes to the token before. A head of layer 2 needs what that head "
            "wrote (Elhage et al. 2021), so one layer can only tell which tokens are about, and guess among them: that "
            f"is how it gets to {one:.2g}%."
        ),
        Text(
            f"n = {settings.models} models of each depth, standard errors {deep_se:.1g}% and {one_se:.1g}%; "
            f"{settings.steps} steps of {BATCH} texts, {ASKED} new texts. Random pieces cannot be learned by heart."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    settings = run.settings
    (deep, _), (one, _) = (mean(run, layers, "accuracy") for layers in (settings.deep, 1))
    steps = sorted({row["step"] for row in run.rows})

    def curve_of(layers: int, key: str) -> Series:
        label = f"{layers} layer{'s' * (layers > 1)}"
        mine = [row for row in run.rows if row["layers"] == layers]
        at = [[row[key] for row in mine if row["step"] == step] for step in steps]
        errors = [float(np.std(each, ddof=1)) / len(each) ** 0.5 if len(each) > 1 else 0.0 for each in at]
        return Series(label, steps, [float(np.mean(each)) for each in at], errors)

    depths = dict.fromkeys((settings.deep, 1))
    return (
        Plot(
            f"{settings.deep} layers learn to copy, {deep:.3g}% right at the end; one layer gets to {one:.3g}%",
            "step of training",
            "tokens right in new texts (%)",
            tuple(curve_of(layers, "accuracy") for layers in depths),
        ),
        Plot(
            f"The induction head forms on the way: a weight of {mean(run, settings.deep, 'score')[0]:.2f} at the end, "
            f"one layer {mean(run, 1, 'score')[0]:.2f}",
            "step of training",
            "weight on the token after the earlier one",
            tuple(curve_of(layers, "score") for layers in depths),
        ),
    )
