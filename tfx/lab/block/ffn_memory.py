"""The feed-forward network as a memory: one unit planted for each fact, and the same facts learned by gradient.

    y = sum over hidden units of relu(x . k_i + b_i) v_i + b        k_i: column i of W_1, v_i: row i of W_2

A fact is a pair of random vectors, a key and what the network shall say there.  A planted unit answers where the cosine
with its key is above 1 - selectivity.  Random directions of C numbers have a cosine t with density proportional to
(1 - t^2)^((C - 3) / 2): so often another fact's unit answers too.  What the whole network says is right when the
nearest of all values is the fact's own.
Sources: Geva et al. 2021, "Transformer Feed-Forward Layers Are Key-Value Memories", section 2; Meng et al. 2022,
"Locating and Editing Factual Associations in GPT", section 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.lab.block.feed_forward_memory import Memory, with_slot
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, largest, near
from tfx.nn.feed_forward import FeedForward
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.train.loop import LossValue, train

QUESTION = "Is a feed-forward network a memory of keys and values, one unit for each fact?"
TITLE = "Facts in the hidden units of a feed-forward network"
CLAIM = (
    "A feed-forward network can be read as a memory: each hidden unit has a key, and adds its value where the input "
    "is like the key. Delete the unit, and its fact is gone."
)
BREAK_IT = ("--set selectivity=1.5", "--set steps=5")
HOST_ONLY = "A few dozen vectors: nothing for a card."

#: A unit carries other facts when deleting it moves what the network says there by at least this share of a value.
MOVED = 0.01
#: Shares of the facts that count as nearly all, as many and as few.
NEARLY_ALL, MANY, FEW = 0.95, 0.25, 0.05
PLANTED, LEARNED = "planted", "learned"


@dataclass(frozen=True)
class Settings:
    widths: tuple[int, ...] = setting((4, 16, 128), 4, 1024, "numbers in a token", at_least=2)
    facts: int = setting(16, 2, 256, "pairs of a key and a value")
    selectivity: float = setting(0.5, 0.01, 2.0, "a planted unit answers above a cosine of 1 - this")
    draws: int = setting(20, 2, 1000, "networks for each row")
    steps: int = setting(200, 1, 10_000, "steps of AdamW that learn the facts")

    def quick(self) -> Settings:
        """A quarter of the networks."""
        return replace(self, draws=max(2, self.draws // 4))

    def bytes_needed(self) -> float:
        """Both maps with gradients and what AdamW keeps, and the outputs without each unit."""
        return 8.0 * max(self.widths) * (10 * self.facts + 4 * self.facts**2)


COLUMNS = (
    Column("way", "facts are"),
    Column("width", "width of a token"),
    Column("right", "facts right", digits=3),
    Column("lost", "facts lost with a unit", digits=3),
    Column("lost_se", "standard error", digits=2, detail=True),
    Column("moved", "others that it moves", digits=3),
    Column("by_law", "by theory", digits=3, detail=True),
    Column("identity", "sum over units, difference", digits=2, detail=True),
)


class Found(NamedTuple):
    """right: share of the facts that the network says; lost: mean number of facts that go with one unit; moved: share
    of the other facts that it moves; back: how far its own is from what was said before it was planted; identity:
    largest difference between the layer and the sum over its units."""

    right: float
    lost: float
    moved: float
    back: float
    identity: float


def rows(run: Run[Settings]) -> Measured:
    """Both ways at every width."""
    keys = [(way, width) for way in (PLANTED, LEARNED) for width in sorted(set(run.settings.widths))]
    for way, width in run.over(keys, "{0[0]}, width {0[1]}"):
        found = []
        for draw in range(run.settings.draws):
            run.saying(f"{way}, width {width}: network {draw + 1} of {run.settings.draws}")(draw, run.settings.draws)
            found.append(measure_network(run.settings, way, width, run.generator(width, draw)))
        lost, lost_se = mean_with_error(np.array([one.lost for one in found]))
        yield {
            "way": way,
            "width": width,
            "right": float(np.mean([one.right for one in found])),
            "lost": lost,
            "lost_se": lost_se,
            "moved": float(np.mean([one.moved for one in found])),
            "by_law": share_above(1 - run.settings.selectivity, width) if way == PLANTED else None,
            "back": largest(one.back for one in found) if way == PLANTED else None,
            "identity": largest(one.identity for one in found),
        }


def measure_network(settings: Settings, way: str, width: int, rng: np.random.Generator) -> Found:
    """Random facts on top of a random network, planted or learned; then each of its units is deleted in turn."""
    keys, values = (directions(settings.facts, width, rng) for _ in range(2))
    layer = FeedForward(width, settings.facts, rng, "relu", dtype="float64")
    if way == PLANTED:
        before = as_memory(layer)
        memory = planted(before, keys, values - before.read(keys), settings.selectivity)
        first = settings.facts  # the units before are the random network's
    else:
        learn(layer, keys, values, settings.steps, int(rng.integers(2**31)))
        before = memory = as_memory(layer)
        first = 0
    said = memory.read(keys)
    every = memory.coefficients(keys)[:, :, None] * memory.values  # (facts, units, C): what each unit adds
    apart = every[:, first:]
    without = said[:, None] - apart
    right = spoken(said, values)
    kept = np.array([spoken(without[:, unit], values) for unit in range(apart.shape[1])])  # (units, facts)
    moved = np.sqrt((apart**2).sum(axis=-1)) >= MOVED  # (facts, units): values have length 1
    own = np.arange(settings.facts)
    return Found(
        float(right.mean()),
        float((right & ~kept).sum(axis=1).mean()),
        float(moved[np.eye(*moved.shape) == 0].mean()),
        float(np.abs(without[own, own] - before.read(keys)).max()) if way == PLANTED else 0.0,
        float(np.abs(as_layer(memory).forward(keys)[0] - (every.sum(axis=1) + memory.offset)).max()),
    )


def planted(memory: Memory, keys: np.ndarray, values: np.ndarray, selectivity: float) -> Memory:
    """One unit more for each fact, that adds its value at its key."""
    for key, value in zip(keys, values, strict=True):
        memory = with_slot(memory, key, value, selectivity)
    return memory


def learn(layer: FeedForward, keys: np.ndarray, values: np.ndarray, steps: int, seed: int) -> None:
    """Squared error on all facts at once, by AdamW without decay."""

    def squared_error(layer: FeedForward, facts: tuple[np.ndarray, np.ndarray], rng: Any) -> LossValue:
        y, cache = layer.forward(facts[0])
        away = y - facts[1]
        layer.backward(2 * away / len(away), cache)  # loss = sum of away^2, as a mean over facts
        return LossValue(float((away * away).sum() / len(away)), len(away))

    optimizer = AdamW(layer, weight_decay=0.0)
    for _ in train(layer, lambda rng: (keys, values), squared_error, optimizer, lambda step: 0.02, steps, seed=seed):
        pass


def directions(n: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """(n, width), rows of length 1."""
    x = rng.standard_normal((n, width))
    return x / np.sqrt((x * x).sum(axis=1, keepdims=True))


def spoken(said: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(facts,) bool: whether the value nearest to what is said is the fact's own."""
    distances = ((said[:, None] - values) ** 2).sum(axis=-1)
    return np.asarray(distances.argmin(axis=1) == np.arange(len(values)))


