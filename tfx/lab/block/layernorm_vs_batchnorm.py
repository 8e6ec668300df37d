"""LayerNorm against BatchNorm: what becomes of a token's output when only the rest of the batch changes.

LayerNorm's mean and deviation are those of the token, BatchNorm's in training those of a feature over the batch; in
evaluation they are stored numbers.  The change is |y' - y| / |y| over the tokens that stay as they are:

    tokens in the batch   n normal tokens, against exact statistics: in square 2 - 2 E s for n > 1, about 1.5 / n, where
                          E s = sqrt(2 / n) Gamma(n / 2) / Gamma((n - 1) / 2); one token gives 0
    share of padding      zeros among real tokens of mean m, variance v:  (x - (1 - p) m) / sqrt((1 - p) (v + p m^2))
    another token         one token of the batch is replaced, and the others are looked at

Sources: Ioffe and Szegedy 2015, "Batch Normalization", algorithms 1 and 2; Ba et al. 2016, "Layer Normalization",
section 3; Shen et al. 2020, "PowerNorm: Rethinking Batch Normalization in Transformers", section 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.measure.covariate_shift import feature_shift
from tfx.measure.estimates import distance_in_se, mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, largest
from tfx.ops.norms.batch_norm import Statistics, batch_norm_forward
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What do padding and batch size do to LayerNorm, and what to BatchNorm?"
TITLE = "How a token's output changes when only the rest of its batch does"
CLAIM = (
    "LayerNorm does not depend on other samples. BatchNorm does in training: padding and small batches distort its "
    "statistics."
)
BREAK_IT = ("--set mask=no", "--set eps=0.1")
HOST_ONLY = "A few hundred tokens: nothing for a card."

TOKENS, PADDING, ANOTHER = "tokens in the batch", "share of padding", "another token"
#: The share of padding that the reader predicts at, or the nearest that is measured.
ASKED_AT = 0.5
#: A change of another token shows in the others' outputs when it moves them by at least this share.
SEEN = 1e-3


@dataclass(frozen=True)
class Settings:
    sizes: tuple[int, ...] = setting((1, 2, 4, 32, 512), 1, 100_000, "tokens in a batch", at_least=2)
    padding: tuple[float, ...] = setting((0.25, 0.5, 0.75), 0.01, 0.99, "shares of the batch that are zeros")
    mean: float = setting(0.0, -100.0, 100.0, "mean of every feature; its deviation is 1")
    tokens: int = setting(256, 4, 100_000, "real tokens in a batch with padding")
    width: int = setting(16, 2, 1024, "features of a token")
    draws: int = setting(100, 4, 10_000, "batches for each row")
    eps: float = setting(0.0, 0.0, 1.0, "what the norms add to a variance")
    mask: bool = setting(True, about="no lets the mask out that leaves padding out, to see which checks notice")

    def quick(self) -> Settings:
        """A quarter of the batches."""
        return replace(self, draws=max(4, self.draws // 4))

    def bytes_needed(self) -> float:
        """The largest batch, a few times over."""
        most = max(*self.sizes, self.tokens / (1 - max(self.padding)))
        return 8.0 * 12 * most * self.width


COLUMNS = (
    Column("what", "what changes"),
    Column("amount", "how much", digits=3),
    Column("layer", "LayerNorm", digits=3),
    Column("training", "BatchNorm, training", digits=3),
    Column("evaluation", "BatchNorm, evaluation", digits=3),
    Column("masked", "training, with a mask", digits=3, detail=True),
    Column("law", "training, by theory", digits=3, detail=True),
    Column("shift", "shift of the means", "standard deviations", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """One row for each change of the batch; every draw is another batch."""
    settings = run.settings
    sizes, shares = sorted(set(settings.sizes)), sorted(set(settings.padding))
    changes = [*((TOKENS, n) for n in sizes), *((PADDING, share) for share in shares), (ANOTHER, 1)]
    for number, what, amount in run.over([(number, *one) for number, one in enumerate(changes)], "{0[1]}: {0[2]:g}"):
        yield measured_row(settings, what, amount, [run.generator(number, draw) for draw in range(settings.draws)])


def measured_row(
    settings: Settings, what: str, amount: float, generators: Sequence[np.random.Generator]
) -> dict[str, Any]:
    found = [measure_batch(settings, what, amount, rng) for rng in generators]
    squares, error = mean_with_error(np.array([one["training"] ** 2 for one in found]))
    return {
        "what": what,
        "amount": amount,
        "layer": largest(one["layer"] for one in found),
        "training": math.sqrt(squares),
        "evaluation": largest(one["evaluation"] for one in found),
        "masked": largest(one["masked"] for one in found) if what == PADDING else None,
        "law": law(what, amount, [one["law"] for one in found]),
        "shift": float(np.mean([one["shift"] for one in found])),
        "square_se": error,
    }


def measure_batch(settings: Settings, what: str, amount: float, rng: np.random.Generator) -> dict[str, float]:
    """One batch before and after: the change of the tokens that stay, under each norm."""
    mean, width = settings.mean, settings.width
    before, after, stay = batches(settings, what, amount, rng)
    stored = Statistics(np.full(width, mean), np.ones(width))
    keep = np.arange(len(after)) < stay if settings.mask else None

    def batch_norm(x: np.ndarray, running: Statistics | None = None, keep: np.ndarray | None = None) -> np.ndarray:
        return batch_norm_forward(x, np.ones(width), np.zeros(width), running, keep, settings.eps)[0][:stay]

    def layer_norm(x: np.ndarray) -> np.ndarray:
        return layer_norm_forward(x, eps=settings.eps)[0][:stay]

    reference = batch_norm(before, stored if what == TOKENS else None)
    expected = math.sqrt(reference.size) if what == TOKENS and stay > 1 else size(reference)
    return {
        "layer": change(layer_norm(after), layer_norm(before)),
        "training": size(batch_norm(after) - reference) / expected,
        "evaluation": change(batch_norm(after, stored), batch_norm(before, stored)),
        "masked": change(batch_norm(after, keep=keep), reference) if what == PADDING else 0.0,
        "law": padded_change(before, 1 - stay / len(after)) if what == PADDING else 0.0,
        "shift": feature_shift(before, after),
    }


def batches(
    settings: Settings, what: str, amount: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """A batch, the batch after a change, and how many tokens, the first ones, are the same in both."""
    n = max(settings.sizes) if what == TOKENS else settings.tokens
    before = rng.standard_normal((n, settings.width)) + settings.mean
    if what == TOKENS:
        return before, before[: int(amount)], int(amount)
    if what == PADDING:
        return before, np.concatenate([before, np.zeros((round(n * amount / (1 - amount)), settings.width))]), n
    other = rng.standard_normal((1, settings.width)) + settings.mean
    return before, np.concatenate([before[:-1], other]), n - 1


def change(after: np.ndarray, before: np.ndarray) -> float:
    return size(after - before) / size(before)


def size(x: np.ndarray) -> float:
    return math.sqrt(float((x * x).sum()))


# Laws


def law(what: str, amount: float, of_batches: Sequence[float]) -> float | None:
    """What BatchNorm's change should be in training; None where there is no law."""
    if what == PADDING:
        return math.sqrt(float(np.mean(np.square(of_batches))))
    return math.sqrt(noise_of_batch(int(amount))) if what == TOKENS else None


