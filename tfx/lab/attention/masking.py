"""What do causal, padding and fully blocked masks do, and what do the usual shortcuts get wrong?

The library blocks a score with -inf before the softmax (Vaswani et al. 2017, section 3.2.3), so a blocked weight is
exactly 0 and its gradient too.  Each case measures one number in the precisions named in its row.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from tfx.backend import to_numpy
from tfx.errors import BadInput
from tfx.gradcheck.mistakes.ops.attention import masks as wrong_masks
from tfx.lab.attention.mask_probes import blocked_weight, draw_heads
from tfx.lab.attention.masking_cases import Case, added, cases
from tfx.lab.frame import Measured, Run
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What do causal, padding and fully blocked masks do, and what do the usual shortcuts get wrong?"
ORDER = 3
TITLE = "What masks do, and what the shortcuts do"
CLAIM = (
    "A mask sets blocked scores to minus infinity before the softmax: then a blocked key weighs exactly 0. The usual "
    "shortcuts only look alike."
)
BREAK_IT = ("--set mask=no", "--set penalty=-30", "--set penalty=-inf")
COLUMNS = (
    Column("case", "way to mask"),
    Column("dtype", "bits of a float", detail=True),
    Column("should", "should be"),
    Column("measured", "measured", digits=3),
    Column("verdict", "verdict"),
)
#: Rows of a first look: the library's way against the control that goes with it, where both are there.
TELLING = (
    "causal, future changed",
    "no mask, future changed",
    "after softmax, future changed",
    "padding scores set to 0",
    "-30 on blocked keys",
    "all blocked, ours",
    "all blocked, bare -inf",
)


#: (control, right) -> what the table says; the last two are surprises.
VERDICTS = {
    (False, True): "right",
    (True, False): "fails, as it must",
    (False, False): "WRONG",
    (True, True): "right, but must fail",
}


@dataclass(frozen=True)
class Settings:
    """It is so small that --quick changes nothing."""

    tokens: int = setting(8, 4, 64, "tokens in a row")
    d_k: int = setting(16, 2, 256, "width of a query")
    pads: int = setting(3, 1, 63, "filling at the end of a row")
    penalty: float = setting(-1e9, float("-inf"), 0.0, "what the additive shortcut adds", infinite=True)
    mask: bool = setting(True, about="no: the library runs without its masks, to see which checks notice")

    def check(self) -> None:
        """Raises BadInput for rows that are filling alone."""
        if self.pads >= self.tokens:
            raise BadInput(
                f"pads must be from 1 to {self.tokens - 1}, but is {self.pads}.", f"Try: --set pads={self.tokens - 1}"
            )

    def bytes_needed(self) -> float:
        """A case at a time: rows of vectors, and a few squares of scores and weights."""
        return 8.0 * (16 * self.tokens * self.d_k + 16 * self.tokens**2)


def rows(run: Run[Settings]) -> Measured:
    """Every case, with its check."""
    for case in cases(run.seed, xp=run.xp, **asdict(run.settings)):
        yield row(case)
        yield case.check


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    """Every case came with its own."""
    return ()


def row(case: Case) -> dict[str, Any]:
    words = VERDICTS[case.control, case.right]
    return {
        "case": case.case,
        "dtype": case.dtype,
        "should": case.should,
        "measured": case.measured,
        "verdict": words,
    }


# Saying


def prompt(run: Run[Settings]) -> str:
    tokens, penalty = run.settings.tokens, run.settings.penalty
    asked = "what share of its weights is not a number" if math.isinf(penalty) else "what is the largest weight"
    return f"All {tokens} keys of a query are blocked, by adding {penalty:g} to their scores in float32: {asked}?"


def question(run: Run[Settings]) -> Question:
    (found,) = (row for row in run.rows if row["case"] == added(run.settings.penalty) and row["dtype"] == "32")
    if math.isinf(run.settings.penalty):
        return Question(prompt(run), 1.0, 0.01, "The softmax takes minus infinity from minus infinity.")
    explanation = "Adding one number to all scores changes no softmax: weights still sum to 1."
    if abs(found["measured"] - 1 / run.settings.tokens) < 1e-6:
        explanation += f" float32 loses the scores, so all {run.settings.tokens} are equal."
    return Question(prompt(run), found["measured"], 0.01, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """What did not come out as it should, and the telling ones."""
    told = [*VERDICTS.values()][2:]
    surprising = [index for index, row in enumerate(run.rows) if row["verdict"] in told]
    return (*surprising, *(index for index, row in enumerate(run.rows) if row["case"] in TELLING))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    counts = {words: sum(row["verdict"] == words for row in run.rows) for words in VERDICTS.values()}
    right, fails, wrong, lucky = counts.values()
    ways = right + wrong
    finding = (
        f"{right} of {ways} ways that should work do, and {fails} of {fails + lucky} shortcuts fail, as they must."
    )
    if wrong:
        finding += " Where it says WRONG, a way that should work does not, with these settings."
    return (
        Text(finding),
        Text(
            "The checks are about what each way does, so a check that a shortcut leaks can hold. Of the precisions "
            "tried the worst is shown; eps is the spacing of numbers near 1 in that precision."
        ),
        Text(
            "Block before the softmax, with -inf (Vaswani et al. 2017, section 3.2.3): exp(-inf) is exactly 0, so "
            "neither a value nor a gradient passes. Zeroing weights afterwards leaves the blocked scores in the "
            "denominator; zeroing scores before leaves exp(0) = 1."
        ),
        Text(
            "A row with nothing to attend to has no softmax. This library returns zeros; a bare -inf gives NaN, and a "
            "finite penalty gives weights to exactly those keys that were blocked."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return row_sums_plot(run.settings, run.seed, run.xp), penalty_plot(run.settings, run.seed, run.xp)


def row_sums_plot(settings: Settings, seed: int, xp: Any) -> Plot:
    """How much weight each query keeps when a causal mask comes too late."""
    heads = draw_heads(seed, settings.tokens, settings.pads, settings.d_k, "float64", xp)
    late = to_numpy(wrong_masks.mask_after_softmax(heads.scores, heads.causal)).sum(axis=-1).mean(axis=(0, 1))
    x = [float(i) for i in range(1, settings.tokens + 1)]
    return Plot(
        f"Masked after the softmax, the first query keeps {late[0]:.0%} of its weight, the last {late[-1]:.0%}",
        "query (it may see as many keys)",
        "mean sum of its weights",
        (
            Series("masked after the softmax", x, late.tolist()),
            Series("masked before: 1", x, [1.0] * len(x), kind="line"),
        ),
    )


def penalty_plot(settings: Settings, seed: int, xp: Any) -> Plot:
    """What a finite penalty leaves on blocked keys, added after or before dividing by sqrt(d_k)."""
    heads = draw_heads(seed, settings.tokens, settings.pads, settings.d_k, "float64", xp)
    sizes = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0]
    after = [blocked_weight(heads, -size) for size in sizes]
    before = [blocked_weight(heads, -size / settings.d_k**0.5) for size in sizes]
    return Plot(
        f"A penalty of -30 leaves {after[5]:.1g} on a blocked key; before the division by sqrt({settings.d_k}) it "
        f"leaves {before[5]:.1g}",
        "size of the penalty",
        "largest weight of a blocked key",
        (Series("added after the division", sizes, after), Series("added before the division", sizes, before)),
        log_x=True,
        log_y=True,
    )
