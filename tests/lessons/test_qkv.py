"""attention-qkv: who responds to what, what tying costs, and that only the product of W_Q and W_K counts."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.attention.qkv.lesson as qkv
from lessons.attention.qkv.lesson import Run
from tests.lessons.steps import (
    all_text,
    checks,
    failed,
    failed_in,
    records_of,
    request_for,
    sentences,
    steps_of,
    tables,
)
from tfx.errors import BadInput
from tfx.gradcheck import check_gradients
from tfx.lab.attention.directed_relation import follows, partner
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward
from tfx.records import Matrix, Plot, Said

TOPIC = "attention-qkv"
LOG_2 = math.log(2)


def run_of(*pairs, seed=0, text=None):
    return Run(request_for(TOPIC, *pairs, seed=seed, text=text))


@pytest.mark.parametrize("seed", range(5))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(TOPIC, seed=seed)
    assert len(steps) == 14 and not failed(steps)
    assert set(checks(steps)) == {id for id, *_ in SPOILT}


@pytest.mark.parametrize(
    "pairs",
    [["edit=1"], ["edit=4"], ["tokens=4", "d_k=4"], ["tokens=16", "d_k=4", "steps=200"], ["tokens=16", "d_k=64"]],
)
def test_every_check_holds_for_changed_settings(pairs):
    assert not failed(steps_of(TOPIC, *pairs, seed=2))


@pytest.mark.parametrize("pair", ["edit=0", "edit=5", "tokens=5", "tokens=18", "d_k=2", "steps=9999"])
def test_settings_out_of_range_are_refused(pair):
    with pytest.raises(BadInput) as refusal:
        run_of(pair)
    assert "--set" in refusal.value.hint


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
    return run


def tied_for_untied(run):
    return with_trained(run, follows_untied=run.trained.follows_tied)


def untied_for_tied(run):
    return with_trained(run, follows_tied=run.trained.follows_untied)


def control_that_learned_nothing(run):
    return with_trained(run, partner_untied=run.trained.follows_tied)


def own_key_blocked_after_all(run):
    return with_trained(run, partner_open=run.trained.partner_tied)


def all_nan(run):
    """Every array and every loss of the run is NaN."""
    for name in ("x", "w_q", "w_k", "w_v", "q", "k", "v"):
        setattr(run, name, getattr(run, name) * math.nan)
    nothing = {
        name: one._replace(losses=(math.nan,) * len(one.losses), lead=math.nan, weights=one.weights * math.nan)
        for name, one in run.trained._asdict().items()
        if name != "circle"
    }
    return with_trained(run, **nothing)


def other_queries(run):
    run.q = run.q * 1.001
    return run


def with_w_v(eye):
    """Self-attention that reads these two columns of x as the value, whatever W_V says."""
    return lambda x, w_q, w_k, w_v: self_attention_forward(x, w_q, w_k, np.eye(4)[:, eye])


def leaves_out(*args):
    return tuple(one._replace(outputs=one.outputs - 1) for one in KEPT["responses"](*args))


def silent(*args):
    out, cache = self_attention_forward(*args)
    return 0 * out, cache


def first_only(*args):
    out, cache = KEPT["attention_forward"](*args)
    return out[:1], cache


def forgetful(dout, cache):
    """Forgets that X was read three times: the way through V is left out."""
    dx, dw_q, dw_k, dw_v = self_attention_backward(dout, cache)
    return dx - (dout @ cache.value.w.T), dw_q, dw_k, dw_v


KEPT = {name: getattr(qkv, name) for name in vars(qkv)}

#: check, its step, and what is done to the run, or which name of which module is replaced by what.
SPOILT = [
    ("by-hand", "three_rows", other_queries),
    ("who-responds", "who_responds", (qkv, "responses", leaves_out)),
    ("own", "match_and_content", (qkv, "self_attention_forward", with_w_v([0, 1]))),
    ("shared", "match_and_content", (qkv, "self_attention_forward", with_w_v([2, 3]))),
    ("gauge", "only_the_product", other_queries),
    ("rank", "the_limit", (np.linalg, "matrix_rank", lambda matrix: 3)),
    ("tied", "symmetric_scores", (qkv, "asymmetry", lambda scores: 0.1)),
    ("own-key", "own_key", None),  # a theorem: only a NaN breaks it
    ("stuck", "one_direction", untied_for_tied),
    ("learned", "one_direction", tied_for_untied),
    ("control", "one_direction", control_that_learned_nothing),
    ("open", "the_floor", own_key_blocked_after_all),
    ("one-way", "what_they_learned", tied_for_untied),
    ("both-ways", "what_they_learned", untied_for_tied),
    ("layer", "which_sequence", (qkv, "self_attention_forward", silent)),
    ("cross", "which_sequence", (qkv, "attention_forward", first_only)),
    ("gradient", "interview", (qkv, "self_attention_backward", forgetful)),
]


@pytest.mark.parametrize(("id", "step", "wrong"), [case for case in SPOILT if case[2]])
def test_every_check_fails_when_what_it_watches_is_wrong(id, step, wrong, monkeypatch):
    write, run = getattr(qkv, step), run_of()
    assert not failed_in(write, run)
    if isinstance(wrong, tuple):
        monkeypatch.setattr(*wrong)
    else:
        run = wrong(run)
    assert failed_in(write, run) == {id}


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
        assert failed_in(getattr(qkv, step), run) == {id for id, where, _ in SPOILT if where == step} - shapes_only


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
    assert not check_gradients(self_attention_forward, forgetful, inputs()).passes


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
