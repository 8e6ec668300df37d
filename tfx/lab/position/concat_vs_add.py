"""Positions written beside a token against positions added to it: what a map back to the old width makes of both.

    [x, p] W = x W1 + p W2          W: (C + P, C), W1 its first C rows, W2 its last P

So joining and mapping back is adding, of a mapped position to a mapped token.  Plain addition, (x + p) W1, is the case
P = C with W2 = W1.  The other way round: any table of positions of rank P can be had by joining P features, and a table
of full rank needs P = min(T, C) of them.  What P features leave of a table is the tail of its singular values
(Eckart and Young 1936).
Sources: added: Vaswani et al. 2017, section 3.5; added and learned: Gehring et al. 2017, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import agree, at_least, largest, largest_difference
from tfx.nn.linear import Linear
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.ops.positions.positions import (
    add_positions_backward,
    add_positions_forward,
    concat_positions_backward,
    concat_positions_forward,
)
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "Is a position beside the token another thing than a position added to it?"
ORDER = 3
TITLE = "Positions beside the token, mapped back to its width, against positions added"
CLAIM = (
    "Positions written beside a token need a map back to the old width. Joined and mapped, they are the same as a "
    "mapped position added to a mapped token."
)
BREAK_IT = ("--set norm=yes",)
HOST_ONLY = "A few small products, compared bit for bit: nothing for a card."


@dataclass(frozen=True)
class Settings:
    width: int = setting(64, 2, 512, "numbers in a token")
    features: tuple[int, ...] = setting((1, 4, 16, 32, 64), 1, 512, "numbers of a position beside it", at_least=3)
    tokens: int = setting(48, 2, 512, "tokens in a text")
    texts: int = setting(8, 1, 64, "texts in a batch")
    norm: bool = setting(False, about="yes normalises token and position as one before the map: no sum any more")

    def quick(self) -> Settings:
        """Half the texts."""
        return replace(self, texts=max(1, self.texts // 2))

    def bytes_needed(self) -> float:
        """The batch joined and mapped, with gradients, and the maps."""
        joined = self.width + max(self.features)
        return 8.0 * (10 * self.texts * self.tokens * joined + 6 * joined * self.width + 6 * self.tokens * joined)


COLUMNS = (
    Column("features", "numbers beside the token"),
    Column("weights", "weights of the map"),
    Column("outputs", "outputs differ by", digits=1),
    Column("gradients", "gradients differ by", digits=1),
    Column("share", "share of a table", digits=3),
    Column("rank", "rank of what is added", detail=True),
    Column("plain", "plain addition differs by", digits=1, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Random tokens, positions and maps for each number of features."""
    for features in run.over(sorted(set(run.settings.features)), "{} features"):
        yield measure_row(run.settings, features, run.generator(features))


def measure_row(settings: Settings, features: int, rng: np.random.Generator) -> dict[str, Any]:
    """x: (B, T, C), p: (T, P), W: (C + P, C): both ways, forward and backward; and what P features hold of a table."""
    width, tokens = settings.width, settings.tokens
    x, p = rng.standard_normal((settings.texts, tokens, width)), rng.standard_normal((tokens, features))
    dy = rng.standard_normal(x.shape)
    w = Linear(width + features, width, rng, bias=False, dtype="float64").w.value
    joined, beside = joined_way(x, p, w, dy, settings.norm), added_way(x, p, w, dy)
    values = np.linalg.svd(rng.standard_normal((tokens, width)), compute_uv=False) ** 2
    tied = np.concatenate([w[:width], w[:width]])
    square = rng.standard_normal((tokens, width))
    return {
        "features": features,
        "weights": int(w.size),
        "outputs": largest_difference(joined["y"], beside["y"]),
        "gradients": largest(largest_difference(joined[key], beside[key]) for key in ("dx", "dp", "dw")),
        "share": float(values[:features].sum() / values.sum()),
        "rank": int(np.linalg.matrix_rank(p @ w[width:])),
        "plain": largest_difference(
            joined_way(x, square, tied, dy)["y"], linear_forward(add_positions_forward(x, square)[0], w[:width])[0]
        ),
    }


