"""efficient-low-rank: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.cost.low_rank.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def scaled(share):
    return lambda y, by: y * (1 + (by - 1) * share)


def cut(by):
    """A text that is too long is cut, not refused, and the future is hidden."""

    def forward(q, k, v, mix):
        same = np.broadcast_to(v[:1], v.shape)
        return KEPT["linformer_forward"](q, k[: mix.shape[1]], same[: mix.shape[1]], mix)

    return forward


def less_in_the_second(shares, by):
    return shares | {"block 2": shares["block 1"] * (0.9 * by / by)}


def rougher(run, patch, by):
    run.smooth = run.rough


def smoother(run, patch, by):
    run.rough = run.smooth


class TestEfficientLowRank(TopicTests):
    lesson, steps = topic, 7
    changed = ["marks=4", "marks=64"]
    refused = ["marks=3", "marks=65"]
    spoilt = {
        "even": Spoilt("directions", result(topic, "energy"), no_nan="rounded"),
        "upper": Spoilt("directions", of_run("shares", less_in_the_second)),
        "hand": Spoilt("linformer", instead(topic, "HAND", lambda by: KEPT["HAND"] * by)),
        "identity": Spoilt("linformer", output(topic, "linformer_forward", scaled(1e-6))),
        "smooth": Spoilt("how_good", rougher, no_nan="rows"),
        "rough": Spoilt("how_good", smoother, no_nan="rows"),
        "work": Spoilt("how_good", result(topic, "work", lambda n, by: n + 1), no_nan="a count"),
        "leaks": Spoilt("forbids", instead(topic, "linformer_forward", cut), also={"length"}, no_nan="a rule"),
        "length": Spoilt("forbids", instead(topic, "linformer_forward", cut), also={"leaks"}, no_nan="a rule"),
        "near": Spoilt("nystrom", rougher, no_nan="rows"),
        "far": Spoilt("nystrom", smoother, no_nan="rows"),
        "all": Spoilt("nystrom", output(topic, "nystrom_attention_forward", scaled(0.1)), nan_also={"near", "far"}),
    }  # fmt: skip


def test_energy_is_told_as_it_was_measured():
    run = run_of()
    rows = tables(records_of(topic.directions, run))[0].rows
    for row in rows:
        share = run.shares[row["what"]]
        assert [row[f"k{k}"] for k in (1, 8, 32)] == pytest.approx([100 * share[k - 1] for k in (1, 8, 32)])
    trained = KEPT["heads_of_language_model"]()[1]
    values = np.sqrt(np.linalg.eigvalsh(trained @ trained.swapaxes(-1, -2))[:, ::-1].clip(0)) ** 2
    assert rows[1]["k8"] == pytest.approx(100 * (values[:, :8].sum(1) / values.sum(1)).mean())
    assert ask(topic.directions, run).answer == pytest.approx(1)


def test_four_keys_become_two():
    text = " ".join(sentences(records_of(topic.linformer, run_of())))
    assert "(1/2, 1/2, 0, 0) and (0, 0, 1/2, 1/2): K' = 3, 8." in text
    assert ask(topic.linformer, run_of()).answer == 4096 * 256


def test_errors_are_measured_again():
    run = run_of("marks=8", seed=2)
    rows = {row["marks"]: row for row in tables(records_of(topic.how_good, run))[0].rows}
    assert list(rows) == [4, 8, 16, 64]
    q, k, v = run.smooth
    mean = np.repeat(np.eye(8), 16, axis=1) / 16

    def attend(keys, values):
        scores = np.exp(q @ keys.T / 4)
        return scores / scores.sum(axis=1, keepdims=True) @ values

    whole, mixed = attend(k, v), attend(mean @ k, mean @ v)
    assert rows[8]["smooth"] == pytest.approx(100 * np.linalg.norm(mixed - whole) / np.linalg.norm(whole), rel=1e-6)
    assert rows[8]["work"] == 4 * 128 * 8 * 16 and ask(topic.how_good, run).answer == 4


def test_what_it_forbids_is_told():
    run = run_of()
    text = " ".join(sentences(records_of(topic.forbids, run)))
    assert "Here 129 tokens for a G of 128 columns: refused." in text
    mean, (q, k, _) = run.means(16), run.rough
    weights = np.exp(q[0] @ (mean @ k).T / 4)
    moved = (weights / weights.sum())[-1] / 8
    assert f"In Linformer it moves by {moved:.2g}." in text
    assert ask(topic.nystrom, run).answer == 128 * 16 + 16 * 16 + 16 * 128


def test_sayings():
    said = [r for r in records_of(topic.often_said, run_of()) if isinstance(r, Said)]
    assert [(r.claim, r.verdict) for r in said] == [
        ("C177", "true with conditions"), ("C191", "true with conditions"), ("", "false"), ("", "false"),
    ]  # fmt: skip
