"""Trained on short texts, read on longer ones: which positions still work there?

The task is local: the next token depends on the last two (second_order.py).  With H the entropy of the source,

    lost = (loss - loss of the source) / (log V - H)       0: all that can be known is known;  1: as good as a guess

the source judged on the same tokens.  lost may exceed 1: a guess is then better than the model.  Positions beyond the
training length exist for sinusoids, but no trained map has met their sum with a token; a learned table has rows there
that were never trained, or none; rotary scores and ALiBi see distances, and ALiBi's bias also hides far ones.
Sources: the claim: Vaswani et al. 2017, section 3.5; that sinusoids fail and ALiBi does not: Press et al. 2022,
sections 2 and 3; without positions: Kazemnejad et al. 2023.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.lab.position.second_order import second_order
from tfx.measure.estimates import mean_with_error, student_t_quantile
from tfx.measure.verdicts import at_least, at_most, exactly, largest
from tfx.models import DecoderOnly
from tfx.nn.position_scheme import Alibi
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import require_divisor, setting
from tfx.train.toys import ToyRun

QUESTION = "Which positions still work on texts longer than those of training?"
ORDER = 4
CLAIM = (
    "Sinusoids are said to let a model read texts longer than those of training, as they are defined there. They do "
    "not, nor does a learned table; ALiBi does, on a local task."
)
BREAK_IT = ("--set steps=1", "--set tokens=16")
HOST_ONLY = "Small models, trained in a second each: nothing for a card."

#: A model has learned the task when it loses at most this share of what can be known ...
LEARNED = 0.5
#: ... it fails beyond its training length when it loses at least this share more there, and holds when at most that.
FAILS, HOLDS = 0.5, 0.25
#: One kind of positions loses more than another when it loses at least this share more.
MORE = 0.1
#: The longest test texts, in training lengths; their second half is "far", and "near" is between 1 and 2 lengths.
REACH = 4
TEST_TEXTS = 100
LEARNING_RATE = 0.015

SCHEMES: dict[str, Any] = {
    "sinusoidal": "sinusoidal",
    "learned": "learned",
    "rotary": "rotary",
    "alibi": Alibi(causal=True),
    "none": "none",
}


@dataclass(frozen=True)
class Settings:
    length: int = setting(16, 8, 64, "tokens in a training text")
    tokens: int = setting(4, 2, 16, "different tokens")
    certain: float = setting(0.9, 0.05, 0.99, "probability of the token that the last two call for")
    width: int = setting(32, 8, 128, "numbers in a token, in 8 heads")
    steps: int = setting(200, 1, 5000, "steps of training")
    seeds: int = setting(3, 2, 20, "sources and models for each kind of positions")

    def quick(self) -> Settings:
        """Three quarters of the length, half the steps, two seeds."""
        return replace(self, length=max(8, self.length * 3 // 4), steps=max(1, self.steps // 2), seeds=2)

    def full(self) -> Settings:
        """Eight seeds, four times the steps."""
        return replace(self, steps=4 * self.steps, seeds=8)

    def check(self) -> None:
        """Raises BadInput for a width that eight heads cannot share in pairs, and for a source that says nothing."""
        require_divisor("16 (pairs in 8 heads)", 16, "width", self.width)
        if abs(self.certain - 1 / self.tokens) < 0.05:
            raise BadInput(
                f"certain must differ from 1 / tokens by 0.05, but is {self.certain:g}.", "Try: --set certain=0.9"
            )

    def bytes_needed(self) -> float:
        """The longest test texts through one model."""
        reach = REACH * self.length
        return 8.0 * TEST_TEXTS * reach * (4 * 8 * reach + 30 * self.width) + 8.0 * 60 * self.width**2


COLUMNS = (
    Column("positions", "positions"),
    Column("inside", "lost inside", digits=3),
    Column("near", "lost up to 2 lengths", digits=3),
    Column("far", "lost up to 4 lengths", digits=3),
    Column("rise", "rise to the farthest", digits=2),
    Column("rise_se", "standard error", digits=2, detail=True),
    Column("interval", "95% interval, half", digits=2, detail=True),
    Column("seeds", "seeds", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every kind of positions on the same sources and the same test texts."""
    for positions in run.over(SCHEMES, "{}"):
        with blas_threads(1):  # small products: a second thread is only waited for
            yield measure_scheme(run, positions)


def measure_scheme(run: Run[Settings], positions: str) -> dict[str, Any]:
    settings, found = run.settings, []
    for number in range(settings.seeds):
        run.saying(f"{positions}: model {number + 1} of {settings.seeds}")(number, settings.seeds)
        found.append(lost_by_half_length(settings, positions, int(run.generator(number).integers(2**31))))
    lost = np.array(found)  # (seeds, 2 REACH)
    inside, near, far = lost[:, :2].mean(axis=1), lost[:, 2:4].mean(axis=1), lost[:, REACH:].mean(axis=1)
    rise, error = mean_with_error(far - inside)
    return {
        "positions": positions,
        "inside": float(inside.mean()),
        "near": float(near.mean()),
        "far": float(far.mean()),
        "rise": rise,
        "rise_se": error,
        "interval": student_t_quantile(0.975, settings.seeds - 1) * error,
        "seeds": settings.seeds,
        "by_half_length": lost.mean(axis=0).tolist(),
    }


