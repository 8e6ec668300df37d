"""Where the norm of a residual block stands, and what that does to the stream and to the gradients of random weights.

    pre-LN    y = x + f(norm(x))        post-LN    y = norm(x + f(x))        third form    y = x + norm(f(x))

The size of the stream is the root of its mean square, at the end of the last block.  Random signs make x and f
uncorrelated, so squares add up: 1 + 2L after L blocks of the third form, whose outputs have size 1; 1 always in
post-LN.  Pre-LN adds what attention gives, at most 1, and the feed-forward network's 2r / (1 + r)^2, for Xavier
weights, ReLU and r = d_ff / d_model.  One norm stands at the end of pre-LN and of the third form: it divides the
gradient of the last block by that size, which grows like the root of L.
Sources: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", theorem 1; the third form: Liu et
al. 2022, "Swin Transformer V2", section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.lab.block.norm_placement_plots import in_words, placement_plots
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import distance_in_se, mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, between, largest, within
from tfx.nn.block_settings import StackSettings
from tfx.nn.stacks import EncoderStack, make_final_norm
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import require_multiple, setting

QUESTION = "Where should the norm stand: pre-LN, post-LN, or x + norm(f(x))?"
TITLE = "Stream and gradients of random blocks, for three places of the norm"
CLAIM = (
    "At the start of training pre-LN's gradients near the output shrink with depth and post-LN's stay large. "
    "x + norm(f(x)), at times printed as post-LN, makes those near the input explode."
)
BREAK_IT = ("--set final_norm=no", "--set depths=2,6")
HOST_ONLY = "Small stacks of random weights, one after the other: nothing for a card."

#: What the places are called, and the library's names of them.
PLACES = {"pre-LN": "pre", "post-LN": "post", "third form": "inner"}
#: A gradient that stays changes by less than this factor between the fewest blocks and the most.
STAYS = 2.0
#: What is left of one that vanishes, as a logarithm.
VANISHED = -2.0
#: By theory the last gradient of pre-LN goes like depth to this power; how far a fit over few depths may be from it.
POWER, NEAR = -0.5, 0.2
#: d_ff over d_model.
RATIO = 4


@dataclass(frozen=True)
class Settings:
    depths: tuple[int, ...] = setting((2, 6, 12, 24), 1, 200, "blocks in a stack", at_least=2)
    width: int = setting(32, 8, 256, "numbers in a token, a multiple of 4")
    tokens: int = setting(16, 2, 256, "tokens that attend to each other")
    draws: int = setting(20, 2, 1000, "stacks of random weights for each row")
    final_norm: bool = setting(True, about="no leaves the norm after the last block out, to see which checks notice")

    def quick(self) -> Settings:
        """Half of the stacks."""
        return replace(self, draws=max(2, self.draws // 2))

    def full(self) -> Settings:
        """Up to 96 blocks, and five times as many stacks."""
        return replace(self, depths=(2, 6, 12, 24, 48, 96), draws=5 * self.draws)

    def check(self) -> None:
        """Four heads share the width."""
        require_multiple("width", self.width, 4)

    def bytes_needed(self) -> float:
        """The deepest stack: weights and their gradients, and what the backward keeps."""
        a_block = 2 * (4 + 2 * RATIO) * self.width**2 + 30 * self.tokens * self.width + 12 * self.tokens**2
        return 8.0 * max(self.depths) * a_block


COLUMNS = (
    Column("place", "norm"),
    Column("depth", "blocks"),
    Column("size", "size of the stream", digits=3),
    Column("size_se", "its standard error", digits=2, detail=True),
    Column("first", "gradient, first block", digits=3),
    Column("last", "gradient, last block", digits=3),
    Column("query", "query gradient, last block", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every place at every depth, with the same draws for all."""
    keys = [(place, depth) for place in PLACES for depth in sorted(set(run.settings.depths))]
    for place, depth in run.over(keys, "{0[0]}, {0[1]} blocks"):
        yield measure_row(run, place, depth)


class Stacked(NamedTuple):
    """square: mean square of the stream; feed_forward: (depth,), norms of the gradients of each block's last map;
    query: that of the last block's query map."""

    square: float
    feed_forward: np.ndarray
    query: float


def measure_row(run: Run[Settings], place: str, depth: int) -> dict[str, Any]:
    found = []
    for draw in range(run.settings.draws):
        run.saying(f"{place}, {depth} blocks: stack {draw + 1} of {run.settings.draws}")(draw, run.settings.draws)
        found.append(through_stack(run.settings, place, depth, run.generator(draw)))
    square, square_se = mean_with_error(np.array([one.square for one in found]))
    by_block = np.exp(np.mean([np.log(one.feed_forward) for one in found], axis=0))
    return {
        "place": place,
        "depth": depth,
        "size": math.sqrt(square),
        "size_se": square_se / (2 * math.sqrt(square)),
        "first": float(by_block[0]),
        "last": float(by_block[-1]),
        "query": float(np.exp(np.mean([np.log(max(one.query, 1e-300)) for one in found]))),
        "by_block": by_block.tolist(),
    }


