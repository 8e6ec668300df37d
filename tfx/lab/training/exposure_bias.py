"""Exposure bias: what a mistake costs when the model goes on from it, and whether scheduled sampling helps.

The text is an alphabet in an order of its own, from any letter on.  The model reads some letters and goes on, once with
the true letters before it (teacher forcing), once with those it wrote (free running).  With a chance of e for a mistake

    teacher forced   1 - e at every place           free running   (1 - e)^t after t letters

as long as mistakes fall independently; if the model errs at w of the V letters, each text meets a letter once, and the
chance to meet none of them in t letters is (V - w)(V - w - 1) ... / V (V - 1) ...  What is measured lies between.
The model is causal.  That hides the letters to come, and is no help against its own.
Sources: Bengio et al. 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", section 2;
Ranzato et al. 2016, section 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.errors import BadInput
from tfx.generate import greedy
from tfx.lab.frame import Measured, Run
from tfx.lab.training.exposure_bias_plots import exposure_bias_plots
from tfx.measure.estimates import mean_with_error
from tfx.measure.exposure_bias import exposure
from tfx.measure.paired import Difference, paired_difference
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, between, exactly, largest
from tfx.models import DecoderOnly
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import next_token_loss, scheduled_sampling_loss, train

QUESTION = "What does a mistake cost a model that goes on from it, and does scheduled sampling help?"
ORDER = 10
TITLE = "The same model, reading the truth and reading itself"
CLAIM = "A model trained on true texts errs ever more when it reads its own: mistakes add up, causal mask or not."
BREAK_IT = ("--set steps=60,80", "--set steps=20,22")
HOST_ONLY = "These models have a few thousand numbers: a card would wait for the host."

TRUTH, SAMPLED = "truth", "guesses too"
#: Intervals over seeds; so many standard errors beside a law.
CONFIDENCE, TIMES = 0.99, 5.0
#: A gap counts from here on.
SMALLEST_GAP = 0.001
BATCH, RATE, WARMUP = 8, 2e-2, 10


@dataclass(frozen=True)
class Settings:
    steps: tuple[int, ...] = setting((20, 25, 30, 45), 1, 400, "steps of training", at_least=2)
    letters: int = setting(40, 4, 100, "letters of the alphabet")
    given: int = setting(3, 1, 20, "letters that are read in any case")
    length: int = setting(25, 1, 80, "letters that are written")
    truth: float = setting(0.5, 0.0, 1.0, "scheduled sampling ends with this share of true letters")
    seeds: int = setting(16, 3, 200, "alphabets and models for each row")

    def quick(self) -> Settings:
        """Three lengths of training, and fewer models."""
        return replace(self, steps=(20, 30, 45) if len(self.steps) > 3 else self.steps, seeds=min(self.seeds, 5))

    def full(self) -> Settings:
        return replace(self, seeds=100)

    def check(self) -> None:
        """Raises BadInput for a text that would go round the alphabet."""
        if self.given + self.length > self.letters:
            raise BadInput(
                f"{self.given} letters and {self.length} more are more than {self.letters}.",
                f"Try: --set letters={min(self.given + self.length, 100)}",
            )

    def bytes_needed(self) -> float:
        """All that a batch leaves in a model, with room."""
        return 8.0 * 1000 * self.letters * (self.given + self.length)


COLUMNS = (
    Column("steps", "steps"),
    Column("way", "trained on"),
    Column("forced", "right after truth", digits=3),
    Column("free", "last letter right", digits=3),
    Column("free_se", "standard error", digits=2, detail=True),
    Column("law", "by independent mistakes", digits=3),
    Column("fixed_law", "if mistakes are at fixed letters", digits=3, detail=True),
    Column("first", "first letter, forced - free", digits=3, detail=True),
    Column("unbroken", "texts without a mistake, forced - free", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Both ways of training, for so many steps; the same alphabets and first weights in every row."""
    ways = [(steps, way) for steps in sorted(set(run.settings.steps)) for way in (TRUTH, SAMPLED)]
    for steps, way in run.over(ways, "{0[0]} steps, {0[1]}"):
        yield measure_row(run, steps, way)


# Measuring


class Written(NamedTuple):
    """forced, free: (T,) shares of right letters.  unbroken: texts without any mistake, teacher forced and free."""

    forced: np.ndarray
    free: np.ndarray
    unbroken: tuple[float, float]


def measure_row(run: Run[Settings], steps: int, way: str) -> dict[str, Any]:
    settings, found = run.settings, []
    for seed in run.seeds(settings.seeds, f"{steps} steps, {way}: model {{}} of {settings.seeds}"):
        found.append(written_by(settings, seed, steps, way))
    forced = [float(one.forced.mean()) for one in found]
    free = [float(one.free[-1]) for one in found]
    laws = [share**settings.length for share in forced]
    mean, error = mean_with_error(np.array(free))
    return {
        "steps": steps,
        "way": way,
        "forced": float(np.mean(forced)),
        "free": mean,
        "free_se": error,
        "law": float(np.mean(laws)),
        "fixed_law": float(np.mean([fixed_law(share, settings.letters, settings.length) for share in forced])),
        "first": largest(abs(one.forced[0] - one.free[0]) for one in found),
        "unbroken": largest(abs(one.unbroken[0] - one.unbroken[1]) for one in found),
        "forced_by_seed": forced,
        "free_by_seed": free,
        "law_by_seed": laws,
        "by_place": np.mean([one.free for one in found], axis=0).tolist(),
    }


