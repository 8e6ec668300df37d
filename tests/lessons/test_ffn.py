"""ffn: every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

import lessons.block.ffn.lesson as topic
from lessons.operation import Operation
from tests.lessons.spoiling import Spoilt, TopicTests, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward
from tfx.records import Matrix, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def network_that(changed):
    """A network whose output for tokens x is changed; by: how wrong."""

    def spoil(run, patch, by):
        right = run.through
        run.through = lambda x: changed(right(x), x, by)

    return spoil


def bent_otherwise(activation, changed):
    def spoil(run, patch, by):
        def wrong(x, w1, b1, w2, b2, how):
            y, cache = KEPT["feed_forward_forward"](x, w1, b1, w2, b2, how)
            return (changed(y, by) if how == activation else y), cache

        patch.setattr(topic, "feed_forward_forward", wrong)

    return spoil


def other_fit(run, patch, by):
    right = np.linalg.lstsq
    patch.setattr(topic.np.linalg, "lstsq", lambda *args, **options: (by * right(*args, **options)[0], None))


def planted_otherwise(**part):
    def spoil(run, patch, by):
        def wrong(*args):
            memory = KEPT["planted"](*args)
            changes = {name: change(getattr(memory, name), by) for name, change in part.items()}
            return memory._replace(**changes)

        patch.setattr(topic, "planted", wrong)

    return spoil


def share(kind):
    def spoil(run, patch, by):
        def wrong(width, which, ratio):
            row = KEPT["block_row"](width, which, ratio)
            return row | {"feed_forward": row["feed_forward"] * (by if which == kind else 1)}

        patch.setattr(topic, "block_row", wrong)

    return spoil


def counted_otherwise(run, patch, by):
    class Counted(KEPT["FeedForward"]):
        @property
        def n_parameters(self):
            return by * super().n_parameters if self.gate is not None else super().n_parameters

    patch.setattr(topic, "FeedForward", Counted)


def linear_attention(run, patch, by):
    patch.setattr(topic, "attention_forward", lambda q, k, v: (by / by * v, None))


def third_reaches_first(y, x, by):
    y = y.copy()
    y[0] += by * 1e-6 * x[2 % len(x)].sum()
    return y


class TestFfn(TopicTests):
    lesson, steps = topic, 9
    changed = [["tokens=3", "width=2", "facts=2"], ["tokens=32", "width=64", "facts=12"]]
    refused = ["tokens=2", "tokens=33", "width=1", "facts=13"]
    elsewhere = ("gradients", "caught")  # of lessons/operation.py, which test_rms_norm.py spoils
    spoilt = {
        "own": Spoilt("alone", network_that(third_reaches_first), also={"rows", "swap"}),
        "swap": Spoilt(
            "alone",
            network_that(lambda y, x, by: y + by * 1e-6 * np.arange(len(x))[:, None]),
            also={"rows"},
            nan_also={"own"},
        ),
        "rows": Spoilt("alone", network_that(lambda y, x, by: y + by * 1e-6 * (len(x) > 1)), nan_also={"own", "swap"}),
        "xor": Spoilt("the_bend", bent_otherwise("relu", lambda y, by: by * y)),
        "collapse": Spoilt("the_bend", bent_otherwise("identity", lambda y, by: by * y)),
        "half": Spoilt("the_bend", other_fit),
        "facts": Spoilt("memory", planted_otherwise(values=lambda v, by: by * v), nan_also={"deleted"}),
        "deleted": Spoilt("memory", planted_otherwise(offset=lambda o, by: o + by * 1e-6), also={"facts"}),
        "encoder": Spoilt("weights", share("encoder block")),
        "decoder": Spoilt("weights", share("decoder block")),
        "equal": Spoilt("bends", counted_otherwise),
        "gate": Spoilt("bends", output(topic, "glu_forward")),
        "bends": Spoilt("too_strong", linear_attention),
    }


def test_a_row_of_the_network_is_worked_out_number_by_number():
    run = run_of("width=3", seed=2)
    w1, b1, w2, _ = run.weights.values()
    units = []
    for column, bias in zip(w1.T, b1, strict=True):
        units.append(max(0.0, sum(x * w for x, w in zip(run.x[1], column, strict=True)) + bias))
    y = [sum(u * w for u, w in zip(units, column, strict=True)) for column in w2.T]
    assert run.through(run.x)[1] == pytest.approx(y)
    shown = records_of(topic.alone, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    third = run.x.copy()
    third[2] += 1
    moved = [(a != b).any() for a, b in zip(run.through(third), run.through(run.x), strict=True)]
    assert asked.answer == sum(moved) == 1 and asked.tolerance == 0
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert (picture.values[0] > 0).tolist() == moved


def test_exactly_one_of_two_by_hand():
    shown = records_of(topic.the_bend, run_of())
    (table,) = tables(shown)
    for row in table.rows:
        a, b = map(float, row["x"].split(","))
        assert row["want"] == (a != b) == row["y"] and (row["h1"], row["h2"]) == (a + b, max(0, a + b - 1))
        assert row["fit"] == pytest.approx(0.5)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == 2 - 2 * 1


def test_the_weights_are_counted_one_by_one():
    shown = records_of(topic.weights, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == sum(2048 for _ in range(512)) + sum(512 for _ in range(2048)) and asked.tolerance == 0
    assert asked.explanation == "2 * 512 * 2048; biases add F + C more."


def test_the_bends_are_those_of_the_normal_distribution():
    shown = records_of(topic.bends, run_of())
    below = NormalDist().cdf(1)
    assert sentences(shown)[0] == f"Phi(1) = {below:.3f}, so GELU(1) = {below:.3f}, and GELU(-1) = -{1 - below:.3f}."
    for row in tables(shown)[0].rows:
        x = row["x"]
        assert row["relu"] == max(x, 0) and row["gelu"] == pytest.approx(x * NormalDist().cdf(x))
        assert row["silu"] == pytest.approx(x / (1 + math.exp(-x)))
        for name, bend in (("gelu", lambda t: t * NormalDist().cdf(t)), ("silu", lambda t: t / (1 + math.exp(-t)))):
            assert row[f"d{name}"] == pytest.approx((bend(x + 1e-5) - bend(x - 1e-5)) / 2e-5, abs=1e-6)
    assert "at C = 48 from 192 to 128, 18,432 weights against 18,432." in sentences(shown)[-1]
    assert 3 * 48 * 128 == 2 * 48 * 192 == 18_432


def test_twice_the_tokens_miss_twice_the_output():
    run = run_of(seed=3)
    outputs = []
    for x in (run.x, 2 * run.x):
        weights = np.exp(x @ x.T / math.sqrt(6))
        outputs.append(weights / weights.sum(axis=1, keepdims=True) @ x)
    off = np.abs(outputs[1] - 2 * outputs[0]).max()
    said = next(r for r in records_of(topic.too_strong, run) if isinstance(r, Said))
    assert said.truth == (
        "For given weights it is linear in the values. But the weights come from the tokens, by products and softmax: "
        f"twice the tokens miss twice the output by {off:.2f} here."
    )


def test_the_operation_of_the_topic_is_the_one_of_the_library():
    wanted = Operation("feed_forward", feed_forward_forward, feed_forward_backward, topic.network.inputs)
    assert topic.network == wanted
