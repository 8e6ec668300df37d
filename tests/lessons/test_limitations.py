"""limitations: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lessons.inside.limitations.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
RNG = np.random.default_rng


def ask(step, *given):
    return next(r for r in records_of(step, *given) if isinstance(r, Question))


def scores(run, patch, by):
    right = type(run).scores
    patch.setattr(run, "scores", lambda n: right(run, n) * (by if n == 2048 else 1))


def half_at(change):
    """The crossing is looked for beside where it is."""
    return result(topic, "first_n_where", lambda n, by: n + change)


def only(name, when):
    """The count is wrong of one model alone."""

    def spoil(run, patch, by):
        patch.setattr(topic, name, lambda what, *more: KEPT[name](what, *more) * (by if when(what, *more) else 1))

    return spoil


def pairs(run, patch, by):
    """Of a window, pairs cost more than they do."""
    sizes = topic.MISTRAL.sizes

    def wrong(found, *steps):
        right = KEPT["flops"](found, *steps)
        return right * by if steps and right == KEPT["flops"](KEPT["token_costs"](sizes, 1, 32_767), *steps) else right

    patch.setattr(topic, "flops", wrong)


def experts(run, patch, by):
    wrong = replace(topic.MIXTRAL.sizes, chosen=8)

    def costs(sizes, *more):
        found = KEPT["token_costs"](sizes, *more)
        return [*found, *found[: len(found) // 4]] if sizes == wrong else found

    patch.setattr(topic, "token_costs", costs)


class TestLimitations(TopicTests):
    lesson, steps = topic, 9
    changed = ["model=Mistral 7B", "model=Llama 2 70B", ("tokens=1000000", "bits=1"), ("tokens=16", "bits=64")]
    refused = ["tokens=15", "bits=65", "model=Mixtral 8x7B"]
    spoilt = {
        "gpt-3": Spoilt("weights", only("count", lambda owned, *_: len(owned) > 10)),
        "built": Spoilt("weights", instead(topic, "held", lambda by: lambda *a: (by, 1, 1, 1))),
        "square": Spoilt("square", scores),
        "half": Spoilt("square", half_at(-500), no_nan="a count"),
        "not-before": Spoilt("square", half_at(500), no_nan="a count"),
        "linear": Spoilt("state", only("count", lambda owned: owned[0].shape[1] == 1000)),
        "memory": Spoilt("latency", instead(topic, "CARD", lambda by: replace(KEPT["CARD"], bandwidth=by * 2e13))),
        "once": Spoilt("made_up", result(topic, "seen_once")),
        "more-data": Spoilt("made_up", result(topic, "error_of_learner", lambda p, by: p if p > 0.05 else 2 * by * p)),
        "keys": Spoilt("remedies", only("count", lambda owned: owned[0].shape[0] == 64)),
        "window": Spoilt("remedies", pairs),
        "experts": Spoilt("remedies", experts, no_nan="costs"),
        "quarter": Spoilt("often_said", only("count", lambda owned: True)),
        "tokens": Spoilt("data", only("count", lambda owned: True)),
    }  # fmt: skip


def test_gpt3_is_counted_by_hand():
    c, layers, vocab, places = 12288, 96, 50257, 2048
    block = 4 * c * c + 4 * c + 8 * c * c + 5 * c + 4 * c
    gpt3 = layers * block + 2 * c + (vocab + places) * c
    assert ask(topic.weights, run_of()).answer == pytest.approx(4 * gpt3 / 1e9)
    rows = {row["name"]: row for row in tables(records_of(topic.weights, run_of()))[0].rows}
    found, token = [rows["GPT-3 175B"][key] for key in ("weights", "token", "text")], 2 * layers * c * 2
    assert found == pytest.approx([2 * gpt3 / 1e9, token / 1e6, token * 2048 / 1e9], rel=1e-9)
    text = next(r for r in records_of(topic.often_said, run_of()) if isinstance(r, Said)).truth
    assert "Its weights: 349 GB in 16 bits (175 billion times two: 350), 87 in 4." in text


def test_pairs_take_half_where_it_is_said():
    c, n = 12288, 73_990
    for length, reaches in ((n, True), (n - 1, False)):
        pairs, rest = 96 * 2 * 2 * length * length * c, 2 * length * (96 * 12 * c * c + 50257 * c)
        assert (pairs >= rest) is reaches
    assert "Here pairs take half of the work from 73,990 tokens on." in sentences(records_of(topic.square, run_of()))[1]
    assert ask(topic.square, run_of()).answer == 16
    rows = tables(records_of(topic.square, run_of()))[0].rows
    assert rows[0]["scores"] == pytest.approx(96 * 96 * 2048**2 * 2 / 1e9)


def test_states_and_milliseconds_by_hand():
    run = run_of()
    assert ask(topic.state, run).answer == pytest.approx(2000)
    even = run.weights / (2 * 96 * 12288)
    assert f"yet at {even:,.0f} tokens" in sentences(records_of(topic.state, run))[1]
    rows = tables(records_of(topic.latency, run))[0].rows
    used = 2 * (96 * 12 * 12288**2 + 50257 * 12288 + 96 * 2 * 12288)
    assert [row["ms"] for row in rows] == pytest.approx([2 * run.weights / 3350e9 * 1e3, used / 989e12 * 1e3])
    assert ask(topic.latency, run).answer == pytest.approx(rows[0]["ms"] / rows[1]["ms"])


def test_facts_told_once_are_counted_again():
    run = run_of()
    p = np.arange(1, 20_001) ** -1.5
    p /= p.sum()
    new, more = ((p * (1 - p) ** n).sum() for n in (2000, 20_000))
    text = sentences(records_of(topic.made_up, run))
    assert f"The true chance is {new:.1%}. Ten times the data leave {more:.1%}:" in text[1]
    found = ask(topic.made_up, run)
    counts = [np.bincount(RNG(i).choice(20_000, 2000, p=p), minlength=20_000) for i in range(20)]
    assert found.answer == pytest.approx(np.mean([(c == 1).sum() / 2000 for c in counts]), abs=0.005)
    assert f"{found.answer * 2000:.0f} facts stood exactly once" in found.prompt


def test_savings_by_hand():
    rows = tables(records_of(topic.remedies, run_of()))[0].rows
    c, f, v, n = 4096, 14336, 32000, 32
    rest = n * (2 * c * c + 2 * c * c // 4 + 8 * c + 2 * c) + c * v
    eight, two = (rest + n * k * (3 * c * f + c) for k in (8, 2))
    assert [row["saves"] for row in rows] == pytest.approx([8, 8, 4, eight / two])
    assert ask(topic.remedies, run_of()).answer == 8
    assert ask(topic.data, run_of()).answer == pytest.approx(15e12 / 8.03e9, rel=1e-3)
