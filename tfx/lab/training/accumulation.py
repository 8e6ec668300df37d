"""When do micro-batches give the gradient of the whole batch, and when not?

    g = sum_i (n_i / N) g_i          g_i: mean gradient of part i, n_i: what it counts (rows, or tokens), N their sum

The loop that people write adds up the parts' gradients and divides by their number k.  That is the same where all n_i
are equal, and otherwise leaves an error of  sum_i (1/k - n_i/N) g_i; without the division the gradient is k times as
long.  Batch normalisation takes its statistics from each part, so that there is no g_i of which g is the mean.
Source: the weights are in tfx/train/accumulation.py, where they are derived; batch statistics: Ioffe and Szegedy 2015.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.training.points import Blobs, Perceptron, points_loss
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most
from tfx.models import Encoder
from tfx.params import Layer, flatten
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import require_divisor, setting
from tfx.train.accumulation import accumulated, split_rows
from tfx.train.loop import Loss
from tfx.train.losses import LabelledBatch, labelling_loss

QUESTION = "When do micro-batches give the gradient of the whole batch, and when not?"
TITLE = "Gradient accumulation against one large batch"
CLAIM = (
    "Gradient accumulation reproduces a larger batch if parts are weighted by what they count, and no layer uses batch "
    "statistics."
)
BREAK_IT = ("--set parts=1",)
HOST_ONLY = "These batches are too small for a card."

#: What rounding may leave, and what no rounding explains, as a share of the gradient.
ROUNDING, WRONG = 1e-12, 1e-3

EQUAL, UNDIVIDED = "equal", "equal, not divided"
WEIGHTED, PLAIN = "unequal, weighted", "unequal, plain mean"
TOKENS, TOKENS_PLAIN = "padded, by tokens", "padded, plain mean"
BATCH_NORM = "equal, batch norm"


@dataclass(frozen=True)
class Settings:
    rows: int = setting(64, 40, 1024, "rows of the whole batch")
    parts: int = setting(4, 1, 8, "micro-batches; they divide rows")
    draws: int = setting(20, 2, 1000, "batches for each row of the table")

    def quick(self) -> Settings:
        """Fewer batches."""
        return replace(self, draws=min(self.draws, 5))

    def check(self) -> None:
        require_divisor("parts", self.parts, "rows", self.rows)

    def bytes_needed(self) -> float:
        """What a step of the encoder remembers."""
        return 8.0 * self.rows * 4000


COLUMNS = (
    Column("way", "parts"),
    Column("ratio", "length of the sum", digits=3),
    Column("cosine", "cosine with the whole", digits=4),
    Column("error", "error (share)", digits=2),
    Column("error_se", "standard error", digits=2, detail=True),
    Column("largest", "largest error", digits=2, detail=True),
    Column("predicted", "error by the formula", digits=2, detail=True),
)


class Way(NamedTuple):
    """split: a batch to its parts.  weighted: by what they count, by the library; divided: by the number of parts."""

    text: bool
    batch_norm: bool
    split: Callable[[Any, int], Iterator[Any]]
    weighted: bool
    divided: bool = True


def rows(run: Run[Settings]) -> Measured:
    """Every way on the same batches."""
    for way in run.over(WAYS):
        yield measure_row(run, way)


# Measuring


def equal_parts(batch: Any, parts: int) -> Iterator[Any]:
    """As equal as the rows allow."""
    return split_rows(batch, -(-len(batch[0]) // parts))


def unequal_parts(batch: Any, parts: int) -> Iterator[Any]:
    """Of sizes 1 : 2 : ... : parts."""
    whole, n_rows = parts * (parts + 1) // 2, len(batch[0])
    stops = [round(n_rows * i * (i + 1) / 2 / whole) for i in range(parts + 1)]
    for start, stop in itertools.pairwise(stops):
        yield type(batch)(*(array[start:stop] for array in batch))


WAYS = {
    EQUAL: Way(False, False, equal_parts, weighted=True),
    UNDIVIDED: Way(False, False, equal_parts, weighted=False, divided=False),
    WEIGHTED: Way(False, False, unequal_parts, weighted=True),
    PLAIN: Way(False, False, unequal_parts, weighted=False),
    TOKENS: Way(True, False, equal_parts, weighted=True),
    TOKENS_PLAIN: Way(True, False, equal_parts, weighted=False),
    BATCH_NORM: Way(False, True, equal_parts, weighted=True),
}


def measure_row(run: Run[Settings], name: str) -> dict[str, Any]:
    way, settings = WAYS[name], run.settings
    found = np.array([compared(way, settings, run.generator(draw)) for draw in range(settings.draws)])
    error, error_se = mean_with_error(found[:, 2])
    return {
        "way": name,
        "ratio": float(found[:, 0].mean()),
        "cosine": float(found[:, 1].mean()),
        "error": error,
        "error_se": error_se,
        "largest": float(found[:, 2].max()),
        "predicted": float(found[:, 3].mean()),
    }


def compared(way: Way, settings: Settings, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """-> length and cosine of the parts' gradient against the whole one, |difference| / |whole|, and what the formula
    says that this is."""
    model, loss, batch = drawn(way, settings.rows, rng)
    whole = gradient(model, loss, [batch])
    parts = list(way.split(batch, settings.parts))
    if way.weighted:
        together = gradient(model, accumulated(loss, lambda _: iter(parts)), [batch])
    else:
        together = gradient(model, loss, parts) / (len(parts) if way.divided else 1)
    counts = np.array([counted(part) for part in parts])
    share = np.full(len(parts), 1 / len(parts) if way.divided else 1.0)
    amiss = counts / counts.sum() - share if not way.weighted else np.zeros(len(parts))
    by_formula = sum(a * gradient(model, loss, [part]) for a, part in zip(amiss, parts, strict=True))
    length = float(np.sqrt(whole @ whole))
    return (
        float(np.sqrt(together @ together)) / length,
        float(together @ whole / np.sqrt(together @ together) / length),
        float(np.sqrt(((together - whole) ** 2).sum())) / length,
        float(np.sqrt((by_formula**2).sum())) / length,
    )


def drawn(way: Way, n_rows: int, rng: np.random.Generator) -> tuple[Layer, Loss[Any], Any]:
    """A fresh model in float64, its loss, and a batch."""
    if way.text:
        model = Encoder(11, 8, 2, 16, 1, dtype="float64", tied=False, seed=int(rng.integers(2**31)))
        ids = rng.integers(11, size=(n_rows, 12))
        batch = LabelledBatch(ids, rng.integers(11, size=ids.shape), rng.integers(1, 13, size=n_rows))
        return model, labelling_loss(), batch
    points = Blobs(seed=(int(rng.integers(2**31)),)).draw(n_rows, rng)
    return Perceptron(16, 16, 10, rng, batch_norm=way.batch_norm), points_loss(), points


def gradient(model: Layer, loss: Loss[Any], parts: list[Any]) -> np.ndarray:
    """(n,) the sum of the parts' gradients, as backward adds them up."""
    model.zero_grad()
    for part in parts:
        loss(model, part, np.random.default_rng(0))
    return np.array(flatten(model).grad)


