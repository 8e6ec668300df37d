"""positional-relative: every check can fail, and scores, buckets and counts are found another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.position.relative.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

run_of = runs_of(topic)


def plain(scores, by):
    return by / by * np.zeros_like(scores)


def by_place(scores, by):
    """Scores that know the row they stand in."""
    return scores + (by - 1) * np.arange(len(scores))[:, None]


def one_bucket(run, patch, by):
    """All offsets fall into bucket 0 but distance 1000, or into the bucket of their sign."""
    patch.setattr(topic, "bucket_of", lambda offsets: np.where(offsets == -1000, 1, 0))


def cut_short(run, patch, by):
    patch.setattr(topic, "key_offsets", lambda n: np.zeros((n, n), int))


class TestRelative(TopicTests):
    lesson, steps = topic, 9
    changed = [["width=2", "c=1", "shift=1"], ["width=128", "c=16", "shift=200"], "width=3"]
    refused = ["width=1", "width=129", "c=0", "c=17", "shift=0", "shift=201"]
    by = 1.001
    spoilt = {
        "moves": Spoilt("anywhere", result(topic, "with_sinusoids", plain)),
        "different": Spoilt("a_vector_each", cut_short, no_nan="offsets are counted"),
        "by-hand": Spoilt("shaw_by_hand", result(topic, "with_shaw")),
        "last": Spoilt("a_number_each", one_bucket, also={"exact"}, no_nan="buckets are counted"),
        "exact": Spoilt("a_number_each", one_bucket, also={"last"}, no_nan="buckets are counted"),
        "biased": Spoilt("by_head", result(topic, "with_buckets")),
        "terms": Spoilt("four_terms", result(topic, "with_xl")),
        "shaw": Spoilt("invariant", result(topic, "with_shaw", by_place)),
        "buckets": Spoilt("invariant", result(topic, "with_buckets", by_place)),
        "xl": Spoilt("invariant", result(topic, "with_xl", by_place)),
        "sinusoids": Spoilt("invariant", result(topic, "with_sinusoids", plain)),
        "owned": Spoilt("promised", of_run("buckets", lambda buckets, by: buckets[1:]), no_nan="numbers are counted"),
        "closing": Spoilt("interview", result(topic, "with_buckets", by_place)),
    }


def test_scores_are_those_of_a_loop_over_pairs():
    run = run_of("c=1", "shift=7")
    n, root = len(run.q), math.sqrt(8)
    shaw, t5, xl = topic.with_shaw(run), topic.with_buckets(run), topic.with_xl(run)
    for i, j in ((0, 1), (4, 0), (7, 9), (n - 1, 2)):
        cut = max(-1, min(1, j - i))
        assert shaw[i, j] == pytest.approx(run.q[i] @ (run.k[j] + run.a_k[cut + 1]) / root)
        d = abs(j - i)
        exact = d if d < 8 else min(15, 8 + int(math.log(d / 8) / math.log(16) * 8))
        assert t5[i, j] == pytest.approx(run.q[i] @ run.k[j] / root + run.buckets[exact + 16 * (j > i), 0])
        hands = np.array([f((i - j) / 1e4 ** (2 * p / 8)) for p in range(4) for f in (math.sin, math.cos)])
        r = hands @ run.maps
        assert xl[i, j] == pytest.approx(((run.q[i] + run.u) @ run.k[j] + (run.q[i] + run.w) @ r) / root)


def test_the_buckets_are_those_of_the_formula():
    (shown,) = tables(records_of(topic.a_number_each, run_of()))
    for row in shown.rows:
        d = row["d"]
        assert row["bucket"] == (d if d < 8 else min(15, 8 + math.floor(1e-12 + math.log2(d / 8) * 2)))
    widest = sum(math.log2(d / 8) * 2 >= 7 - 1e-12 for d in range(8, 128))
    assert sentences(records_of(topic.a_number_each, run_of()))[1] == (
        f"The widest bucket of distances below 128 holds {widest} of them."
    )


def test_what_is_asked_and_told_is_found_another_way():
    run = run_of("c=4")
    steps = (topic.a_vector_each, topic.by_head)
    asked = [next(r for r in records_of(step, run) if isinstance(r, Question)).answer for step in steps]
    assert asked == [len(range(-4, 5)), sum(8 for _ in range(32))]
    a, b = run.q[0] @ run.k[1], run.q[0] @ run.a_k[5]
    assert (
        f"query 1 with key 2, offset 1: ({a:.3f} + {b:.3f}) / sqrt(8) = {(a + b) / 8**0.5:.3f}."
        in (sentences(records_of(topic.shaw_by_hand, run))[1])
    )
    (shown,) = tables(records_of(topic.promised, run))
    assert [row["numbers"] for row in shown.rows] == [
        "(2c + 1) D, twice: 144", "32 a head: 32", "a D x D map a layer, u and w: 80",
    ]  # fmt: skip
    pe = np.array([[f(p / 1e4 ** (2 * i / 8)) for i in range(4) for f in (math.sin, math.cos)] for p in range(10)])
    s = (run.q + pe) @ (run.k + pe).T / 8**0.5
    assert sentences(records_of(topic.anywhere, run))[1].startswith(
        f"Same tokens, same offset, another score: the scores among the five differ by up to "
        f"{abs(s[:5, :5] - s[5:, 5:]).max():.2f}."
    )
    (shown,) = tables(records_of(topic.anywhere, run))
    assert [row["score"] for row in shown.rows] == pytest.approx([s[0, 2], s[5, 7]])
    assert [row["where"] for row in shown.rows] == ["at places 1 and 3", "at places 6 and 8"]
