"""Grokking: a model that knows its sums by heart understands them much later, if its weights are pulled towards zero.

    a + b modulo a prime P        23 numbers: 19 + 7 = 3, as on a clock of 23 hours

One block reads a, b and a token that asks.  It has no positions, so that b + a is the same to it, and a pair is held
out in both orders at once: what is asked was never seen.  All other pairs are learnt, all at each step.

Why it can be late.  Right answers by heart need large weights; a rule needs small ones.  Once all is right the loss
says next to nothing, and weight decay goes on.  What comes out are waves: the embedding of a is made of a few cosines
and sines of 2 pi k a / P, from which sums of angles follow.  Their share of the embedding's power is compared with that
of the same rows in random order, which have the same lengths and no waves.
Sources: Power et al. 2022, "Grokking: Generalization Beyond Overfitting on Small Algorithmic Datasets"; Nanda et al.
2023, "Progress Measures for Grokking via Mechanistic Interpretability" (the waves).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.toys.toy import Places
from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, at_most, largest, smallest
from tfx.models import Encoder
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.train import train
from tfx.train.toys import examine, places_loss

QUESTION = "Does a model that knows its sums by heart understand them later, and what makes it?"
TITLE = "Addition on a clock, by heart and by rule"
CLAIM = "A model can fit all it was shown, fail at all else, and understand the rule long after: it groks."
BREAK_IT = ("--set steps=100", "--set decays=0,0.001")
HOST_ONLY = "A model of a few thousand numbers: nothing for a card."

#: Looked at after so many steps each; by heart from this share of the learnt pairs on; enough of the new ones to stop.
LOOK, BY_HEART, ENOUGH = 20, 0.99, 0.9
#: Understood: more than half of the pairs that were never shown.
UNDERSTOOD = 0.5
#: Waves of an embedding that are counted, and orders of its rows that they are compared with.
WAVES, ORDERS, RARE = 3, 199, 0.05
RATE, WARMUP = 0.01, 20
SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 4, "d_ff": 128, "n_layers": 1, "activation": "relu", "tied": False}


@dataclass(frozen=True)
class Settings:
    p: int = setting(23, 11, 97, "hours of the clock, a prime")
    share: float = setting(0.8, 0.2, 0.9, "of the pairs that are learnt")
    decays: tuple[float, ...] = setting((0, 1, 2), 0.0, 10.0, "weight decay; the smallest is the control", at_least=2)
    steps: int = setting(1400, 20, 100_000, "of training, each with all pairs, until the new ones are right")
    models: int = setting(2, 1, 50, "models for each decay")

    def quick(self) -> Settings:
        """One model for each decay, fewer steps."""
        return replace(self, models=1, steps=min(1200, self.steps))

    def full(self) -> Settings:
        """More decays and models, and longer."""
        return replace(self, decays=(0, 0.5, 1, 2, 3), steps=max(5000, self.steps), models=max(5, self.models))

    def check(self) -> None:
        """Raises BadInput for a number that is no prime: its clock has shorter clocks in it."""
        if any(self.p % small == 0 for small in (2, 3, 5, 7)):
            raise BadInput(f"p = {self.p} is no prime.", "Try: --set p=23")

    def bytes_needed(self) -> float:
        """What a step leaves in the model."""
        return 8.0 * self.p**2 / 2 * 3 * (30 * SIZES["d_model"] + 2 * self.p)


COLUMNS = (
    Column("decay", "weight decay", digits=3),
    Column("by_heart", "by heart", "steps", digits=4),
    Column("then", "new ones right then", "%", digits=3),
    Column("best", "right in the end", "%", digits=3),
    Column("waves", f"power in {WAVES} waves", "%", digits=3),
    Column("best_step", "steps to that", digits=4, detail=True),
    Column("waves_chance", "waves of rows in random order", "%", digits=3, detail=True),
)


class Learned(NamedTuple):
    """steps, known, new: the share right of the learnt pairs and of the new ones, at each look.  waves: the share of
    the embedding's power in its strongest waves at the best look; chance: the same of rows in random order, on average;
    rare: how often these have as much."""

    steps: list[int]
    known: list[float]
    new: list[float]
    waves: float
    chance: float
    rare: float

    @property
    def by_heart(self) -> int:
        """The look at which the learnt pairs are right, or the best one."""
        return next((at for at, share in enumerate(self.known) if share >= BY_HEART), int(np.argmax(self.known)))


def rows(run: Run[Settings]) -> Measured:
    """Each decay, from the same starts and pairs."""
    with blas_threads(1):
        for decay in run.over(sorted(set(run.settings.decays)), "weight decay {:g}"):
            yield measure_row(run, decay)


def measure_row(run: Run[Settings], decay: float) -> dict[str, Any]:
    settings, found = run.settings, []
    for number in range(settings.models):
        run.saying(f"weight decay {decay:g}, model {number + 1}")(number, settings.models)
        found.append(learned(settings.p, settings.share, float(decay), settings.steps, run.seed, number))
    then, best = [100 * one.new[one.by_heart] for one in found], [100 * max(one.new) for one in found]
    return {
        "decay": float(decay),
        "by_heart": float(np.mean([one.steps[one.by_heart] for one in found])),
        "then": float(np.mean(then)),
        "best": float(np.mean(best)),
        "waves": 100 * float(np.mean([one.waves for one in found])),
        "best_step": float(np.mean([one.steps[int(np.argmax(one.new))] for one in found])),
        "waves_chance": 100 * float(np.mean([one.chance for one in found])),
        "known_worst": smallest(max(one.known) for one in found),
        "then_most": largest(then) / 100,
        "best_least": smallest(best) / 100,
        "best_most": largest(best) / 100,
        "rare": largest(one.rare for one in found),
        "looks": [found[0].steps, found[0].known, found[0].new],
    }


def pairs(p: int, share: float, rng: np.random.Generator) -> tuple[Places, Places]:
    """All a <= b -> those that are learnt, and those that are not."""
    a, b = np.triu_indices(p)
    ids = np.stack([a, b, np.full_like(a, p)], axis=1)
    targets = np.zeros_like(ids)
    targets[:, 2] = (a + b) % p
    order = rng.permutation(len(a))
    asked = np.broadcast_to(np.arange(3) == 2, ids.shape)
    cut = round(share * len(a))
    learnt, new = (Places(ids[part], targets[part], asked[part]) for part in (order[:cut], order[cut:]))
    return learnt, new


def learned(p: int, share: float, decay: float, steps: int, seed: int, number: int) -> Learned:
    rng = generator(seed, number)
    learnt, new = pairs(p, share, rng)
    model = Encoder(p + 1, n_outputs=p, positions="none", seed=int(rng.integers(2**31)), **SIZES)
    optimizer = AdamW(model, weight_decay=decay)
    schedule = lambda step: RATE * min(1.0, step / WARMUP)  # noqa: E731
    looks: list[tuple[int, float, float]] = []
    table = model.embedding.table.value[:p].copy()
    for record in train(model, lambda rng: learnt, places_loss(), optimizer, schedule, steps, seed=seed):
        if record.step % LOOK == 0:
            right = examine(model, new).accuracy
            if not looks or right > max(share for _, _, share in looks):
                table = model.embedding.table.value[:p].copy()
            looks.append((record.step, examine(model, learnt).accuracy, right))
            if right >= ENOUGH:
                break
    steps_seen, known, shares = (list(each) for each in zip(*looks, strict=True))
    others = [power_in_waves(table[rng.permutation(p)]) for _ in range(ORDERS)]
    waves = power_in_waves(table)
    rare = (1 + sum(other >= waves for other in others)) / (1 + ORDERS)
    return Learned(steps_seen, known, shares, waves, float(np.mean(others)), rare)


def power_in_waves(table: np.ndarray) -> float:
    """table: (P, C), a row for each number -> the share of its power, less the mean, in its WAVES strongest waves."""
    power = (np.abs(np.fft.rfft(table, axis=0)[1:]) ** 2).sum(axis=1)
    return float(np.sort(power)[-WAVES:].sum() / power.sum())


# Judging


def by_chance(settings: Settings) -> float:
    """The share of new pairs that guessing gets right, and five standard errors of it."""
    pairs_in_all = settings.p * (settings.p + 1) // 2
    new, chance = pairs_in_all - round(settings.share * pairs_in_all), 1 / settings.p
    return chance + 5 * (chance * (1 - chance) / new) ** 0.5


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    control, pulled, guess = run.rows[0], run.rows[-1], by_chance(run.settings)
    pull = f"weight decay {pulled['decay']:g}"
    return (
        at_least("by-heart", "share of the learnt pairs that is right, worst of all", BY_HEART,
                 smallest(row["known_worst"] for row in run.rows)),
        at_most("not-yet", f"{pull}: share of new pairs right when the learnt ones are, at most", guess,
                pulled["then_most"]),
        at_least("groks", "... and later on, in the worst model", UNDERSTOOD, pulled["best_least"]),
        at_most("control", f"weight decay {control['decay']:g}: at best, at most", guess, control["best_most"]),
        at_most("waves", f"{pull}: how often rows in random order have as much power in {WAVES} waves", RARE,
                pulled["rare"]),
    )  # fmt: skip


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"Sums on a clock of {run.settings.p} hours are learnt until all are right. Training goes on, with weight "
        "decay. How many percent of the sums that were never shown are right in the end?"
    )


def question(run: Run[Settings]) -> Question:
    row = run.rows[-1]
    explanation = f"When the learnt ones were right, after {row['by_heart']:.0f} steps, it was {row['then']:.2g}."
    return Question(prompt(run), row["best"], 0.2, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, control, pulled = run.settings, run.rows[0], run.rows[-1]
    return (
        Text(
            f"After {pulled['by_heart']:.0f} steps the learnt sums are right, and {pulled['then']:.2g}% of the others; "
            f"with weight decay {pulled['decay']:g} it is {pulled['best']:.3g}% after {pulled['best_step']:.0f}. With "
            f"{control['decay']:g} it is never more than {control['best']:.2g}%."
        ),
        Text(
            f"Then {WAVES} waves hold {pulled['waves']:.3g}% of the embedding's power, in random "
            f"order {pulled['waves_chance']:.3g}%; of the control, {control['waves']:.3g}%. Nanda et al. 2023 read the "
            "rule from such waves, as sums of angles. More than by chance they can be before the rule is there."
        ),
        Text(
            "The delay was found by Power et al. 2022. It is no law: with more data, or a smaller rate, rule and heart "
            "come together, or the rule does not come. Here the rate stays high, and later on the loss has spikes in "
            "which much is forgotten for a while; the best look is shown, for the control as well."
        ),
        Text(
            f"n = {settings.models} models for each decay, {settings.share:.0%} of the pairs learnt, at most "
            f"{settings.steps:,} steps; a pair is held out in both orders."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    control, pulled = run.rows[0], run.rows[-1]

    def curve(label: str, row: Mapping[str, Any], part: int) -> Series:
        return Series(label, row["looks"][0], [100 * share for share in row["looks"][part]], kind="line")

    return (
        Plot(
            f"Learnt sums are right after {pulled['by_heart']:.0f} steps, new ones ({pulled['best']:.3g}%) after "
            f"{pulled['best_step']:.0f}; without the pull {control['best']:.2g}%",
            "steps of training",
            "sums that are right (%)",
            (
                curve("learnt", pulled, 1),
                curve(f"new, weight decay {pulled['decay']:g}", pulled, 2),
                curve(f"new, weight decay {control['decay']:g}", control, 2),
            ),
        ),
    )
