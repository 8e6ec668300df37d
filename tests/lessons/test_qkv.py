"""attention-qkv: who responds to what, what tying costs, and that only the product of W_Q and W_K counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.attention.qkv.lesson as qkv
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, output, result, runs_of
from tests.lessons.steps import (
    all_text,
    failed_in,
    records_of,
    sentences,
    steps_of,
    tables,
)
from tfx.gradcheck import check_gradients
from tfx.lab.attention.directed_relation import follows, partner
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward
from tfx.records import Matrix, Plot, Said

TOPIC = "attention-qkv"
LOG_2 = math.log(2)


run_of = runs_of(qkv)


def test_who_responds_to_an_edit_is_the_same_for_every_seed():
    early = (
        qkv.three_rows, qkv.who_responds, qkv.match_and_content, qkv.symmetric_scores, qkv.own_key,
        qkv.only_the_product, qkv.the_limit,
    )  # fmt: skip
    for seed in range(300):
        run = run_of(f"edit={seed % 4 + 1}", seed=seed)
        assert not any(failed_in(write, run) for write in early)


def with_trained(run, **changes):
    """The run, with some of its four trainings exchanged."""
    run.__dict__["trained"] = run.trained._replace(**changes)


def exchanged(name, other):
    return lambda run, patch, by: with_trained(run, **{name: getattr(run.trained, other)})


def all_nan(run):
    """Every array and every loss of the run is NaN."""
    for name in ("x", "w_q", "w_k", "w_v", "q", "k", "v"):
        setattr(run, name, getattr(run, name) * math.nan)
    nothing = {
        name: one._replace(losses=(math.nan,) * len(one.losses), lead=math.nan, weights=one.weights * math.nan)
        for name, one in run.trained._asdict().items()
        if name != "circle"
    }
    with_trained(run, **nothing)
    return run


def with_w_v(eye):
    """Self-attention that reads these two columns of x as the value, whatever W_V says."""
    return lambda by: lambda x, w_q, w_k, w_v: self_attention_forward(x, w_q, w_k, by / by * np.eye(4)[:, eye])


def forgetful(by):
    """Forgets that X was read three times: the way through V is left out."""

    def backward(dout, cache):
        dx, dw_q, dw_k, dw_v = self_attention_backward(dout, cache)
        return dx - by / by * (dout @ cache.value.w.T), dw_q, dw_k, dw_v

    return backward


UNTRAINED = "NaN in every training: below"
tied_for_untied = exchanged("follows_untied", "follows_tied")
untied_for_tied = exchanged("follows_tied", "follows_untied")


class TestQkv(TopicTests):
    lesson, steps = qkv, 14
    seeds = range(5)
    changed = [
        "edit=1", "edit=4", ["tokens=4", "d_k=4"], ["tokens=16", "d_k=4", "steps=200"], ["tokens=16", "d_k=64"],
    ]  # fmt: skip
    changed_seeds = (2,)
    refused = ["edit=0", "edit=5", "tokens=5", "tokens=18", "d_k=2", "steps=9999"]
    elsewhere = ("own-key",)  # a theorem: only a NaN breaks it, below
    by = 1.001
    spoilt = {
        "by-hand": Spoilt("three_rows", of_run("q")),
        "who-responds": Spoilt(
            "who_responds",
            result(qkv, "responses", lambda found, by: tuple(one._replace(outputs=one.outputs - 1) for one in found)),
            no_nan="outputs are counted",
        ),
        "own": Spoilt(
            "match_and_content", instead(qkv, "self_attention_forward", with_w_v([0, 1])), nan_also={"shared"}
        ),
        "shared": Spoilt(
            "match_and_content", instead(qkv, "self_attention_forward", with_w_v([2, 3])), nan_also={"own"}
        ),
        "tied": Spoilt("symmetric_scores", instead(qkv, "asymmetry", lambda by: lambda scores: 0.1 * by)),
        "stuck": Spoilt("one_direction", untied_for_tied, no_nan=UNTRAINED),
        "learned": Spoilt("one_direction", tied_for_untied, no_nan=UNTRAINED),
        "control": Spoilt("one_direction", exchanged("partner_untied", "follows_tied"), no_nan=UNTRAINED),
        "open": Spoilt("the_floor", exchanged("partner_open", "partner_tied"), no_nan=UNTRAINED),
        "one-way": Spoilt("what_they_learned", tied_for_untied, no_nan=UNTRAINED),
        "both-ways": Spoilt("what_they_learned", untied_for_tied, no_nan=UNTRAINED),
        "layer": Spoilt("which_sequence", output(qkv, "self_attention_forward", lambda out, by: 0 * by * out)),
        "cross": Spoilt("which_sequence", output(qkv, "attention_forward", lambda out, by: out[:1]), no_nan="a shape"),
        "gauge": Spoilt("only_the_product", of_run("q")),
        "rank": Spoilt(
            "the_limit", instead(np.linalg, "matrix_rank", lambda by: lambda matrix: 3), no_nan="a rank is counted"
        ),
        "gradient": Spoilt("interview", instead(qkv, "self_attention_backward", forgetful)),
    }


@pytest.mark.parametrize(
    "step",
    [
        "three_rows",
        "who_responds",
        "symmetric_scores",
        "own_key",
        "one_direction",
        "the_floor",
        "what_they_learned",
        "which_sequence",
    ],
)
def test_what_is_not_a_number_fails_every_check_of_a_step_that_reads_it(step):
    run = all_nan(run_of())
    with np.errstate(all="ignore"):
        shapes_only = {"cross"}
        here = {id for id, how in TestQkv.spoilt.items() if how.step == step} | (
            {"own-key"} if step == "own_key" else set()
        )
        assert failed_in(getattr(qkv, step), run) == here - shapes_only


def test_by_hand_is_a_row_times_a_column():
    run = run_of()
    terms = " + ".join(f"({a:.2f})({b:.2f})" for a, b in zip(run.x[1], run.w_q[:, 0], strict=True))
    expected = (
        f'By hand, q1 of "calls": {terms} = {run.x[1] @ run.w_q[:, 0]:.3f}. '
        "Many models add a bias, a number for each coordinate; here there is none."
    )
    assert sentences(records_of(qkv.three_rows, run))[-1] == expected
    q_k_v = next(r for r in records_of(qkv.three_rows, run) if isinstance(r, Matrix) and r.name.startswith("Q, K"))
    assert q_k_v.values == pytest.approx(run.x @ np.hstack([run.w_q, run.w_k, run.w_v]))


def test_the_table_of_edits_counts_rows_and_names_the_word():
    (shown,) = tables(records_of(qkv.who_responds, run_of("edit=4")))
    counts = [(row["edited"], row["weight_rows"], row["outputs"]) for row in shown.rows]
    assert counts == [("query of now", 1, 1), ("key of now", 4, 4), ("value of now", 0, 4)]


def test_the_training_table_holds_first_and_last_loss_and_the_plot_its_curves():
    run = run_of("tokens=8", "steps=200")
    (shown,) = tables(records_of(qkv.one_direction, run))
    for row, trained in zip(shown.rows, run.trained[:5], strict=True):
        right = (trained.weights.argmax(axis=-1) == targets_of(run, row["run"].split(",")[0])).mean()
        assert (row["first"], row["last"], row["accuracy"]) == (trained.losses[0], trained.losses[200], right)
    names = ["follows, tied", "follows, two matrices", "partner, tied", "partner, two matrices"]
    names.append("partner, tied, own key open")
    assert [row["run"] for row in shown.rows] == names
    (picture,) = (record for record in records_of(qkv.the_curves, run) if isinstance(record, Plot))
    assert [series.label for series in picture.series] == [*names, "log 2"]
    for series, trained in zip(picture.series, run.trained[:5], strict=False):
        assert list(series.y) == [trained.losses[step] for step in series.x] and series.x[-1] == 200


def targets_of(run, task):
    return {"follows": follows, "partner": partner}[task](8, np.random.default_rng(run.seed))


def test_weights_are_listed_along_the_circle():
    records = records_of(qkv.what_they_learned, run_of("tokens=8"))
    (both,) = (record for record in records if isinstance(record, Matrix))
    assert both.rows[:3] == ("t1 two", "t1 tied", "t2 two") and both.focus == (0, 1)
    free, tied = both.values[::2], both.values[1::2]
    assert (free.argmax(axis=1) == np.roll(np.arange(8), -1)).all()
    links = [tied[i, (i + 1) % 8] for i in range(8)], [tied[(i + 1) % 8, i] for i in range(8)]
    after, before = (f"{np.mean(link):.3f}" for link in links)
    least = min(free[i, (i + 1) % 8] for i in range(8))
    assert sentences(records) == [
        "Along the circle: t1 must look at t2, t2 at t3, and the last one at t1. Two matrices give the next token at "
        f"least {least:.3f}.",
        "What the tied head scores from t1 to t2 it scores from t2 to t1, too, where it is wrong. Round the circle, "
        f"scores forward and back are equal on average; the weights here: forward {after}, back {before}.",
    ]


def test_the_weights_of_tied_scores_are_told_as_not_symmetric():
    run = run_of()
    e = np.exp(run.q @ run.q.T / math.sqrt(2))
    w = e / e.sum(axis=1, keepdims=True)
    said = next(r for r in records_of(qkv.own_key, run) if isinstance(r, Said))
    assert said.truth == (
        "The scores are. The weights are not in general (mirror images differ by up to "
        f"{abs(w - w.T).max() / w.max():.2f} times the largest), because each row is divided by its own sum."
    )


def test_gradients_of_projections_and_attention_agree_with_finite_differences():
    assert check_gradients(self_attention_forward, self_attention_backward, inputs()).worst < 1e-9


def test_forgetting_one_of_the_three_uses_of_x_is_caught():
    assert not check_gradients(self_attention_forward, forgetful(1.0), inputs()).passes


def test_a_tied_score_with_oneself_is_told_with_its_numbers():
    run = run_of()
    ann, now, both = (sum(a * b for a, b in zip(run.q[i], run.q[j], strict=True)) for i, j in ((0, 0), (3, 3), (0, 3)))
    assert ann + now >= 2 * both
    assert sentences(records_of(qkv.own_key, run))[-1] == (
        "Of any two tokens, then, at least one likes itself at least as much as the other. "
        f'Here "ann" scores {ann:.3f} with itself and "now" {now:.3f}; with each other they score {both:.3f}.'
    )


def inputs():
    rng = np.random.default_rng(4)
    shapes = {"x": (5, 4), "w_q": (4, 3), "w_k": (4, 3), "w_v": (4, 2)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def test_the_interview_tells_the_losses_of_this_run():
    run = run_of(seed=3)
    tied, untied = run.trained.follows_tied.losses[-1], run.trained.follows_untied.losses[-1]
    assert tied >= LOG_2 > 0.1 > untied
    last = sentences(records_of(qkv.interview, run))[-1]
    assert f"our circle stays at loss {tied:.3f} against {untied:.3f}." in last


def test_all_text_is_ascii():
    assert all_text(steps_of(TOPIC)).isascii()
