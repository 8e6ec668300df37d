"""The bottleneck of a fixed vector: how many symbols can be read back from one sum of random codes?

    sum       v = c_1 + c_2 + ... + c_n            every place and symbol has a code of d normal numbers
    read      symbol at a place = argmax over its V codes of c . v

A right code meets itself, d, and the others only by chance, about sqrt(n d): so what counts is d / n.  Exactly, as
c . v / |v| of a right code is normal around |v| / n with variance (n - 1) / n, and |v|^2 = n chi^2 of d degrees,

    P(right) = E[ Phi(z)^(V - 1) ],   z = sqrt(chi^2_d / n) + sqrt((n - 1) / n) x,   x normal; Phi its distribution

The control keeps all n codes apart, n times as many numbers, and asks attention for the one at a place.
Sources: Cho et al. 2014, "On the Properties of Neural Machine Translation: Encoder-Decoder Approaches" (translations
of long sentences); Bahdanau et al. 2015 (all states kept); Frady, Kleyko and Sommer 2018 (the theory, for an RNN with
orthogonal weights, whose state is such a sum).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import at_least, at_most, largest, smallest
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.feed_forward.erf import erf
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How many symbols can be read back from one vector, and what does keeping all states change?"
TITLE = "Share of symbols that are read back right, from one sum of n codes or from n codes kept apart"
CLAIM = (
    "One vector of fixed width is a bottleneck: the longer the text, the less of it can be read back. With all states "
    "kept, attention finds each of them again."
)
BREAK_IT = ("--set forget=yes",)
HOST_ONLY = "A few hundred small sums: nothing for a card."

#: Recall of the law and of what is measured differ by at most so many standard errors, at the worst place.
STANDARD_ERRORS = 5.0
#: The control reads back at least this share, and so does a wide vector that keeps a short text.
KEPT = 0.99
#: A narrow vector that keeps a long text gives back at most this share.
HALF = 0.5


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((1, 2, 4, 8, 16, 32, 64, 128), 1, 1024, "symbols of a text", at_least=3)
    widths: tuple[int, ...] = setting((64, 256, 1024), 8, 4096, "numbers in the vector", at_least=2)
    symbols: int = setting(64, 2, 512, "different symbols")
    texts: int = setting(400, 20, 100_000, "texts for each length and width; one place of each is asked")
    forget: bool = setting(False, about="yes keeps only the last code in place of all, to see which checks notice")

    def quick(self) -> Settings:
        """A quarter of the texts."""
        return replace(self, texts=max(20, self.texts // 4))

    def full(self) -> Settings:
        """Ten times the texts."""
        return replace(self, texts=10 * self.texts)

    def bytes_needed(self) -> float:
        """The codes of one text, and of all symbols at the place that is asked."""
        return 8.0 * max(self.widths) * (3 * max(self.lengths) + 2 * self.symbols) * 2


def columns(run: Run[Settings]) -> tuple[Column, ...]:
    widths = sorted(set(run.settings.widths))
    shown = {widths[0], widths[len(widths) // 2], widths[-1]}
    return (
        Column("n", "symbols"),
        *(Column(f"sum_{d}", f"vector of {d}", digits=3, detail=d not in shown) for d in widths),
        Column("kept", "all kept", digits=3),
        *(Column(f"law_{d}", f"law, {d}", digits=3, detail=True) for d in widths),
        Column("numbers", "numbers kept, times a vector", detail=True),
    )


def rows(run: Run[Settings]) -> Measured:
    for n in run.over(sorted(set(run.settings.lengths)), "{} symbols"):
        yield measure_row(run, n)


def measure_row(run: Run[Settings], n: int) -> dict[str, Any]:
    """Every width.  The control has the smallest of them."""
    settings, widths = run.settings, sorted(set(run.settings.widths))
    found: dict[str, Any] = {"n": n, "numbers": n}
    for d in widths:
        found[f"sum_{d}"] = recall(settings, n, d, run.generator(n, d))
        found[f"law_{d}"] = law(n, d, settings.symbols)
    found["kept"] = recall(settings, n, widths[0], run.generator(n, widths[0], 1), kept=True)
    return found


def recall(settings: Settings, n: int, d: int, rng: np.random.Generator, kept: bool = False) -> float:
    """The share of texts in which the symbol at the place that is asked is read back right."""
    right = 0
    for _ in range(settings.texts):
        codes = rng.standard_normal((settings.symbols, d))  # of the place that is asked
        symbol, place = rng.integers(settings.symbols), int(rng.integers(n))
        states = rng.standard_normal((n, d))  # the codes of the other symbols, at their places ...
        states[place] = codes[symbol]  # ... and of this one
        memory = asked_by_attention(states, place, rng) if kept else summed(states, settings.forget)
        right += int((codes @ memory).argmax() == symbol)
    return right / settings.texts


def summed(states: np.ndarray, forget: bool) -> np.ndarray:
    """(n, d) -> (d,): all that a fixed vector keeps."""
    return states[-1] if forget else states.sum(axis=0)


def asked_by_attention(states: np.ndarray, place: int, rng: np.random.Generator) -> np.ndarray:
    """(n, d) -> (d,): each place has a random key, and the query is the key of the place that is asked."""
    keys = np.sign(rng.standard_normal(states.shape))
    out, _ = attention_forward(keys[place][None], keys, states, scale=1.0)
    return np.asarray(out[0])


def law(n: int, d: int, symbols: int) -> float:
    """P(right), by Gauss-Hermite over x and a sum over the distribution of chi^2 with d degrees of freedom."""
    x, weight = np.polynomial.hermite_e.hermegauss(80)
    chi = np.linspace(max(math.sqrt(d) - 6, 1e-9), math.sqrt(d) + 6, 400)  # chi is about sqrt(d) +- 0.7
    density = np.exp((d - 1) * (np.log(chi) - 0.5 * math.log(d)) - 0.5 * (chi * chi - d))
    z = chi[:, None] / math.sqrt(n) + math.sqrt((n - 1) / n) * x
    right = (0.5 * (1 + erf(z / math.sqrt(2)))) ** (symbols - 1)
    return float((density @ right @ weight) / (density.sum() * weight.sum()))


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    settings, rows = run.settings, run.rows
    widths = sorted(set(settings.widths))
    first, last = rows[0], rows[-1]
    worst = largest(in_errors(row[f"sum_{d}"], row[f"law_{d}"], settings.texts) for row in rows for d in widths)
    return (
        at_most("law", "recall is what the law says: worst length and width, standard errors", STANDARD_ERRORS, worst),
        at_least("short", f"{counted(first['n'])}, the widest vector: recall", KEPT, first[f"sum_{widths[-1]}"]),
        at_most("long", f"{counted(last['n'])}, the narrowest vector: recall", HALF, last[f"sum_{widths[0]}"]),
        *scaling_checks(rows, widths, settings.texts),
        at_least("all-kept", "all states kept, any length: least recall", KEPT, smallest(row["kept"] for row in rows)),
    )


def scaling_checks(rows: Sequence[Mapping[str, Any]], widths: Sequence[int], texts: int) -> tuple[Check, ...]:
    """r times the width gives r times the symbols; nothing where no two lengths are as far apart as two widths."""
    by_length = {row["n"]: row for row in rows}
    pairs = [
        (by_length[n][f"sum_{d}"], by_length[n * wide // d][f"sum_{wide}"])
        for n in by_length
        for d, wide in pairwise(widths)
        if n * wide % d == 0 and n * wide // d in by_length
    ]
    if not pairs:
        return ()
    worst = largest(in_errors(one, other, texts / 2) for one, other in pairs)  # two shares, each with its error
    statement = "so many times the width, so many times the symbols: worst pair, standard errors"
    return (at_most("scaling", statement, STANDARD_ERRORS, worst),)


def in_errors(share: float, other: float, texts: float) -> float:
    """The distance of two shares, in standard errors of a share of so many texts; one text is the least error."""
    middle = (share + other) / 2
    return abs(share - other) / math.sqrt(max(middle * (1 - middle), 1 / texts) / texts)


def counted(n: int) -> str:
    return f"{n} symbol{'s' * (n > 1)}"


# Saying


def asked(settings: Settings) -> tuple[int, int]:
    """The middle width, and the length that is nearest to an eighth of it."""
    widths = sorted(set(settings.widths))
    d = widths[len(widths) // 2]
    return min(settings.lengths, key=lambda n: abs(n - d / 8)), d


def prompt(run: Run[Settings]) -> str:
    n, d = asked(run.settings)
    return f"Codes of {counted(n)} out of {run.settings.symbols} are summed in {d} numbers: what share is read back?"


def question(run: Run[Settings]) -> Question:
    n, d = asked(run.settings)
    row = next(row for row in run.rows if row["n"] == n)
    return Question(prompt(run), row[f"sum_{d}"], 0.1, f"The law says {row[f'law_{d}']:.3f}.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The length that was asked for, and every second one, the last among them."""
    lengths = [row["n"] for row in run.rows]
    return (*range(len(lengths) - 1, -1, -2), lengths.index(asked(run.settings)[0]))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    n, d = asked(run.settings)
    row, last = next(row for row in run.rows if row["n"] == n), run.rows[-1]
    return (
        Text(
            f"One vector of {d} numbers gives back {row[f'sum_{d}']:.0%} of {counted(n)} and {last[f'sum_{d}']:.0%} of "
            f"{last['n']}. All states kept, attention gives back {last['kept']:.0%}, from {last['n']} vectors of "
            f"{min(run.settings.widths)} numbers."
        ),
        Text(
            "What counts is the width over the length: so many times the width holds so many times the symbols. The "
            "vector is a bottleneck, and not a wall. Keeping all states is no better coding: it keeps n times as much."
        ),
        Text(
            "Translations from one vector got worse with the length of the sentence (Cho et al. 2014, a figure of BLEU "
            "against length); all states and attention over them undid that (Bahdanau et al. 2015)."
        ),
        Text(
            "Random codes are a model of such a vector, with a law that is exact (Frady et al. 2018: the state of a "
            "linear RNN with orthogonal weights is such a sum). A trained network may code better for its own texts; a "
            "finite width stays finite."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    n, d = asked(run.settings)
    lengths = [row["n"] for row in run.rows]
    widths = sorted(set(run.settings.widths))
    drawn = sorted({widths[0], d, widths[-1]})
    share = next(row for row in run.rows if row["n"] == n)[f"sum_{d}"]

    def curve(label: str, key: str, kind: Any = "points") -> Series:
        return Series(label, lengths, [row[key] for row in run.rows], kind=kind)

    return (
        Plot(
            f"One vector of {d} numbers gives back {share:.0%} of {counted(n)}; all states kept, "
            f"{run.rows[-1]['kept']:.0%} of {lengths[-1]}",
            "symbols of a text",
            "share that is read back right",
            (
                *(curve(f"one vector of {width}", f"sum_{width}") for width in drawn),
                curve(f"law for {d}", f"law_{d}", "line"),
                curve(f"all kept, {widths[0]} wide each", "kept"),
            ),
            log_x=True,
        ),
    )
