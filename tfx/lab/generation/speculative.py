"""Draft and verify: a small model writes ahead, the large one judges many tokens in one pass, and nobody can tell.

    a      the chance that a drafted token stays: sum_x min(p(x), q(x)), one minus the distance of draft and target
    g      tokens drafted for each pass of the target
    E      tokens that a pass gives on average: 1 + a + ... + a^g = (1 - a^(g + 1)) / (1 - a)

The formula takes every place to accept with the same chance, independently.  So it is exact where neither model looks
at the text, and too low where some texts are easier to draft than others: a power bends upwards.  That the text has
the target's distribution is no matter of chance: every path of a short text is counted.
Source: Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via Speculative Decoding", section 2.3,
equation 1 and theorem 3.8.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.generate import WholePass, exact_distribution, speculative_sample
from tfx.generate.speculative import acceptance_rate, expected_tokens
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import distance_in_se
from tfx.measure.verdicts import agree, at_least, at_most, largest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How many tokens does one pass of the target give, when a draft model writes ahead?"
TITLE = "Draft and verify: tokens that one pass of the large model gives"
CLAIM = (
    "Speculative decoding writes several tokens for one pass of the large model, and texts have exactly the large "
    "model's distribution, whatever the draft is."
)
BREAK_IT = ("--set drafted=0", "--set rates=0.02,0.05")
HOST_ONLY = "Tables of a few tokens, one text at a time: nothing for a card."

#: Measured tokens a pass lie within so many standard errors of the formula.
TOLERANCE_SE = 5.0
#: The good draft saves at least so many passes: tokens a pass.
SAVES = 2.0
#: The distribution of short texts is the target's, but for rounding.
ROUNDING = 1e-12
#: Texts of which every path is counted: so many tokens of so many words, drafted two at a time.
SHORT, WORDS, AHEAD = 3, 3, 2


@dataclass(frozen=True)
class Settings:
    rates: tuple[float, ...] = setting(
        (0.1, 0.3, 0.5, 0.7, 0.9), 0.02, 0.99, "how often a drafted token stays, a", at_least=2
    )
    drafted: int = setting(4, 0, 16, "tokens drafted for each pass, g")
    tokens: int = setting(200, 100, 2000, "tokens of a text")
    texts: int = setting(12, 2, 2000, "texts for each rate")
    vocab: int = setting(16, 3, 200, "different tokens")
    cost: float = setting(0.1, 0.0, 1.0, "what a pass of the draft costs, over one of the target")

    def quick(self) -> Settings:
        """A quarter of the texts."""
        return replace(self, texts=max(2, self.texts // 4))

    def full(self) -> Settings:
        """Ten times as many."""
        return replace(self, texts=min(2000, 10 * self.texts))

    def bytes_needed(self) -> float:
        """Two distributions and one text."""
        return 8.0 * (8 * self.vocab + 4 * self.tokens)


COLUMNS = (
    Column("rate", "drafted token stays", digits=3),
    Column("by_formula", "tokens a pass, formula", digits=4),
    Column("alike", "measured", digits=4),
    Column("alike_se", "standard error", digits=2, detail=True),
    Column("uneven", "measured, uneven texts", digits=4),
    Column("uneven_se", "standard error", digits=2, detail=True),
    Column("uneven_law", "uneven texts, mean of two formulas", digits=4, detail=True),
    Column("speed_up", "speed-up, formula", digits=3),
    Column("distance", "distance from target", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    for rate in run.over(sorted(set(run.settings.rates)), "a = {:g}"):
        yield measure_row(run, rate)


def measure_row(run: Run[Settings], rate: float) -> dict[str, Any]:
    """alike: texts in which every place accepts with the same chance.  uneven: half of the texts draft better, half
    worse.  distance: of a short text's distribution from the target's, every path counted."""
    settings, key = run.settings, round(rate * 1e6)
    rng = run.generator(key)
    p = rng.dirichlet(np.ones(settings.vocab))
    aside = 0.5 * min(rate, 1 - rate)
    drafts = {"alike": [draft_of(p, rate)], "uneven": [draft_of(p, rate - aside), draft_of(p, rate + aside)]}
    found: dict[str, Any] = {}
    for name, of_kind in drafts.items():
        each = np.empty((settings.texts, len(of_kind)))
        for text in range(settings.texts):
            run.saying(f"a = {rate:g}, text {text + 1}")(text, settings.texts)
            each[text] = [tokens_a_pass(run, p, q, (key, text, at)) for at, q in enumerate(of_kind)]
        found[name] = float(each.mean())
        laws = [expected_tokens(acceptance_rate(p, q), settings.drafted) for q in of_kind]
        errors = [error_by_theory(acceptance_rate(p, q), settings) for q in of_kind]
        found[f"{name}_law"], found[f"{name}_se"] = float(np.mean(laws)), math.hypot(*errors) / len(errors)
    by_formula = found.pop("alike_law")
    return {
        "rate": acceptance_rate(p, drafts["alike"][0]),
        "by_formula": by_formula,
        **found,
        "speed_up": by_formula / (settings.drafted * settings.cost + 1),
        "distance": distance_from_target(rng, rate),
    }


def draft_of(p: np.ndarray, rate: float) -> np.ndarray:
    """q with sum_x min(p, q) = rate, or as near as can be: p mixed with its least likely token."""
    share = min(1.0, (1 - rate) / (1 - p.min()))
    return np.asarray((1 - share) * p + share * np.eye(len(p))[p.argmin()])


def error_by_theory(rate: float, settings: Settings) -> float:
    """Standard error of tokens a pass: a pass gives k tokens with probability a^(k - 1) (1 - a), and g + 1 with a^g."""
    given = np.arange(1, settings.drafted + 2)
    chance = rate ** (given - 1) * np.where(given <= settings.drafted, 1 - rate, 1.0)
    mean = float((chance * given).sum())
    spread = math.sqrt(float((chance * (given - mean) ** 2).sum()))
    return spread / math.sqrt(settings.texts * settings.tokens / mean)


def reader_of(table: np.ndarray) -> WholePass:
    """A model that looks at the last token alone: (V, V), or at nothing: (1, V)."""
    logits = np.log(np.maximum(table, 1e-300))
    return WholePass(lambda ids, padding: logits[ids % len(logits)], window=1)


def tokens_a_pass(run: Run[Settings], p: np.ndarray, q: np.ndarray, key: tuple[int, ...]) -> float:
    settings = run.settings
    seed = int(run.generator(*key).integers(2**31))
    readers = reader_of(p[None]), reader_of(q[None])
    return settings.tokens / speculative_sample(*readers, [0], settings.tokens, seed, settings.drafted).rounds


def distance_from_target(rng: np.random.Generator, rate: float) -> float:
    """Total variation between the texts of draft and verify and those of the target alone, for random tables."""
    target = rng.dirichlet(np.ones(WORDS), size=WORDS)
    readers = reader_of(target), reader_of(np.stack([draft_of(row, rate) for row in target]))

    def text(chance: Any) -> tuple[int, ...]:
        return tuple(map(int, speculative_sample(*readers, [0], SHORT, chance, AHEAD).ids))

    found, apart = exact_distribution(text), 0.0
    for ids in itertools.product(range(WORDS), repeat=SHORT):
        alone = float(np.prod([target[before, token] for before, token in zip((0, *ids), ids, strict=False)]))
        apart += abs(alone - found.get(ids, 0.0)) / 2
    return apart


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings
    off = {
        name: largest(distance_in_se(row[name], row[law], row[f"{name}_se"]) for row in rows)
        for name, law in (("alike", "by_formula"), ("uneven", "uneven_law"))
    }
    best = rows[-1]
    closed = [(1 - row["rate"] ** (settings.drafted + 1)) / (1 - row["rate"]) for row in rows]
    return (
        at_most(
            "target-kept",
            f"texts of {SHORT} tokens, every path counted: distance from the target's distribution",
            ROUNDING,
            largest(row["distance"] for row in rows),
        ),
        at_most("formula", "tokens a pass, by the formula: worst a, in standard errors", TOLERANCE_SE, off["alike"]),
        at_most(
            "uneven",
            "... of texts that draft better or worse, by the mean of two formulas: worst a",
            TOLERANCE_SE,
            off["uneven"],
        ),
        agree(
            "sum",
            "1 + a + ... + a^g is (1 - a^(g + 1)) / (1 - a): worst a",
            [row["by_formula"] for row in rows],
            closed,
            to=1e-9,
        ),
        at_least("saves", f"tokens a pass at a = {best['rate']:.2g}", SAVES, best["alike"]),
    )


# Saying


def asked(run: Run[Settings]) -> int:
    """The row that the reader predicts: a nearest to 0.7."""
    rates = sorted(set(run.settings.rates))
    return min(range(len(rates)), key=lambda at: abs(rates[at] - 0.7))


def prompt(run: Run[Settings]) -> str:
    settings, rate = run.settings, sorted(set(run.settings.rates))[asked(run)]
    return (
        f"{settings.drafted} tokens are drafted, and each stays with a chance of {rate:g}. How many tokens does a pass "
        "of the large model give?"
    )


def question(run: Run[Settings]) -> Question:
    row = run.rows[asked(run)]
    explanation = f"1 + a + ... + a^g is {row['by_formula']:.3g}: the pass itself always gives one."
    return Question(prompt(run), row["alike"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return (asked(run),)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, row, worst = run.settings, run.rows[asked(run)], run.rows[0]
    most = max(run.rows, key=lambda each: each["uneven"] / each["by_formula"])
    return (
        Text(
            f"Where {100 * row['rate']:.2g}% of the drafted tokens stay, a pass gives {row['alike']:.3g} tokens, not "
            "one. Counted over all paths, short texts have the target's distribution."
        ),
        Text(
            "The formula (Leviathan et al. 2023, equation 1) takes every place to accept with the same chance. Texts "
            f"of which half draft better and half worse give {most['uneven']:.3g} tokens a pass at a mean of "
            f"{most['rate']:.2g}, where it says {most['by_formula']:.3g}."
        ),
        Text(
            f"Drafting costs, too. If a pass of the draft costs {settings.cost:g} of one of the target, drafting "
            f"{settings.drafted} tokens makes decoding {row['speed_up']:.2g} times as fast at a = {row['rate']:.2g}, "
            f"and {worst['speed_up']:.2g} times at a = {worst['rate']:.2g} (theorem 3.8 there)."
        ),
        Text(
            "That is in passes. Arithmetic is not saved: the target still reads every token, and those it rejects. "
            "What is saved is waiting for its weights to come from memory."
        ),
        Text(
            f"n = {settings.texts} texts of {settings.tokens} tokens for each a; a is one minus the total variation "
            "distance of draft and target."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    row, rates = run.rows[asked(run)], np.linspace(0.02, 0.98, 49)
    a = [each["rate"] for each in run.rows]

    def points(label: str, key: str) -> Series:
        return Series(label, a, [each[key] for each in run.rows], [each[f"{key}_se"] for each in run.rows])

    curve = [expected_tokens(float(rate), run.settings.drafted) for rate in rates]
    return (
        Plot(
            f"{run.settings.drafted} drafted tokens, each with a chance of {row['rate']:.2g} to stay: "
            f"{row['alike']:.3g} tokens for each pass",
            "chance that a drafted token stays (a)",
            "tokens for each pass of the target",
            (
                Series("1 + a + ... + a^g", rates.tolist(), curve, kind="line"),
                points("measured", "alike"),
                points("half of the texts better, half worse", "uneven"),
            ),
        ),
    )
