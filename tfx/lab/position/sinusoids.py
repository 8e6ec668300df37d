"""Sinusoidal positions: what a shift does to a code, and which of its numbers change fast.

    PE[p, 2i] = sin(p w_i),  PE[p, 2i + 1] = cos(p w_i)      w_i = base^(-2i / C), pairs i = 0 .. C/2 - 1

Pair i is a hand of a clock.  A shift by k turns it by k w_i wherever it stands, so PE[p + k] = M_k PE[p] with one
matrix for all p.  It comes round once in 2 pi / w_i positions: 2 pi for the first pair, nearly 2 pi base for the last.
Over n positions its sine changes sign floor(n w_i / pi) times, less the crossings before position 1.
Source: Vaswani et al. 2017, section 3.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import agree, at_least, largest
from tfx.ops.positions.positions import sinusoidal_positions, sinusoidal_rotation
from tfx.ops.positions.sinusoids import angular_speeds
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What does a shift do to a sinusoidal position, and which of its numbers change fast?"
ORDER = 2
TITLE = "Sinusoidal positions: one clock hand for each pair of numbers"
CLAIM = (
    "A shift by k is one fixed linear map of a sinusoidal code, at every position. Low dimensions vary quickly and "
    "high ones slowly, not the other way round."
)
BREAK_IT = ("--set table=random", "--set width=4")
HOST_ONLY = "A table of sines and cosines: nothing for a card."

#: So many positions at most are compared two by two.
COMPARED = 1000
#: Two codes are told apart when they lie at least this share of their length apart.
APART = 0.1
#: The last pair is slow when its turn takes at least so many times as long as that of the first.
SLOWER = 2.0


@dataclass(frozen=True)
class Settings:
    width: int = setting(512, 2, 2048, "numbers in a code, even")
    positions: int = setting(5000, 20, 20_000, "positions that are moved")
    shifts: tuple[int, ...] = setting((1, 7, 100, 1000), 0, 10_000, "by how much they are moved")
    base: float = setting(10000.0, 1.0, 1e9, "what the speeds fall to a share of")
    pairs: int = setting(8, 2, 64, "pairs of numbers that are looked at, spread evenly")
    table: str = setting(
        "sinusoidal", words=("sinusoidal", "random"), about="random is a learned table before training"
    )

    def quick(self) -> Settings:
        """A fifth of the positions."""
        return replace(self, positions=max(20, self.positions // 5))

    def check(self) -> None:
        """Raises BadInput for an odd width, where the last sine has no cosine."""
        if self.width % 2:
            raise BadInput(f"width must be even, but is {self.width}.", f"Try: --set width={self.width + 1}")

    def bytes_needed(self) -> float:
        """The table with what it is made from, twice, and one matrix with its parts."""
        return 8.0 * self.width * (6 * (self.positions + max(self.shifts)) + 6 * self.width)


COLUMNS = (
    Column("pair", "pair"),
    Column("wavelength", "positions in one turn", digits=6),
    Column("law", "by the formula", digits=6, detail=True),
    Column("changes", "changes of sign"),
    Column("step", "size of a step", digits=2),
    Column("error", "error of a shift", digits=1),
)


def rows(run: Run[Settings]) -> Measured:
    """Some pairs, the first and the last among them."""
    n_pairs = run.settings.width // 2
    spread = np.linspace(0, n_pairs - 1, min(run.settings.pairs, n_pairs))
    for pair in run.over([round(place) for place in spread.tolist()], "pair {}"):
        yield measure_pair(run.settings, pair, run.generator(1))


def measure_pair(settings: Settings, pair: int, rng: np.random.Generator) -> dict[str, Any]:
    """One pair of columns: how fast it turns, how often its sine changes sign, and whether M_k moves it by k."""
    n, columns = settings.positions, slice(2 * pair, 2 * pair + 2)
    table = codes(settings, n + max(settings.shifts) + 1, rng)
    sine, cosine = table[:, columns].T
    angle = np.unwrap(np.arctan2(sine, cosine))
    errors = []
    for shift in settings.shifts:
        turn = sinusoidal_rotation(shift, settings.width, base=settings.base)
        moved = table[:n] @ turn[columns].T  # (n, C) x (C, 2): two rows of M_k give two numbers of the code
        errors.append(float(abs(moved - table[shift : shift + n, columns]).max()))
    speed = float(angular_speeds(settings.width, settings.base)[pair])
    turned = abs(float(angle[n] - angle[0]))
    return {
        "pair": pair + 1,
        "wavelength": 2 * math.pi * n / turned if turned else math.inf,
        "law": 2 * math.pi / speed,
        "changes": int((np.sign(sine[1:n]) != np.sign(sine[2 : n + 1])).sum()),
        "changes_law": math.floor(n * speed / math.pi) - math.floor(speed / math.pi),
        "step": float(np.sqrt((np.diff(table[: n + 1, columns], axis=0) ** 2).sum(axis=1)).mean()),
        "error": largest(errors),
    }


def codes(settings: Settings, n: int, rng: np.random.Generator) -> np.ndarray:
    """-> (n, C): the codes of positions 0 .. n - 1; random ones have the mean square of sinusoids, 1/2."""
    if settings.table == "random":
        return rng.standard_normal((n, settings.width)) * math.sqrt(0.5)
    return sinusoidal_positions(n, settings.width, base=settings.base)


def closest(table: np.ndarray) -> float:
    """table: (n, C) -> the smallest distance of two rows, as a share of the length of a code, sqrt(C / 2)."""
    squares = (table * table).sum(axis=1)
    distances = squares[:, None] + squares - 2 * table @ table.T
    np.fill_diagonal(distances, np.inf)
    return math.sqrt(max(float(distances.min()), 0.0) / (table.shape[1] / 2))


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings
    compared = codes(settings, min(COMPARED, settings.positions), run.generator(1))
    return (
        agree(
            "shift", "one matrix for each shift moves every position by it: worst error", worst(rows, "error"), to=1e-9
        ),
        agree(
            "wavelength",
            "a turn takes 2 pi base^(2i / C) positions: worst relative error",
            largest(abs(row["wavelength"] / row["law"] - 1) for row in rows),
            to=1e-9,
        ),
        agree(
            "changes",
            "sines change sign as often as their speed says: worst difference",
            largest(abs(row["changes"] - row["changes_law"]) for row in rows),
            to=0,
        ),
        at_least(
            "slower",
            "the last pair takes longer for a turn than the first: times",
            SLOWER,
            rows[-1]["wavelength"] / rows[0]["wavelength"],
        ),
        at_least("apart", "the closest two codes, as a share of the length of a code", APART, closest(compared)),
    )


def worst(rows: Sequence[Any], key: str) -> float:
    return largest(row[key] for row in rows)


# Saying


def prompt(run: Run[Settings]) -> str:
    n_pairs, base = run.settings.width // 2, run.settings.base
    return (
        f"Base {base:g}: pair 1 turns once in 6.28 positions. How many positions does pair {n_pairs}, the last, need?"
    )


def question(run: Run[Settings]) -> Question:
    last = run.rows[-1]
    explanation = f"Its sine changes sign {last['changes']:,} times in {run.settings.positions:,} positions."
    return Question(prompt(run), last["wavelength"], 0.1, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    first, last, settings = run.rows[0], run.rows[-1], run.settings
    return (
        Text(
            f"One matrix for each shift moves all {settings.positions:,} positions, off by at most "
            f"{worst(run.rows, 'error'):.1g}. The low dimensions are the quick ones: pair 1 turns in "
            f"{first['wavelength']:.3g} positions, pair {last['pair']} in {last['wavelength']:,.0f}."
        ),
        Text(
            "The matrix turns each pair by its own angle, which depends on the shift and not on the position (Vaswani "
            "et al. 2017, section 3.5). That the map exists does not mean that a model finds it from short texts."
        ),
        Text(
            "The quick pairs tell neighbours apart, the slow ones tell far places apart. With few pairs two positions "
            "can come close: a code of width 4 has only two hands."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    first, last = run.rows[0], run.rows[-1]
    pairs = [row["pair"] for row in run.rows]
    seen = [row for row in run.rows if math.isfinite(row["wavelength"])]
    speeds = angular_speeds(run.settings.width, run.settings.base)
    return (
        Plot(
            f"Pair 1 turns once in {first['wavelength']:.3g} positions, pair {last['pair']} once in "
            f"{last['wavelength']:,.0f}: low dimensions are quick",
            "pair of numbers in the code",
            "positions in one turn",
            (
                Series("measured", [row["pair"] for row in seen], [row["wavelength"] for row in seen]),
                Series(
                    "2 pi base^(2i / C)",
                    pairs,
                    [2 * math.pi / float(speeds[pair - 1]) for pair in pairs],
                    kind="line",
                ),
            ),
            log_y=True,
        ),
    )
