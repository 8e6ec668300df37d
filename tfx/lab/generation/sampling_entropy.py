"""What temperature, top-k and top-p do to a distribution: how much chance is left, and how much of it is kept.

    temperature    p_i ~ exp(x_i / T)        dH/dT = Var_p(x) / T^3, never below 0: entropy grows with T
    top-k          the k likeliest tokens    their number is fixed, their probability is not
    top-p          the fewest that sum to p  their probability is fixed, their number is not

H = -sum_i p_i log p_i is the entropy, from 0 (no doubt) to log V (all V tokens equal).  For scores that are normal with
standard deviation s, the likeliest share f of very many tokens has probability 1 - Phi(z - s), where z is what a
standard normal number exceeds with probability f.
Sources: Fan, Lewis and Dauphin 2018, section 5.4 (top-k); Holtzman et al. 2020, section 3.1 (top-p) and section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np

from tfx.errors import BadInput
from tfx.generate.shaping import probabilities_of, temperature, top_k, top_p
from tfx.lab.frame import Measured, Run
from tfx.lab.generation.sampling_entropy_plots import entropy_plot, kept_plot
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, smallest, within
from tfx.ops.basics.entropy import entropy
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import setting

QUESTION = "What do temperature, top-k and top-p leave of the chance in the next token?"
TITLE = "Temperature, top-k and top-p, on nearly flat and on sharp distributions"
CLAIM = (
    "A higher temperature makes texts more diverse. Top-k cuts off the tail of unlikely tokens; how much that is "
    "depends on how sharp the distribution is."
)
BREAK_IT = ("--set sharp=0.5", "--set k=1000", "--set temperatures=0.5,1,2")
HOST_ONLY = "Shaping happens on the host, where tokens are drawn: nothing for a card."

#: Step of the central difference, as a share of the temperature.
STEP = 1e-4
#: So much more of the probability is above k in a sharp distribution than in a flat one, and so many times as many
#: tokens are above p in a flat one.
MORE, TIMES = 0.3, 3.0
#: Entropy at the largest temperature is so near to log V, and at the smallest to 0, as a share of log V.
NEAR_FLAT, NEAR_ONE = 0.01, 0.1


@dataclass(frozen=True)
class Settings:
    temperatures: tuple[float, ...] = setting((0.02, 0.1, 0.5, 1, 2, 10, 100), 0.01, 1000.0, "T", at_least=3)
    vocab: int = setting(1000, 20, 100_000, "tokens")
    draws: int = setting(400, 4, 10_000, "random distributions of each kind")
    flat: float = setting(0.5, 0.01, 20.0, "how far the scores of a nearly flat distribution scatter")
    sharp: float = setting(3.0, 0.01, 20.0, "how far the scores of a sharp one scatter")
    k: int = setting(40, 1, 100_000, "tokens that top-k keeps")
    p: float = setting(0.9, 0.01, 0.999, "probability that top-p keeps")

    def quick(self) -> Settings:
        """A tenth of the distributions."""
        return replace(self, draws=max(4, self.draws // 10))

    def full(self) -> Settings:
        """Ten times as many."""
        return replace(self, draws=min(10_000, 10 * self.draws))

    def check(self) -> None:
        """Raises BadInput where top-k would keep more tokens than there are."""
        if self.k > self.vocab:
            raise BadInput(f"k must be at most vocab, {self.vocab:,}, but is {self.k:,}.", f"Try: --set k={self.vocab}")

    def bytes_needed(self) -> float:
        """All distributions of one kind, in a few copies."""
        return 8.0 * 8 * self.draws * self.vocab


COLUMNS = (
    Column("way", "what shapes"),
    Column("entropy_flat", "entropy, flat", "nats", digits=3),
    Column("entropy_sharp", "entropy, sharp", "nats", digits=3),
    Column("kept_flat", "kept, flat", "%", digits=3),
    Column("kept_sharp", "kept, sharp", "%", digits=3),
    Column("kept_sharp_se", "standard error", "%", digits=2, detail=True),
    Column("tokens_flat", "tokens, flat", digits=4, detail=True),
    Column("tokens_sharp", "tokens, sharp", digits=4, detail=True),
)


def ways(settings: Settings) -> list[tuple[str, float]]:
    temperatures = [("temperature", float(t)) for t in sorted(set(settings.temperatures))]
    return [*temperatures, ("top-k", float(settings.k)), ("top-p", settings.p)]


def rows(run: Run[Settings]) -> Measured:
    """Every way on the same distributions."""
    for way, value in run.over(ways(run.settings), "{0[0]} {0[1]:g}"):
        yield measure_row(run, way, value)


def scores(run: Run[Settings], kind: str) -> np.ndarray:
    """(draws, V)."""
    settings = run.settings
    normal = run.generator(0).standard_normal((settings.draws, settings.vocab))
    return normal * float(getattr(settings, kind))


def shaped(logits: np.ndarray, way: str, value: float) -> np.ndarray:
    if way == "temperature":
        return temperature(logits, value)
    return top_k(logits, int(value)) if way == "top-k" else top_p(logits, value)


def measure_row(run: Run[Settings], way: str, value: float) -> dict[str, Any]:
    """kept: probability, before shaping, of the tokens that stay.  moved: distributions whose likeliest token changed.
    slope, law: dH/dT by difference, and Var_p(x) / T^3, times T.  loose: distributions of which top-p kept too many."""
    row: dict[str, Any] = {"way": f"{way} {value:g}", "kind": way, "value": value}
    for kind in ("flat", "sharp"):
        logits = scores(run, kind)
        before, after = probabilities_of(logits), probabilities_of(shaped(logits, way, value))
        stays = after > 0 if way != "temperature" else np.ones(after.shape, dtype=bool)
        kept = (before * stays).sum(axis=1)
        row[f"entropy_{kind}"], row[f"entropy_{kind}_se"] = mean_with_error(entropy(after))
        row[f"kept_{kind}"], row[f"kept_{kind}_se"] = mean_with_error(100 * kept)
        row[f"tokens_{kind}"] = float(stays.sum(axis=1).mean())
        row[f"moved_{kind}"] = int((after.argmax(axis=1) != before.argmax(axis=1)).sum())
        if way == "temperature":
            low, high = (entropy(probabilities_of(shaped(logits, way, value * (1 + d)))) for d in (-STEP, STEP))
            slopes = (high - low) / (2 * STEP)
            row[f"slope_{kind}"] = float(slopes.mean())
            row[f"law_{kind}"] = float((variance_under(after, logits) / value**2).mean())
        if way == "top-p":
            least = np.where(stays, before, np.inf).min(axis=1)
            row[f"loose_{kind}"] = int(((kept < value - 1e-12) | (kept - least >= value + 1e-12)).sum())
    return row


def variance_under(probabilities: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(N, V) -> (N,): the variance of x where each token is drawn with its probability."""
    mean = (probabilities * x).sum(axis=1, keepdims=True)
    return np.asarray((probabilities * (x - mean) ** 2).sum(axis=1))


