"""seq2seq-rnn: the text comes out reversed, states and chances are found another way, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.before.seq2seq_rnn.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, of_run, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

run_of = runs_of(topic)


def other_output(run, patch, by):
    run.written = run.written._replace(symbols=np.roll(run.written.symbols, 1))


def other_first(run, patch, by):
    run.written = run.written._replace(states=run.written.states[:, ::-1])


def a_chance_of_nothing(run, patch, by):
    right = topic.softmax_forward

    def wrong(x):
        p = right(x)[0].copy()
        p[..., 0], p[..., 1] = 0 * by, p[..., 1] + p[..., 0]
        return p, None

    patch.setattr(topic, "softmax_forward", wrong)


def other_product(run, patch, by):
    patch.setattr(topic.math, "prod", lambda x: 0.36 * by)


def unsorted(run, patch, by):
    run.ids = run.ids * by if by == by else run.ids.astype(float) * by
    patch.setattr(topic, "TASKS", topic.TASKS | {"sort": topic.TASKS["copy"]})


class TestSeq2seqRnn(TopicTests):
    lesson, steps = topic, 8
    changed = [asked("width=8"), asked("width=512", text="a"), asked(text="stressed desserts"), asked(text="aaa")]
    changed_seeds = range(3)
    sometimes = ("reversed",)
    refused = ["width=7", "width=513"]
    by = 2.0
    spoilt = {
        "sum": Spoilt("context", of_run("states")),
        "reversed": Spoilt("writing", other_output, also={"last-first"}, no_nan="symbols"),
        "last-first": Spoilt("writing", other_first, no_nan="states in another order"),
        "product": Spoilt("training", other_product),
        "chances": Spoilt("real", output(topic, "softmax_forward"), nan_also={"all"}),
        "all": Spoilt("real", a_chance_of_nothing, nan_also={"chances"}),
        "sorted": Spoilt("toys", unsorted, no_nan="symbols"),
    }


def test_drawer_becomes_reward():
    shown = records_of(topic.writing, run_of())
    assert [row["letter"] for row in tables(shown)[0].rows] == list("drawer"[::-1])
    assert sentences(shown)[1] == (
        'Written: "reward", 6 of 6 letters right. A right code answers with about 1; the letters that are still to '
        "come disturb it, less the wider c is."
    )
    narrow = run_of("width=8")
    right = sum(a == b for a, b in zip(narrow.output, "reward", strict=True))
    assert f'Written: "{narrow.output}", {right} of 6 letters right.' in sentences(records_of(topic.writing, narrow))[1]
    for row, state in zip(tables(shown)[0].rows, run_of().written.states[0], strict=True):
        assert row["score"] == pytest.approx(max(code @ state for code in run_of().model.codes))


def test_questions_are_answered_another_way():
    (size,) = (r for r in records_of(topic.context, run_of("width=40")) if isinstance(r, Question))
    assert size.answer == len(run_of("width=40", text="a").states[0, -1])
    (loss,) = (r for r in records_of(topic.training, run_of()) if isinstance(r, Question))
    assert loss.answer == pytest.approx(-math.log(0.9 * 0.8 * 0.5))
    assert sentences(records_of(topic.training, run_of()))[1] == (
        "Their product is 0.360; e to the power of minus the loss is 0.360, too."
    )


def test_toys_are_those_of_the_letters():
    rows = {row["task"]: row["out"] for row in tables(records_of(topic.toys, run_of(text="banana")))[0].rows}
    assert rows == {"copy": "1 0 2 0 2 0", "reverse": "0 2 0 2 0 1", "sort": "0 0 0 1 2 2"}
