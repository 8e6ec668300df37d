"""efficient-sparse: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.cost.sparse.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def all_pairs(by):
    return lambda n, *given, **sizes: np.ones((n, n), dtype=bool)


def one_more(layers, by):
    return layers + (layers > 0)


def squared(by):
    """Pairs that grow with the square, as they would without a pattern, and in one step."""
    return lambda n, stride: np.tril(np.ones((n, n), dtype=bool))


def local_alone(by):
    return lambda n, stride: KEPT["sparse_transformer_mask"](n, stride=stride, part="local")


def never_random(by):
    return lambda n, **sizes: KEPT["big_bird_mask"](n, **(sizes | {"n_random": 0}))


class TestEfficientSparse(TopicTests):
    lesson, steps = topic, 8
    changed = [["length=64", "window=16"], ["length=256", "window=2"]]
    refused = ["length=63", "length=257", "window=1", "window=17"]
    spoilt = {
        "drawn": Spoilt("pictures", instead(topic, "longformer_mask", all_pairs), no_nan="a mask"),
        "linear": Spoilt("window", instead(topic, "longformer_mask", all_pairs), also={"walk"}, no_nan="a mask"),
        "walk": Spoilt("window", result(topic, "layers_until_all", lambda n, by: n + 1), no_nan="a count"),
        "reach": Spoilt("two_steps", instead(topic, "sparse_transformer_mask", local_alone), no_nan="a mask"),
        "power": Spoilt("two_steps", instead(topic, "sparse_transformer_mask", squared), no_nan="a mask"),
        "two": Spoilt("big_bird", result(topic, "layers_between", one_more), no_nan="a count"),
        "shorter": Spoilt("big_bird", instead(topic, "big_bird_mask", never_random), no_nan="a mask"),
        "same": Spoilt("no_mask", output(
            topic, "longformer_attention_forward", lambda y, by: y * (1 + (by - 1) / 100))),
        "differs": Spoilt("often_said", instead(
            topic, "longformer_attention_forward",
            lambda by: lambda *heads, window: (KEPT["attention_forward"](*heads)[0] * by / by, 0))),
    }  # fmt: skip


def test_the_pictures_are_drawn_again():
    rows = tables(records_of(topic.pictures, run_of()))[0].rows
    for i, row in enumerate(rows):
        assert row["window"] == "".join("#" if abs(i - j) <= 1 else "." for j in range(7))
        assert row["global"] == "".join("#" if abs(i - j) <= 1 or 0 in (i, j) else "." for j in range(7))
        near = [j <= i and (i - j <= 3 or (i - j) % 3 == 0) for j in range(7)]
        assert row["strided"] == "".join("#" if reads else "." for reads in near)
    assert ask(topic.pictures, run_of()).answer == 19
    assert "all: 29. The third is causal. Full attention has 49." in " ".join(
        sentences(records_of(topic.pictures, run_of()))
    )


def test_layers_of_windows_are_walked_again():
    run = run_of("length=100", "window=7")
    rows = tables(records_of(topic.window, run))[0].rows
    assert rows[0]["layers"] == ask(topic.window, run).answer == 15 and rows[2]["layers"] == 2
    met, layers = {0}, 0
    while len(met) < 100:
        met |= {i + o for i in met for o in (*range(-7, 8), *range(-28, 29, 4)) if 0 <= i + o < 100}
        layers += 1
    assert rows[1]["layers"] == layers


def test_pairs_of_the_strided_pattern():
    rows = tables(records_of(topic.two_steps, run_of()))[0].rows
    for row, (n, stride) in zip(rows, ((64, 8), (256, 16), (1024, 32)), strict=True):
        pairs = sum(d <= stride or d % stride == 0 for i in range(n) for d in range(i + 1))
        assert (row["n"], row["stride"], row["pairs"]) == (n, stride, pairs)
        assert row["power"] == pytest.approx(pairs / n**1.5)
    assert ask(topic.two_steps, run_of()).answer == 31


def test_the_parts_of_big_bird():
    run = run_of("length=64", seed=2)
    rows = tables(records_of(topic.big_bird, run))[0].rows
    assert [row["part"] for row in rows] == ["window", "and random", "and global", "all three"]
    near = sum(abs(i - j) <= 1 for i in range(16) for j in range(16)) / 256
    assert rows[0]["share"] == pytest.approx(100 * near) and rows[0]["most"] == 15
    assert rows[2]["most"] == rows[3]["most"] == ask(topic.big_bird, run).answer == 2
    said = [r for r in records_of(topic.often_said, run) if isinstance(r, Said)]
    assert said[2].truth.endswith(f"in one layer {rows[3]['share'] / 100:.0%} of the pairs meet.")
    assert [(r.claim, r.verdict) for r in said] == [
        ("C184", "true"), ("C185", "true with conditions"), ("C187", "true with conditions"),
    ]  # fmt: skip


def test_work_under_a_mask_is_all_the_work():
    rows = tables(records_of(topic.no_mask, run_of("length=64", "window=4")))[0].rows
    inside = sum(abs(i - j) <= 4 for i in range(64) for j in range(64))
    assert [row["work"] for row in rows[:2]] == [2 * 64 * 64 * 16] * 2 and rows[3]["work"] == 2 * 16 * inside
    assert inside * 32 < rows[2]["work"] < 2 * 16 * 64 * 64
    assert ask(topic.today, run_of()).answer == 32 * 4096