def kept_by_normal_scores(share: float, spread: float) -> float:
    """Probability of the likeliest `share` of very many tokens."""
    normal = NormalDist()
    return 1 - normal.cdf(normal.inv_cdf(1 - share) - spread) if share < 1 else 1.0


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    settings = run.settings
    warm, top_k_row, top_p_row = parts(run.rows)
    log_v, both = math.log(settings.vocab), ("flat", "sharp")
    law = 100 * kept_by_normal_scores(settings.k / settings.vocab, settings.flat)
    more = (
        top_k_row["kept_sharp"] - top_k_row["kept_flat"] - 3 * (top_k_row["kept_sharp_se"] + top_k_row["kept_flat_se"])
    )
    return (
        agree(
            "slope",
            "T dH/dT, by difference, is the variance of the scores over T^2",
            [row[f"slope_{kind}"] for row in warm for kind in both],
            [row[f"law_{kind}"] for row in warm for kind in both],
            to=1e-5,
        ),
        at_least("grows", "entropy from one temperature to the next: smallest rise", 0.0, smallest(rises(warm))),
        at_least(
            "hottest",
            "entropy at the largest T, as a share of log V",
            1 - NEAR_FLAT,
            smallest(warm[-1][f"entropy_{kind}"] for kind in both) / log_v,
        ),
        at_most(
            "coldest",
            "... at the smallest T, as a share of log V",
            NEAR_ONE,
            largest(warm[0][f"entropy_{kind}"] for kind in both) / log_v,
        ),
        exactly(
            "same-first",
            "distributions whose likeliest token is another one afterwards",
            0,
            sum(row[f"moved_{kind}"] for row in run.rows for kind in both),
        ),
        within(
            "top-k-flat",
            f"top-k of {settings.k / settings.vocab:.3g} of the tokens keeps what normal scores say: percent",
            law,
            top_k_row["kept_flat"],
            0.03 * law,
        ),
        at_least("top-k-varies", "... of sharp distributions so much more: percent, less three s.e.", 100 * MORE, more),
        exactly("top-k-counts", "tokens that top-k keeps", settings.k, top_k_row["tokens_flat"]),
        exactly(
            "top-p-least",
            f"distributions of which top-p keeps less than {settings.p:g}, or a token too many",
            0,
            sum(top_p_row[f"loose_{kind}"] for kind in both),
        ),
        at_least(
            "top-p-varies",
            "tokens that top-p keeps of a flat distribution, over those of a sharp one",
            TIMES,
            top_p_row["tokens_flat"] / top_p_row["tokens_sharp"],
        ),
    )