def noise_of_batch(n: int) -> float:
    """Mean square of the change against exact statistics, for n normal tokens whose outputs have mean square 1."""
    if n == 1:
        return 1.0
    deviation = math.sqrt(2 / n) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))
    return 2 - 2 * deviation


def padded_change(tokens: np.ndarray, share: float) -> float:
    """|y' - y| / |y| of real tokens when `share` of the batch becomes zeros, from their own mean and variance."""
    mean, variance = tokens.mean(axis=0), tokens.var(axis=0)
    before = (tokens - mean) / np.sqrt(variance)
    after = (tokens - (1 - share) * mean) / np.sqrt((1 - share) * (variance + share * mean**2))
    return size(after - before) / size(before)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows = run.rows
    padded, several = of(rows, PADDING), [row for row in of(rows, TOKENS) if row["amount"] > 1]
    alone = [row["training"] for row in of(rows, TOKENS) if row["amount"] == 1]
    far = largest(distance_in_se(row["training"] ** 2, row["law"] ** 2, row["square_se"]) for row in several)
    one = "training, a batch of one token gives zeros: all of the size changes"
    return (
        agree("layer-norm", "LayerNorm: no change of the batch changes a token", [row["layer"] for row in rows]),
        agree("evaluation", "BatchNorm, evaluation: none does either", [row["evaluation"] for row in rows]),
        *((agree("one-token", one, alone, 1.0),) if alone else ()),
        at_most("batch-noise", "training: change by batch size from its law, worst, in standard errors", 5.0, far),
        agree(
            "padding",
            "training: change by padding is that of the diluted mean and variance",
            [row["training"] for row in padded],
            [row["law"] for row in padded],
            to=1e-9,
        ),
        agree("mask", "training: with a mask padding changes nothing", [row["masked"] for row in padded]),
        at_least("neighbours", "training: one other token moves the rest", SEEN, of(rows, ANOTHER)[0]["training"]),
    )