def as_memory(layer: FeedForward) -> Memory:
    """The memory that the layer is, with weights of its own."""
    w1, b1, w2, b2 = (parameter.value.copy() for parameter in layer.parameters().values())
    return Memory(w1.T, b1, w2, b2, layer.activation)


def as_layer(memory: Memory) -> FeedForward:
    """The feed-forward network with these units."""
    units, width = memory.keys.shape
    layer = FeedForward(width, units, np.random.default_rng(0), memory.activation, dtype="float64")
    stored = (memory.keys.T, memory.thresholds, memory.values, memory.offset)
    for parameter, value in zip(layer.parameters().values(), stored, strict=True):
        parameter.value[...] = value
    return layer


def share_above(cosine: float, width: int) -> float:
    """How often two random directions of that width have a larger cosine, by the midpoint rule."""
    angles = (np.arange(20_000) + 0.5) * math.pi / 20_000
    density = np.sin(angles) ** (width - 2)  # of the angle: t = cos, dt = -sin
    return float(density[np.cos(angles) > cosine].sum() / density.sum())


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    put, learned = (of_way(run.rows, way) for way in (PLANTED, LEARNED))
    narrow, wide, facts = put[0], put[-1], run.settings.facts
    pairs = run.settings.draws * facts * (facts - 1) / 2
    error = math.sqrt(narrow["by_law"] * (1 - narrow["by_law"]) / pairs)
    most_lost = learned[0]["lost"] - 3 * learned[0]["lost_se"]
    more = learned[0]["right"] - narrow["right"]
    return (
        agree("identity", "the layer is the sum over its units", [row["identity"] for row in run.rows]),
        at_least("planted-right", "planted, widest token: share of facts that are right", NEARLY_ALL, wide["right"]),
        agree("deleted", "planted, widest: without its unit a key gives what it gave before", wide["back"]),
        at_most("one-fact", "planted, widest token: other facts that a unit moves", FEW, wide["moved"]),
        near("crowded", "planted, narrowest: that share for random keys", narrow["by_law"], narrow["moved"], error),
        at_least("learned-right", "narrowest: share that is right of learned facts, less of planted ones", MANY, more),
        at_least("learned-shared", "learned, widest: other facts that a unit moves", FEW, learned[-1]["moved"]),
        at_least("learned-many", "learned, narrowest: facts lost with a unit, less 3 standard errors", 1.0, most_lost),
    )