def parts(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], Mapping[str, Any], Mapping[str, Any]]:
    """Rows of temperature, and those of top-k and top-p."""
    warm = [row for row in rows if row["kind"] == "temperature"]
    return warm, *(next(row for row in rows if row["kind"] == way) for way in ("top-k", "top-p"))  # type: ignore[return-value]


def rises(warm: Sequence[Mapping[str, Any]]) -> list[float]:
    return [
        float(later[f"entropy_{kind}"] - earlier[f"entropy_{kind}"])
        for kind in ("flat", "sharp")
        for earlier, later in pairwise(warm)
    ]


# Saying


def prompt(run: Run[Settings]) -> str:
    settings = run.settings
    return (
        f"Scores of {settings.vocab:,} tokens scatter by {settings.flat:g}, so the tokens are nearly equal. How many "
        f"percent of the probability do the best {settings.k} have?"
    )


def question(run: Run[Settings]) -> Question:
    settings, (_, row, _) = run.settings, parts(run.rows)
    explanation = f"Where scores scatter by {settings.sharp:g} it is {row['kept_sharp']:.3g}."
    return Question(prompt(run), row["kept_flat"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The coldest and the hottest, what is nearest to 1, top-k and top-p."""
    n = len(run.rows)
    nearest = min(range(n - 2), key=lambda at: abs(math.log(run.rows[at]["value"])))
    return tuple(sorted({0, nearest, n - 3, n - 2, n - 1}))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, (warm, k_row, p_row) = run.settings, parts(run.rows)
    cold, hot = warm[0], warm[-1]
    stays = 1 - (k_row["kept_sharp"] / 100) ** 100
    return (
        Text(
            f"Sharp entropy rises from {cold['entropy_sharp']:.2f} nats at T = {cold['value']:g} to "
            f"{hot['entropy_sharp']:.2f} at T = {hot['value']:g}. The top {settings.k} keep {k_row['kept_flat']:.2g}% "
            f"of a flat distribution, {k_row['kept_sharp']:.2g}% of a sharp one."
        ),
        Text(
            f"Top-p keeps a share and lets the number vary: {settings.p:g} takes {p_row['tokens_flat']:.0f} tokens of "
            f"a flat distribution and {p_row['tokens_sharp']:.0f} of a sharp one, on average (Holtzman et al. 2020, "
            "section 3.1)."
        ),
        Text(
            f"The tail's risk: what top-k leaves out of a sharp one has {100 - k_row['kept_sharp']:.2g}% a token, so "
            f"a text of 100 tokens meets it with probability {stays:.3g}. Top-k makes that 0, and takes far "
            "more from a flat distribution, where the tail holds good tokens too."
        ),
        Text(
            "Entropy cannot fall when T grows: its slope is a variance over T^3. At every T the likeliest token stays "
            "the likeliest, so T changes nothing for greedy decoding."
        ),
        Text(
            f"n = {settings.draws} distributions over {settings.vocab:,} tokens, scores normal, the same ones in every "
            f"row; log V = {math.log(settings.vocab):.3f}."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    settings, (warm, k_row, p_row) = run.settings, parts(run.rows)
    some = {kind: probabilities_of(scores(run, kind)[:20]) for kind in ("flat", "sharp")}
    spreads = {"flat": settings.flat, "sharp": settings.sharp}
    return entropy_plot(warm, settings.vocab, spreads), kept_plot(some, settings.k, settings.p, k_row, p_row)
