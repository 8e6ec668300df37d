"""efficient-reformer: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.cost.reformer.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def keeps_all(run, patch, by):
    patch.setattr(topic.ReversibleStack, "__init__", _never_again(topic.ReversibleStack.__init__))


def _never_again(init):
    return lambda self, settings, rng, recompute=True: init(self, settings, rng, False)


class TestEfficientReformer(TopicTests):
    lesson, steps = topic, 7
    changed = ["noise=0.1", "noise=1"]
    refused = ["noise=0", "noise=1.1"]
    spoilt = {
        "top": Spoilt("which_keys", of_run("x", lambda x, by: 0 * x), no_nan="all are equal"),
        "opposite": Spoilt("by_hand", result(topic, "lsh_buckets", lambda b, by: b // 9), no_nan="a count"),
        "more": Spoilt("rounds", result(topic, "found_by_round", lambda found, by: found[-1:].repeat(8) * by)),
        "pairs": Spoilt("rounds", result(topic, "compared", lambda share, by: (share + 0.2) * by)),
        "exact": Spoilt("sort_and_cut", output(topic, "lsh_attention_forward", lambda y, by: y * (1 + (by - 1) / 100))),
        "undone": Spoilt("reversible", result(topic, "largest", lambda off, by: off + 1e-8 * by)),
        "depth": Spoilt("reversible", keeps_all, no_nan="bytes"),
    }  # fmt: skip


def test_four_vectors_have_their_buckets():
    rows = tables(records_of(topic.by_hand, run_of()))[0].rows
    assert [row["bucket"] for row in rows] == ["right", "right", "up", "left"]
    assert [row["both"] for row in rows][::3] == ["3, 1, -3, -1", "-3, -1, 3, 1"]


def test_rounds_are_counted_again():
    run = run_of("noise=0.7", seed=3)
    rows = tables(records_of(topic.rounds, run))[0].rows
    alike = run.x @ run.x.T - 9 * np.eye(128)
    met = run.buckets == run.buckets[:, alike.argmax(axis=1)]
    for row in rows:
        assert row["found"] == pytest.approx(100 * met[: row["rounds"]].any(axis=0).mean())
        pairs = (run.buckets[: row["rounds"], :, None] == run.buckets[: row["rounds"], None]).any(axis=0)
        assert row["pairs"] == pytest.approx(100 * (pairs.sum() - 128) / (128 * 127))
    asked = ask(topic.rounds, run)
    assert asked.answer == pytest.approx(100 * (1 - (1 - met[0].mean()) ** 4))
    assert asked.prompt.startswith(f"One round finds {100 * met[0].mean():.0f}%.")


def test_the_top_weights_are_told():
    run = run_of(seed=1)
    scores = 9 * run.x @ run.x.T - 1e9 * np.eye(128)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    top = np.sort(weights, axis=1)[:, -4:].sum(axis=1).mean()
    assert f"the 4 largest of a row have {top:.0%}." in sentences(records_of(topic.which_keys, run))[-1]
    assert ask(topic.which_keys, run).answer == pytest.approx(4 / 127)


def test_scores_and_streams_by_hand():
    assert ask(topic.sort_and_cut, run_of()).answer == 4 * 4096 * 128 and ask(topic.reversible, run_of()).answer == 51
    rows = tables(records_of(topic.sort_and_cut, run_of()))[0].rows
    assert [row["share"] for row in rows] == [50.0, 12.5, 3.125]
    assert ask(topic.often_said, run_of()).answer == 512
    said = [r for r in records_of(topic.often_said, run_of()) if isinstance(r, Said)]
    assert [(r.claim, r.verdict) for r in said] == [("C189", "true"), ("", "true with conditions"), ("", "too strong")]


def test_what_is_kept_does_not_grow_with_depth():
    rows = tables(records_of(topic.reversible, run_of()))[0].rows
    assert rows[0]["again"] == rows[1]["again"] < rows[0]["usual"] < rows[1]["usual"] / 5