def lost_by_half_length(settings: Settings, positions: str, seed: int) -> np.ndarray:
    """-> (2 REACH,): what a trained model loses in each half training length of texts REACH times as long."""
    rng = np.random.default_rng(seed)
    toy = second_order(settings.tokens, settings.certain, settings.length, rng)
    model = make(settings, positions, seed, REACH * settings.length)
    for _ in ToyRun(toy, model, settings.steps, seed, LEARNING_RATE, batch=32).train():
        pass
    ids, targets, _ = replace(toy, length=REACH * settings.length).draw(TEST_TEXTS, rng)
    logits, _ = model.forward(ids)
    known = toy.log_probabilities(ids)  # (n, T - 1, V), from the second place on
    edges = [1, *(half * settings.length // 2 for half in range(1, 2 * REACH + 1))]

    def share(low: int, high: int) -> float:
        asked = targets[:, low:high]
        of_model, _ = cross_entropy_forward(logits[:, low:high], asked)
        of_source, _ = cross_entropy_forward(known[:, low - 1 : high - 1], asked)
        return float(of_model - of_source) / (math.log(settings.tokens) - toy.entropy)

    return np.array([share(low, high) for low, high in pairwise(edges)])


def make(settings: Settings, positions: str, seed: int, max_len: int) -> DecoderOnly:
    """One block of eight heads.  positions: one of SCHEMES or of the library's.  max_len: rows of a learned table."""
    return DecoderOnly(
        settings.tokens,
        d_model=settings.width,
        n_heads=8,
        d_ff=2 * settings.width,
        n_layers=1,
        max_len=max_len,
        positions=SCHEMES.get(positions, positions),
        activation="relu",
        tied=False,
        seed=seed,
        dtype="float64",  # so that another machine trains the same model
    )


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    by_name = {row["positions"]: row for row in run.rows}
    sinusoidal, learned, rotary, alibi, none = (by_name[name] for name in SCHEMES)
    length, taught = run.settings.length, (sinusoidal, learned, rotary, alibi)
    return (
        at_most(
            "taught", "inside the training length: most that is lost with positions", LEARNED, most(taught, "inside")
        ),
        at_least(
            "order",
            "without positions more is lost there than with sinusoids",
            MORE,
            none["inside"] - sinusoidal["inside"],
        ),
        at_least("sinusoidal-fails", "sinusoids lose more far beyond it, by", FAILS, sinusoidal["rise"]),
        at_least("learned-fails", "a learned table with untrained rows loses more, by", FAILS, learned["rise"]),
        at_most("alibi-holds", "ALiBi loses hardly more, by", HOLDS, alibi["rise"]),
        at_least(
            "rotary-between",
            "just beyond it rotary positions lose less than sinusoids, by",
            MORE,
            sinusoidal["near"] - rotary["near"],
        ),
        exactly("table-ends", "a table of training length reads a longer text", "refused", beyond_the_table(length)),
    )


def most(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return largest(row[key] for row in rows)


def beyond_the_table(length: int) -> str:
    """What a model with a learned table of so many rows does with a text that is one token longer."""
    model = make(Settings(), "learned", 0, length)
    try:
        model.forward(np.zeros((1, length + 1), dtype=np.int64))
    except ValueError:
        return "refused"
    return "read"


# Saying


def title(run: Run[Settings]) -> str:
    length = run.settings.length
    return f"Trained on {length} tokens, read on up to {REACH * length}: what is lost, 0 for nothing and 1 for a guess"


def prompt(run: Run[Settings]) -> str:
    length = run.settings.length
    return (
        f"0 is as good as can be, 1 a guess. Trained on {length} tokens, what does a model with sinusoids lose at "
        f"tokens {2 * length + 1} to {REACH * length}?"
    )


def question(run: Run[Settings]) -> Question:
    row = run.rows[0]
    return Question(prompt(run), row["far"], 0.25, f"Inside the training length it is {row['inside']:.2g}.")


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    length, (sinusoidal, learned, rotary, alibi, none) = run.settings.length, run.rows
    return (
        Text(
            f"Trained on {length}, at tokens {2 * length + 1} to {REACH * length} sinusoids lose "
            f"{sinusoidal['far']:.2f} (1: a guess), a learned table {learned['far']:.2f}, rotary {rotary['far']:.2f}, "
            f"ALiBi {alibi['far']:.2f}, no positions {none['far']:.2f}."
        ),
        Text(
            "A code that is defined everywhere is not yet understood everywhere: the maps behind it have met only the "
            "codes of training (Press et al. 2022, section 2; claimed otherwise in Vaswani et al. 2017, section 3.5)."
        ),
        Text(
            "Rotary scores see distances, which are short here, yet more keys compete in a longer text. ALiBi hides "
            "far keys (Press et al. 2022, section 3); that is right for this local task, and wrong where something far "
            "away is asked for."
        ),
        Text(
            "Without positions a causal mask tells some of the order (Kazemnejad et al. 2023), here not enough. These "
            "are models of one block: they refute a general promise and rank nothing at scale."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    length, sinusoidal, alibi = run.settings.length, run.rows[0], run.rows[3]
    middles = [(half + 0.5) * length / 2 for half in range(2 * REACH)]
    return (
        Plot(
            f"Beyond the {length} tokens of training sinusoids go from {sinusoidal['inside']:.2f} to "
            f"{sinusoidal['far']:.2f} lost, ALiBi from {alibi['inside']:.2f} to {alibi['far']:.2f}",
            "token of the text",
            "share of what can be known that is lost (1: a guess)",
            tuple(Series(row["positions"], middles, row["by_half_length"]) for row in run.rows),
        ),
    )
