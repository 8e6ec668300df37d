"""A claim: a sentence that people repeat, and the measurement that decides whether it is so.

    SECTION = "Dot products, scaling, softmax"

    @claim(
        "C001",
        "The product of a query and a key has variance d_k.",
        where="D2:143 D2:150",
        verdict="holds when",
        why="their entries have mean 0 and variance 1 and do not depend on each other; a common mean m gives ...",
        experiment="scaling",
        paper="Vaswani et al. 2017, section 3.2.1, footnote 4",
    )
    def variance_of_a_score(trial: Trial) -> Evidence:
        yield supports(near("independent", "variance / d_k of independent entries", 1.0, measured, error))
        yield contradicts(near("common-mean", "... of entries with mean 0.5", 1.5, measured, error))

What the function yields decides, not the word in `verdict`:

    supports(check)       a case in which the sentence is true when the check holds
    contradicts(check)    a case in which it is false when the check holds
    check                 what is true beside it; it has to hold as well

    all of supports hold, and nothing contradicts      holds
    all of supports hold, and something contradicts    holds when
    nothing supports, and something contradicts        does not hold

`verdict` is what was found when the claim was written: `tfx claims ID` says whether it is so now.  The first check
gives the number that settles it.  Checks are made by `tfx/measure/verdicts.py`, so that NaN fails every one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from tfx.measure.seeds import generator
from tfx.records import Check, Result

#: What D0 to D4 stand for: the texts whose sentences are judged.  The number behind the colon is a line.
SOURCES = {
    "D0": "a list of interview questions about Transformers, with answers",
    "D1": "an essay that builds the Transformer from intuition",
    "D2": "a deep dive into the architecture for interviews",
    "D3": "questions and answers on the theory",
    "D4": "ten hard questions on the architecture",
}


class Verdict(StrEnum):
    holds = "holds"
    conditional = "holds when"
    fails = "does not hold"
    open = "not measurable here"


class Supports(NamedTuple):
    check: Check


class Contradicts(NamedTuple):
    check: Check


supports, contradicts = Supports, Contradicts

#: What the measurement of a claim yields.
Evidence = Iterator[Check | Supports | Contradicts]


@dataclass(frozen=True)
class Trial:
    """What a measurement is given.  quick: as small as a verdict allows."""

    seed: int = 0
    quick: bool = True

    def generator(self, *key: int) -> np.random.Generator:
        """Random numbers for one part of a measurement: of the seed and the key alone."""
        return generator(self.seed, *key)

    def experiment(self, name: str, **settings: Any) -> Result:
        """The experiment's Result with these settings, measured once for all claims that ask for the same."""
        return run_experiment(name, self.seed, self.quick, tuple(sorted(settings.items())))

    def rows(self, name: str, **settings: Any) -> list[dict[str, Any]]:
        """Its rows."""
        return [dict(row) for row in self.experiment(name, **settings).rows]


@functools.lru_cache(maxsize=64)
def run_experiment(name: str, seed: int, quick: bool, settings: tuple[tuple[str, Any], ...]) -> Result:
    from tfx.lab import experiment_module, frame

    module = experiment_module(name)
    return frame.run(module, replace(module.Settings(), **dict(settings)), seed, quick)


@dataclass(frozen=True)
class Claim:
    """says: the sentence, in our words.  where: the lines of the sources that say so.  verdict: as it was found.

    why: the condition, or what is true instead, or why nothing can be measured.  experiment: what measures the same in
    full, or "".  paper: who showed it, or "".  measure: None for what is not measurable here.
    """

    id: str
    says: str
    where: tuple[str, ...]
    verdict: Verdict
    why: str
    section: str
    experiment: str = ""
    paper: str = ""
    measure: Callable[[Trial], Evidence] | None = None


#: Filled by the decorators below, when a file of claims is imported.
REGISTERED: dict[str, Claim] = {}


def claim(
    id: str,
    says: str,
    *,
    verdict: str,
    why: str,
    where: str = "",
    experiment: str = "",
    paper: str = "",
) -> Callable[[Callable[[Trial], Evidence]], Callable[[Trial], Evidence]]:
    """Puts a measurement into the ledger; see above.  Raises ValueError for an id that is taken."""

    def put(measure: Callable[[Trial], Evidence]) -> Callable[[Trial], Evidence]:
        section = measure.__globals__.get("SECTION", "")
        register(
            Claim(id, says, tuple(where.split()), Verdict(verdict), why, section, experiment, paper, measure),
        )
        return measure

    return put


def not_measurable(
    id: str, says: str, *, why: str, section: str, where: str = "", paper: str = "", experiment: str = ""
) -> None:
    """Puts a sentence into the ledger that this machine cannot decide: facts about products, training at scale.

    experiment: one that measures a case of it, though no case decides.
    """
    register(Claim(id, says, tuple(where.split()), Verdict.open, why, section, experiment, paper))


def register(new: Claim) -> None:
    if new.id in REGISTERED:
        raise ValueError(f"{new.id} is there already: {REGISTERED[new.id].says}")
    REGISTERED[new.id] = new
