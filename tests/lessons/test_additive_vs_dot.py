"""attention-additive-vs-dot: what is counted is counted again, the clock has its say, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.attention.additive_vs_dot.lesson as topic
from lessons.grading import is_close
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import all_text, records_of, sentences, steps_of, tables
from tfx.measure.measuring import Timing
from tfx.records import Question

TOPIC = "attention-additive-vs-dot"
KEPT = dict(vars(topic))


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Tests of numbers do not wait for the clock; the lab's own test does."""
    times = {"dot": Timing(1e-5, 1e-6), "additive": Timing(5e-4, 1e-5)}
    monkeypatch.setattr(topic, "seconds", lambda rng, n, d, hidden: times)
    return times


run_of = runs_of(topic)


def rows_with(by, *columns):
    def wrong(*arguments):
        return [
            {**row, **{c: row[c] * by ** math.log2(row["d"]) for c in columns}} for row in KEPT["spread"](*arguments)
        ]

    return wrong


def once_too_large(by):
    """Additive scores that depend on how wide the vectors are that come in."""

    def wrong(q, *others):
        out, cache = KEPT["additive_scores_forward"](q, *others)
        return (by if q.shape[-1] == 6 else 1) * out, cache

    return wrong


def hidden_units(by):
    """A scorer with other hidden units than were asked for."""
    return lambda rng, d, hidden, dtype: KEPT["draw_scorer"](rng, d, hidden + 1, dtype)


class TestAdditiveVsDot(TopicTests):
    lesson, steps = topic, 10
    seeds = range(5)
    changed = [["n=2", "d=1", "hidden=1"], ["hidden=512", "d=4"], ["n=512", "hidden=1"]]
    refused = ["n=1", "n=513", "d=0", "hidden=0", "hidden=513"]
    by = 1.3
    spoilt = {
        "same-softmax": Spoilt("two_formulas", output(topic, "attend_forward")),
        "bounded": Spoilt("the_spread", instead(topic, "spread", lambda by: rows_with(by, "largest"))),
        "root": Spoilt("the_spread", instead(topic, "spread", lambda by: rows_with(by, "dot"))),
        "ratio": Spoilt("the_memory", instead(topic, "draw_scorer", hidden_units), no_nan="numbers are counted"),
        "collapse": Spoilt("projecting_twice", instead(topic, "additive_scores_forward", once_too_large)),
        "gradcheck": Spoilt(
            "interview", result(topic, "additive_scores_backward", lambda grads, by: grads._replace(dq=by * grads.dq))
        ),
    }


def test_the_scores_are_the_formulas_written_out():
    run = run_of()
    dot, additive = (r for r in records_of(topic.two_formulas, run) if hasattr(r, "values"))
    w_q, w_k, b, v = run.scorer
    for i, q in enumerate(run.q):
        for j, k in enumerate(run.k):
            assert dot.values[i][j] == pytest.approx(sum(q * k))
            hidden = [math.tanh(q @ w_q[:, u] + k @ w_k[:, u] + b[u]) for u in range(4)]
            assert additive.values[i][j] == pytest.approx(sum(x * y for x, y in zip(v, hidden, strict=True)))


def test_the_work_is_counted_over_the_shapes():
    n, d, a = 6, 3, 5
    (shown,) = tables(records_of(topic.the_work, run_of(f"n={n}", f"d={d}", f"hidden={a}")))
    rows = {row["part"]: (row["dot"], row["additive"]) for row in shown.rows}
    pairs = [(i, j) for i in range(n) for j in range(n)]
    assert rows["scores"] == (sum(d for _ in pairs), sum(a for _ in pairs))
    assert rows["projections q, k"] == (0, 2 * np.zeros((n, d, a)).size)
    assert rows["tanh"] == (0, np.zeros((n, n, a)).size)
    assert rows["weights times values"] == (sum(d for _ in pairs),) * 2
    assert rows["extra parameters"] == (0, np.zeros((d, a)).size * 2 + a + a)


def test_a_large_count_is_graded_by_its_leading_digits():
    (asked,) = (r for r in records_of(topic.the_work, run_of()) if isinstance(r, Question))
    assert asked.answer == 512**3
    assert is_close(1.342e8, asked.answer, asked.tolerance) and not is_close(1.3e8, asked.answer, asked.tolerance)


def test_the_additive_spread_is_that_of_its_hidden_width_and_v():
    """Wider, and with v of variance 1, additive scores spread as the sum of their units does."""
    from lessons.walk import generator_of

    rng = generator_of(0, "the_spread")
    KEPT["spread"](rng, (4, 16, 64, 256, 1024), 128, 16)
    q, k = rng.standard_normal((128, 256)), rng.standard_normal((128, 256))
    w_q, w_k, _, v = KEPT["draw_scorer"](rng, 256, 256)
    scores = np.tanh((q @ w_q)[:, None] + (k @ w_k)[None]) @ (v * 16)
    assert sentences(records_of(topic.the_spread, run_of())) == [
        "The bound does not see D, but it is no gift: with d_a = 256 and v_a of variance 1 additive scores at D = 256 "
        f"would spread by {scores.std():.1f}."
    ]


@pytest.mark.parametrize(
    ("additive", "told"),
    [
        (Timing(5e-4, 1e-5), "Measured just now: 50.0 times."),
        (
            Timing(1.05e-5, 1e-6),
            "The two differ by less than their turns scatter: they are close, or this machine is too busy to say.",
        ),
    ],
)
def test_what_a_busy_machine_cannot_tell_is_said(clock, additive, told):
    clock["additive"] = additive
    assert any(text.startswith(told) for text in sentences(records_of(topic.the_time, run_of())))


def test_all_text_is_ascii():
    assert all_text(steps_of(TOPIC)).isascii()


def test_the_score_by_hand_is_made_of_the_numbers_that_are_shown():
    shown = records_of(topic.one_pair, run_of())
    (picture,) = (r for r in shown if hasattr(r, "values"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    z, _, v = picture.values
    assert asked.answer == pytest.approx(sum(x * math.tanh(y) for x, y in zip(v, z, strict=True)))
    terms = " + ".join(f"({x:.3f})({math.tanh(y):.3f})" for x, y in zip(v, z, strict=True))
    assert asked.prompt == f"v_a . tanh(z) = {terms}. What is the score?" and asked.tolerance < 0.1


def test_flops_are_twice_the_multiply_adds_and_doubled_by_the_values():
    counted = sum(512 for _ in range(512 * 512))
    assert sentences(records_of(topic.the_work, run_of()))[1] == (
        f"{counted:,} multiply-adds are {2 * counted:,} FLOPs; with the product P V as well, {4 * counted:,}. Many "
        "printed tables mix the two counts."
    )


def test_few_tokens_of_a_wide_head_show_that_projections_are_paid_by_the_token():
    """Two tokens: the projections are nearly all the work, so that only many tokens make the orders equal."""
    (counted,) = tables(records_of(topic.the_work, run_of("n=2", "d=512", "hidden=512")))
    work = {row["part"]: row["additive"] for row in counted.rows}
    assert work["projections q, k"] == 2 * 2 * 512 * 512 > 100 * work["scores"]
    assert sentences(records_of(topic.the_work, run_of()))[0] == (
        "Projections are paid once for each token, all else for each pair. So for many tokens both are of the order of "
        "T^2 times a width, and the order does not decide; what has to be stored, and how it is computed, does."
    )
