"""Top-k, the nucleus, draws: unusual right ways pass; what is nearly right is neither passed nor named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.practice.exercise import find_exercise
from tests.lessons.practice.variants import (
    asked,
    bent,
    is_told_as_wrong_without_a_name,
    mistaken,
    passes,
    right,
    with_numbers,
    writing,
)  # fmt: skip

TOP_K, NUCLEUS, DRAW = "top-k", "nucleus", "draw-token"


def kept_by_ranks(logits, k):
    ranks = [np.argsort(np.lexsort((np.arange(row.size), -row))) for row in logits.reshape(-1, logits.shape[-1])]
    return logits + np.where(np.reshape(ranks, logits.shape) < k, 0, -np.inf)


def nucleus_from_below(logits, p):
    """From the rarest on, as long as less than 1 - p is lost; equal ones with the higher id first."""
    if p == 1:
        return logits.copy()
    turned = logits[..., ::-1]
    ids = np.argsort(turned, axis=-1, kind="stable")
    e = np.exp(np.take_along_axis(turned - turned.max(-1, keepdims=True), ids, -1))
    lost = np.cumsum(e / e.sum(-1, keepdims=True), axis=-1) <= 1 - p
    found = np.empty(logits.shape)
    np.put_along_axis(found, ids, np.where(lost, -np.inf, np.take_along_axis(turned, ids, -1)), axis=-1)
    return found[..., ::-1]


def nucleus_in_logs(logits, p):
    ids = np.argsort(-logits, axis=-1, kind="stable")
    sums = np.logaddexp.accumulate(np.take_along_axis(logits, ids, -1), axis=-1)
    before = np.concatenate([np.full((*logits.shape[:-1], 1), -np.inf), sums[..., :-1]], axis=-1)
    stays = np.take_along_axis(before - sums[..., -1:], np.argsort(ids, axis=-1), axis=-1) < math.log(p)
    return np.where(stays | (p == 1), logits, -np.inf)


def filtered_as(name, how):
    """What stays is decided by other logits."""
    return lambda logits, **a: np.where(
        np.isneginf(right(name, {"logits": how(logits.astype(float)), **a})), -np.inf, logits
    )


def softmax(x):
    return np.exp(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))


def heat_of(a):
    return a.get("temperature", 1.0)


def draw_by_what_is_left(logits, u, temperature=1.0):
    """From u one probability after the other is taken off, until nothing is left."""
    if temperature == 0:
        return (logits == logits.max(axis=-1, keepdims=True)).argmax(axis=-1)
    left, ids = np.array(u, float), np.full(u.shape, -1)
    for token in range(logits.shape[-1]):
        left = left - softmax(logits / temperature)[..., token]
        ids = np.where((ids < 0) & (left < 0), token, ids)
    return ids


def draw_in_logs(logits, u, temperature=1.0):
    if temperature == 0:
        return np.lexsort((np.broadcast_to(np.arange(logits.shape[-1]), logits.shape), -logits))[..., 0]
    sums = np.logaddexp.accumulate(logits / temperature, axis=-1)
    return (sums - sums[..., -1:] > np.log(u)[..., None]).argmax(axis=-1)


RIGHT = {
    TOP_K: [kept_by_ranks, lambda **a: right(TOP_K, a).tolist(), with_numbers(TOP_K, np.asfortranarray)],
    NUCLEUS: [nucleus_from_below, nucleus_in_logs, filtered_as(NUCLEUS, lambda x: x.astype(np.float32))],
    DRAW: [draw_by_what_is_left, draw_in_logs, lambda **a: np.asarray(right(DRAW, a), float)],
}

WRONG = {
    TOP_K: {
        "equal ones stay, where k is 1": mistaken(TOP_K, "equal-ones-stay", lambda a: a["k"] == 1),
        "by size without sign": filtered_as(TOP_K, lambda x: np.abs(np.where(np.isneginf(x), 0, x))),
        "the largest becomes 0": lambda **a: right(TOP_K, a) - a["logits"].max(axis=-1, keepdims=True),
        "half precision for float32": bent(
            TOP_K, lambda kept, a: kept.astype(np.float16), lambda a: a["logits"].dtype == np.float32
        ),
        "ruled out before is the least number": bent(
            TOP_K, lambda kept, a: np.where(np.isneginf(a["logits"]), np.finfo(float).min, kept)
        ),
        "all stay, so nothing is copied": lambda logits, k: (
            logits if k >= logits.shape[-1] else right(TOP_K, {"logits": logits, "k": k})
        ),
        "columns, where there are as many as rows": bent(
            TOP_K, lambda kept, a: right(TOP_K, a | {"logits": a["logits"].T}).T, lambda a: a["logits"].shape == (4, 4)
        ),
        "logits are written to": writing(TOP_K, "logits"),
    },
    NUCLEUS: {
        "two tokens at least": lambda logits, p: np.maximum(
            right(NUCLEUS, {"logits": logits, "p": p}), right(TOP_K, {"logits": logits, "k": 2})
        ),
        "five tokens at most": lambda logits, p: np.minimum(
            right(NUCLEUS, {"logits": logits, "p": p}), right(TOP_K, {"logits": logits, "k": 5})
        ),
        "powers of 2": filtered_as(NUCLEUS, lambda x: x * math.log(2)),
        "the largest of all rows is taken off": filtered_as(NUCLEUS, lambda x: np.maximum(x - x.max(), -745)),
        "logits from -700 to 700": filtered_as(NUCLEUS, lambda x: np.clip(x, -700, 700)),
        "ruled out before counts a little": bent(
            NUCLEUS, lambda kept, a: right(NUCLEUS, a | {"logits": np.maximum(a["logits"], -5.0)}),
            lambda a: np.isneginf(a["logits"]).any(),
        ),
        "a p below 0.1 is 0.1": asked(NUCLEUS, lambda a: {"p": max(a["p"], 0.1)}),
        "a p above 0.99 is 1": asked(NUCLEUS, lambda a: {"p": 1.0 if a["p"] > 0.99 else a["p"]}),
        "the largest becomes 0": lambda **a: right(NUCLEUS, a) - a["logits"].max(axis=-1, keepdims=True),
        "logits are written to": writing(NUCLEUS, "logits"),
    },
    DRAW: {
        "below 0.5 the likeliest": asked(DRAW, lambda a: {"temperature": 0.0}, lambda a: heat_of(a) < 0.5),
        "temperature 2 at most": asked(DRAW, lambda a: {"temperature": min(heat_of(a), 2.0)}),
        "the last token is never drawn": bent(
            DRAW, lambda ids, a: np.minimum(ids, max(a["logits"].shape[-1] - 2, 0)), lambda a: a.get("temperature") != 0
        ),
        "where u is large, the likeliest": bent(
            DRAW, lambda ids, a: np.where(a["u"] > 0.95, a["logits"].argmax(-1), ids)
        ),
        "ruled out is a logit of 0": asked(
            DRAW, lambda a: {"logits": np.where(np.isneginf(a["logits"]), 0, a["logits"])}
        ),
        "logits from -700 to 700": asked(DRAW, lambda a: {"logits": np.clip(a["logits"], -700, 700)}),
        "probabilities of one digit": asked(
            DRAW, lambda a: {"logits": np.log(np.round(softmax(a["logits"]), 1) + 1e-30)}, lambda a: heat_of(a) == 1
        ),
        "counted from 1": bent(DRAW, lambda ids, a: ids + 1),
        "an axis is kept": bent(DRAW, lambda ids, a: ids[..., None]),
        "u of the other end of the batch": asked(DRAW, lambda a: {"u": a["u"][::-1]}, lambda a: a["u"].ndim > 1),
        "u is written to": writing(DRAW, "u"),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, some in RIGHT.items() for place in range(len(some))]
)
def test_an_unusual_right_way_passes(name, place):
    passes(name, RIGHT[name][place])


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, some in WRONG.items() for label in some])
def test_what_is_nearly_right_is_told_as_wrong_and_gets_no_name(name, label):
    is_told_as_wrong_without_a_name(name, WRONG[name][label])


def test_no_sum_of_probabilities_lies_so_near_to_u_that_rounding_decides():
    for case in find_exercise(DRAW).cases:
        if heat := heat_of(case.arguments):
            sums = np.cumsum(softmax(case.arguments["logits"].astype(float) / heat), axis=-1)[..., :-1]
            far = np.abs(sums - case.arguments["u"][..., None])
            assert far[sums > 0].min(initial=1.0) > 1e-4, case.about


def test_no_sum_of_probabilities_lies_so_near_to_p_that_rounding_decides():
    for case in find_exercise(NUCLEUS).cases:
        logits, p = case.arguments["logits"].astype(float), case.arguments["p"]
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        sums = np.cumsum(-np.sort(-e / e.sum(axis=-1, keepdims=True), axis=-1), axis=-1)
        assert p == 1 or np.abs(sums - p).min() > 1e-5, case.about
