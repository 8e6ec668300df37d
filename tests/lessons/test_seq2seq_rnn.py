"""seq2seq-rnn: the text comes out reversed, states and chances are found another way, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.before.seq2seq_rnn.lesson as topic
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
from tfx.records import Question

TOPIC = "seq2seq-rnn"


def run_of(*pairs: str, text: str | None = None) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs, text=text))


@pytest.mark.parametrize(
    ("pairs", "text"), [([], None), (["width=8"], None), (["width=512"], "a"), ([], "stressed desserts"), ([], "aaa")]
)
def test_every_check_holds(pairs, text):
    for seed in range(3):
        steps = steps_of(TOPIC, *pairs, text=text, seed=seed)
        assert len(steps) == 8 and not failed(steps) and all_text(steps).isascii()
        assert set(checks(steps)) == {*SPOILT} - (
            {"reversed"} if "width=8" in pairs or text == "stressed desserts" else set()
        )


def other_states(run, monkeypatch, by):
    run.states = by * run.states


def other_output(run, monkeypatch, by):
    run.written = run.written._replace(symbols=np.roll(run.written.symbols, 1))


def other_first(run, monkeypatch, by):
    run.written = run.written._replace(states=run.written.states[:, ::-1])


def other_chances(run, monkeypatch, by):
    right = topic.softmax_forward
    monkeypatch.setattr(topic, "softmax_forward", lambda x: (by * right(x)[0], None))


def a_chance_of_nothing(run, monkeypatch, by):
    right = topic.softmax_forward

    def wrong(x):
        p = right(x)[0].copy()
        p[..., 0], p[..., 1] = 0 * by, p[..., 1] + p[..., 0]
        return p, None

    monkeypatch.setattr(topic, "softmax_forward", wrong)


def other_product(run, monkeypatch, by):
    monkeypatch.setattr(topic.math, "prod", lambda x: 0.36 * by)


def unsorted(run, monkeypatch, by):
    run.ids = run.ids * by if by == by else run.ids.astype(float) * by
    monkeypatch.setattr(topic, "TASKS", topic.TASKS | {"sort": topic.TASKS["copy"]})


#: check -> its step, and how it is spoilt.
SPOILT = {
    "sum": ("context", other_states),
    "reversed": ("writing", other_output),
    "last-first": ("writing", other_first),
    "product": ("training", other_product),
    "chances": ("real", other_chances),
    "all": ("real", a_chance_of_nothing),
    "sorted": ("toys", unsorted),
}


@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong(id, monkeypatch):
    step, spoil = SPOILT[id]
    run = run_of()
    assert not failed_in(getattr(topic, step), run)
    spoil(run, monkeypatch, 2)
    assert id in failed_in(getattr(topic, step), run)


@pytest.mark.parametrize("id", ["sum", "product", "chances", "all"])
def test_a_check_does_not_hold_of_what_is_no_number(id, monkeypatch):
    step, spoil = SPOILT[id]
    run = run_of()
    with np.errstate(all="ignore"):
        spoil(run, monkeypatch, math.nan)
        assert id in failed_in(getattr(topic, step), run)


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
