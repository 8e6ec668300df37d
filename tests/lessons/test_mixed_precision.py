"""mixed-precision: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

import lessons.scale.mixed_precision.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def half(change):
    """What float16 makes of a number is change(x, right, by)."""

    def spoil(run, patch, by):
        kept = topic.to_half
        patch.setattr(topic, "to_half", lambda x: change(x, kept(x), by))

    return spoil


def lost_at(scale):
    """At that scale one in a hundred more becomes 0."""

    def change(x, right, by):
        mine = x.ndim and abs(float(np.median(x)) / scale / 10**-6.5 - 1) < 0.1
        return np.where(np.arange(right.size) % 100 == 0, 0, right) if mine else right

    return half(change)


def ask(step, run=None):
    return next(r for r in records_of(step, run or run_of()) if isinstance(r, Question))


class TestMixedPrecision(TopicTests):
    lesson, steps = topic, 8
    changed = [["middle=-8", "spread=2"], ["middle=-5", "spread=0.5"]]
    refused = ["middle=-8.1", "middle=-4.9", "spread=0.4", "spread=2.1"]
    spoilt = {
        "next": Spoilt("formats", result(topic, "round_to_bfloat16"), no_nan="NaN is no number to show"),
        "tiny": Spoilt("formats", half(lambda x, right, by: np.maximum(right, np.float16(2.0**-23)))),
        "zero-1": Spoilt("become_zero", lost_at(1), no_nan="a count"),
        "zero-1024": Spoilt("become_zero", lost_at(1024), no_nan="a count"),
        "bare": Spoilt("scaling", half(lambda x, right, by: right if right else np.float16(6e-8) * by)),
        "back": Spoilt("scaling", half(lambda x, right, by: right * by), nan_also={"bare"}),
        "chain": Spoilt("scaling", result(topic, "Linear", lambda layer, by: crooked(layer, by))),
        "last": Spoilt("adapts", half(lambda x, right, by: right if x < 3e4 else np.array(np.inf)), no_nan="a count"),
        "skipped": Spoilt("adapts", half(lambda x, right, by: np.array(np.inf)), also={"last"}, no_nan="a count"),
        "half": Spoilt("master", lambda run, patch, by: patch.setattr(topic, "updated", wrong_update(False, by))),
        "rough": Spoilt("master", instead(topic, "round_to_bfloat16", lambda by: lambda x: x if by == by else x * by)),
        "master": Spoilt("master", lambda run, patch, by: patch.setattr(topic, "updated", wrong_update(True, by))),
        "types": Spoilt("one_step", result(topic, "Linear", lambda layer, by: wide(layer)), no_nan="a type"),
        "kept": Spoilt("after", of_run("gradients", lambda g, by: np.append(g, 0.0 * by)), also={"off"},
            no_nan="0 / 0 is no error"),
        "off": Spoilt("after", result(topic, "round_to_bfloat16", lambda y, by: y * by)),
    }  # fmt: skip


def wide(layer):
    layer.w.grad = layer.w.grad.astype("float32")
    return layer


def wrong_update(copy, by):
    right = topic.updated
    return lambda times, size, master: right(times, size, master) * (by if master == copy else 1)


def crooked(layer, by):
    """A way back that is not linear in the gradient."""
    right = layer.backward
    layer.backward = lambda dy, cache: right(dy, cache) + (by - 1) * 1e-9
    return layer


def test_shares_that_become_zero_follow_from_the_normal_law():
    run = run_of("middle=-6", "spread=1.2")
    law = NormalDist(-6, 1.2)
    for row in tables(records_of(topic.become_zero, run))[0].rows:
        edge = math.log10(2.0**-25 / row["scale"])
        assert row["law"] == pytest.approx(100 * law.cdf(edge))
        small = (run.gradients * row["scale"] <= 2.0**-25).mean()
        large = (run.gradients * row["scale"] >= 65520).mean()
        assert (row["zero"], row["over"]) == pytest.approx((100 * small, 100 * large))
    asked = ask(topic.become_zero, run)
    assert asked.answer == pytest.approx((math.log10(2.0**-25) + 6) / 1.2)


def test_the_default_gradients_are_those_of_the_demonstration():
    rows = tables(records_of(topic.become_zero, run_of()))[0].rows
    assert rows[0]["zero"] == pytest.approx(25, abs=1) and rows[2]["zero"] == pytest.approx(0.35, abs=0.1)
    assert sentences(records_of(topic.become_zero, run_of()))[1] == (
        f"Unscaled {rows[0]['zero']:.1f}% are lost, times 1024 {rows[2]['zero']:.2f}%: there was room above."
    )


def test_the_scale_is_played_through_by_hand():
    scale, good, seen = 2**15, 0, []
    for step in range(1, 17):
        over = 20 * scale >= 65520
        seen.append({"step": step, "scale": scale, "what": "skipped" if over else "taken"})
        scale, good = (scale // 2, 0) if over else (scale, good + 1)
        if good == 4:
            scale, good = 2 * scale, 0
    shown = records_of(topic.adapts, run_of())
    assert tables(shown)[0].rows == tuple(seen[i] for i in (0, 3, 4, 7, 8))
    skipped = sum(one["what"] == "skipped" for one in seen)
    assert f"{skipped} of 16 steps are skipped here" in sentences(shown)[1]
    assert ask(topic.adapts).answer == 2048


def test_formats_have_the_sizes_of_their_bits():
    for row in tables(records_of(topic.formats, run_of()))[0].rows:
        exponent, digits = map(int, row["bits"].split(" + "))
        bias = 2 ** (exponent - 1) - 1
        assert row["step"] == 2.0**-digits and row["small"] == pytest.approx(2.0 ** (1 - bias))
        assert row["large"] == pytest.approx((2 - 2.0**-digits) * 2.0**bias)


def test_sayings_and_answers_have_their_reasons():
    said = [r.verdict for r in records_of(topic.one_step, run_of()) if isinstance(r, Said)]
    assert said == ["false", "too strong"]
    assert {step: ask(getattr(topic, step)).explanation for step in WHY} == WHY
    assert ask(topic.scaling).answer == 1 / 16384 and ask(topic.master).answer == 1
    text = sentences(records_of(topic.after, run_of()))[0]
    assert "it loses 0%" in text and text.endswith("Its digits are few.")


WHY = {
    "formats": "2^-7.",
    "become_zero": "(-7.53 + 6.5) / 1.5.",
    "scaling": "1 / 16384: far too early.",
    "adapts": "65,520 / 20 = 3,276.",
    "master": "0.0001 is below 2^-11 = 0.00049.",
    "after": "Half of 2^-7.",
}
