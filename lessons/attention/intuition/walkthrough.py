"""Attention as soft lookup: from a dictionary with three entries to a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.attention.intuition.lookup import (
    ENTRIES,
    KEY_NAMES,
    KEYS,
    VALUE_NAMES,
    VALUES,
    Answer,
    best_match,
    look_up,
)
from lessons.attention.intuition.pronoun import find_referent
from lessons.attention.intuition.whole_sentence import closing, one_for_each, pronoun, roles
from lessons.course import Request
from lessons.sentence import read_words
from tfx.errors import BadInput
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Series, Step, Table, Text

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"


@dataclass(frozen=True)
class Settings:
    """query: how sweet and how warm a drink is asked for; sharpness: factor on the scores of the dictionary;
    shift: added to the whole row of scores; bump: added to one score; gain: sharpness of the sentence's lookups."""

    query: tuple[float, ...] = (1.0, 1.0)
    sharpness: float = 2.0
    shift: float = 100.0
    bump: float = 1.0
    gain: float = 5.0


def walkthrough(request: Request) -> Iterator[Step]:
    """Eight steps from one lookup to softmax(Q K^T / sqrt(d_k)) V."""
    settings: Settings = request.settings
    check_settings(settings)
    words = read_words(request.text, DEFAULT_TEXT)
    query = np.array(settings.query)
    answer = look_up(query, settings.sharpness)
    yield _dictionary(query, answer, settings)
    yield _sharpness(query, settings)
    yield _relative(answer, settings)
    yield _average(np.random.default_rng(request.seed), query, settings)
    yield pronoun(words, request.seed, settings.gain)
    yield one_for_each(words, request.seed)
    yield roles(words, request.seed)
    yield closing(request.seed)


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting that the steps cannot use."""
    if len(settings.query) != 2 or not all(abs(x) <= 5 for x in settings.query):
        raise BadInput("query needs two numbers from -5 to 5: how sweet, how warm.", "For example: --set query=1,0")
    if not 0 <= settings.sharpness <= 20 or not 0 <= settings.gain <= 50:
        raise BadInput(
            "sharpness must be from 0 to 20 and gain from 0 to 50.", "For example: --set sharpness=2 --set gain=5"
        )
    if not abs(settings.shift) <= 1e6 or not 0.1 <= abs(settings.bump) <= 20:
        raise BadInput(
            "shift must be at most a million either way, and bump from 0.1 to 20 either way.",
            "For example: --set shift=100 --set bump=1",
        )


def values() -> dict[str, object]:
    """The numbers that lesson.md shows."""
    settings = Settings()
    query = np.array(settings.query)
    flat, sharp = look_up(query, 0.0), look_up(query, 50.0)
    it = find_referent(read_words(None, DEFAULT_TEXT), settings.gain, 0)
    return {
        "mean_sugar": flat.value[0],
        "best_sugar": sharp.value[0],
        "soft_sugar": look_up(query, settings.sharpness).value[0],
        "sharpness": settings.sharpness,
        "best": ENTRIES[int((KEYS @ query).argmax())],
        "it_weight": it.second.max(),
        "it_word": read_words(None, DEFAULT_TEXT)[int(it.second.argmax())],
        "weight_7": soft_weight(7.0, 64),
    }


def soft_weight(gap: float, keys: int) -> float:
    """The weight of a key that beats keys - 1 equal others by `gap`: 1 / (1 + (keys - 1) exp(-gap))."""
    return float(softmax_forward(np.array([gap] + [0.0] * (keys - 1)))[0][0])


def _dictionary(query: np.ndarray, answer: Answer, settings: Settings) -> Step:
    rows = tuple(
        {"entry": name, "score": score, "weight": weight, "sugar": value[0], "price": value[1]}
        for name, score, weight, value in zip(ENTRIES, answer.scores, answer.weights, VALUES, strict=True)
    )
    parts = " + ".join(f"{w:.3f}*{v[0]:g}" for w, v in zip(answer.weights, VALUES, strict=True))
    s = settings.sharpness
    return Step(
        "A dictionary that answers with a mixture",
        (
            Formula("weights = softmax(s * q.k_i)     output = sum_i weight_i v_i", "(1, 2) (3, 2) (3, 2) -> (1, 2)"),
            Matrix(
                "keys", KEYS, ("entry", "feature"), ENTRIES, KEY_NAMES, f"The query is ({query[0]:g}, {query[1]:g})."
            ),
            Question(
                f"The score of {ENTRIES[1]} is s * q.k with s = {s:g}. What is it?",
                float(answer.scores[1]),
                0.01,
                f"{s:g} * ({query[0]:g}*{KEYS[1, 0]:g} + {query[1]:g}*{KEYS[1, 1]:g}) = {answer.scores[1]:.3f}",
            ),
            Table(
                "Every entry answers, each by its weight",
                (
                    Column("entry", "entry"),
                    Column("score", "score", digits=3),
                    Column("weight", "weight", digits=3),
                    Column("sugar", "v: sugar"),
                    Column("price", "v: price"),
                ),
                rows,
            ),
            Text(f"By hand, sugar: {parts} = {answer.value[0]:.2f}. A Python dict would need the exact key."),
            Code(attention_forward),
            Code(attend_forward),
        ),
        ("tfx explain attention-intuition --step 1 --set query=1,0",),
    )


def _sharpness(query: np.ndarray, settings: Settings) -> Step:
    mean = VALUES.mean(axis=0)
    best, gap = best_match(query)
    far = 0.0 if math.isinf(gap) else 40.0 / gap  # the others then weigh less than exp(-40)
    rows = []
    for s in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
        a = look_up(query, s)
        rows.append({"s": s, "top": float(a.weights.max()), "sugar": float(a.value[0]), "price": float(a.value[1])})
    flat_error = float(abs(look_up(query, 0.0).value - mean).max())
    far_error = float(abs(look_up(query, far).value - best).max())
    tie = "All keys tie for this query, so sharpness changes nothing. " if math.isinf(gap) else ""
    return Step(
        "Sharpness: from the mean of the values to the best match",
        (
            Question(
                "At sharpness 0 all scores are 0. How much sugar does the lookup return?",
                float(mean[0]),
                0.01,
                "Equal scores give equal weights, so the output is the plain mean of the values.",
            ),
            Table(
                "The same query, sharper and sharper",
                (
                    Column("s", "sharpness"),
                    Column("top", "top weight", digits=4),
                    Column("sugar", "sugar"),
                    Column("price", "price"),
                ),
                tuple(rows),
            ),
            Plot(
                "The answer moves from the mean of the values to the best match",
                "sharpness s",
                "sugar returned",
                (
                    Series("output", [r["s"] for r in rows], [r["sugar"] for r in rows]),
                    Series("mean of the values", [0.0, 16.0], [float(mean[0])] * 2, kind="line"),
                    Series("best match", [0.0, 16.0], [float(best[0])] * 2, kind="line"),
                ),
            ),
            Text(
                f"{tie}In between every small change of query or key changes the answer a little: the lookup is "
                "differentiable, so it can be trained. A hard lookup jumps and gives no gradient."
            ),
            Check("flat", "sharpness 0 gives the mean of the values", 0.0, flat_error, 1e-12, flat_error <= 1e-12),
            Check("sharp", f"sharpness {far:.3g} gives the best match", 0.0, far_error, 1e-12, far_error <= 1e-12),
        ),
        (f"tfx explain attention-intuition --step 2 --set query={-query[0] or 0.0:g},{query[1]:g}",),
    )


def _relative(answer: Answer, settings: Settings) -> Step:
    scores, before = answer.scores, answer.weights
    shifted = softmax_forward(scores + settings.shift)[0]
    low = int(before.argmin())
    bumped_scores = scores.copy()
    bumped_scores[low] += settings.bump
    bumped = softmax_forward(bumped_scores)[0]
    growth = math.exp(settings.bump)
    law = before[low] * growth / (1 + before[low] * (growth - 1))
    same, off = float(abs(shifted - before).max()), float(abs(bumped[low] - law))
    rounding = 8 * float(np.finfo(np.float64).eps) * (1 + abs(settings.shift) + float(abs(scores).max()))
    return Step(
        "Scores are relative: only differences within a row count",
        (
            Matrix(
                "weights of the query",
                np.stack([before, shifted, bumped]),
                ("scores", "entry"),
                ("as they are", f"all {settings.shift:+g}", f"{ENTRIES[low]} {settings.bump:+g}"),
                ENTRIES,
            ),
            Formula("exp(s_i + c) / sum_k exp(s_k + c) = exp(s_i) / sum_k exp(s_k)"),
            Text(
                "Adding c to a whole row multiplies numerator and denominator by exp(c), which cancels. So a score "
                "has no meaning of its own: it says how much better one key fits than another, under projections "
                "that were learned. It becomes a weight only after the softmax."
            ),
            Text(
                f"Add b to one score only, and its weight w becomes w e^b / (1 + w (e^b - 1)): here "
                f"{before[low]:.4f} -> {bumped[low]:.4f}, and all others give way."
            ),
            Check("row", "a constant on the row changes nothing", 0.0, same, rounding, same <= rounding),
            Check("entry", "one raised score follows the law", float(law), float(bumped[low]), 1e-12, off <= 1e-12),
        ),
        (f"tfx explain attention-intuition --step 3 --set bump={-settings.bump:g} --set shift=-1000",),
    )


def _average(rng: np.random.Generator, query: np.ndarray, settings: Settings) -> Step:
    queries = np.concatenate([query[None], 3 * rng.standard_normal((499, 2))])
    outputs, _ = attention_forward(queries, KEYS, VALUES, scale=max(settings.sharpness, 0.5))
    low, high = VALUES.min(axis=0), VALUES.max(axis=0)
    over = float(max((outputs - high).max(), (low - outputs).max()))
    w_o = rng.standard_normal((2, 2))
    projected = outputs @ w_o
    outside = float(((projected < low) | (projected > high)).any(axis=-1).mean())
    rows = tuple(
        {"name": name, "low": low[i], "o_low": outputs[:, i].min(), "o_high": outputs[:, i].max(), "high": high[i]}
        for i, name in enumerate(VALUE_NAMES)
    )
    return Step(
        "A weighted average never leaves the values",
        (
            Formula("o = sum_i w_i v_i      w_i >= 0,  sum_i w_i = 1", "a convex combination"),
            Table(
                f"{len(queries)} random queries, each coordinate of the output",
                (
                    Column("name", "coordinate"),
                    Column("low", "min value"),
                    Column("o_low", "min output"),
                    Column("o_high", "max output"),
                    Column("high", "max value"),
                ),
                rows,
            ),
            Text(
                "The output lies in the convex hull of the values: it can blend what is there and cannot invent "
                "anything larger. That holds for one head, before W_O. The output projection and the residual "
                f"connection leave the hull: with a random W_O, {outside:.0%} of these outputs lie outside the box."
            ),
            Check("hull", "largest step outside the values' min and max", "<= 0", over, 1e-12, over <= 1e-12),
        ),
        (f"tfx explain attention-intuition --step 4 --set sharpness={min(20.0, 4 * settings.sharpness + 1):g}",),
    )
