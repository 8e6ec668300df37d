"""peft-prefix: the text is computed, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.adaptation.prefix.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Formula, Question, Said

run_of = runs_of(topic)
TOLD = {(topic.FIRST, topic.BOTH): (0.5, 0.9), (topic.LAST, topic.BOTH): (0.6, 0.95)}


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def known(wanted, length, signs, steps, tuning, asked, seed):
    return TOLD.get((wanted, signs), (0.17, 0.2))


def told(wanted, share):
    return of_run("told", lambda told, by: told | {wanted: (0.5, share * by / by)})


def counts(name):
    return result(topic, name, lambda part, by: type("P", (), {"n_parameters": part.n_parameters + 1}))


class TestPrefix(TopicTests):
    lesson, steps = topic, 7
    changed = [["length=3"], ["length=8"]]
    refused = ["length=2", "length=9"]
    known = {"switched": known}
    spoilt = {
        "count": Spoilt("not_words", counts("add_prefixes"), no_nan="a count"),
        "behind": Spoilt("in_front", result(topic, "attention_forward", lambda y, by: (y[0] + by * 1e-6, y[1]))),
        "front": Spoilt("in_front", lambda run, patch, by: setattr(run, "out", run.plain + 0.009 * by / by)),
        "keys": Spoilt("in_front", of_run("weights", lambda w, by: w * (np.arange(w.shape[1]) > 0)),
                       no_nan="a count"),
        "mixture": Spoilt("inside_a_head", of_run("out", lambda out, by: out * (1 + by * 1e-6))),
        "ratio": Spoilt("inside_a_head", of_run("plain_weights", lambda w, by: w ** (1 + by * 1e-6))),
        "first": Spoilt("switches", told(topic.FIRST, 0.74)),
        "last": Spoilt("switches", told(topic.LAST, 0.74)),
        "control": Spoilt("switches", of_run("control", lambda c, by: (0.2, 0.46 * by / by))),
        "prompt": Spoilt("prompt_tuning", counts("add_prompt"), no_nan="a count"),
    }  # fmt: skip


def test_attention_with_a_prefix_is_worked_out_again():
    run = run_of("length=3", seed=2)
    scores = run.q @ np.concatenate((run.prefix_k, run.k)).T / 8**0.5
    t = 4
    weights = np.exp(scores[t]) / np.exp(scores[t]).sum()
    out = weights @ np.concatenate((run.prefix_v, run.v))
    shown = records_of(topic.inside_a_head, run)
    asked = next(r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx(out[0])
    assert f"share {weights[:3].sum():.3f}." in sentences(shown)[1]
    assert (
        f"over that on token 2 is {weights[3] / weights[4]:.3f}, and was {weights[3] / weights[4]:.3f}."
        in sentences(shown)[2]
    )
    row = np.exp(scores[1, :5]) / np.exp(scores[1, :5]).sum()
    line = next(r.text for r in records_of(topic.in_front, run) if isinstance(r, Formula))
    assert line == "weights of token 2: " + ", ".join(f"{w:.2f}" for w in [*row, 0, 0, 0])
    assert ask(topic.in_front, run).answer == 8


def test_what_was_learned_is_told(monkeypatch):
    monkeypatch.setattr(topic, "switched", known)
    run = run_of()
    rows = tables(records_of(topic.switches, run))[0].rows
    assert [(row["before"], row["after"]) for row in rows] == [(50, 90), (60, 95), (17, 20)]
    assert ask(topic.switches, run).answer == pytest.approx(0.5 + 0.5 / 6)


def test_counts_and_sayings():
    run = run_of("length=5")
    assert ask(topic.not_words, run).answer == 2 * 12 * 5 * 768 and ask(topic.prompt_tuning, run).answer == 80
    rows = tables(records_of(topic.prompt_tuning, run))[0].rows
    assert [row["n"] for row in rows] == [2 * 3 * 5 * 16, 5 * 16]
    assert rows[1]["share"] == pytest.approx(100 * 80 / topic.DecoderOnly(9, 16, 2, 32, 3, max_len=8).n_parameters)
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["false", "false", "too strong", "false"]
