"""head-count: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.heads.head_count.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def growing(name):
    return lambda by: lambda *args: by * KEPT[name](*args) * (1 + (args[-1] == 4))


def shares(two, sixteen):
    def wrong(by):
        given = iter((two / by, sixteen * by))
        return lambda model, ids: next(given)

    return wrong


def wider(by):
    sizes = SimpleNamespace(heads=2, width=512 * by, d_head=0)
    return [SimpleNamespace(name="GPT-3", sizes=sizes)]


def other_layer(by):
    weights = SimpleNamespace(size=by * 256)
    return lambda *args: SimpleNamespace(forward=lambda x: (x, SimpleNamespace(weights=weights)), n_parameters=by)


class TestHeadCount(TopicTests):
    lesson, steps = topic, 8
    changed = [["width=16", "tokens=2"], ["width=1024", "tokens=3"], ["width=16", "tokens=300"]]
    refused = ["width=24", "width=15", "tokens=1", "tokens=1025"]
    known = {
        "learn_two_sources": lambda n_heads, **_: n_heads,  # does not depend on the settings
        "share_of_pairs": lambda n_heads, ids: 2 / n_heads,
    }
    spoilt = {
        "owned": Spoilt("what_grows", instead(topic, "parameters", growing("parameters"))),
        "work": Spoilt("what_grows", instead(topic, "multiply_adds", growing("multiply_adds"))),
        "cut": Spoilt(
            "by_columns", result(topic, "split_heads", lambda heads, by: heads[..., : (1 if by == by else 0)])
        ),
        "stored": Spoilt("memory", instead(topic, "MultiHeadAttention", other_layer)),
        "rank": Spoilt("rank", result(topic, "ranks", lambda ranks, by: [by * r for r in ranks])),
        "two": Spoilt(
            "narrowest",
            instead(topic, "favourites", lambda by: lambda rng, d: by * (3 if d == 1 else 60)),
            nan_also={"more"},
        ),
        "more": Spoilt(
            "narrowest",
            instead(topic, "favourites", lambda by: lambda rng, d: by * (2 / 1.2 if d == 1 else 20)),
            nan_also={"two"},
        ),
        "named": Spoilt("trained", instead(topic, "share_of_pairs", shares(0.9, 0.1)), nan_also={"lost"}),
        "lost": Spoilt("trained", instead(topic, "share_of_pairs", shares(1.2, 0.8)), nan_also={"named"}),
        "narrow": Spoilt("published", instead(topic, "PUBLISHED", wider)),
    }


def test_parameters_and_work_are_counted_by_hand():
    (shown,) = tables(records_of(topic.what_grows, run_of("width=32", "tokens=5")))
    for row in shown.rows:
        h, d = row["h"], row["d"]
        assert d == 32 / h and row["owned"] == h * (3 * (32 * d + d) + d * 32) + 32
        assert row["work"] == 4 * 5 * 32 * 32 + h * 2 * 5 * 5 * d and row["p"] == h * 25
    (asked,) = (r for r in records_of(topic.what_grows, run_of("tokens=5")) if isinstance(r, Question))
    assert asked.prompt == "T = 5 tokens, H = 16: how many weights P are there in a layer?" and asked.answer == 400


def test_one_head_owns_an_eighth_of_the_layer():
    shown = records_of(topic.by_columns, run_of("width=48"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.prompt == "C = 48, H = 8: how many numbers does one head own, without offsets?"
    assert asked.answer == 4 * 48 * 48 / 8
    assert sentences(shown)[1] == (
        "8 of them: 8 * 1,152 = 9,216 = 4 * 48^2. The same for multiply-adds: Q K^T takes T * T * D for each head, and "
        "H D = C again."
    )


def test_memory_is_counted_in_bytes():
    rows = tables(records_of(topic.memory, run_of("tokens=64")))[0].rows
    bytes_of = [np.zeros((row["h"], 64, 64), np.float32).nbytes for row in rows]
    assert [row["bytes"] * 2**20 for row in rows] == bytes_of
    assert [row["long"] / row["bytes"] for row in rows] == [1024] * 5


def test_the_scores_of_width_one_are_products():
    shown = records_of(topic.narrowest, run_of())
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert picture.values[1].tolist() == pytest.approx([3, -0.6, -4, -1.8])
    assert sentences(shown)[1].startswith("By hand, query -2 and key -1.5: (-2.00)(-1.50) = 3. A positive query likes")


def test_the_favourites_of_two_dimensions_are_the_corners_of_their_hull():
    """Keys on a circle are all someone's favourite; those inside are nobody's."""
    rng = np.random.default_rng(4)
    count = topic.favourites(rng, 2, keys=30, queries=20000)
    rng = np.random.default_rng(4)
    _, keys = rng.standard_normal((20000, 2)), rng.standard_normal((30, 2))
    angles = np.linspace(0, 2 * np.pi, 5000)
    assert count == len({int(np.argmax(keys @ [math.cos(a), math.sin(a)])) for a in angles})


def test_the_table_of_the_paper_and_the_models_are_told():
    shown = records_of(topic.published, run_of())
    assert sentences(shown)[0] == (
        "Translation, base model of 2017, BLEU (a score of translations) by H: 1: 24.9, 4: 25.5, 8: 25.8, 16: 25.8, "
        "32: 25.4. One head is 0.9 below the best, 32 are 0.4; from 4 to 16 it moves by 0.3."
    )
    rows = {row["model"]: (row["h"], row["c"], row["d"]) for row in tables(shown)[0].rows}
    assert rows["Transformer, base"] == (8, 512, 64) and rows["Transformer, big"] == (16, 1024, 64)
    assert rows["GPT-3"] == (96, 12288, 128) and rows["T5-11B"] == (128, 1024, 128)


def test_what_is_trained_is_what_the_models_name():
    shown = records_of(topic.trained, run_of(seed=2), seed=2)
    from lessons.walk import generator_of

    ids = generator_of(2, "trained").integers(6, size=(200, 12))
    for row, heads in zip(tables(shown)[0].rows, (2, 16), strict=True):
        logits, _ = topic.learn_two_sources(n_heads=heads, seed=2, **topic.TASK).forward(ids)
        named = logits.argmax(axis=-1)
        right = (named[:, 3:, 0] == ids[:, 2:-1]) & (named[:, 3:, 1] == ids[:, :-3])
        assert row["right"] == pytest.approx(100 * right.mean()) and row["d"] == 16 / heads
