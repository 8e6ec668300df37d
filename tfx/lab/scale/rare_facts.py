"""A world in which scaling laws come out: facts that are asked about with frequencies falling as a power of their rank.

    p_i ~ i^-(1 + a)                     fact i of infinitely many, i = 1, 2, ...
    a memory with room for N facts       error = sum over i > N of p_i                        ~ N^-a
    a learner that has seen D questions  error = sum of p_i (1 - p_i)^D = the unseen facts     ~ D^(-a / (1 + a))

The first: the sum is about the integral of x^-(1 + a) from N.  The second: a fact is likely seen when p_i D > 1, so
the learner knows the first D^(1 / (1 + a)) facts, and the first law gives the rest.  No network is needed to get a
power law: a world with many rare things to know is enough.
Source: Hutter 2021, "Learning Curve Theory", section 3; as an explanation of neural scaling: Michaud et al. 2023, "The
Quantization Model of Neural Scaling".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import distance_in_se, mean_with_error
from tfx.measure.power_laws import PowerLaw, fit_log_rule, fit_power_law
from tfx.measure.verdicts import at_least, at_most, largest, within
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "Can rare facts alone make a scaling law?  Error against memory and against data"
ORDER = 7
TITLE = "What a memory, and a learner, do not know of a world of rare facts"
CLAIM = (
    "A scaling law needs no network: facts whose frequencies fall as a power of their rank make error fall as a power "
    "of memory and of data."
)
BREAK_IT = ("--set facts=40000", "--set a=0.1")
HOST_ONLY = "Sums over one vector: nothing for a card."

#: A fitted exponent may lie so far from theory's, as a share of it: a world is finite, and a sum is no integral.
EXPONENT_SLACK = 0.12
#: What is drawn lies within so many standard errors of what is expected.
TOLERANCE_SE = 5.0
#: Both fits foretell the error of a memory so many times as large as the largest one fitted.
BEYOND = 10
#: How far a foretold error may be off, and how far the log rule is off at least, as a share of the true one.
FORETOLD, FAILED = 0.3, 0.9


@dataclass(frozen=True)
class Settings:
    facts: int = setting(1_000_000, 1000, 10_000_000, "facts of the world")
    a: float = setting(0.5, 0.05, 3.0, "frequencies fall like rank^-(1 + a)")
    sizes: tuple[int, ...] = setting((100, 200, 400, 800, 1600, 3200), 2, 100_000, "facts stored, or seen", at_least=3)
    draws: int = setting(40, 2, 1000, "learners that ask at random")

    def quick(self) -> Settings:
        """A quarter of the learners."""
        return replace(self, draws=max(2, self.draws // 4))

    def check(self) -> None:
        """Raises BadInput for a memory that would hold the world."""
        if BEYOND * max(self.sizes) >= self.facts + 1:
            raise BadInput(
                f"sizes must be at most a tenth of the facts, but {max(self.sizes):,} of {self.facts:,} is more.",
                f"Try: --set facts={min(20 * max(self.sizes), 10_000_000)}",
            )

    def bytes_needed(self) -> float:
        """Frequencies, their sums and powers; and which facts a learner has met."""
        return 8.0 * (6 * self.facts + 3 * max(self.sizes))


COLUMNS = (
    Column("n", "facts, or questions"),
    Column("memory", "error of memory"),
    Column("learner", "error of learner"),
    Column("asked", "learner, measured"),
    Column("asked_se", "standard error", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """A memory of the most frequent facts, a learner in theory, and learners that really ask."""
    for n in run.over(sorted(set(run.settings.sizes)), "{} facts"):
        yield measure_row(run.settings, n, run.generator(n))


def measure_row(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, Any]:
    sizes = np.array([n])
    asked, asked_se = mean_with_error(errors_of_askers(n, settings.facts, settings.a, settings.draws, rng))
    return {
        "n": n,
        "memory": float(error_of_memory(sizes, settings.facts, settings.a)[0]),
        "learner": float(error_of_learner(sizes, settings.facts, settings.a)[0]),
        "asked": asked,
        "asked_se": asked_se,
    }


def frequencies(n_facts: int, a: float) -> np.ndarray:
    """-> (n_facts,), falling, sum 1.  Raises ValueError unless a > 0: without it they cannot sum to 1."""
    if a <= 0:
        raise ValueError(f"a must be positive, not {a}")
    share = np.arange(1, n_facts + 1, dtype="float64") ** -(1 + a)
    return share / share.sum()


def error_of_memory(n_slots: np.ndarray, n_facts: int, a: float) -> np.ndarray:
    """n_slots: (K,) integers below n_facts -> (K,): the chance that a question is about none of the stored facts, the
    most frequent ones being stored."""
    return 1.0 - np.cumsum(frequencies(n_facts, a))[np.asarray(n_slots) - 1]


def error_of_learner(n_seen: np.ndarray, n_facts: int, a: float) -> np.ndarray:
    """n_seen: (K,) -> (K,): the expected chance that a question is about a fact that none of the first n_seen was."""
    p = frequencies(n_facts, a)
    return np.array([float((p * (1 - p) ** int(n)).sum()) for n in n_seen])


def errors_of_askers(n_seen: int, n_facts: int, a: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    """-> (draws,): the chance that a question is about a fact that none of n_seen random questions was."""
    p = frequencies(n_facts, a)
    up_to = np.cumsum(p)
    errors = []
    for _ in range(draws):
        met = np.unique(np.searchsorted(up_to, rng.random(n_seen) * up_to[-1], side="right"))
        errors.append(1.0 - float(p[met].sum()))
    return np.array(errors)


def seen_once(n_seen: int, n_facts: int, a: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    """-> (draws,): the share of n_seen random questions whose fact was asked exactly once, Good and Turing's estimate
    of the chance that the next question is about a new fact."""
    up_to = np.cumsum(frequencies(n_facts, a))
    shares = []
    for _ in range(draws):
        _, times = np.unique(np.searchsorted(up_to, rng.random(n_seen) * up_to[-1], side="right"), return_counts=True)
        shares.append(float((times == 1).sum() / n_seen))
    return np.array(shares)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, a = run.rows, run.settings.a
    n = [row["n"] for row in rows]
    memory, learner = exponents(rows)
    worst = largest(distance_in_se(row["asked"], row["learner"], row["asked_se"]) for row in rows)
    far, true, power, rule = beyond(rows, run.settings)
    by_data = a / (1 + a)
    return (
        within(
            "memory", "the error of a memory of N facts falls like N^-a: the a", a, -memory.exponent, EXPONENT_SLACK * a
        ),
        within(
            "data",
            "the error after D questions falls like D^-b, b = a / (1 + a): the b",
            by_data,
            -learner.exponent,
            EXPONENT_SLACK * by_data,
        ),
        at_most(
            "asked", "learners that ask at random are as expected: worst D, in standard errors", TOLERANCE_SE, worst
        ),
        at_most("foretold", f"fitted to {n[-1]}, a power law foretells {far}: off by", FORETOLD, abs(power / true - 1)),
        at_least("log-rule", "... and a - b log N does not: off by", FAILED, abs(rule / true - 1)),
    )


def exponents(rows: Sequence[Mapping[str, Any]]) -> tuple[PowerLaw, PowerLaw]:
    """Of the memory and of the learner."""
    n = [row["n"] for row in rows]
    return tuple(fit_power_law(n, [row[key] for row in rows]) for key in ("memory", "learner"))  # type: ignore[return-value]


def beyond(rows: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[int, float, float, float]:
    """A larger memory, its true error, and what the power law and the log rule foretell."""
    far = min(BEYOND * rows[-1]["n"], settings.facts)
    true = float(error_of_memory(np.array([far]), settings.facts, settings.a)[0])
    law, _ = exponents(rows)
    rule = fit_log_rule(np.array([row["n"] for row in rows]), np.array([row["memory"] for row in rows]))
    return far, true, law.coefficient * far**law.exponent, float(rule.at(far))


# Saying


def prompt(run: Run[Settings]) -> str:
    small, large = sorted(set(run.settings.sizes))[-2:]
    return (
        f"Frequencies fall like rank^-{1 + run.settings.a:g}. The memory grows from {small:,} facts to {large:,}: by "
        "which factor is its error multiplied?"
    )


def question(run: Run[Settings]) -> Question:
    small, large = run.rows[-2:]
    by_theory = (large["n"] / small["n"]) ** -run.settings.a
    explanation = f"The law says {large['n'] / small['n']:g}^-{run.settings.a:g} = {by_theory:.3g}."
    return Question(prompt(run), large["memory"] / small["memory"], 0.05, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    far, true, power, rule = beyond(run.rows, run.settings)
    memory, learner = exponents(run.rows)
    return (
        Text(
            f"The error of a memory of N facts falls like N^{memory.exponent:.2f}, that of a learner after D questions "
            f"like D^{learner.exponent:.2f}, without any network."
        ),
        Text(
            f"Within the points a power law and a - b log N look alike. Asked about {far:,} facts, the power law says "
            f"{power:.2g} and the log rule {rule:.2g}, where {true:.2g} is true"
            + (": an error below 0 cannot be." if rule < 0 else ".")
        ),
        Text(
            "A world with many rare things to know is enough. But an explanation that suffices is not one that is "
            "proved: whether networks store facts in this order is another question (Hutter 2021, section 3; Michaud "
            "et al. 2023)."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    n = [row["n"] for row in run.rows]
    memory, learner = exponents(run.rows)

    def points(label: str, key: str) -> Series:
        return Series(label, n, [row[key] for row in run.rows])

    def line(law: PowerLaw) -> Series:
        label = f"x^{law.exponent:.3f} (95%: {law.low:.3f} .. {law.high:.3f})"
        return Series(label, n, [law.coefficient * x**law.exponent for x in n], kind="line")

    return (
        Plot(
            f"Rare facts alone: error like N^{memory.exponent:.2f} of memory, like D^{learner.exponent:.2f} of data",
            "facts stored (N), or questions seen (D)",
            "chance that a question cannot be answered",
            (
                points("memory of the N most frequent", "memory"),
                line(memory),
                Series(
                    "learner after D questions",
                    n,
                    [row["asked"] for row in run.rows],
                    [row["asked_se"] for row in run.rows],
                ),
                line(learner),
            ),
            log_x=True,
            log_y=True,
        ),
    )
