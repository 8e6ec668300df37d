"""Is attention an explanation?  Weights against what leaving a key out changes, and against other weights.

Two arguments say no: the order of the weights is not the order in which words matter, and other weights give the very
same output (Jain and Wallace 2019).  Two answers: it depends on what is asked to be explained, and weights that a
trained model would not give refute nothing about those it gives (Wiegreffe and Pinter 2019).  Both sides are measured,
on random heads and on two trained pronoun models, whose row "it" is said to show what "it" stands for.

Sources: Jain and Wallace 2019, "Attention is not Explanation"; Wiegreffe and Pinter 2019, "Attention is not not
Explanation"; Brunner et al. 2020, "On Identifiability in Transformers"; Kobayashi et al. 2020.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.pronouns import sentences
from tfx.lab.attention.leave_one_out import LeavingOut, head_without_each
from tfx.lab.attention.other_weights import other_weights
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.rank_agreement import kendall_tau
from tfx.measure.verdicts import at_least, at_most, largest, smallest
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.shipped.load import load

QUESTION = "Is attention an explanation?  Weights against what leaving a word out changes"
TITLE = "Attention weights, leaving keys out, and other weights"
CLAIM = (
    "Attention weights show what a model relies on, says one side; they are no explanation, says the other, as other "
    "weights would give the same output."
)
BREAK_IT = ("--set d_v=31", "--set uneven=0")
HOST_ONLY = "It asks small models one sentence at a time: nothing for a card."

HEAD, UNEVEN, WIDE = "one head", "one, uneven", "one, wide"
#: Of a model a key is closed in the last layer, or in both.
PLAIN, PLAIN_ALL = "plain, last", "plain, both"
POINTING, POINTING_ALL, FRESH = "pointing, last", "pointing, both", "untrained, last"
MODELS = {
    PLAIN: ("plain", False),
    PLAIN_ALL: ("plain", True),
    POINTING: ("pointing", False),
    POINTING_ALL: ("pointing", True),
    FRESH: ("untrained", False),
}
ROUNDING = 1e-9
#: Intervals are so many standard errors to each side.
ERRORS = 3.0


@dataclass(frozen=True)
class Settings:
    heads: int = setting(400, 10, 20_000, "random heads")
    keys: int = setting(32, 3, 128, "keys of such a head")
    d_v: int = setting(8, 1, 128, "width of its values; at least keys - 1 and no other weights are left")
    uneven: float = setting(1.0, 0.0, 3.0, "standard deviation of the log of the length of values")
    sentences: int = setting(120, 10, 5000, "sentences for the trained models")

    def quick(self) -> Settings:
        """A quarter of the heads, half of the sentences."""
        return replace(self, heads=max(10, self.heads // 4), sentences=max(10, self.sentences // 2))

    def full(self) -> Settings:
        """Ten times as many."""
        return replace(self, heads=min(10 * self.heads, 20_000), sentences=min(10 * self.sentences, 5000))

    def bytes_needed(self) -> float:
        """One head, or one sentence in as many copies as it has words, at a time."""
        return 8.0 * (8 * self.keys**2 + 4 * self.keys * (self.d_v + self.keys)) + 2**24


COLUMNS = (
    Column("what", "weights of"),
    Column("order", "same order", digits=2),
    Column("order_error", "standard error", digits=2, detail=True),
    Column("top", "top key matters most", digits=2),
    Column("top_error", "standard error", digits=2, detail=True),
    Column("moved", "weight that may move", digits=2),
    Column("gone", "top key may have 0", digits=2),
)


class Reading(NamedTuple):
    """One head or sentence.  order: Kendall's tau of weights and changes; top: whether the largest of both fall
    together; moved, gone: how much weight other weights move, and whether the top key may be left with none; off: how
    far their output is off; formula: how far the changes are from p_j |v_j - o| / (1 - p_j), for a head."""

    order: float
    top: float
    moved: float
    gone: float
    off: float
    formula: float


def rows(run: Run[Settings]) -> Measured:
    """Random heads, with the same queries and keys, then the models, on the same sentences."""
    for what in run.over((HEAD, UNEVEN, WIDE, *MODELS), "{}"):
        with blas_threads(1):
            found = list(of_models(run, what) if what in MODELS else of_heads(run, what))
        yield summed_up(what, found)


def summed_up(what: str, found: list[Reading]) -> dict[str, Any]:
    parts = {key: np.array(values) for key, values in zip(Reading._fields, zip(*found, strict=True), strict=True)}
    row: dict[str, Any] = {"what": what, "n": len(found)}
    for key in ("order", "top"):
        row[key], row[f"{key}_error"] = mean_with_error(parts[key])
    row |= {key: float(parts[key].mean()) for key in ("moved", "gone")}
    return row | {key: largest(parts[key]) for key in ("off", "formula")}


# Measuring


def of_heads(run: Run[Settings], what: str) -> Iterator[Reading]:
    """Random heads with scores of variance 1."""
    settings = run.settings
    for draw in range(settings.heads):
        rng = run.generator(draw)
        q, k = rng.standard_normal((1, 16)), rng.standard_normal((settings.keys, 16))
        lengths = np.exp(settings.uneven * rng.standard_normal((settings.keys, 1)))
        v = rng.standard_normal((settings.keys, settings.keys if what == WIDE else settings.d_v))
        v = v * lengths if what == UNEVEN else v
        out, cache = attention_forward(q, k, v)
        p = cache.weights[0]
        change = np.linalg.norm(head_without_each(q, k, v) - out, axis=-1)
        law = p * np.linalg.norm(v - out, axis=-1) / (1 - p)
        yield reading(p, change, p[None], v[None], abs(change - law).max())


def of_models(run: Run[Settings], what: str) -> Iterator[Reading]:
    """Sentences whose two nouns never met in training; the heads of the last layer are averaged."""
    name, everywhere = MODELS[what]
    seed = int(run.generator(0, 1).integers(2**31))
    shipped = load("plain" if name == "untrained" else name, untrained=name == "untrained", seed=seed)
    asked = LeavingOut(shipped.model)
    for done, sentence in enumerate(sentences(run.settings.sentences, seed, held_out=True)):
        run.saying(what)(done, run.settings.sentences)
        found = asked.ask(sentence)
        change = found.everywhere if everywhere else found.last_layer
        yield reading(found.weights.mean(axis=0), change, found.weights, found.values, 0.0)


def reading(p: np.ndarray, change: np.ndarray, weights: np.ndarray, values: np.ndarray, formula: float) -> Reading:
    """p, change: (S,); weights: (H, S), values: (H, S, D), each head's own."""
    others = [other_weights(row, value) for row, value in zip(weights, values, strict=True)]
    return Reading(
        order=kendall_tau(p, change),
        top=float(p.argmax() == change.argmax()),
        moved=float(np.mean([abs(other - row).sum() / 2 for other, row in zip(others, weights, strict=True)])),
        gone=float(np.mean([other[row.argmax()] == 0 for other, row in zip(others, weights, strict=True)])),
        off=largest(
            abs(other @ value - row @ value).max() for other, row, value in zip(others, weights, values, strict=True)
        ),
        formula=float(formula),
    )


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    table = {row["what"]: row for row in run.rows}
    head, uneven, wide, plain = (table[what] for what in (HEAD, UNEVEN, WIDE, PLAIN))
    trained = [table[what] for what in (PLAIN, POINTING)]
    return (
        at_most(
            "closed-form",
            "leaving a key out moves a head by p |v - o| / (1 - p): the worst head",
            ROUNDING,
            largest(table[what]["formula"] for what in (HEAD, WIDE, UNEVEN)),
        ),
        at_most(
            "same-output",
            "other weights give the same output: the worst",
            ROUNDING,
            largest(r["off"] for r in run.rows),
        ),
        at_least("others", "the top key of a random head may have weight 0, in a share of heads", 0.5, head["gone"]),
        at_most("unique", "... but with values as wide as keys are many no weight may move", ROUNDING, wide["moved"]),
        at_least(
            "one-layer",
            "in the last layer of a trained model the top word matters most: lower end of the share",
            0.5,
            smallest(row["top"] - ERRORS * row["top_error"] for row in trained),
        ),
        falls(
            "not-words",
            "with words closed in both layers the plain model's order agrees less",
            plain,
            table[PLAIN_ALL],
            "order",
        ),
        falls("values", "where lengths of values differ, the top weight matters most less often", head, uneven, "top"),
    )


