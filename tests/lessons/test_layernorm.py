"""layernorm: every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.block.layernorm.lesson as topic
from lessons.operation import Operation
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.block.add_and_norm import through_sublayers
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def norm_that(changed):
    """A norm whose output `changed` makes of the right one; by: how wrong."""

    def spoil(run, patch, by):
        def wrong(x, *parameters, **options):
            y, cache = KEPT["layer_norm_forward"](x, *parameters, **options)
            return changed(y, x, by, parameters), cache

        patch.setattr(topic, "layer_norm_forward", wrong)

    return spoil


def sized(**times):
    """Other sizes in the last two rows, of depth 24 and of the gradient."""

    def spoil(run, patch, by):
        def wrong(run, depths):
            *rows, last, gradient = KEPT["sizes"](run, depths)
            last = {key: value * by ** times.get(key, 0) for key, value in last.items()}
            gradient = {key: value * by ** times.get(f"gradient_{key}", 0) for key, value in gradient.items()}
            return [*rows, last, gradient]

        patch.setattr(topic, "sizes", wrong)

    return spoil


class TestLayernorm(TopicTests):
    lesson, steps = topic, 9
    changed = [["width=3", "size=0.01", "shift=-1000"], ["width=64", "size=1e4", "shift=1000"]]
    refused = ["width=2", "width=65", "size=0", "shift=1001"]
    elsewhere = ("gradients", "caught")  # of lessons/operation.py, which test_rms_norm.py spoils
    spoilt = {
        "standard": Spoilt("by_itself", norm_that(lambda y, x, by, p: by * y)),
        "affine": Spoilt("gain_and_offset", norm_that(lambda y, x, by, p: y * by if p and len(x) == 3 else y)),
        "flat": Spoilt("gain_and_offset", norm_that(lambda y, x, by, p: y * by if len(x) == 1 else y)),
        "alone": Spoilt("alone", norm_that(lambda y, x, by, p: y + by * 1e-9 * x.mean())),
        "grows": Spoilt("steady", sized(add=-20)),
        "one": Spoilt("steady", sized(both=1)),
        "gradient": Spoilt("steady", sized(gradient_pre=20)),
        "scale": Spoilt("steady", norm_that(lambda y, x, by, p: y + by * 1e-6 * x)),
        "mean-free": Spoilt("too_strong", output(topic, "layer_norm_backward", lambda dx, by: dx + 1e-6 * by)),
    }


def test_the_first_token_is_normalised_by_hand():
    run = run_of(seed=4)
    shown = records_of(topic.by_itself, run)
    x = run.x[0].tolist()
    mean = sum(x) / 6
    squares = sum((n - mean) ** 2 for n in x)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx(squares / 6) and asked.tolerance <= 0.02
    assert asked.prompt == (
        f"The first token has 6 numbers. Its mean is {mean:.3f}, and the squares of its distances from it sum to "
        f"{squares:.3f}. What is its variance?"
    )
    assert sentences(shown)[1] == (
        f"By hand, the first number: ({x[0]:.4f} - {mean:.4f}) / sqrt({squares / 6:.4f}) = "
        f"{(x[0] - mean) / math.sqrt(squares / 6):.3f}. The mean and the variance are taken over the 6 numbers of "
        "this one token, divided by 6 and not by 5."
    )
    for row, token in zip(tables(shown)[0].rows, run.x, strict=True):
        assert [row["mean"], row["variance"]] == pytest.approx([token.mean(), token.var()])


def test_gain_and_offset_are_counted_and_applied():
    run = run_of("width=7")
    shown = records_of(topic.gain_and_offset, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == run.gamma.size + run.beta.size == 14 and asked.tolerance == 0
    x = run.x[0]
    y = run.gamma * (x - x.mean()) / np.sqrt(x.var() + 1e-5) + run.beta
    assert sentences(shown)[1].endswith(
        f"+ {run.beta[0]:.3f} = {y[0]:.3f}. Now the mean is {y.mean():.3f} and the variance {y.var():.3f}: a size "
        "that was learned."
    )


def test_the_sizes_are_those_of_the_stacks():
    shown = records_of(topic.steady, run_of(seed=2))
    (table,) = tables(shown)
    draws = [(2, n) for n in range(4)]
    stacks = {
        way: [through_sublayers(way, 24, 32, np.random.default_rng(draw)) for draw in draws]
        for way in ("add", "pre", "both")
    }
    for row in table.rows:
        for way, found in stacks.items():
            assert row[way] == pytest.approx(math.prod(one.size[row["depth"]] for one in found) ** 0.25)
    back = [math.prod(one.gradient[0] for one in found) ** 0.25 for found in stacks.values()]
    assert sentences(shown)[1].endswith(
        "Behind the sum it stays at 1. A gradient of size 1 comes back as {:.3g}, {:.3g} and {:.3g}.".format(*back)
    )


def test_a_gradient_has_no_part_along_the_centred_token():
    """As the text says, up to eps."""
    y, cache = layer_norm_forward(run_of().x, eps=0.0)
    dx, _, _ = layer_norm_backward(generator_of(0, "x").standard_normal(y.shape), cache)
    assert abs((dx * y).sum(axis=1)).max() < 1e-12


def test_the_operation_of_the_topic_is_the_one_of_the_library():
    assert topic.layer_norm == Operation("layer_norm", layer_norm_forward, layer_norm_backward, topic.layer_norm.inputs)