def written_by(settings: Settings, seed: int, steps: int, way: str) -> Written:
    """A model that learns an alphabet, and is asked to go on from each letter of it.

    float64: steps of training make rounding larger, and a letter that is nearly another would differ by machine."""
    length = settings.given + settings.length
    alphabet = generator(seed, 1).permutation(settings.letters)
    kind: dict[str, Any] = {"positions": "learned", "activation": "relu", "tied": False, "dtype": "float64"}
    model = DecoderOnly(settings.letters, 16, 2, 32, 1, seed=seed, max_len=length, **kind)
    optimizer = AdamW(model)

    def truth() -> float:
        return 1 - (1 - settings.truth) * optimizer.steps / steps

    loss = next_token_loss() if way == TRUTH else scheduled_sampling_loss(truth)
    batches = lambda rng: texts(alphabet, rng.integers(settings.letters, size=BATCH), length)  # noqa: E731
    rate = partial(warmup_cosine, peak=RATE, warmup=min(WARMUP, steps), total=steps)
    for _ in train(model, batches, loss, optimizer, rate, steps, seed=seed):
        pass
    return read_and_written(model, texts(alphabet, np.arange(settings.letters), length), settings.given)


def texts(alphabet: np.ndarray, first: np.ndarray, length: int) -> np.ndarray:
    """(B, T): the alphabet from these places on, and round."""
    return alphabet[(first[:, None] + np.arange(length)) % len(alphabet)]


def read_and_written(model: DecoderOnly, ids: np.ndarray, given: int) -> Written:
    both = exposure(model, ids, given)
    wanted = ids[:, given:]
    said = model.forward(ids[:, :-1])[0].argmax(axis=-1)[:, given - 1 :]
    unbroken = (said == wanted).all(axis=1), (greedy(model, ids[:, :given], wanted.shape[1]) == wanted).all(axis=1)
    return Written(both.teacher_forced, both.free_running, (float(unbroken[0].mean()), float(unbroken[1].mean())))


def fixed_law(share: float, letters: int, length: int) -> float:
    """The chance that `length` letters in a row hold none of the 1 - share of all letters at which a model errs."""
    wrong = (1 - share) * letters
    return math.prod(max(letters - wrong - i, 0.0) / (letters - i) for i in range(length))


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, first, last = run.rows, run.rows[0], of_way(run.rows, TRUTH)[-1]
    gap = paired_difference(first["forced_by_seed"], first["free_by_seed"], CONFIDENCE)
    slack = TIMES * paired_difference(first["free_by_seed"], first["law_by_seed"]).error
    perfect = [free for f, free in zip(last["forced_by_seed"], last["free_by_seed"], strict=True) if f == 1]
    return (
        exactly("first-letter", "the first letter rests on what was given: forced and free differ by at most", 0.0,
                largest(row["first"] for row in rows)),
        exactly("unbroken", "a text without a mistake is the same read or written: shares differ by at most", 0.0,
                largest(row["unbroken"] for row in rows)),
        at_least("gap", f"trained least, forced - free at the last letter, {CONFIDENCE:.0%} interval", SMALLEST_GAP,
                 gap.low),
        between("adds-up", "... and free lies between mistakes at fixed letters and independent ones",
                first["fixed_law"] - slack, first["law"] + slack, first["free"]),
        exactly("no-mistake-no-gap", "trained most, models without a mistake write all texts right: mean", 1.0,
                float(np.mean(perfect)) if perfect else math.nan),
    )  # fmt: skip


def of_way(rows: Sequence[Mapping[str, Any]], way: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["way"] == way]


def gain(rows: Sequence[Mapping[str, Any]]) -> Difference:
    """Scheduled sampling minus the truth alone, free running, trained least."""
    own, truth = (of_way(rows, way)[0] for way in (SAMPLED, TRUTH))
    return paired_difference(own["free_by_seed"], truth["free_by_seed"])


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"A model learns an alphabet for {min(run.settings.steps)} steps, then writes {run.settings.length} letters: "
        "in which share of texts is the last right?"
    )


def question(run: Run[Settings]) -> Question:
    first = run.rows[0]
    e = 1 - first["forced"]
    explanation = f"A chance of {e:.3f} for a mistake, {run.settings.length} times: {first['law']:.2f}."
    return Question(prompt(run), first["free"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows))) if len(run.rows) <= 6 else (0, 1, len(run.rows) - 2, len(run.rows) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    first, found = run.rows[0], gain(run.rows)
    verdict = "no difference told" if not found.told_apart else "it helps" if found.mean > 0 else "it does worse here"
    return (
        Text(
            f"A model that is right in {first['forced']:.1%} of places with the truth before them has its own letter "
            f"{run.settings.length} right in {first['free']:.0%} of texts, where (1 - e)^t says {first['law']:.0%}."
        ),
        Text(
            f"Scheduled sampling, at as many steps, changes that by {found}: {verdict}. Its targets do not follow from "
            "a wrong letter, and what it learns from its guesses it does not learn from the truth."
        ),
        Text(
            "At the first letter both readings are the same, and a model without mistakes has no gap. The model is "
            "causal throughout: a mask decides what may be seen, not whether it is true."
        ),
        Text(
            "That errors add up when a model reads itself is the reason for scheduled sampling (Bengio et al. 2015, "
            "section 2); the name exposure bias is from Ranzato et al. 2016, section 1."
        ),
        Text(
            "e is the mean over all places and differs between models. Mistakes at fixed letters would leave "
            f"{first['fixed_law']:.0%}. Where a text can find its way back, more is right than (1 - e)^t."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return exposure_bias_plots(of_way(run.rows, TRUTH), of_way(run.rows, SAMPLED))
