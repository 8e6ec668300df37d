"""decoding-autoregressive: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.generating.autoregressive.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def deaf(run, patch, by):
    """What stands behind the other first token is expected as behind the likeliest one."""
    after = type(run).after
    first = int(run.written[0])
    patch.setattr(run, "after", lambda *ids: after(run, *ids[:0], *([first] if ids else [])) * (1 if by == 1.2 else by))


def one_fewer(run, patch, by):
    patch.setattr(topic, "greedy", lambda model, prompt, n: KEPT["greedy"](model, prompt, n - 1))


def scored_twice(run, patch, by):
    patch.setattr(topic, "log_probability", lambda *a: (KEPT["log_probability"](*a), KEPT["log_probability"](*a))[0])


class TestAutoregressive(TopicTests):
    lesson, steps = topic, 7
    changed = ["tokens=4", "tokens=10", asked(text="x"), asked(text="the cat sat on the mat")]
    refused = ["tokens=3", "tokens=11", asked(text="word " * 65), asked(text=" ")]
    spoilt = {
        "sum": Spoilt("chances", result(topic, "probabilities_of")),
        "both": Spoilt("chain_rule", result(topic, "log_probability")),
        "hangs": Spoilt("chain_rule", deaf, nan_also={"both"}),
        "one-pass": Spoilt("trace", result(topic, "log_probability")),
        "ranks": Spoilt("trace", of_run(
            "traced", lambda traced, by: [traced[0]._replace(rank=2), *traced[1:]]), no_nan="a count"),
        "lost": Spoilt("logarithms", instead(topic, "SMALLEST", lambda by: 1e-30 * by), raises=ValueError),
        "kept": Spoilt("logarithms", instead(topic, "SMALLEST", lambda by: 1e-60 * by), raises=ValueError),
        "written": Spoilt("passes", one_fewer, no_nan="a count"),
        "scored": Spoilt("passes", scored_twice, no_nan="a count"),
        "likeliest": Spoilt("which_token", of_run(
            "written", lambda ids, by: np.r_[ids[0] + 1, ids[1:]]), no_nan="ids"),
    }  # fmt: skip


def chances(run, *ids):
    """By hand, from the last row of a whole pass."""
    logits = run.model.forward(np.array([[*run.prompt, *ids]]))[0][0, -1]
    e = [math.exp(x - max(logits)) for x in logits]
    return [x / sum(e) for x in e]


def test_what_is_left_for_the_other_tokens():
    run = run_of()
    p = sorted(chances(run), reverse=True)
    assert ask(topic.chances, run).answer == pytest.approx(1 - sum(p[:5]))
    (shown,) = tables(records_of(topic.chances, run))
    assert [row["p"] for row in shown.rows] == pytest.approx(p[:5]) and "2,189" in shown.title


def test_two_factors_are_multiplied():
    run = run_of()
    p = chances(run)
    first, other = sorted(range(len(p)), key=lambda i: -p[i])[:2]
    second = int(np.argmax(chances(run, first)))
    told, changed = chances(run, first)[second], chances(run, other)[second]
    question = ask(topic.chain_rule, run)
    assert question.answer == pytest.approx(p[first] * told)
    words = [run.words[i] for i in (first, second, other)]
    assert question.prompt == (
        f'"{words[0]}" has {p[first]:.3f}, and after it "{words[1]}" has {told:.3f}. The chance of both?'
    )
    assert sentences(records_of(topic.chain_rule, run))[-1] == (
        f'The second factor hangs on the first choice. Behind "{words[2]}" the same "{words[1]}" has {changed:.2g}. '
        "That is why the next token waits until this one is chosen."
    )


def test_the_trace_is_followed_again():
    run = run_of("tokens=5")
    total, ids = 0.0, []
    for row in tables(records_of(topic.trace, run))[0].rows:
        p = chances(run, *ids)
        ids.append(int(np.argmax(p)))
        total += math.log(max(p))
        assert row["token"] == run.words[ids[-1]] and row["t"] == len(ids)
        assert (row["p"], row["log"], row["sum"]) == pytest.approx((max(p), math.log(max(p)), total))
    assert len(ids) == 5 and ask(topic.trace, run).answer == pytest.approx(total / 5)
    assert f"The text has chance e^{total:.2f} = {math.exp(total):.2g}," in sentences(records_of(topic.trace, run))[-1]
    question = ask(topic.logarithms, run)
    assert question.answer == pytest.approx(149 * math.log(2) / (-total / 5))
    assert f"is the perplexity: {math.exp(-total / 5):.2f} here" in sentences(records_of(topic.logarithms, run))[-1]
    sizes = [row["n"] for row in tables(records_of(topic.logarithms, run))[0].rows]
    assert sizes == [5, math.floor(0.9 * question.answer), math.ceil(1.1 * question.answer)]


def test_passes_are_counted():
    run = run_of("tokens=6")
    assert ask(topic.passes, run).answer == 6
    t = len(run.prompt)
    assert (
        f"Counted: 6 passes over {t} to {t + 5} tokens to write, 1 to score."
        in sentences(records_of(topic.passes, run))[1]
    )


def test_texts_that_are_chosen_have_the_log_p_that_is_shown():
    run = run_of()
    rows = tables(records_of(topic.which_token, run))[0].rows
    assert [row["how"] for row in rows] == ["likeliest", "drawn, 1", "drawn, 2"]
    assert rows[0]["log"] == pytest.approx(ask(topic.trace, run).answer) and rows[0]["log"] > rows[1]["log"]
    assert ask(topic.which_token, run).answer == 10