def of_way(rows: Sequence[Mapping[str, Any]], way: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["way"] == way]


# Saying


def prompt(run: Run[Settings]) -> str:
    return f"{run.settings.facts} facts, a unit planted for each: how many go with one unit?"


def question(run: Run[Settings]) -> Question:
    row = of_way(run.rows, PLANTED)[-1]
    explanation = f"Its own; by chance {1 - row['lost']:.0%} stay right without it."
    return Question(prompt(run), row["lost"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    widths = [row["width"] for row in run.rows]
    return tuple(index for index, width in enumerate(widths) if width in (min(widths), max(widths)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    put, learned = (of_way(run.rows, way) for way in (PLANTED, LEARNED))
    return (
        Text(
            f"At width {put[-1]['width']} a planted unit takes {put[-1]['lost']:.2g} facts with it and moves "
            f"{put[-1]['moved']:.0%} of the others; one that was learned moves {learned[-1]['moved']:.0%} of them. At "
            f"width {put[0]['width']} a learned unit takes {learned[0]['lost']:.2g} facts."
        ),
        Text(
            "The sum over units is the same function, for any feed-forward network (Geva et al. 2021, section 2). That "
            "a unit has one fact is another statement: it is so where it was planted so, and not where gradients found "
            "the weights."
        ),
        Text(
            f"In narrow tokens random keys are alike, and a planted unit answers to other keys too: at width "
            f"{put[0]['width']} {put[0]['right']:.0%} of the planted facts are right, of the learned ones "
            f"{learned[0]['right']:.0%}, as gradients share the units out."
        ),
        Text(
            "Editors of trained models change one map so that it says another value at one key (Meng et al. 2022, "
            "section 3). This network is small and its keys are random: what units of a trained language model hold is "
            "not measured here."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    put, learned = (of_way(run.rows, way) for way in (PLANTED, LEARNED))
    widths = [row["width"] for row in put]
    return (
        Plot(
            f"At width {widths[-1]} a planted unit moves {put[-1]['moved']:.0%} of the other facts, a learned one "
            f"{learned[-1]['moved']:.0%}; at width {widths[0]}, {put[0]['moved']:.0%} and {learned[0]['moved']:.0%}",
            "width of a token",
            "share of the other facts that a unit moves",
            (
                Series(PLANTED, widths, [row["moved"] for row in put]),
                Series("planted, by theory", widths, [row["by_law"] for row in put], kind="line"),
                Series(LEARNED, widths, [row["moved"] for row in learned]),
            ),
            log_x=True,
        ),
    )