def of(rows: Sequence[Mapping[str, Any]], what: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["what"] == what]


# Saying


def asked_at(settings: Settings) -> float:
    return min(settings.padding, key=lambda share: abs(share - ASKED_AT))


def prompt(run: Run[Settings]) -> str:
    return (
        f"Features have mean {run.settings.mean:g}, and {asked_at(run.settings):.0%} of a batch is padding, zeros. By "
        "what share does BatchNorm change real tokens?"
    )


def question(run: Run[Settings]) -> Question:
    row = run.rows[decisive(run)[-2]]
    explanation = f"The zeros leave {1 - row['amount']:.0%} of the variance, and outputs grow."
    if run.settings.mean:
        explanation = "The zeros move the mean and change the variance."
    return Question(prompt(run), row["training"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The batch sizes at the ends and in the middle, the padding that is asked for, and the other token."""
    n_sizes = len(of(run.rows, TOKENS))
    asked = n_sizes + [row["amount"] for row in of(run.rows, PADDING)].index(asked_at(run.settings))
    return (*sorted({0, n_sizes // 2, n_sizes - 1}), asked, len(run.rows) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    sizes, asked = of(run.rows, TOKENS), run.rows[decisive(run)[-2]]
    first, last = sizes[0], sizes[-1]
    return (
        Text(
            f"{asked['amount']:.0%} padding changes BatchNorm's output by {asked['training']:.0%} of its size in "
            f"training, and a batch of {first['amount']} by {first['training']:.0%}, one of {last['amount']} by "
            f"{last['training']:.1%}. LayerNorm's output does not change."
        ),
        Text(
            "Statistics over a batch make one token's output depend on its neighbours (Ioffe and Szegedy 2015, "
            "algorithm 1); LayerNorm takes them over the features of one token (Ba et al. 2016, section 3)."
        ),
        Text(
            "So a batch of one is no obstacle to generating: BatchNorm then uses stored statistics, whatever the "
            "batch. What is hard is training: its statistics are noisy in small batches, and a mask has to keep "
            "padding out of them. In text they also change much from batch to batch (Shen et al. 2020, section 3)."
        ),
        Text(
            "In training the tokens of a sentence see each other through the statistics, so a causal mask in "
            "attention does not keep BatchNorm from reading later tokens."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    sizes, padded = of(run.rows, TOKENS), of(run.rows, PADDING)
    n, shares = [row["amount"] for row in sizes], [row["amount"] for row in padded]

    def curves(those: Sequence[Mapping[str, Any]], x: Sequence[float]) -> tuple[Series, ...]:
        return (
            Series("BatchNorm, training", x, [row["training"] for row in those]),
            Series("by theory", x, [row["law"] for row in those], kind="line"),
            Series("BatchNorm, evaluation", x, [row["evaluation"] for row in those]),
            Series("LayerNorm", x, [row["layer"] for row in those]),
        )

    return (
        Plot(
            f"BatchNorm in training is off by {sizes[0]['training']:.0%} in a batch of {n[0]}, by "
            f"{sizes[-1]['training']:.1%} in one of {n[-1]}; LayerNorm by nothing",
            "tokens in the batch",
            "change of the output (share of its size)",
            curves(sizes, n),
            log_x=True,
        ),
        Plot(
            f"Padding changes BatchNorm's output in training by up to {padded[-1]['training']:.0%}; LayerNorm's by "
            "nothing",
            "share of the batch that is zeros",
            "change of the output (share of its size)",
            curves(padded, shares),
        ),
    )