def falls(id: str, statement: str, before: dict[str, Any], after: dict[str, Any], key: str) -> Check:
    """The lower end of the difference is above 0."""
    error = math.hypot(before[f"{key}_error"], after[f"{key}_error"])
    return at_least(id, f"{statement}: lower end", 0.0, before[key] - after[key] - ERRORS * error)


# Saying


def prompt(run: Run[Settings]) -> str:
    n, d_v = run.settings.keys, run.settings.d_v
    return (
        f"{n} keys, values of width {d_v}: in which share of heads can the key with the largest weight have weight 0 "
        "instead, at the same output?"
    )


def question(run: Run[Settings]) -> Question:
    head = run.rows[0]
    fixed = min(run.settings.d_v + 1, run.settings.keys)
    explanation = f"The output and the sum fix {fixed} of {run.settings.keys} numbers; the rest is free."
    return Question(prompt(run), head["gone"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return (0, 1, 2, 3, 4)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    table = {row["what"]: row for row in run.rows}
    head, plain, plain_all = table[HEAD], table[PLAIN], table[PLAIN_ALL]
    return (
        Text(
            f"Inside the last layer the top word matters most in {plain['top']:.0%} of sentences; closed in both "
            f"layers, in {plain_all['top']:.0%}. In {head['gone']:.0%} of random heads the top key could have weight 0 "
            "at the same output."
        ),
        Text(
            "No explanation, say Jain and Wallace 2019: order and other weights. Not refuted, say Wiegreffe and Pinter "
            "2019: what counts is the purpose, and weights that no trained model gives. Where there are no more keys "
            "than widths, weights are the only ones (Brunner et al. 2020), as in these pronoun models."
        ),
        Text(
            "A weight is half of the story: in one head the change is the weight times the distance of the value from "
            f"the output. With uneven values the top weight matters most in {table[UNEVEN]['top']:.0%} of heads, else "
            f"in {head['top']:.0%} (Kobayashi et al. 2020 on weight and value together)."
        ),
        Text(
            f"Before training the top weight of the last layer matters most in {table[FRESH]['top']:.0%} of sentences. "
            f"The pointing model was trained to point: {table[POINTING]['top']:.0%} in its last layer, "
            f"{table[POINTING_ALL]['top']:.0%} in both, because words have told each other before. Order is Kendall's "
            f"tau; {plain['n']} sentences, {head['n']} heads, one model of each kind."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    places = [float(place) for place in range(1, len(run.rows) + 1)]
    order = [row["order"] for row in run.rows]
    table = {row["what"]: row for row in run.rows}
    return (
        Plot(
            f"The top word matters most: {table[PLAIN]['top']:.0%} in the last layer of the plain model, "
            f"{table[PLAIN_ALL]['top']:.0%} where a word is closed in both",
            "1-3: heads (even, uneven, wide values)  4-5: plain  6-7: pointing (last, both layers)  8: untrained",
            "agreement of weights with leaving out",
            (
                Series("top key matters most (share)", places, [row["top"] for row in run.rows], errors(run, "top")),
                Series("same order (Kendall's tau)", places, order, errors(run, "order")),
                Series("no relation (tau)", [places[0], places[-1]], [0.0, 0.0], kind="line"),
            ),
        ),
    )


def errors(run: Run[Settings], key: str) -> list[float]:
    return [row[f"{key}_error"] for row in run.rows]
