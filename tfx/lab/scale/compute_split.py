"""How should a budget of computation be split between parameters and training tokens?

    L(N, D) = E + A / N^alpha + B / D^beta          N parameters, D tokens; loss in nats per token
    C = 6 N D                                       the budget, in floating-point operations

The optimum has a closed form (tfx/lab/scale/chinchilla.py).  Here it is found a second time, by trying splits, and
then asked how many tokens a parameter should see.  Two sets of constants are fits of the same runs: as printed, and as
fitted again from the points of the published figure.
Sources: Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models", equations 2, 4 and 10; Besiroglu et al.
2024, "Chinchilla Scaling: A replication attempt".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.scale.chinchilla import BESIROGLU, HOFFMANN, Law, optimum
from tfx.measure.verdicts import at_least, at_most, between, largest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How many tokens should a parameter see, when the budget of computation is fixed?"
ORDER = 3
TITLE = "The best split of a budget between parameters and tokens"
CLAIM = (
    "The best number of training tokens grows in proportion to the number of parameters, about twenty for each, "
    "by a law that was fitted to runs of one family of models."
)
HOST_ONLY = "two closed forms have nothing to do on a card."
BREAK_IT = ("--set refit=no", "--set beta=0.2")

#: The budget of Chinchilla, 6 times 70 billion parameters times 1.4 trillion tokens.
CHINCHILLA = 6 * 70e9 * 1.4e12


@dataclass(frozen=True)
class Settings:
    smallest: float = setting(1e18, 1e12, 1e30, "smallest budget, operations")
    largest: float = setting(1e26, 1e12, 1e30, "largest budget, operations")
    steps: int = setting(9, 2, 200, "budgets, evenly on a log scale")
    splits: int = setting(4001, 11, 1_000_001, "splits that are tried for each budget")
    refit: bool = setting(True, about="no takes the constants as they were printed first")
    beta: float = setting(0.0, 0.0, 2.0, "the exponent of the data, instead of the fitted one; 0 for the fitted one")

    def quick(self) -> Settings:
        """Fewer splits."""
        return replace(self, splits=min(self.splits, 1001))

    def bytes_needed(self) -> float:
        """A handful of vectors of the splits."""
        return 8.0 * 8 * self.splits

    @property
    def law(self) -> Law:
        law = BESIROGLU if self.refit else HOFFMANN
        return law._replace(beta=self.beta) if self.beta else law


COLUMNS = (
    Column("budget", "budget", "operations", digits=3),
    Column("parameters", "parameters", digits=3),
    Column("tokens", "tokens", digits=3),
    Column("ratio", "tokens for a parameter", digits=3),
    Column("loss", "loss", "nats", digits=4),
    Column("tried", "parameters, by trying", digits=3, detail=True),
    Column("printed", "tokens for a parameter, first constants", digits=3, detail=True),
)


def budgets(settings: Settings) -> list[float]:
    low, high = sorted((settings.smallest, settings.largest))
    return [float(c) for c in np.geomspace(low, high, settings.steps)]


def rows(run: Run[Settings]) -> Measured:
    law = run.settings.law
    for budget in run.over(budgets(run.settings), "{:.1e} operations"):
        best = optimum(budget, law)
        yield {
            "budget": budget,
            "parameters": best.n_parameters,
            "tokens": best.n_tokens,
            "ratio": best.tokens_per_parameter,
            "loss": best.loss,
            "tried": by_trying(budget, law, run.settings.splits),
            "printed": optimum(budget, HOFFMANN).tokens_per_parameter,
        }


def by_trying(budget: float, law: Law, splits: int) -> float:
    """The number of parameters with the least loss, of many splits evenly spread on a log scale."""
    n = np.geomspace(1e-6 * math.sqrt(budget), 1e6 * math.sqrt(budget), splits)
    loss = law.e + law.a / n**law.alpha + law.b / (budget / (6 * n)) ** law.beta
    return float(n[int(np.argmin(loss))])


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    law, settings = run.settings.law, run.settings
    grid = 12 * math.log(10) / (settings.splits - 1)  # between one split and the next, as a share
    apart = largest(abs(math.log(row["tried"] / row["parameters"])) for row in run.rows)
    first, last = run.rows[0], run.rows[-1]
    grows = math.log(last["ratio"] / first["ratio"]) / math.log(last["tokens"] / first["tokens"])
    return (
        at_most("optimum", "closed form and best of many splits, largest distance in steps of them", 1.0, apart / grid),
        between(
            "twenty",
            "tokens for a parameter at the budget of Chinchilla",
            15,
            30,
            optimum(CHINCHILLA, law).tokens_per_parameter,
        ),
        at_most("proportion", "power of the tokens by which tokens for a parameter grow, by size", 0.06, abs(grows)),
        at_least(
            "printed",
            "the same number with the constants as first printed",
            50,
            optimum(CHINCHILLA, HOFFMANN).tokens_per_parameter,
        ),
    )


def prompt(run: Run[Settings]) -> str:
    return "Chinchilla has 70 billion parameters. How many tokens should each of them see, by the law?"


def question(run: Run[Settings]) -> Question:
    best = optimum(CHINCHILLA, run.settings.law)
    words = f"Its own run saw 20 for each; the law wants {best.n_parameters / 1e9:.3g} billion parameters there."
    return Question(prompt(run), best.tokens_per_parameter, 0.25, words)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    laws = (run.settings.law, HOFFMANN, BESIROGLU)
    here, printed, again = (optimum(CHINCHILLA, law).tokens_per_parameter for law in laws)
    first, last = run.rows[0], run.rows[-1]
    return (
        Text(
            f"From {first['budget']:.0e} to {last['budget']:.0e} operations the best number of tokens for a parameter "
            f"goes from {first['ratio']:.3g} to {last['ratio']:.3g}."
        ),
        Text(
            f"At the budget of Chinchilla the constants that Hoffmann et al. 2022 printed say {printed:.3g}, and those "
            f"that Besiroglu et al. 2024 fitted again {again:.3g}; used here: {here:.3g}."
        ),
        Text(
            "The law is a fit to runs of one family of models on one kind of text. It says nothing about what a model "
            "costs to use, which is why small models are trained on far more tokens."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    budget = [row["budget"] for row in run.rows]
    return (
        Plot(
            f"Tokens for a parameter: {run.rows[0]['ratio']:.3g} to {run.rows[-1]['ratio']:.3g} with these constants",
            "budget [operations]",
            "tokens for a parameter",
            (
                Series("constants used here", budget, [row["ratio"] for row in run.rows]),
                Series("constants as first printed", budget, [row["printed"] for row in run.rows], kind="line"),
                Series("twenty", [budget[0], budget[-1]], [20.0, 20.0], kind="line"),
            ),
            log_x=True,
            log_y=True,
        ),
    )
