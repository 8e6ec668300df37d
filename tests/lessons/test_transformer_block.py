"""transformer-block: the lines are written out once more, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.block.transformer_block.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Formula, Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def block_that(**changed):
    """A block whose forward or backward gives something else; by: how wrong."""

    def spoil(run, patch, by):
        class Other(KEPT["EncoderBlock"]):
            def forward(self, x, mask=None, rng=None):
                y, cache = super().forward(x, mask=mask, rng=rng)
                return changed.get("forward", lambda y, *_: y)(y, x, mask, rng, by), cache

            def backward(self, dy, cache):
                return changed.get("backward", lambda dx, by: dx)(super().backward(dy, cache), by)

        run.block.__class__ = Other
        right = run.new_block

        def new_block(*args, **options):
            made = right(*args, **options)
            made.__class__ = Other
            return made

        run.new_block = new_block

    return spoil


def miscounted(run, patch, by):
    class Counted(KEPT["EncoderBlock"]):
        n_parameters = property(lambda self: by * 872)

    run.block.__class__ = Counted


def future_seen(y, x, mask, rng, by):
    return y + by * 1e-6 * x.sum()


def nobody_hears(y, x, mask, rng, by):
    return (y if mask is not None else x) * by / by


def same_place(run, patch, by):
    right = run.new_block
    run.new_block = lambda place: right("post")
    if math.isnan(by):
        block_that(forward=lambda y, x, mask, rng, by: by * y)(run, patch, by)


def other_gradients(run, patch, by):
    rows = [{"place": "pre-LN", "tensors": 17, "worst": 1e-12}, {"place": "post-LN", "tensors": 17, "worst": by * 1e-6}]
    patch.setattr(topic, "worst_gradients", lambda run: rows)


class TestTransformerBlock(TopicTests):
    lesson, steps = topic, 8
    changed = [
        [*pairs, place]
        for place in ("place=pre", "place=post")
        for pairs in (["tokens=3", "width=4", "heads=1"], ["tokens=16", "width=64", "heads=8"])
    ]
    refused = ["tokens=2", "width=65", "heads=3", "place=inner"]
    spoilt = {
        "count": Spoilt("the_parts", miscounted),
        "lines": Spoilt("forward", block_that(forward=lambda y, x, mask, rng, by: by * y)),
        "post": Spoilt("two_places", block_that(forward=lambda y, x, mask, rng, by: y + by * 1e-6), nan_also={"apart"}),
        "apart": Spoilt("two_places", same_place, nan_also={"post"}),
        "causal": Spoilt("who_hears", block_that(forward=future_seen), nan_also={"all"}),
        "all": Spoilt("who_hears", block_that(forward=nobody_hears), nan_also={"causal"}),
        "back": Spoilt("backward", block_that(backward=lambda dx, by: by * dx)),
        "gradients": Spoilt("proof", other_gradients),
        "use": Spoilt(
            "left_out",
            block_that(forward=lambda y, x, m, rng, by: y + by * np.random.default_rng().random()),
            nan_also={"training"},
        ),
        "training": Spoilt(
            "left_out",
            block_that(forward=lambda y, x, mask, rng, by: by / by * (y if rng is None else x)),
            nan_also={"use"},
        ),
    }


def written_out(run, place):
    """The block once more, from its weights alone."""
    weights = {name: parameter.value for name, parameter in run.block.parameters().items()}
    x = run.x[0]

    def norm(t, which):
        scaled = (t - t.mean(axis=1, keepdims=True)) / np.sqrt(t.var(axis=1, keepdims=True) + 1e-5)
        return scaled * weights[f"{which}.gamma"] + weights[f"{which}.beta"]

    def linear(t, which):
        return t @ weights[f"{which}.w"] + weights[f"{which}.b"]

    def attention(t):
        q, k, v = (np.split(linear(t, f"attention.{name}"), run.heads, axis=1) for name in ("query", "key", "value"))
        outs = []
        for qh, kh, vh in zip(q, k, v, strict=True):
            e = np.exp(qh @ kh.T / math.sqrt(qh.shape[1]))
            outs.append(e / e.sum(axis=1, keepdims=True) @ vh)
        return linear(np.concatenate(outs, axis=1), "attention.output")

    def network(t):
        return linear(np.maximum(linear(t, "feed_forward.first"), 0), "feed_forward.second")

    if place == "pre":
        a = attention(norm(x, "norm1"))
        r = x + a
        f = network(norm(r, "norm2"))
        return np.stack([x[0], a[0], r[0], f[0], (r + f)[0]])
    a = attention(x)
    r = norm(x + a, "norm1")
    f = network(r)
    return np.stack([x[0], a[0], r[0], f[0], norm(r + f, "norm2")[0]])


@pytest.mark.parametrize("place", ["pre", "post"])
def test_the_lines_are_written_out_from_the_weights(place):
    run = run_of(f"place={place}", seed=2)
    shown = records_of(topic.forward, run)
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    rows = written_out(run, place)
    assert picture.values == pytest.approx(rows[:, :6])
    x, a, r, f, y = rows[:, 0]
    if place == "pre":
        assert sentences(shown)[1] == (
            f"By hand, the first number: r = {x:.3f} + {a:.3f} = {r:.3f}, and y = {r:.3f} + {f:.3f} = {y:.3f}."
        )
        assert next(r.text for r in shown if isinstance(r, Formula)).startswith("r = x + attention(norm1(x))")
    else:
        assert sentences(shown)[1] == "Behind norm2 token 1 has the mean 0.000 and the variance 1.000."


@pytest.mark.parametrize("place", ["pre", "post"])
def test_the_lines_back_are_the_slopes_of_the_block(place):
    run = run_of(f"place={place}", "width=4", "tokens=3")
    dy = np.random.default_rng(4).standard_normal(run.x.shape)
    dx = run.lines_back(dy, run.lines(place).caches)
    for index in ((0, 0, 0), (0, 2, 3)):
        step = np.zeros_like(run.x)
        step[index] = 1e-6
        up, down = (run.block.forward(x)[0] for x in (run.x + step, run.x - step))
        assert dx[index] == pytest.approx((dy * (up - down)).sum() / 2e-6, rel=1e-5)


def test_the_parameters_are_counted_one_by_one():
    shown = records_of(topic.the_parts, run_of("width=12"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == 4 * (12 * 12 + 12) + (12 * 48 + 48) + (48 * 12 + 12) + 2 * (12 + 12) and asked.tolerance == 0
    assert asked.answer == sum(row["count"] for row in tables(shown)[0].rows)
    assert sentences(shown)[1].split(": ")[1].startswith(f"12 C^2 + 13 C = {int(asked.answer):,}.")


def test_who_hears_is_counted():
    shown = records_of(topic.who_hears, run_of("tokens=7"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == len([token for token in range(1, 8) if token >= 2]) and asked.tolerance == 0
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert (picture.values > 1e-12).tolist() == [[True] * 7, [False] + [True] * 6]


def test_the_two_places_are_told_by_what_they_give():
    run = run_of(seed=5)
    shown = records_of(topic.two_places, run)
    pre, post = (run.new_block(place).forward(run.x)[0] for place in ("pre", "post"))
    assert sentences(shown)[1].startswith(
        f"They differ by up to {np.abs(pre - post).max():.2f}. How to tell them apart "
    )
    assert [row["size"] for row in tables(shown)[0].rows] == pytest.approx(
        [np.sqrt((y**2).mean()) for y in (pre, post)]
    )


def test_every_tensor_of_both_blocks_is_checked():
    rows = KEPT["worst_gradients"](run_of())
    names = topic.EncoderBlock(topic.BlockSettings(6, 2, 12), np.random.default_rng(0)).parameters()
    assert [row["tensors"] for row in rows] == [len(names) + 1] * 2
