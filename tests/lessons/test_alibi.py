"""positional-alibi: biases, weights and perplexities are found another way, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.position.alibi.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

GOOD = {"sinusoidal": (0.35, 1.4), "alibi": (0.3, 0.5)}
run_of = runs_of(topic)


def found(**changed):
    def spoil(run, patch, by):
        patch.setattr(topic, "lost", lambda name, seed: (GOOD | changed)[name] if by == by else (math.nan,) * 2)

    return spoil


def learned_off(run, patch, by):
    right = run.learned.forward
    patch.setattr(run.learned, "forward", lambda x, start: (by * right(x, start)[0], None))


def equal_slopes(slopes, by):
    return np.where(np.arange(len(slopes)) == 1, slopes[0], slopes)


class TestAlibi(TopicTests):
    lesson, steps = topic, 9
    changed = [["heads=1", "tokens=2"], ["heads=64", "tokens=64"], "heads=12"]
    refused = ["heads=0", "heads=65", "tokens=1", "tokens=65"]
    known = {"lost": lambda positions, seed: GOOD[positions]}
    by = 1.001
    spoilt = {
        "linear": Spoilt("a_penalty", of_run("bias")),
        "by-hand": Spoilt("one_weight", of_run("weights")),
        "series": Spoilt("slopes", result(topic, "alibi_slopes", lambda s, by: tuple(by * x for x in s))),
        "heads": Spoilt("slopes", of_run("slopes", equal_slopes), no_nan="slopes are counted"),
        "constant": Spoilt("in_a_row", of_run("bias"), also={"weights"}),
        "weights": Spoilt("in_a_row", of_run("bias"), also={"constant"}),
        "gap": Spoilt("short_to_long", found(alibi=(0.3, 0.94), sinusoidal=(0.3, 1.0)), nan_also={"holds"}),
        "holds": Spoilt("short_to_long", found(alibi=(0.3, 0.96)), nan_also={"gap"}),
        "penalty": Spoilt("the_price", result(topic, "alibi_bias")),
        "steep": Spoilt(
            "the_price",
            result(topic, "alibi_slopes", lambda s, by: (by * s[7],) * 8),
            also={"penalty"},
            nan_also={"gentle"},
        ),
        "gentle": Spoilt(
            "the_price",
            result(topic, "alibi_slopes", lambda s, by: (by * s[0],) * 8),
            also={"penalty"},
            nan_also={"steep"},
        ),
        "turned": Spoilt("side_by_side", output(topic, "rotary_forward")),
        "sum": Spoilt("side_by_side", output(topic, "add_positions_forward")),
        "row": Spoilt("side_by_side", learned_off),
        "bias": Spoilt("side_by_side", result(topic, "alibi_bias")),
        "owned": Spoilt(
            "why_each",
            lambda run, patch, by: setattr(run.learned.table, "value", run.learned.table.value[1:]),
            no_nan="rows are counted",
        ),
        "closing": Spoilt("interview", of_run("weights")),
    }


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
        f"At H = 12 they go from {2**-0.5:.3g} down to {2**-8:.3g}."
    )
    assert sentences(records_of(topic.in_a_row, run_of()))[1].startswith(
        "For query 6 of head 1 they differ by 0.5 * 6 = 3 at every key, and the weights by "
    )


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
