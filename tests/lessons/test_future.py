"""future-directions: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.inside.future.lesson as topic
from lessons.course import find_topic, topics
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def only(name, when):
    """The count is wrong where `when` says so."""
    return lambda run, patch, by: patch.setattr(topic, name, lambda x: KEPT[name](x) * (by if when(x) else 1))


def two_experts(arrays):
    return any(each.name == "W_router" and each.shape[1] == 2 for each in arrays)


def less_and_less(run, patch, by):
    """Each token takes less work than the one before."""
    calls = []
    patch.setattr(topic, "flops", lambda costs: calls.append(1) or 1e12 / len(calls))


def as_even(by):
    return lambda codes: KEPT["dequantise_normal"](codes) * by


def bytes_of(packed, by):
    return np.concatenate([packed, packed])


class TestFuture(TopicTests):
    lesson, steps = topic, 6
    changed = ["tokens=10000", "tokens=10000000"]
    refused = ["tokens=9999", "tokens=10000001"]
    spoilt = {
        "packed": Spoilt("fewer_bits", result(topic, "pack_nibbles", bytes_of), no_nan="bytes"),
        "unpacked": Spoilt("fewer_bits", result(topic, "unpack_nibbles", lambda codes, by: codes ^ 1), no_nan="codes"),
        "normal": Spoilt("fewer_bits", instead(topic, "dequantise_normal", as_even)),
        "eight": Spoilt("fewer_bits", result(topic, "int8_matmul")),
        "cache": Spoilt("longer", of_run("cache")),
        "active": Spoilt("longer", only("count", two_experts)),
        "more": Spoilt("reasoning", less_and_less, no_nan="a quotient"),
        "linear": Spoilt("speculation", only("count", lambda arrays: arrays[0].shape[1] == 2_000_000)),
    }  # fmt: skip


def test_each_direction_goes_on_from_a_topic():
    rows = tables(records_of(topic.the_map, run_of()))[0].rows
    assert len(rows) == 7 and {row["topic"] for row in rows} <= {one.name for one in topics()}
    assert find_topic("future").name == "future-directions"


def test_bits_are_counted_again():
    run = run_of()
    rows = tables(records_of(topic.fewer_bits, run))[0].rows
    groups = run.w.reshape(4, 64, 64)
    step = np.abs(groups).max(axis=1, keepdims=True) / 7
    even = (np.round(groups / step).clip(-8, 7) * step).reshape(256, 64)
    assert rows[0]["off"] == pytest.approx(100 * np.linalg.norm(even - run.w) / np.linalg.norm(run.w), rel=0.02)
    assert rows[1]["off"] < rows[0]["off"] and ask(topic.fewer_bits, run).answer == 35
    assert "16,384 weights are 8,192 bytes" in sentences(records_of(topic.fewer_bits, run))[0]


def test_long_texts_and_reasoning_by_hand():
    run = run_of()
    gigabytes = 2 * 32 * 8 * 128 * 2 * 1e6 / 1e9
    assert ask(topic.longer, run).answer == pytest.approx(gigabytes / 2)
    assert ask(topic.speculation, run).answer == pytest.approx(gigabytes / 4)
    assert (
        "of Mixtral's 46.7 billion parameters a token passes 12.9 billion."
        in sentences(records_of(topic.longer, run))[1]
    )
    maps = 2 * (32 * (4096 * (2 * 4096 + 2 * 1024) + 3 * 4096 * 14336) + 4096 * 128256)
    at = [maps + 4 * 32 * 4096 * (501 + 500 * i) for i in range(10)]
    assert ask(topic.reasoning, run).answer == pytest.approx(sum(at) / at[0])
