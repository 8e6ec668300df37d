"""model-parallelism: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.scale.parallelism.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def forward_of(name, change):
    """The forward of what the run has under that name gives change(y, by)."""

    def spoil(run, patch, by):
        owner = getattr(run, name)
        right = owner.forward
        patch.setattr(owner, "forward", lambda *args, **more: (
            change(right(*args, **more)[0], by), right(*args, **more)[1]))  # fmt: skip

    return spoil


def reduces(change):
    """What an all-reduce counts is changed."""

    def spoil(run, patch, by):
        class Wrong(topic.AllReduce):
            def __call__(self, parts):
                total = super().__call__(parts)
                change(self, by)
                return total

        patch.setattr(topic, "AllReduce", Wrong)

    return spoil


def off(shared, by):
    right = shared.forward

    def forward(ids):
        logits, caches = right(ids)
        return logits + (by - 1) * 1e-9, caches

    shared.forward = forward
    return shared


def more_calls(reduce, by):
    reduce.calls += 1
    reduce.sent *= 1


def more_sent(reduce, by):
    reduce.sent += (by - 1) * 1e-6


def timetables(of_run):
    """The idle share of a pipeline is off: of the run's, or of those of one part."""

    def spoil(run, patch, by):
        right = topic.pipeline_schedule

        class Played:
            def __init__(self, timetable):
                self.timetable = timetable
                self.bubble = timetable.bubble * by

            def __getattr__(self, name):
                return getattr(self.timetable, name)

        if of_run:
            run.timetable = Played(run.timetable)
        else:
            patch.setattr(topic, "pipeline_schedule", lambda *args, **more: Played(right(*args, **more)))

    return spoil


def gradients(workers, change):
    def spoil(run, patch, by):
        right = topic.gradient
        patch.setattr(topic, "gradient", lambda r, batch, n: (
            change(right(r, batch, n), batch, by) if n == workers else right(r, batch, n)))  # fmt: skip

    return spoil


def ask(step, run=None):
    return next(r for r in records_of(step, run or run_of()) if isinstance(r, Question))


class TestParallelism(TopicTests):
    lesson, steps = topic, 7
    changed = [["workers=4", "stages=2", "parts=1"], ["workers=4", "stages=8", "parts=12"]]
    refused = ["workers=3", "workers=1", "stages=1", "stages=9", "parts=0", "parts=13"]
    spoilt = {
        "bytes": Spoilt("three_ways", instead(topic, "BYTES", lambda by: 12), no_nan="a count"),
        "sum": Spoilt("in_shards", forward_of("network", lambda y, by: y + (by - 1) * 1e-9), nan_also={"rows"}),
        "rows": Spoilt("in_shards", lambda run, patch, by: patch.setattr(
            topic, "ACTIVATIONS", {"gelu": [lambda x: (x * by, None)]}) or patch.setattr(
            run.network, "forward", lambda x: (x @ run.network.first.w.value @ run.network.second.w.value * by, None)),
            also={"sum"}),
        "whole": Spoilt("by_heads", result(topic, "tensor_parallel", lambda shared, by: off(shared, by))),
        "calls": Spoilt("by_heads", reduces(more_calls), also={"sent"}, no_nan="a count"),
        "sent": Spoilt("by_heads", reduces(more_sent)),
        "heads": Spoilt("by_heads", instead(topic, "HEADS", lambda by: 8), no_nan="a count"),
        "bubble": Spoilt("pipeline", timetables(True)),
        "bare": Spoilt("pipeline", timetables(False)),
        "same": Spoilt("copies", gradients(2, lambda g, batch, by: g + (by - 1) * 1e-9)),
        "plain": Spoilt("copies", lambda run, patch, by: patch.setattr(
            topic, "gradient", lambda r, batch, n: np.ones(3) * by / by), nan_also={"same"}),
        "each": Spoilt("all_three", instead(topic, "BYTES", lambda by: 16 * by), no_nan="a count"),
        "data": Spoilt("all_three", instead(topic, "SHARES", lambda by: topic.SHARES | {"and data 16": 512}),
            no_nan="a count"),
    }  # fmt: skip


@pytest.mark.parametrize("workers", [2, 4])
def test_shards_are_computed_with_slices(workers):
    run = run_of(f"workers={workers}")
    w1, b1, w2, b2 = (run.network.parameters()[name].value for name in ("first.w", "first.b", "second.w", "second.b"))
    act = topic.ACTIVATIONS["gelu"][0]
    size = 64 // workers
    shown = tables(records_of(topic.in_shards, run))[0].rows
    parts = []
    for i in range(workers):
        s = slice(i * size, (i + 1) * size)
        y = act(run.x @ w1[:, s] + b1[s])[0] @ w2[s] + (b2 if i == 0 else 0)
        parts.append(y[0, 0, 0])
    whole = (act(run.x @ w1 + b1)[0] @ w2 + b2)[0, 0, 0]
    assert sum(parts) == pytest.approx(whole)
    assert [row["y"] for row in shown] == pytest.approx([*parts, whole])
    assert ask(topic.in_shards, run).answer == w1[:, :size].size + w2[:size].size


def test_the_timetable_that_is_shown_is_the_one_of_the_formula():
    rows = tables(records_of(topic.pipeline, run_of()))[0].rows
    assert [row["row"] for row in rows] == ["1 2 3 4 . .", ". 1 2 3 4 .", ". . 1 2 3 4"]
    assert sum(row["row"].count(".") for row in rows) / 18 == pytest.approx(2 / 6)
    run = run_of("stages=5", "parts=3")
    assert ask(topic.pipeline, run).answer == pytest.approx(4 / 7)
    assert sentences(records_of(topic.pipeline, run))[1].startswith("Played through: 0.571; in one part 0.800.")


def test_the_gradient_of_copies_is_weighed_by_tokens():
    run = run_of()
    batch = topic.LabelledBatch(run.ids, run.ids[:, ::-1].copy(), np.array([6, 6, 2, 1]))
    halves = (topic.LabelledBatch(*(part[s] for part in batch)) for s in (slice(0, 2), slice(2, 4)))
    first, second = (topic.gradient(run, half, 1) for half in halves)
    whole = topic.gradient(run, batch, 1)
    assert whole == pytest.approx((12 * first + 3 * second) / 15)
    off = np.linalg.norm((first + second) / 2 - whole) / np.linalg.norm(whole)
    assert sentences(records_of(topic.copies, run))[2].endswith(f"The plain mean of the two would be off by {off:.0%}.")


def test_what_is_sent_is_told():
    text = sentences(records_of(topic.by_heads, run_of("workers=4")))
    assert text[0].startswith(
        "Heads do not see each other, so they are shared out whole: of 4 heads each of 4 workers has 1,"
    )
    assert text[1].startswith(f"Here that is {2 * 3 / 4 * 4 * 6 * 16:,.0f} numbers, each time")


def test_sayings_and_answers_have_their_reasons():
    assert [r.verdict for r in records_of(topic.copies, run_of()) if isinstance(r, Said)] == ["false"]
    asked = {step: ask(getattr(topic, step)) for step in WHY}
    assert {step: one.explanation for step, one in asked.items()} == WHY
    assert [one.answer for one in asked.values()] == pytest.approx([14, 1024, 8, 3 / 11, 0.8, 512])


WHY = {
    "three_ways": "1,120 / 80, rounded up.",
    "in_shards": "2 * 16 * 64 / 2.",
    "by_heads": "Two sub-layers a block: one each there, one each back.",
    "pipeline": "3 / 11.",
    "copies": "12 / 15: by tokens.",
    "all_three": "8 * 4 * 16.",
}
