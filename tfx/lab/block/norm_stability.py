"""Which place of the norm trains at a large learning rate, and what a warm-up mends.

    pre-LN    y = x + f(norm(x))        post-LN    y = norm(x + f(x))        third form    y = x + norm(f(x))

Encoders that differ in nothing else learn to reverse short sequences, from the same first weights of their maps and on
the same batches, at a small rate and at a large one; post-LN at the large one with a warm-up as well.  The loss at the
end is compared seed by seed: what a seed makes easy or hard is then the same on both sides.
Sources: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", sections 3.2 and 4; the gradients
of the first step are in tfx/lab/block/norm_placement.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.data.toys.tasks import find_task
from tfx.lab.block.norm_placement import PLACES, of_place
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error, student_t_quantile
from tfx.measure.verdicts import at_least, smallest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import require_multiple, setting
from tfx.train.toys import ToyRun, make_model

QUESTION = "Does pre-LN train more stably than post-LN, and does a warm-up mend it?"
CLAIM = "Pre-LN trains more stably than post-LN: it learns at rates at which post-LN of the same depth needs a warm-up."
BREAK_IT = ("--set rates=0.0005,0.001",)
HOST_ONLY = "Training here is hundreds of small steps: nothing for a card."

#: Losses that are farther apart than this in every run, in nats for each symbol, count as different.
MARGIN = 0.25
#: The symbols of the task: a uniform guess costs log of that.
N_SYMBOLS = 10
#: What is reported is the mean loss of this share of the steps, the last.
LAST = 0.1
#: The warm-up takes this share of the steps.
WARMUP = 0.5

SMALL, LARGE, WARM = "small", "large", "warm-up"


@dataclass(frozen=True)
class Settings:
    rates: tuple[float, ...] = setting((0.001, 0.01), 1e-5, 0.1, "learning rates; the ends count", at_least=2)
    layers: int = setting(6, 1, 24, "blocks in the encoder")
    steps: int = setting(60, 10, 5000, "steps of AdamW on 32 sequences each")
    seeds: int = setting(4, 2, 50, "runs for each row")
    length: int = setting(4, 2, 16, "symbols in a sequence")
    width: int = setting(32, 8, 128, "numbers in a token, a multiple of 4")

    def quick(self) -> Settings:
        """Two thirds of the steps, half of the runs."""
        return replace(self, steps=max(10, self.steps * 2 // 3), seeds=max(2, self.seeds // 2))

    def full(self) -> Settings:
        """Five times as many steps."""
        return replace(self, steps=min(5000, 5 * self.steps), seeds=max(5, self.seeds))

    def check(self) -> None:
        """Four heads share the width."""
        require_multiple("width", self.width, 4)

    def bytes_needed(self) -> float:
        """Weights, gradients and what AdamW keeps of them; a batch on its way through the blocks."""
        return 4.0 * self.layers * (4 * 8 * self.width**2 + 32 * self.length * 40 * (self.width + self.length))


COLUMNS = (
    Column("place", "norm"),
    Column("rate", "learning rate"),
    Column("loss", "loss at the end", "nats", digits=3),
    Column("interval", "interval of 95%", "nats", digits=2),
    Column("worst", "largest loss of a run", "nats", digits=3, detail=True),
)


def title(run: Run[Settings]) -> str:
    return f"Encoders of {run.settings.layers} blocks learn to reverse {run.settings.length} symbols"


def rows(run: Run[Settings]) -> Measured:
    """Every place at both rates, and post-LN with a warm-up; the same seeds for all."""
    settings = run.settings
    keys = [
        (place, condition)
        for place in PLACES
        for condition in (SMALL, LARGE, WARM)
        if condition != WARM or place == "post-LN"
    ]
    for place, condition in run.over(keys, "{0[0]}, {0[1]}"):
        rate = (min if condition == SMALL else max)(settings.rates)
        warmup = WARMUP if condition == WARM else 0.0
        losses = []
        for number in range(settings.seeds):
            run.saying(f"{place} at {rate:g}: run {number + 1} of {settings.seeds}")(number, settings.seeds)
            own = int(run.generator(number).integers(2**31))
            losses.append(loss_at_the_end(settings, PLACES[place], rate, warmup, own))
        yield measured_row(place, condition, f"{rate:g}{', warm-up' if warmup else ''}", losses)


def loss_at_the_end(settings: Settings, norm_place: str, rate: float, warmup: float, seed: int) -> float:
    """One run: the mean loss of the last steps, in nats for each symbol.  Raises TrainingDiverged."""
    task = replace(find_task("reverse"), length=settings.length, n_symbols=N_SYMBOLS)
    sizes = {"d_model": settings.width, "d_ff": 2 * settings.width, "max_len": settings.length}
    model = make_model(task, seed, n_layers=settings.layers, norm_place=norm_place, **sizes)
    warm = round(warmup * settings.steps)
    run = ToyRun(task, model, settings.steps, seed, rate, batch=32, warmup=warm)
    losses = [record.loss for record in run.train()]
    return float(np.mean(losses[-max(3, round(LAST * settings.steps)) :]))


def measured_row(place: str, condition: str, rate: str, losses: Sequence[float]) -> dict[str, Any]:
    mean, error = mean_with_error(np.array(losses))
    return {
        "place": place,
        "condition": condition,
        "rate": rate,
        "loss": mean,
        "interval": student_t_quantile(0.975, len(losses) - 1) * error,
        "worst": max(losses),
        "losses": list(losses),
    }


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    pre, post, third = (by_condition(run, place) for place in PLACES)
    large, guess = gaps(post[LARGE], pre[LARGE]), math.log(N_SYMBOLS)
    return (
        at_least(
            "learns",
            "pre-LN, large rate: below the loss of a guess, worst run",
            MARGIN,
            smallest(guess - loss for loss in pre[LARGE]["losses"]),
        ),
        at_least("large-rate", "large rate: post-LN's loss above pre-LN's, in every run", MARGIN, smallest(large)),
        at_least(
            "rate-widens",
            "what the large rate adds to the gap of the small one, in every run",
            MARGIN,
            smallest(large - gaps(post[SMALL], pre[SMALL])),
        ),
        at_least(
            "third-learns",
            "large rate: post-LN's loss above the third form's, in every run",
            MARGIN,
            smallest(gaps(post[LARGE], third[LARGE])),
        ),
        at_least(
            "warm-up-mends",
            "post-LN, large rate: what a warm-up takes off the loss, in every run",
            MARGIN,
            smallest(gaps(post[LARGE], post[WARM])),
        ),
    )


def by_condition(run: Run[Settings], place: str) -> dict[str, Mapping[str, Any]]:
    return {row["condition"]: row for row in of_place(run.rows, place)}


def gaps(one: Mapping[str, Any], other: Mapping[str, Any]) -> np.ndarray:
    """(seeds,): what the loss of `one` is above that of `other`, seed by seed."""
    return np.array(one["losses"]) - np.array(other["losses"])


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"A guess costs {math.log(N_SYMBOLS):.2f} nats. What does post-LN's cost after {run.settings.steps} steps at "
        f"rate {max(run.settings.rates):g}?"
    )


def question(run: Run[Settings]) -> Question:
    pre, post = (by_condition(run, place)[LARGE] for place in ("pre-LN", "post-LN"))
    return Question(prompt(run), post["loss"], 0.1, f"Pre-LN's costs {pre['loss']:.2f}.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """All but the third form at the small rate."""
    return tuple(i for i, row in enumerate(run.rows) if (row["place"], row["condition"]) != ("third form", SMALL))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings = run.settings
    pre, post, third = ({of: row["loss"] for of, row in by_condition(run, place).items()} for place in PLACES)
    return (
        Text(
            f"At rate {max(settings.rates):g} post-LN ends at {post[LARGE]:.2f} nats and pre-LN at {pre[LARGE]:.2f}, "
            f"at rate {min(settings.rates):g} they end at {post[SMALL]:.2f} and {pre[SMALL]:.2f}. Warmed up, "
            f"post-LN ends at {post[WARM]:.2f} at the larger."
        ),
        Text(
            "So it is the large first steps that post-LN does not bear, and not the place of the norm alone: Xiong et "
            "al. 2020, section 3.2, find that post-LN needs the warm-up, and section 4 that pre-LN does not."
        ),
        Text(
            f"x + norm(f(x)) ends at {third[LARGE]:.2f} nats at the large rate. Its large gradients near the input do "
            "no harm here: AdamW divides a gradient by its size."
        ),
        Text(
            f"{settings.seeds} runs for each row, {settings.layers} blocks, {settings.steps} steps, the first "
            f"{WARMUP:.0%} of them where there is a warm-up: all of it is about the beginning of training a small "
            "model. Which form ends better after long training is not measured."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    """Every run is a point: places stand side by side."""
    pre, post = (by_condition(run, place) for place in ("pre-LN", "post-LN"))
    numbers = {SMALL: 1, LARGE: 2, WARM: 3}

    def runs(place: str, shift: float) -> Series:
        points = [(numbers[row["condition"]] + shift, y) for row in of_place(run.rows, place) for y in row["losses"]]
        return Series(place, [x for x, _ in points], [y for _, y in points])

    guess = Series("a guess", [0.9, 3.1], [math.log(N_SYMBOLS)] * 2, kind="line")
    return (
        Plot(
            f"At the large rate post-LN ends {post[LARGE]['loss'] - pre[LARGE]['loss']:.2f} nats above pre-LN, at the "
            f"small one {post[SMALL]['loss'] - pre[SMALL]['loss']:.2f}",
            "1: small rate, 2: large rate, 3: large rate with a warm-up",
            "loss at the end (nats for each symbol)",
            (*(runs(place, 0.05 * shift) for shift, place in enumerate(PLACES, -1)), guess),
        ),
    )
