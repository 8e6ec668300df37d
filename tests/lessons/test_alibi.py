"""positional-alibi: biases, weights and perplexities are found another way, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.position.alibi.lesson as topic
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
from tfx.records import Matrix, Question

TOPIC = "positional-alibi"
KEPT = dict(vars(topic))
GOOD = {"sinusoidal": (0.35, 1.4), "alibi": (0.3, 0.5)}


def run_of(*pairs: str) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs))


@pytest.mark.parametrize("seed", range(3))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(TOPIC, seed=seed)
    assert len(steps) == 9 and not failed(steps) and all_text(steps).isascii()
    assert list(checks(steps)) == [*SPOILT]


@pytest.mark.parametrize("pairs", [["heads=1", "tokens=2"], ["heads=64", "tokens=64"], ["heads=12"]])
def test_every_check_holds_at_the_ends_of_the_settings(pairs, monkeypatch):
    monkeypatch.setattr(topic, "lost", lambda positions, seed: GOOD[positions])
    assert not failed(steps_of(TOPIC, *pairs))


def on_run(name, wrong):
    return lambda run, patch, by: setattr(run, name, wrong(by, getattr(run, name)))


def replaced(name, wrong):
    return lambda run, patch, by: patch.setattr(topic, name, lambda *a, **k: wrong(by, KEPT[name](*a, **k)))


def found(**changed):
    def spoil(run, patch, by):
        patch.setattr(topic, "lost", lambda name, seed: (GOOD | changed)[name] if by == by else (math.nan,) * 2)

    return spoil


def scaled_forward(name):
    return replaced(name, lambda by, result: (by * result[0], result[1]))


def learned_off(run, patch, by):
    right = run.learned.forward
    patch.setattr(run.learned, "forward", lambda x, start: (by * right(x, start)[0], None))


def equal_slopes(by, slopes):
    return np.where(np.arange(len(slopes)) == 1, slopes[0], slopes)


#: check -> its step, how it is spoilt, and the checks that fail with it.
SPOILT = {
    "linear": ("a_penalty", on_run("bias", lambda by, b: by * b), set()),
    "by-hand": ("one_weight", on_run("weights", lambda by, w: by * w), set()),
    "series": ("slopes", replaced("alibi_slopes", lambda by, s: tuple(by * x for x in s)), set()),
    "heads": ("slopes", on_run("slopes", equal_slopes), set()),
    "constant": ("in_a_row", on_run("bias", lambda by, b: by * b), {"weights"}),
    "weights": ("in_a_row", on_run("bias", lambda by, b: by * b), {"constant"}),
    "gap": ("short_to_long", found(alibi=(0.3, 0.94), sinusoidal=(0.3, 1.0)), set()),
    "holds": ("short_to_long", found(alibi=(0.3, 0.96)), set()),
    "penalty": ("the_price", replaced("alibi_bias", lambda by, b: by * b), set()),
    "steep": ("the_price", replaced("alibi_slopes", lambda by, s: (by * s[7],) * 8), {"penalty"}),
    "gentle": ("the_price", replaced("alibi_slopes", lambda by, s: (by * s[0],) * 8), {"penalty"}),
    "turned": ("side_by_side", scaled_forward("rotary_forward"), set()),
    "sum": ("side_by_side", scaled_forward("add_positions_forward"), set()),
    "row": ("side_by_side", learned_off, set()),
    "bias": ("side_by_side", replaced("alibi_bias", lambda by, b: by * b), set()),
    "owned": (
        "why_each",
        lambda run, patch, by: setattr(run.learned.table, "value", run.learned.table.value[1:]),
        set(),
    ),
    "closing": ("interview", on_run("weights", lambda by, w: by * w), set()),
}


@pytest.mark.parametrize("by", [1.001, math.nan])
@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number(id, by, monkeypatch):
    step, spoil, also = SPOILT[id]
    monkeypatch.setattr(topic, "lost", lambda positions, seed: GOOD[positions])
    run = run_of()
    assert not failed_in(getattr(topic, step), run)
    if id == "owned" and by != by:
        return
    spoil(run, monkeypatch, by)
    broken = failed_in(getattr(topic, step), run)
    assert broken == {id} | also or (math.isnan(by) and id in broken)


def test_weights_and_penalties_are_those_written_out():
    (shown,) = (r for r in records_of(topic.a_penalty, run_of()) if isinstance(r, Matrix))
    for i, row in enumerate(np.asarray(shown.values)):
        e = [math.exp(-(i - j) / 2) for j in range(i + 1)]
        assert row[: i + 1] == pytest.approx([x / sum(e) for x in e]) and not row[i + 1 :].any()
    (shown,) = tables(records_of(topic.the_price, run_of()))
    assert [(row["head"], row["penalty"]) for row in shown.rows] == [(1, 32), (4, 4), (8, 0.25)]
    assert [row["factor"] for row in shown.rows] == pytest.approx([math.exp(-32), math.exp(-4), math.exp(-0.25)])


def test_the_share_of_the_nearest_keys_is_that_of_a_long_row():
    for row in tables(records_of(topic.slopes, run_of()))[0].rows:
        weights = np.exp(-row["slope"] * np.arange(20_000))
        assert row["near"] == pytest.approx(100 * weights[:8].sum() / weights.sum(), rel=1e-6)


def test_what_is_asked_and_told_is_found_another_way():
    asked = {}
    for step in ("one_weight", "slopes", "the_price"):
        records = records_of(getattr(topic, step), run_of())
        asked[step] = next(r for r in records if isinstance(r, Question)).answer
    weights = np.exp([-0.5, -1.0])
    assert asked == pytest.approx({"one_weight": weights[1] / weights[0], "slopes": 1 / 2 / 2 / 2, "the_price": 64 / 2})
    e = [math.exp(-d / 2) for d in range(5, -1, -1)]
    assert sentences(records_of(topic.one_weight, run_of()))[1] == (
        f"By hand, key 1 as query 6 sees it, 5 away: exp(-0.5 * 5) = {e[0]:.4f}, divided by the sum over its 6 keys, "
        f"{sum(e):.4f}: {e[0] / sum(e):.4f}."
    )
    assert sentences(records_of(topic.slopes, run_of("heads=12")))[-1].endswith(
        f"These: {2**-0.5:.3g} down to {2**-8:.3g}."
    )
    assert sentences(records_of(topic.in_a_row, run_of()))[1].startswith("For the last query they differ by -2.5 at")


def test_perplexities_are_those_of_the_source(monkeypatch):
    monkeypatch.setattr(topic, "lost", lambda positions, seed: GOOD[positions])
    (shown,) = tables(records_of(topic.short_to_long, run_of()))
    entropy = -0.9 * math.log(0.9) - 0.1 * math.log(0.1 / 3)
    assert shown.title == f"perplexity; knowing the source {math.exp(entropy):.2f}, guessing 4.00"
    for row in shown.rows:
        wanted = [math.exp(entropy + share * (math.log(4) - entropy)) for share in GOOD[row["positions"]]]
        assert [row["inside"], row["far"]] == pytest.approx(wanted)


def test_the_four_vectors_are_written_out():
    run = run_of()
    (shown,) = (r for r in records_of(topic.side_by_side, run) if isinstance(r, Matrix))
    none, sinusoid, learned, turned, alibi = np.asarray(shown.values)
    x = np.array([1, 0.5, -0.5, 2])
    assert list(none) == list(alibi) == list(x) and learned == pytest.approx(x + run.learned.table.value[3])
    assert sinusoid == pytest.approx(x + np.array([math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03)]))
    pairs = [complex(*x[:2]) * np.exp(3j), complex(*x[2:]) * np.exp(0.03j)]
    assert turned == pytest.approx([part for z in pairs for part in (z.real, z.imag)])
    assert (
        "the score with the key at position 0 gets -1.5 (head 1 of 8)."
        in (sentences(records_of(topic.side_by_side, run))[1])
    )