def through_stack(settings: Settings, place: str, depth: int, rng: np.random.Generator) -> Stacked:
    """One stack of random blocks, forward from normal tokens and backward from a random gradient of norm 1."""
    shape = (1, settings.tokens, settings.width)
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    sizes = StackSettings(
        settings.width,
        4,
        RATIO * settings.width,
        depth,
        norm_place=PLACES[place],
        activation="relu",
        dtype="float64",
        final_norm=False,
    )
    stack = EncoderStack(sizes, rng)
    stream, cache = stack.forward(x)
    dstream = dy / norm(dy)
    final = make_final_norm(sizes) if settings.final_norm else None
    if final is not None:
        _, normed = final.forward(stream)
        dstream = final.backward(dstream, normed)
    stack.backward(dstream, cache)
    return Stacked(
        float((stream * stream).mean()),
        np.array([norm(block.feed_forward.second.w.grad) for block in stack.blocks]),
        norm(stack.blocks[-1].attention.query.w.grad),
    )


def norm(x: np.ndarray) -> float:
    return math.sqrt(float((x * x).sum()))


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    pre, post, third = (of_place(run.rows, place) for place in PLACES)
    depth, added = pre[-1]["depth"], 2 * RATIO / (1 + RATIO) ** 2
    far = largest(
        distance_in_se(row["size"] ** 2, 1 + 2 * row["depth"], 2 * row["size"] * row["size_se"]) for row in third
    )
    return (
        agree("post-size", "post-LN: the stream has size 1 at every depth", [row["size"] for row in post], 1.0, 1e-3),
        at_most("third-size", "third form: size squared from 1 + 2 a block, worst, in standard errors", 5.0, far),
        between(
            "pre-size",
            f"pre-LN: a block adds to size squared, over {depth} blocks",
            added,
            1 + added,
            (pre[-1]["size"] ** 2 - 1) / depth,
        ),
        within("pre-falls", "pre-LN: the last gradient goes like depth to the power", POWER, power(pre), NEAR),
        stays(
            "size-divides",
            "pre-LN: last gradient times size of the stream, most blocks over fewest",
            [row["last"] * row["size"] for row in pre],
        ),
        stays("post-stays", "post-LN: last gradient, most blocks over fewest", [row["last"] for row in post]),
        stays("pre-first-stays", "pre-LN: first gradient, most blocks over fewest", [row["first"] for row in pre]),
        at_least(
            "third-explodes",
            "third form: gradient of the first block over the last block's, at least the number of blocks",
            float(depth),
            third[-1]["first"] / third[-1]["last"],
        ),
        at_most(
            "post-query-vanishes",
            "post-LN: last block's query gradient, most blocks over fewest, in log10",
            VANISHED,
            math.log10(post[-1]["query"] / post[0]["query"]),
        ),
    )


def of_place(rows: Sequence[Mapping[str, Any]], place: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["place"] == place]


def power(rows: Sequence[Mapping[str, Any]]) -> float:
    """p of gradient ~ depth^p between the fewest blocks and the most."""
    return math.log(rows[-1]["last"] / rows[0]["last"]) / math.log(rows[-1]["depth"] / rows[0]["depth"])


def stays(id: str, statement: str, values: Sequence[float]) -> Check:
    return between(id, statement, 1 / STAYS, STAYS, values[-1] / values[0])


# Saying


def prompt(run: Run[Settings]) -> str:
    return f"From size 1, how large is x after {max(run.settings.depths)} blocks of x + norm(f(x))?"


def question(run: Run[Settings]) -> Question:
    row = of_place(run.rows, "third form")[-1]
    explanation = f"Each adds two outputs of size 1: squares add up to {1 + 2 * row['depth']}."
    return Question(prompt(run), row["size"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """Of each place the fewest blocks and the most."""
    depths = [row["depth"] for row in run.rows]
    return tuple(index for index, depth in enumerate(depths) if depth in (min(depths), max(depths)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    pre, post, third = (of_place(run.rows, place) for place in PLACES)
    fewest, most = pre[0]["depth"], pre[-1]["depth"]
    ratio = in_words(third[-1]["first"] / third[-1]["last"])
    ended = "" if run.settings.final_norm else " No norm stands at the end."
    return (
        Text(
            f"From {fewest} to {most} blocks the last block's gradient goes from {pre[0]['last']:.2g} to "
            f"{pre[-1]['last']:.2g} in pre-LN, from {post[0]['last']:.2g} to {post[-1]['last']:.2g} in post-LN. In the "
            f"third form the first block gets {ratio} times the last one's.{ended}"
        ),
        Text(
            "Large gradients near the output from the first step on are why post-LN wants a warm-up (Xiong et al. "
            "2020, theorem 1). Pre-LN's shrink because its stream grows, and the norm at the end divides by its size."
        ),
        Text(
            f"No place avoids vanishing gradients as such: with {most} blocks of post-LN the last block's query map "
            f"gets {post[-1]['query']:.1g}, with {fewest} {post[0]['query']:.2g}, as its tokens have become alike and "
            "there is little to choose between. "
            f"In pre-LN it is {pre[-1]['query']:.1g} after {pre[0]['query']:.2g}."
        ),
        Text(
            "Of the third form a norm makes every output as large as the stream began, whatever f gave, so a small f "
            "is blown up, and its gradient with it. Swin V2 uses this form, with a gain that starts small (Liu et al. "
            "2022, section 3.2)."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return placement_plots({place: of_place(run.rows, place) for place in PLACES})
