"""Is a sudden ability a property of the model, or of the score that counts it?

    exact match of n tokens  =  p^n          p: chance of one token, tokens independent of each other

A chance that grows evenly with size makes an exact match of many tokens stay near zero and then rise steeply.  The same
models, scored token by token, show no jump.  Here p follows a power law in the number of parameters, answers are
drawn, and both scores are counted on the same draws.
Sources: Wei et al. 2022, "Emergent Abilities of Large Language Models"; Schaeffer et al. 2023, "Are Emergent Abilities
of Large Language Models a Mirage?", section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tfx.lab.frame import Measured, Run
from tfx.measure.emergence import expected_exact_match
from tfx.measure.verdicts import at_least, at_most, largest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "Does an ability appear suddenly, or does the score make it look so?"
ORDER = 6
TITLE = "The same models scored by exact match and token by token"
CLAIM = (
    "Abilities appear suddenly when models grow, where the score is all or nothing over many tokens; scored token by "
    "token, the same models rise evenly."
)
HOST_ONLY = "drawing answers has nothing to do on a card."
BREAK_IT = ("--set length=1",)


@dataclass(frozen=True)
class Settings:
    sizes: int = setting(13, 5, 200, "models, evenly on a log scale from 1e6 to 1e12 parameters")
    length: int = setting(20, 1, 200, "tokens of an answer")
    answers: int = setting(4000, 10, 100_000, "answers of each model")
    exponent: float = setting(0.25, 0.01, 2.0, "how fast the loss of a token falls with size")

    def quick(self) -> Settings:
        """An eighth of the answers."""
        return replace(self, answers=max(10, self.answers // 8))

    def bytes_needed(self) -> float:
        """The draws of one model."""
        return 10.0 * self.answers * self.length


COLUMNS = (
    Column("parameters", "parameters", digits=3),
    Column("token", "tokens right", "%", digits=3),
    Column("exact", "answers right", "%", digits=3),
    Column("expected", "p to the power of n", "%", digits=3, detail=True),
    Column("error", "standard error of it", "%", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    settings = run.settings
    for index in run.over(range(settings.sizes), "model {}"):
        n = 10.0 ** (6 + 6 * index / (settings.sizes - 1))
        p = chance_of_a_token(n, settings.exponent)
        right = run.generator(index).random((settings.answers, settings.length)) < p
        expected = float(expected_exact_match(p, settings.length))
        yield {
            "parameters": n,
            "token": 100 * float(right.mean()),
            "exact": 100 * float(right.all(axis=1).mean()),
            "expected": 100 * expected,
            "error": 100 * math.sqrt(max(expected * (1 - expected), 1.0 / settings.answers) / settings.answers),
        }


def chance_of_a_token(n_parameters: float, exponent: float) -> float:
    """exp(-loss), with a loss that is a power law: 1 nat at a million parameters."""
    return math.exp(-((n_parameters / 1e6) ** -exponent))


def already_there(token: list[float], exact: list[float]) -> float:
    """How much of its rise the score of tokens has behind it at the last model whose exact match is below 5%; 0 where
    there is none."""
    if not all(map(math.isfinite, exact)):
        return math.nan
    there = [share for share, whole in zip(token, exact, strict=True) if whole < 5]
    return (there[-1] - token[0]) / (token[-1] - token[0]) if there else 0.0


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    token, exact = ([row[key] for row in run.rows] for key in ("token", "exact"))
    apart = largest(abs(row["exact"] - row["expected"]) / row["error"] for row in run.rows)
    third = exact[: max(len(exact) // 3, 1)]
    there = already_there(token, exact)
    return (
        at_most("law", "exact match and p to the power of n, largest distance in standard errors", 5.0, apart),
        at_most("nothing", "answers right among the smallest third of the models, %", 5.0, largest(third)),
        at_least("late", "share of the rise of tokens that is there before exact match reaches 5%", 0.6, there),
        at_least("smooth", "tokens right at the smallest model, %", 20.0, token[0]),
    )


def prompt(run: Run[Settings]) -> str:
    n = run.settings.length
    return f"A model gets 95% of its tokens right. How many percent of its answers of {n} tokens are wholly right?"


def question(run: Run[Settings]) -> Question:
    answer = 100 * float(expected_exact_match(0.95, run.settings.length))
    return Question(prompt(run), answer, 0.1, f"0.95 to the power of {run.settings.length}, if slips are independent.")


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    token, exact = ([row[key] for row in run.rows] for key in ("token", "exact"))
    there = already_there(token, exact)
    return (
        Text(
            f"Tokens right rise from {token[0]:.0f}% to {token[-1]:.0f}%, and {there:.0%} of that rise is there "
            f"before exact match of {run.settings.length} tokens reaches 5%."
        ),
        Text(
            "The models are the same, only the score differs (Schaeffer et al. 2023, section 2). That shows how a "
            "score can make a jump; it does not show that no ability appears suddenly."
        ),
        Text("Slips are independent here. Where one slip brings the next, the curve of exact match is less steep."),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    sizes = [row["parameters"] for row in run.rows]
    token, exact = ([row[key] for row in run.rows] for key in ("token", "exact"))
    return (
        Plot(
            f"{run.settings.length} tokens right: {exact[0]:.0f}% to {exact[-1]:.0f}%; "
            f"each token: {token[0]:.0f}% to {token[-1]:.0f}%",
            "parameters",
            "right [%]",
            (
                Series("each token", sizes, token),
                Series("all tokens of an answer", sizes, exact, [row["error"] for row in run.rows]),
                Series("p to the power of n", sizes, [row["expected"] for row in run.rows], kind="line"),
            ),
            log_x=True,
        ),
    )
