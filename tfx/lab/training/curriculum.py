"""Curriculum by length: does it help to begin with short sequences, at equal tokens?

Three orders of batches of the very same lengths: short first, mixed, long first.  So they read as many tokens, and only
the order differs.  Beside them, at as many tokens: the full length from the start, and two controls.
Short sequences alone must do worse, or the measure sees nothing; the mixture in another order must do the same, or it
sees what is not there.
Judged is what counts in the end: held-out sequences of the full length.  Both ways of every comparison begin with the
same weights, seed by seed.
Sources: Bengio et al. 2009, "Curriculum Learning"; growing sequences: Press, Smith and Lewis 2021, "Shortformer",
section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.toys.tasks import TASKS
from tfx.data.toys.toy import Places
from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure import counting
from tfx.measure.estimates import mean_with_error
from tfx.measure.paired import Difference, paired_difference
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_most, exactly, largest
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import growing_length, train
from tfx.train.toys import examine, make_model, places_loss

QUESTION = "Does it help to begin with short sequences, at equal tokens?"
ORDER = 12
CLAIM = "A model learns better when it sees short sequences first and long ones later, for the same number of tokens."
BREAK_IT = ("--set shortest=8",)
HOST_ONLY = "These models have a few thousand numbers: a card would wait for the host."

SHORT, MIXED, LONG, FULL, ONLY, AGAIN = (
    "short first", "mixed", "long first", "full length", "short only", "mixed, again",
)  # fmt: skip
WAYS = (SHORT, MIXED, LONG, FULL, ONLY, AGAIN)
#: Of the interval in which a difference that is none must lie: one in a thousand misses it.
SURE = 0.999
D_MODEL, D_FF, RATE = 32, 64, 6e-3
#: A difference counts from here on.
SMALLEST = 0.001


@dataclass(frozen=True)
class Settings:
    task: str = setting("sort", words=tuple(TASKS), about="what is learnt")
    shortest: int = setting(3, 1, 64, "tokens at first")
    longest: int = setting(8, 2, 64, "tokens at last")
    steps: int = setting(160, 2, 5000, "steps of the three orders; the others take as many tokens")
    growing: float = setting(0.5, 0.01, 1.0, "lengths grow for this share of the steps, then they stay")
    batch: int = setting(32, 1, 256, "sequences in a batch")
    seeds: int = setting(6, 2, 100, "models for each way")

    def quick(self) -> Settings:
        """Fewer steps, fewer models."""
        return replace(self, steps=min(self.steps, 60), seeds=min(self.seeds, 4))

    def full(self) -> Settings:
        return replace(self, steps=1000, seeds=20)

    def check(self) -> None:
        """Raises BadInput for lengths that shrink."""
        if self.shortest > self.longest:
            raise BadInput(
                f"sequences grow from {self.shortest} tokens to {self.longest}: that is no growth.",
                f"Try: --set shortest={self.longest}",
            )

    def bytes_needed(self) -> float:
        """What one batch leaves in a model, with room."""
        return 8.0 * self.batch * self.longest * (40 * D_MODEL + 20 * self.longest)


COLUMNS = (
    Column("way", "order"),
    Column("steps", "steps"),
    Column("tokens", "tokens"),
    Column("right", "right at full length", digits=3),
    Column("right_se", "standard error", digits=2),
    Column("mflop", "work of a step", "MFLOP", digits=3, detail=True),
)


def title(run: Run[Settings]) -> str:
    return f"Learning to {run.settings.task} {run.settings.longest} symbols: in which order?"


def rows(run: Run[Settings]) -> Measured:
    """Every way trains models of its own, and the mixture again for the comparison: no row needs another."""
    with blas_threads(1):
        for way in run.over(WAYS):
            yield measure_row(run, way)


# Measuring


def measure_row(run: Run[Settings], way: str) -> dict[str, Any]:
    settings = run.settings
    found = []
    for seed in run.seeds(settings.seeds, f"{way}: model {{}} of {settings.seeds}"):
        lengths = tuple(lengths_of(settings, way, seed))
        found.append(taught(settings.task, settings.longest, lengths, settings.batch, seed))
    scores = [right for right, _ in found]
    mean, error = mean_with_error(np.array(scores))
    flops = [counting.total_flops(counting.attention_core(n, D_MODEL, 4)) for n in lengths]
    flops += [counting.total_flops(counting.projections(n, D_MODEL)) for n in lengths]
    return {
        "way": way,
        "steps": len(lengths),
        "tokens": settings.batch * int(sum(lengths)),
        "right": mean,
        "right_se": error,
        "mflop": settings.batch * sum(flops) / len(lengths) / 1e6,
        "scores": scores,
        "by_length": np.mean([by_length for _, by_length in found], axis=0).tolist(),
    }


def lengths_of(settings: Settings, way: str, seed: int) -> list[int]:
    """The length of the batch of every step."""
    until = max(1, round(settings.growing * settings.steps))
    growing = [
        growing_length(step, settings.shortest, settings.longest, until) for step in range(1, settings.steps + 1)
    ]
    if way == FULL:
        return [settings.longest] * round(sum(growing) / settings.longest)
    if way == ONLY:
        short = growing[: until // 2] or growing[:1]
        times = range(len(growing) * settings.longest)
        endless = [short[step % len(short)] for step in times]
        return endless[: int((np.cumsum(endless) <= sum(growing)).sum())]
    if way in (MIXED, AGAIN):
        return [int(n) for n in generator(seed, WAYS.index(way)).permutation(growing)]
    return growing if way == SHORT else growing[::-1]


@lru_cache(maxsize=512)
def taught(name: str, longest: int, lengths: tuple[int, ...], batch: int, seed: int) -> tuple[float, tuple[float, ...]]:
    """A model that learns batches of these lengths.

    -> the share of places that are right in held-out sequences of the full length, and in new ones of each length.
    """
    task = TASKS[name]
    model = make_model(task, seed, d_model=D_MODEL, d_ff=D_FF, max_len=longest, dtype="float64")
    optimizer = AdamW(model)

    def batches(rng: np.random.Generator) -> Places:
        return replace(task, length=lengths[optimizer.steps]).draw(batch, rng)

    rate = partial(warmup_cosine, peak=RATE, warmup=max(len(lengths) // 10, 1), total=len(lengths))
    for _ in train(model, batches, places_loss(), optimizer, rate, len(lengths), seed=seed):
        pass
    rng = generator(seed, 99)
    right = examine(model, replace(task, length=longest).draw(200, rng, held_out=True)).accuracy
    new = (replace(task, length=n).draw(100, rng) for n in range(1, longest + 1))
    return right, tuple(examine(model, drawn).accuracy for drawn in new)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows = by_way(run.rows)
    orders = [rows[way]["tokens"] for way in (SHORT, MIXED, LONG, AGAIN)]
    others = [rows[way]["tokens"] for way in (FULL, ONLY)]
    batch = run.settings.batch * run.settings.longest
    return (
        exactly("same-lengths", "the three orders read the same batches: tokens differ by", 0,
                max(orders) - min(orders)),
        at_most("equal-tokens", "the others read as many, but for a batch: worst, in tokens", batch,
                largest(abs(tokens - orders[0]) for tokens in others)),
        at_most("short-alone", "short sequences alone do worse than mixed ones: 95% interval, to", -SMALLEST,
                difference(run.rows, ONLY).high),
        exactly("same-again", f"the mixture in another order is told apart from it ({SURE:.1%} interval)", "no",
                "yes" if told_or_lost(difference(run.rows, AGAIN, sure=SURE)) else "no"),
    )  # fmt: skip


def by_way(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["way"]: row for row in rows}


def difference(rows: Sequence[Mapping[str, Any]], way: str, other: str = MIXED, sure: float = 0.95) -> Difference:
    found = by_way(rows)
    return paired_difference(found[way]["scores"], found[other]["scores"], sure)


def told_or_lost(found: Difference) -> bool:
    """Told apart from 0, or not a number."""
    return not found.low <= 0 <= found.high


# Saying


def prompt(run: Run[Settings]) -> str:
    longest = run.settings.longest
    return (
        f"The same batches in reverse: {longest} tokens first, short ones last. Which share of places of {longest} "
        "tokens is right in the end?"
    )


def question(run: Run[Settings]) -> Question:
    rows = by_way(run.rows)
    explanation = f"Short first it is {rows[SHORT]['right']:.2f}, mixed {rows[MIXED]['right']:.2f}."
    return Question(prompt(run), rows[LONG]["right"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def said(found: Difference) -> str:
    return f"{found}, " + ("told apart from 0" if found.told_apart else "not told apart from 0")


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    rows, order, full = by_way(run.rows), difference(run.rows, SHORT), difference(run.rows, SHORT, FULL)
    better = "better" if order.mean > 0 else "worse"
    return (
        Text(
            f"Short first is right at {rows[SHORT]['right']:.1%} of places, mixed at {rows[MIXED]['right']:.1%}: "
            + (f"the order makes it {better}" if order.told_apart else "no difference is told")
            + f". The full length from the start, for as many tokens: {rows[FULL]['right']:.1%}."
        ),
        Text(
            f"Short first minus mixed is {said(order)}; minus the full length it is {said(full)}. Long first minus "
            f"mixed is {said(difference(run.rows, LONG))}: what comes last counts most."
        ),
        Text(
            "That easy examples first can help is from Bengio et al. 2009; that short texts first save work, as "
            "attention is quadratic, from Press et al. 2021, section 3. The saved work is sure: it is counted. A "
            "better model is not."
        ),
        Text(
            "This is one small task, judged at the full length, where a place of a short sequence teaches little about "
            "one of a long sequence. Where near tokens decide, as in text, short sequences teach more of what is "
            "asked. Try --set task=copy, and task=reverse."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows = by_way(run.rows)
    shown = (SHORT, MIXED, LONG, FULL, ONLY)
    best = max(shown, key=lambda way: rows[way]["right"])
    lengths = range(1, run.settings.longest + 1)
    return (
        Plot(
            f"At {run.settings.longest} tokens the best is {best} ({rows[best]['right']:.0%}); short first minus "
            f"mixed: {difference(run.rows, SHORT)}",
            "tokens of a new sequence",
            "share of places that are right",
            tuple(Series(way, lengths, rows[way]["by_length"]) for way in shown),
        ),
    )
