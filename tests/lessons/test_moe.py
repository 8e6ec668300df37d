"""moe: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.scale.moe.lesson as topic
from lessons.writing import as_record
from tests.lessons.spoiling import Spoilt, TopicTests, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question, Said

run_of = runs_of(topic)
TRAINED = {0.0: (0.3, 0.3), 10.0: (0.0, 0.15)}


def trained(balance, unused, busiest):
    def spoil(run, patch, by):
        run.trained = TRAINED | {balance: tuple(v if by == by else by for v in (unused, busiest))}

    return spoil


def layers(run, patch, by):
    """One expert too many."""
    right = run.layer
    patch.setattr(run, "layer", lambda n, k: right(n + 1, k))


def gates(change):
    def spoil(run, patch, by):
        right = topic.gates_forward

        def wrong(logits, chosen):
            found, cache = right(logits, chosen)
            return change(found, by), cache

        patch.setattr(topic, "gates_forward", wrong)

    return spoil


def places(run, patch, by):
    """Fewer places for a larger factor."""
    right = topic.expert_capacity
    patch.setattr(topic, "expert_capacity", lambda n, e, k, factor: right(n, e, k, 1 / factor))


def loads(which, change):
    """The loss of that load, counted from 0, is off."""

    def spoil(run, patch, by):
        right, calls = topic.load_balance_forward, []

        def wrong(p, chosen):
            value, cache = right(p, chosen)
            calls.append(value)
            return (change(value, by) if len(calls) - 1 == which else value), cache

        patch.setattr(topic, "load_balance_forward", wrong)

    return spoil


def more(numbers):
    return lambda counted, by: counted._replace(rest=counted.rest + numbers)


def standing_in(*pairs):
    run = run_of(*pairs)
    run.trained = TRAINED
    return run


def ask(step, run=None):
    return next(r for r in records_of(step, run or standing_in()) if isinstance(r, Question))


class TestMoe(TopicTests):
    lesson, steps = topic, 8
    changed = [["experts=4", "factor=0.5"], ["experts=64", "factor=4"]]
    refused = ["experts=3", "experts=65", "factor=0.4", "factor=4.1"]
    spoilt = {
        "stored": Spoilt("many_networks", layers, also={"met"}, no_nan="a count"),
        "met": Spoilt("many_networks", lambda run, patch, by: patch.setattr(
            topic.MixtureOfExperts, "n_active_parameters", 5), no_nan="a count"),
        "gates": Spoilt("by_hand_", gates(lambda g, by: g + np.array([1, -1]) * (by - 1) * 1e-9), nan_also={"one"}),
        "one": Spoilt("by_hand_", gates(lambda g, by: g * (1 + (by - 1) * 1e-9)), also={"gates"}),
        "mixtral": Spoilt("published", result(topic, "count", more(10**8)), no_nan="a count"),
        "shared": Spoilt("published", result(topic, "count", more(10**10)), also={"mixtral"}, no_nan="a count"),
        "all": Spoilt("capacity", result(topic, "expert_counts", lambda load, by: load[1:]), also={"served"},
            no_nan="a count"),
        "lost": Spoilt("capacity", places, no_nan="a count"),
        "served": Spoilt("capacity", result(topic, "within_capacity", lambda keep, by: (
            keep & (np.arange(64) > 0)[:, None])), no_nan="a count"),
        "all-rules": Spoilt("rules", result(topic, "expert_counts", lambda load, by: load * by), nan_also={"uneven"}),
        "uneven": Spoilt("rules", result(topic, "expert_counts", lambda load, by: np.full(8, load.sum() / 8)),
            no_nan="a count"),
        "even": Spoilt("balance_loss", loads(0, lambda v, by: v * (1 + (by - 1) * 1e-9))),
        "worst": Spoilt("balance_loss", loads(1, lambda v, by: v * (1 + (by - 1) * 1e-9))),
        "push": Spoilt("balance_loss", loads(2, lambda v, by: 0.99 * by / by)),
        "alone": Spoilt("with_and_without", trained(0.0, 0.04, 0.3), nan_also={"forced", "busiest"}),
        "forced": Spoilt("with_and_without", trained(10.0, 0.2, 0.15), nan_also={"busiest"}),
        "busiest": Spoilt("with_and_without", trained(10.0, 0.0, 0.28), nan_also={"forced"}),
    }  # fmt: skip


def test_a_token_is_routed_by_hand():
    (rows,) = (r.values for r in records_of(topic.by_hand_, run_of()) if isinstance(r, Matrix))
    exps = [math.exp(s) for s in (2.0, 0.5, 1.0, -1.0)]
    assert rows[1] == pytest.approx([e / sum(exps) for e in exps])
    pair = exps[0] + exps[2]
    assert rows[2] == pytest.approx([exps[0] / pair, 0, exps[2] / pair, 0])
    assert ask(topic.by_hand_).answer == pytest.approx(exps[0] / pair)


@pytest.mark.parametrize("n", [4, 16])
def test_numbers_are_counted_again(n):
    run = run_of(f"experts={n}")
    one, other = tables(records_of(topic.many_networks, run))[0].rows
    expert = 2 * 16 * 64
    assert (one["stored"], one["met"], one["work"]) == (expert, expert, expert)
    assert (other["stored"], other["met"]) == (n * (expert + 16), 2 * expert + n * 16)
    assert other["work"] == pytest.approx(2 * expert + n * 16 + 2 * 16)
    assert ask(topic.many_networks, run).answer == n * (expert + 16)


def test_mixtral_is_counted_from_its_sizes():
    c, f, layers_, heads_kv = 4096, 14336, 32, 8
    attention = 2 * c * c + 2 * c * heads_kv * 128
    experts = layers_ * 8 * 3 * c * f
    stored = layers_ * (attention + 8 * c + 2 * c) + experts + 2 * 32000 * c + c
    rows = {row["name"]: row for row in tables(records_of(topic.published, run_of()))[0].rows}
    assert rows["Mixtral 8x7B"]["total"] == pytest.approx(stored / 1e9)
    assert rows["Mixtral 8x7B"]["met"] == pytest.approx((stored - experts * 6 / 8) / 1e9)
    assert ask(topic.published).answer == pytest.approx(experts / 1e9)
    assert sentences(records_of(topic.published, run_of()))[1].endswith(
        "It stores 46.7 billion and a token meets 12.9."
    )


@pytest.mark.parametrize("factor", [0.5, 1.25])
def test_tokens_wait_in_line(factor):
    run = run_of(f"factor={factor}")
    shown = records_of(topic.capacity, run)
    for row in tables(shown)[0].rows:
        left, lost = [row["places"]] * 8, 0
        for expert in run.logits.argmax(axis=1):
            lost += left[expert] == 0
            left[expert] = max(0, left[expert] - 1)
        assert row["places"] == math.ceil(row["factor"] * 64 / 8) and row["lost"] == pytest.approx(100 * lost / 64)
    counts = np.bincount(run.logits.argmax(axis=1), minlength=8)
    assert f"Tokens that came to the first ones: {', '.join(map(str, counts))}. Even: 8." in sentences(shown)
    assert ask(topic.capacity, run).answer == math.ceil(8 * factor)


def test_rules_are_counted_again():
    run = run_of()
    shown = [as_record(each) for each in topic.rules(run, np.random.default_rng(3))]
    rows = {row["rule"]: row for row in tables(shown)[0].rows}
    p = np.exp(run.logits) / np.exp(run.logits).sum(axis=1, keepdims=True)
    order = np.argsort(-p, axis=1)
    for k in (1, 2):
        assert rows[f"top {k}"]["busiest"] == pytest.approx(100 * np.bincount(order[:, :k].ravel()).max() / (64 * k))
    assert rows["soft"]["busiest"] == pytest.approx(100 * p.mean(axis=0).max())
    rng = np.random.default_rng(3)
    ids, deal = np.minimum(rng.zipf(1.5, 64), 200) - 1, rng.permutation(np.arange(200) % 8)
    assert rows["hash"]["busiest"] == pytest.approx(100 * np.bincount(deal[ids]).max() / 64)
    assert [row["runs"] for row in rows.values()] == ["1", "2", "1", "8"]


def test_the_loss_of_this_router_is_summed_again():
    run = run_of()
    rows = {row["how"]: row["loss"] for row in tables(records_of(topic.balance_loss, run))[0].rows}
    p = np.exp(run.logits) / np.exp(run.logits).sum(axis=1, keepdims=True)
    share = np.bincount(p.argmax(axis=1), minlength=8) / 64
    assert rows["this router"] == pytest.approx(8 * float(share @ p.mean(axis=0)))
    assert ask(topic.balance_loss).answer == 8


def test_what_was_trained_is_told():
    text = sentences(records_of(topic.with_and_without, standing_in()))
    assert text[1] == ("Left alone, 30% of the experts get no token; with the loss 0%.")
    rows = tables(records_of(topic.with_and_without, standing_in()))[0].rows
    assert [(row["unused"], row["busiest"]) for row in rows] == [(30, 30), (0, 15)]


def test_sayings_and_answers_have_their_reasons():
    steps = (topic.many_networks, topic.by_hand_, topic.published, topic.with_and_without)
    said = [r.verdict for step in steps for r in records_of(step, standing_in()) if isinstance(r, Said)]
    assert said == ["false", "false", "true with conditions", "false"]
    assert {step: ask(getattr(topic, step)).explanation for step in WHY} == WHY


WHY = {
    "many_networks": "8 * (2 * 16 * 64 + 16).",
    "by_hand_": "e^2 / (e^2 + e^1).",
    "published": "32 * 8 * 3 * 4096 * 14336.",
    "capacity": "1.25 * 64 / 8, rounded up.",
    "rules": "2 / 8.",
    "balance_loss": "8 * 1 * 1. Even it is 8 * 8 / 8^2 = 1.",
    "with_and_without": "100 / 8.",
}
