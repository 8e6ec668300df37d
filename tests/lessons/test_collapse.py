"""attention-collapse: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.inside.collapse.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def falling(*values):
    """What is left after each layer of attention alone."""
    return of_run("alone", lambda alone, by: np.array([*values, *alone[len(values) :]]) * (by / 1.2))


def norm_of_size(run, patch, by):
    """A norm that lets a little of the size of its input through."""
    patch.setattr(topic, "rms_norm_forward", lambda x, eps: (
        KEPT["rms_norm_forward"](x, eps=eps)[0] * (1 + (by - 1) * 1e-6 * abs(x).max()), None))  # fmt: skip


class TestCollapse(TopicTests):
    lesson, steps = topic, 8
    changed = [["depth=6", "tokens=4"], ["depth=16", "tokens=32"]]
    refused = ["depth=5", "depth=17", "tokens=3", "tokens=33"]
    spoilt = {
        "ends": Spoilt("three_senses", result(topic, "entropy_share", lambda h, by: h - 1), no_nan="written out"),
        "left": Spoilt("by_hand", result(topic, "rank_residual"), nan_also={"even"}),
        "even": Spoilt("by_hand", output(topic, "attention_forward", lambda y, by: y * np.array([[1.0], [by]]))),
        "collapses": Spoilt("layers", of_run("alone", lambda alone, by: np.full(len(alone), 1e-3 * by))),
        "stays": Spoilt("layers", of_run("carried", lambda left, by: 0 * left + 8e-3 * by)),
        "faster": Spoilt("why_so_fast", falling(1.0, 0.1, 1e-3, 1e-6, 1.2e-7), nan_also={"below"}),
        "below": Spoilt("why_so_fast", falling(1.0, 0.9, 0.9, 0.88, 0.62), nan_also={"faster"}),
        "apart": Spoilt("whole_model", of_run("whole", lambda left, by: np.array([*left[:-1], left[0] * 0.2 * by]))),
        "plain": Spoilt("entropy_collapse", instead(topic, "FACTORS", lambda by: (1, 1.5)), no_nan="factors"),
        "normed": Spoilt("entropy_collapse", norm_of_size, nan_also={"cosine", "plain"}),
        "cosine": Spoilt("entropy_collapse", output(
            topic, "rms_norm_forward", lambda y, by: by * by * y), nan_also={"normed"}),
        "alone": Spoilt("remedies", of_run("alone", lambda alone, by: np.full(len(alone), by))),
    }  # fmt: skip


def test_two_tokens_by_hand():
    assert ask(topic.by_hand, run_of()).answer == pytest.approx(math.sqrt(4 / 20))
    assert ask(topic.three_senses, run_of()).answer == pytest.approx(math.log(32))
    assert "the mean: (2, 2) twice." in sentences(records_of(topic.by_hand, run_of()))[1]


def test_a_stack_is_followed_by_hand():
    run = run_of("depth=6", "tokens=5")
    rng = np.random.default_rng((0, 3))
    x = rng.standard_normal((5, 16))
    found = []
    for _ in range(3):
        q, k, v = (x @ (rng.standard_normal((16, 16)) / 4) for _ in range(3))
        e = np.exp(q @ k.T / 4)
        x = e / e.sum(axis=1, keepdims=True) @ v
        x *= math.sqrt(x.size / (x**2).sum())
        found.append(np.linalg.norm(x - x.mean(axis=0)) / np.linalg.norm(x))
    assert topic.through_attention(6, False, 5, seed=(0, 3))[1:4] == pytest.approx(found)
    stacks = [topic.through_attention(6, False, 5, seed=(0, i)) for i in range(10)]
    assert run.alone[1] == pytest.approx(np.prod([stack[1] for stack in stacks]) ** 0.1)


def test_falls_are_computed_from_what_is_left():
    run = run_of()
    rows = tables(records_of(topic.why_so_fast, run))[0].rows
    for row in rows:
        assert row["fall"] == pytest.approx(math.log10(run.alone[row["layer"] - 1] / run.alone[row["layer"]]))
    a = run.alone
    assert ask(topic.why_so_fast, run).answer == pytest.approx(a[0] * (a[1] / a[0]) ** 4)
    assert ask(topic.layers, run).answer == pytest.approx(a[4] / a[2])
    assert sentences(records_of(topic.why_so_fast, run))[1].startswith(f"Measured: {a[4]:.2g}.")
    assert ask(topic.whole_model, run).answer == pytest.approx(run.whole[-1] / run.whole[0])


def test_entropy_of_rows_is_summed_again():
    run, rng = run_of(), generator_of(0, "entropy_collapse")
    q, k = rng.standard_normal((32, 16)), rng.standard_normal((32, 16))

    def share(q, k):
        p = np.exp(q @ k.T / 4 - (q @ k.T / 4).max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return float(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1).mean() / math.log(32))

    unit = [4 * x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, k)]
    for row in tables(records_of(topic.entropy_collapse, run))[0].rows:
        assert row["plain"] == pytest.approx(share(row["factor"] * q, k)) and row["normed"] == pytest.approx(
            share(*unit)
        )
    assert ask(topic.entropy_collapse, run).answer == 8 and ask(topic.remedies, run).answer == 12