def joined_way(
    x: np.ndarray, p: np.ndarray, w: np.ndarray, dy: np.ndarray, norm: bool = False
) -> Mapping[str, np.ndarray]:
    """y = [x, p] W and its gradients.  norm: y = norm([x, p]) W, to see which checks notice; its gradients are W's."""
    both, positions = concat_positions_forward(x, p)
    if norm:
        ones = np.ones(both.shape[-1])
        both, _ = layer_norm_forward(both, ones, 0 * ones)
    y, linear = linear_forward(both, w)
    dboth, dw, _ = linear_backward(dy, linear)
    dx, dp = concat_positions_backward(dboth, positions)
    return {"y": y, "dx": dx, "dp": dp, "dw": dw}


def added_way(x: np.ndarray, p: np.ndarray, w: np.ndarray, dy: np.ndarray) -> Mapping[str, np.ndarray]:
    """y = x W1 + p W2 and its gradients."""
    width = x.shape[-1]
    token, of_token = linear_forward(x, w[:width])
    place, of_place = linear_forward(p, w[width:])
    y, positions = add_positions_forward(token, place)
    dtoken, dplace = add_positions_backward(dy, positions)
    (dx, dw1, _), (dp, dw2, _) = linear_backward(dtoken, of_token), linear_backward(dplace, of_place)
    return {"y": y, "dx": dx, "dp": dp, "dw": np.concatenate([dw1, dw2])}


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings

    def most(key: str) -> float:
        return largest(row[key] for row in rows)

    full = [row for row in rows if row["features"] >= min(settings.tokens, settings.width)]
    few = [row["share"] for row in rows if row not in full]
    return (
        agree("outputs", "joined and mapped equals mapped and added: worst difference", most("outputs"), to=1e-11),
        agree("gradients", "... and so do the gradients of token, position and map", most("gradients"), to=1e-10),
        agree("plain", "plain addition is the case of two equal halves: worst difference", most("plain"), to=1e-11),
        agree(
            "rank",
            "so many numbers of a position add a table of that rank: worst difference",
            [row["rank"] for row in rows],
            [min(row["features"], settings.tokens, settings.width) for row in rows],
            to=0,
        ),
        at_least(
            "fewer-lose",
            "with fewer of them than tokens and width, so much of a table is lost",
            0.01,
            1 - largest(few) if few else 1.0,
        ),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    width, features = run.settings.width, middle(run)
    return (
        f"Beside a token of {width} numbers stand {features} of its position. How many weights has the map back to "
        f"{width}?"
    )


def middle(run: Run[Settings]) -> int:
    features = sorted(set(run.settings.features))
    return features[len(features) // 2]


def question(run: Run[Settings]) -> Question:
    width, features = run.settings.width, middle(run)
    row = next(row for row in run.rows if row["features"] == features)
    return Question(prompt(run), row["weights"], 0.0, f"It is ({width} + {features}) x {width}.")


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    outputs, first, last = largest(row["outputs"] for row in run.rows), run.rows[0], run.rows[-1]
    how = "after a norm over both" if run.settings.norm else "joined and mapped, or mapped and added"
    return (
        Text(
            f"Outputs {how}: they differ by at most {outputs:.1g}. A position of width {first['features']} can "
            f"add {first['share']:.0%} of a random table, one of width {last['features']} {last['share']:.0%}."
        ),
        Text(
            "A product with joined vectors is a sum of two products. Added positions (Vaswani et al. 2017, section "
            "3.5) spend no weights on it: the first map of each layer reads the sum. It cannot treat the two parts "
            "differently, unless training gives them different directions."
        ),
        Text(
            "A learned table that is added can be any table, so joining adds nothing to it. The last column takes a "
            "random table and the best that so many numbers can do (Eckart and Young 1936)."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    features, last = [row["features"] for row in run.rows], run.rows[-1]
    return (
        Plot(
            f"A position of width {run.rows[0]['features']} beside the token can add {run.rows[0]['share']:.0%} of a "
            f"random table, one of width {last['features']} {last['share']:.0%}",
            "width of the position beside the token",
            "share of a random table that can be added",
            (
                Series("best for that width", features, [row["share"] for row in run.rows]),
                Series("all of it", [features[0], features[-1]], [1.0, 1.0], kind="line"),
            ),
        ),
    )
