"""norm-placement: every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.block.norm_placement.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.block.norm_placement import PLACES, Settings, through_stack
from tfx.records import Matrix, Question, Said

KEPT = dict(vars(topic))
LOSSES = {"pre-LN": 1.4, "post-LN": 2.1, "post-LN, warm-up": 1.6}
run_of = runs_of(topic)


def off_centre(run, patch, by):
    """Only the norm of the branch, which is not the norm of a sum."""
    patch.setattr(topic, "norm", lambda x: KEPT["norm"](x) + (by - 1) * bool((x == run.f).all()))


def placed(place, key, power, without=False):
    """Another number of the deepest stack of that place."""

    def spoil(run, patch, by):
        right = run.place

        def wrong(where, depth, final_norm=True):
            found = dict(right(where, depth, final_norm))
            if where == place and depth == run.depth and final_norm != without:
                found[key] *= by**power
            return found

        run.place = wrong

    return spoil


def loss(way):
    def spoil(run, patch, by):
        patch.setattr(topic, "losses", lambda rate, seed: LOSSES | {way: by / by * LOSSES["post-LN"]})

    return spoil


class TestNormPlacement(TopicTests):
    lesson, steps = topic, 7
    changed = [["depth=8", "rate=0.03"], ["depth=48", "rate=0.03"]]
    refused = ["depth=7", "depth=49", "rate=0.0009", "rate=0.04"]
    sometimes = ("gap", "mends")  # promised of one rate only
    known = {"losses": lambda rate, seed: LOSSES}
    spoilt = {
        "post": Spoilt("three_places", result(topic, "norm"), nan_also={"third"}),
        "third": Spoilt("three_places", off_centre, nan_also={"post"}),
        "one": Spoilt("the_stream", placed("post-LN", "size", 1)),
        "root": Spoilt("the_stream", placed("third form", "size", 1)),
        "grows": Spoilt("the_stream", placed("pre-LN", "size", -9)),
        "falls": Spoilt("the_gradient", placed("pre-LN", "last", 5)),
        "stays": Spoilt("the_gradient", placed("post-LN", "last", -5)),
        "gap": Spoilt("training", loss("pre-LN")),
        "mends": Spoilt("training", loss("post-LN, warm-up")),
        "divides": Spoilt("the_end", placed("pre-LN", "last", 5, without=True)),
        "explodes": Spoilt("too_strong", placed("third form", "last", 20)),
    }


def test_the_three_places_are_written_out():
    run = run_of(seed=2)
    shown = records_of(topic.three_places, run)
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    total, f = run.x + run.f, run.f
    assert picture.values[2] == pytest.approx((total - total.mean()) / total.std())
    assert picture.values[3] == pytest.approx(run.x + (f - f.mean()) / f.std())
    assert f"y has mean 0; in the third form {sum(run.x) / 4:.3f}, that of x: the stream" in sentences(shown)[1]


def test_the_stacks_are_those_of_the_experiment():
    run = run_of("depth=9", seed=1)
    settings = Settings(width=16, tokens=8)
    rows = tables(records_of(topic.the_stream, run))[0].rows
    for place, key in zip(PLACES, ("pre", "post", "third"), strict=True):
        squares = [through_stack(settings, place, 9, np.random.default_rng((1, n))).square for n in range(6)]
        assert rows[-1][key] == pytest.approx(math.sqrt(sum(squares) / 6))
    shown = records_of(topic.the_gradient, run)
    lasts = {}
    for depth in (2, 9):
        found = [through_stack(settings, "pre-LN", depth, np.random.default_rng((1, n))) for n in range(6)]
        lasts[depth] = math.prod(one.feed_forward[-1] for one in found) ** (1 / 6)
    assert f"Measured: pre-LN keeps {lasts[9] / lasts[2]:.2f} of it, post-LN" in sentences(shown)[1]
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx(9**-0.5 / 2**-0.5) and asked.tolerance <= 0.02


def test_the_third_form_grows_by_two_a_block():
    (asked,) = (r for r in records_of(topic.the_stream, run_of("depth=12")) if isinstance(r, Question))
    assert asked.answer == 5 and asked.tolerance <= 0.02
    assert asked.explanation == "Squares add up: 1 + 2 * 12; take the root."


def test_the_losses_are_told_as_they_are(monkeypatch):
    monkeypatch.setattr(topic, "losses", lambda rate, seed: LOSSES)
    shown = records_of(topic.training, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx(-sum(0.1 * math.log(0.1) for _ in range(10)))
    assert sentences(shown)[1] == (
        "Post-LN ends at 2.10, pre-LN at 1.40. With a rate that grows over the first half of the steps, post-LN ends "
        "at 1.60."
    )
    assert len(sentences(records_of(topic.training, run_of("rate=0.001")))) == len(sentences(shown)) - 1


def test_the_end_and_the_third_form_are_told_by_their_ratios():
    run = run_of("depth=10")

    def last(place, final_norm, block=-1):
        found = [
            through_stack(
                Settings(width=16, tokens=8, final_norm=final_norm), place, 10, np.random.default_rng((0, n))
            ).feed_forward[block]
            for n in range(6)
        ]
        return math.prod(found) ** (1 / 6)

    ratio = last("pre-LN", False) / last("pre-LN", True)
    assert (
        f"Without it the last gradient is {ratio:.2f} times as large." in sentences(records_of(topic.the_end, run))[1]
    )
    said = next(r for r in records_of(topic.too_strong, run) if isinstance(r, Said))
    times = last("third form", True, 0) / last("third form", True)
    assert said.truth == (
        f"That is the third form. In random stacks of 10 blocks its first block's gradient is {times:.0f} times its "
        "last one's."
    )