def counted(part: Any) -> int:
    """Rows, or tokens that are no padding: what the mean of its loss is over."""
    return int(part.lengths.sum()) if hasattr(part, "lengths") else len(part[0])


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    row = {row["way"]: row for row in run.rows}
    plain = [row[name] for name in (UNDIVIDED, PLAIN, TOKENS_PLAIN)]
    return (
        at_most("equal", "equal parts: largest error", ROUNDING, row[EQUAL]["largest"]),
        at_most("weighted", "unequal parts, weighted by their rows: largest error", ROUNDING, row[WEIGHTED]["largest"]),
        at_most("tokens", "padded text, weighted by tokens: largest error", ROUNDING, row[TOKENS]["largest"]),
        agree("undivided", "not divided: so many times as long", row[UNDIVIDED]["ratio"], run.settings.parts, to=1e-9),
        at_least("unequal", "unequal parts, plain mean: error", WRONG, row[PLAIN]["error"]),
        at_least("unequal-tokens", "padded text, plain mean: error", WRONG, row[TOKENS_PLAIN]["error"]),
        at_least("batch-norm", "batch statistics of each part: error", WRONG, row[BATCH_NORM]["error"]),
        agree(
            "formula",
            "the error of what is not weighted is sum_i (1/k - n_i/N) g_i",
            [each["error"] for each in plain],
            [each["predicted"] for each in plain],
            to=1e-9,
        ),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    parts = run.settings.parts
    return (
        f"The losses of {parts} equal micro-batches are added up and not divided. How many times too long is the "
        "gradient?"
    )


def question(run: Run[Settings]) -> Question:
    found = next(row for row in run.rows if row["way"] == UNDIVIDED)
    explanation = "As many as there are parts; Adam would not show it."
    return Question(prompt(run), round(found["ratio"], 9), 0.05, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """All but what only repeats that weights mend it."""
    return tuple(at for at, row in enumerate(run.rows) if row["way"] not in (WEIGHTED, TOKENS))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    row: dict[str, Mapping[str, Any]] = {row["way"]: row for row in run.rows}
    return (
        Text(
            f"Weighted by what they count, parts give the whole gradient to {max_of(row):.0e}. A plain mean of unequal "
            f"parts is off by {row[PLAIN]['error']:.0%}, of padded text by {row[TOKENS_PLAIN]['error']:.0%}, and batch "
            f"norm by {row[BATCH_NORM]['error']:.0%}."
        ),
        Text(
            "A batch of text counts tokens. Parts with equal rows have unequal tokens wherever rows are padded, and a "
            "mean over the parts then gives the tokens of short parts too much weight."
        ),
        Text(
            "Batch normalisation computes a different function on a part than on the whole batch, so no weights mend "
            "it (Ioffe and Szegedy 2015). Layers that treat each row alone, as in a Transformer, have no such trouble "
            "(layer normalisation: Ba et al. 2016)."
        ),
        Text(
            "Each row of the table is a mean over freshly drawn batches and weights at the start of training, in "
            "float64. Dropout is not counted as an error: it draws other masks, from the same law."
        ),
    )


def max_of(row: Mapping[str, Mapping[str, Any]]) -> float:
    return max(float(row[name]["largest"]) for name in (EQUAL, WEIGHTED, TOKENS))


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    def points(label: str, names: tuple[str, ...]) -> Series:
        places = [1.0 + at for at, row in enumerate(run.rows) if row["way"] in names]
        return Series(label, places, [max(row["error"], 1e-17) for row in run.rows if row["way"] in names], names=names)

    right, wrong = (EQUAL, WEIGHTED, TOKENS), (UNDIVIDED, PLAIN, TOKENS_PLAIN, BATCH_NORM)
    row = {row["way"]: row for row in run.rows}
    return (
        Plot(
            f"Weighted by what they count, parts equal the whole to {max_of(row):.0e}; a plain mean of unequal "
            f"parts is off by {row[PLAIN]['error']:.0%}",
            "line of the table",
            "error, as a share of the gradient",
            (points("weighted", right), points("plain mean, no division, batch norm", wrong)),
            log_y=True,
        ),
    )
