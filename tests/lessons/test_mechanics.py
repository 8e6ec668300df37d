"""masking-mechanics: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.masks.mechanics.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
SHORTCUTS = dict(vars(topic.shortcuts))
run_of = runs_of(topic)


def probe(name, wrong):
    """A probe of the lesson that gives another number, with a mask or without."""

    def spoil(run, patch, by):
        patch.setattr(topic, name, lambda *args: wrong(args, KEPT[name], by))

    return spoil


def little_without(args, right, by):
    return right(*args) if args[1] is not None else 1e-3 * by


def some_with(args, right, by):
    return 1e-3 * by if args[1] is not None else right(*args)


def way(name, wrong):
    """One of the wrong ways gives other weights."""

    def spoil(run, patch, by):
        others = {**SHORTCUTS, name: lambda *args: wrong(SHORTCUTS[name](*args), by)}
        patch.setattr(topic, "shortcuts", SimpleNamespace(**others))

    return spoil


def library(wrong):
    def spoil(run, patch, by):
        right = KEPT["before_softmax"]
        patch.setattr(topic, "before_softmax", lambda s, m: wrong(right(s, m), s, m, by))

    return spoil


def gradient(masked, unmasked):
    """One of the two is `by` times something; the other is as it should be."""

    def wrong(args, right, by):
        found = unmasked if args[2] is None else masked
        return found * by if found in (1e-9, 1e-5) else found

    return probe("gradient_through_mask", wrong)


class TestMechanics(TopicTests):
    lesson, steps = topic, 7
    changed = [
        ["scores=5,5,-5", "blocked=3"],
        ["scores=-5,-5,5", "blocked=3"],
        [f"scores={'5,' * 15}-5", "blocked=16"],
        "blocked=1",
    ]
    refused = ["blocked=5", "blocked=0", "scores=1,2", "scores=6,1,1", f"scores={'1,' * 16}1"]
    spoilt = {
        "moves": Spoilt("two_reasons", probe("change_by_filling", little_without)),
        "still": Spoilt("two_reasons", probe("change_by_filling", some_with)),
        "zero": Spoilt("before", library(lambda w, s, m, by: np.where(m, w, 1e-13 * by)), nan_also={"hand"}),
        "hand": Spoilt("before", library(lambda w, s, m, by: w * by), nan_also={"zero"}),
        "sum": Spoilt("too_late", library(lambda w, s, m, by: w * by), nan_also={"blind"}),
        "blind": Spoilt(
            "too_late",
            library(lambda w, s, m, by: w + np.array([1, -1, 0, 0]) * 1e-3 * by * (s.max() > 4)),
            nan_also={"sum"},
        ),
        "late": Spoilt("too_late", way("mask_after_softmax", lambda w, by: 0 * w * by)),
        "leaks": Spoilt("too_late", way("blocked_scores_zero", lambda w, by: 0 * w * by)),
        "pairs": Spoilt(
            "drawn",
            result(topic, "causal_mask", lambda mask, by: mask | np.eye(len(mask), k=1, dtype=bool)),
            no_nan="visible pairs are counted",
        ),
        "inverted": Spoilt("drawn", library(lambda w, s, m, by: w + by * 1e-3)),
        "zeros": Spoilt("finite", library(lambda w, s, m, by: w + (1e-9 * by if not m.any() else 0))),
        "constant": Spoilt("finite", way("finite_penalty", lambda w, by: w * by)),
        "guard": Spoilt(
            "finite",
            way("minus_infinity_unguarded", lambda w, by: np.zeros_like(w)),
            no_nan="what is not a number is counted",
        ),
        "gradient": Spoilt("backwards", gradient(1e-9, 1.0)),
        "through": Spoilt("backwards", gradient(0.0, 1e-5)),
    }


def test_a_masked_row_is_a_softmax_of_what_is_left():
    for pairs in ((), ("blocked=1", "scores=1,0.5,-2,4")):
        run = run_of(*pairs)
        shown = records_of(topic.before, run)
        (picture,) = (r for r in shown if isinstance(r, Matrix))
        left = {i: math.exp(s) for i, s in enumerate(run.scores[0]) if i != run.blocked}
        wanted = [left.get(i, 0) / sum(left.values()) for i in range(4)]
        assert picture.values[0] == pytest.approx(wanted)
        (asked,) = (r for r in shown if isinstance(r, Question))
        first = 2 if run.blocked == 0 else 1
        assert asked.prompt == f"What is the weight of k{first}?" and asked.answer == pytest.approx(wanted[first - 1])


def test_the_three_ways_are_measured_by_hand():
    rows = tables(records_of(topic.too_late, run_of()))[0].rows
    e = np.exp([2, 1, 3, 0])
    after = np.exp([2, 1, 6, 0])
    assert rows[1]["hidden"] == 0 and rows[1]["sum"] == pytest.approx(1 - e[2] / e.sum())
    assert rows[1]["moved"] == pytest.approx(e[0] / e.sum() - e[0] / after.sum())
    kept = 1 / (e[0] + e[1] + 1 + e[3])
    assert rows[2]["hidden"] == pytest.approx(kept) and rows[2]["moved"] == 0
    assert rows[2]["sum"] == pytest.approx(1 - kept) and rows[0]["sum"] == pytest.approx(1)


def test_what_moves_without_a_mask_is_measured_by_hand():
    """Attention written out: later tokens changed, then the filling."""
    run = run_of(seed=2)
    h, n = run.heads, topic.TOKENS

    def out(q, k, v):
        e = np.exp(q @ k.swapaxes(-1, -2) / 8**0.5)
        return e / e.sum(axis=-1, keepdims=True) @ v

    later = (np.arange(n) >= n // 2)[:, None]
    moved = np.abs(out(h.q + later, h.k - 2 * later, h.v + 3 * later) - out(h.q, h.k, h.v))[..., : n // 2, :].max()
    filling = ((np.arange(n) >= n - topic.PADS)[None, :] & np.array([[True], [False]]))[:, None, :, None]
    filled = np.abs(out(h.q, h.k + 5 * filling, h.v - 7 * filling) - out(h.q, h.k, h.v)).max()
    rows = tables(records_of(topic.two_reasons, run))[0].rows
    assert [row["none"] for row in rows] == pytest.approx([moved, filled]) and [row["mask"] for row in rows] == [0, 0]


def test_the_masks_follow_their_rules_pair_by_pair():
    shown = records_of(topic.drawn, run_of())
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    for i in range(5):
        for j in range(5):
            cells = [picture.values[i, 5 * m + j] for m in range(3)]
            assert cells == [j <= i, j < 3, j <= i and j < 3]
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == picture.values[:, 10:].sum() == 1 + 2 + 3 + 3 + 3


def test_what_is_said_of_penalties_is_measured():
    shown = records_of(topic.finite, run_of())
    assert [row["got"] for row in tables(shown)[0].rows] == [
        "0.00 0.00 0.00 0.00",
        "nan nan nan nan",
        "0.25 0.25 0.25 0.25",
    ]
    e = np.exp(np.array([2, 1, 3 - 5, 0]))
    assert sentences(shown)[0] == (
        "Some code adds -1e9. The weight of the hidden key is then 0: exp of it is too small for a float32. With -5 it "
        f"would be {e[2] / e.sum():.1g}: a small penalty leaks."
    )


def test_the_gradient_is_told():
    run = run_of(seed=3)
    through = topic.gradient_through_mask(run.heads, run.heads.both, None)
    assert sentences(records_of(topic.backwards, run))[1] == (
        "Measured on random heads with both masks: the largest gradient at a blocked score, or at the key or value of "
        f"filling, is 0. Without a mask it is {through:.2f}."
    )
