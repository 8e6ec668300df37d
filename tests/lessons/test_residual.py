"""residual: every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.block.residual.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


class Loud(KEPT["FeedForward"]):
    """Gives something where it should give nothing."""

    by = 1.0

    def forward(self, x):
        f, cache = super().forward(x)
        return f + 1e-6 * self.by, cache


def loud(run, patch, by):
    patch.setattr(topic, "FeedForward", type("Louder", (Loud,), {"by": by}))


def one_way_less(run, patch, by):
    ways = KEPT.setdefault("product", topic.product)
    patch.setattr(topic, "product", lambda *args: [*list(ways(*args))[1:], *[(by,)] * math.isnan(by)])


def passed(**spoil):
    """Stacks of one way that measured something else; `by` times wrong."""

    def replace(run, patch, by):
        def wrong(way, depth, *args):
            right = KEPT["through_sublayers"](way, depth, *args)
            times = {
                name: by**power * getattr(right, name)
                for name, (which, least, power) in spoil.items()
                if which == way and depth >= least
            }
            return right._replace(**times)

        patch.setattr(topic, "through_sublayers", wrong)

    return replace


class TestResidual(TopicTests):
    lesson, steps = topic, 7
    cold = True
    changed = [["depth=2", "width=8"], "depth=48", ["depth=3", "width=64"], ["depth=40", "width=8"]]
    refused = ["depth=1", "depth=49", "width=7", "width=65"]
    spoilt = {
        "silent": Spoilt("add", loud),
        "paths": Spoilt("the_gradient", one_way_less),
        "vanishes": Spoilt("through_depth", passed(gradient=("neither", 2, 30))),
        "arrives": Spoilt("through_depth", passed(gradient=("add", 2, -30))),
        "steady": Spoilt("add_and_norm", passed(size=("both", 2, 1))),
        "grows": Spoilt("add_and_norm", passed(size=("add", 2, -30))),
        "kept": Spoilt("add_and_norm", passed(kept=("add", 2, -30))),
        "standard": Spoilt("add_and_norm", output(topic, "layer_norm_forward")),
        "shrinks": Spoilt("too_strong", instead(topic, "share_that_shrinks", lambda by: lambda rng: 0.8 * by)),
        "linear": Spoilt("since", passed(size=("pre", 2, 3))),
    }


def test_three_sums_are_multiplied():
    run = run_of(seed=2)
    shown = records_of(topic.the_gradient, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    left = 1.0
    for slope in run.slopes:
        left += slope * left
    assert asked.answer == pytest.approx(left) and asked.tolerance <= 0.02
    a, b, c = run.slopes
    assert sentences(shown)[1].startswith(
        f"(1 + {a:g}) (1 + {b:g}) (1 + {c:g}) = {left:.3f}. Without the sums it is ({a:g}) ({b:g}) ({c:g}) = "
        f"{a * b * c:.3f}. Multiplied out, the product is a sum over 8 ways back,"
    )


def test_what_is_predicted_for_the_depth_is_repeated_multiplication():
    run = run_of("depth=10")
    shown = records_of(topic.through_depth, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    one = float(sentences(shown)[0].split("without the sum, ")[1].split(" ")[0])
    left = 1.0
    for _ in range(10):
        left *= one
    assert asked.answer == pytest.approx(math.log10(left)) and f"log10({one:.3f})" in asked.explanation
    (table,) = tables(shown)
    stacks = [KEPT["through_sublayers"]("neither", 10, 32, np.random.default_rng((0, n))).gradient[0] for n in range(4)]
    mean = math.prod(stacks) ** (1 / 4)
    assert [row["depth"] for row in table.rows] == [1, 2, 10] and table.rows[-1]["plain"] == pytest.approx(mean)
    assert sentences(shown)[1].startswith(f"Measured, log10 is {math.log10(mean):.2f}: the first sub-layers would ")


def test_the_table_of_the_halves_is_measured_on_the_stacks():
    run = run_of("depth=3", "width=8", seed=1)
    shown = records_of(topic.add_and_norm, run)
    (table,) = tables(shown)
    for row, way in zip(table.rows, ("neither", "add", "norm", "both", "pre"), strict=True):
        stacks = [KEPT["through_sublayers"](way, 3, 8, np.random.default_rng((1, n))) for n in range(4)]
        assert row["size"] == pytest.approx(math.prod(s.size[-1] for s in stacks) ** 0.25)
        assert row["gradient"] == pytest.approx(math.prod(s.gradient[0] for s in stacks) ** 0.25)
        assert row["kept"] == pytest.approx(sum(s.kept for s in stacks) / 4)
    two = [[KEPT["through_sublayers"](way, 2, 8, np.random.default_rng((1, n))) for n in (0, 1, 2, 3)]
           for way in ("add", "norm")]  # fmt: skip
    with_sum, with_norm = (sum(one.kept for one in stacks) / 4 for stacks in two)
    assert f"is {with_sum:.2f} with the sum alone and {with_norm:.2f} with the norm alone." in sentences(shown)[1]


def test_the_share_of_chains_is_that_of_the_integral():
    """Four numbers drawn evenly between 0 and 2 multiply to below 1 where four exponentials add up to above log 16."""
    a = 4 * math.log(2)
    exact = math.exp(-a) * sum(a**k / math.factorial(k) for k in range(4))
    found = topic.share_that_shrinks(generator_of(0, "too_strong"))
    assert found == pytest.approx(exact, abs=0.02)
    said = next(r for r in records_of(topic.too_strong, run_of()) if isinstance(r, Said))
    assert said.truth == (
        "At a slope of -1 the sum is 0. Of 10,000 chains of four slopes drawn evenly "
        f"between -1 and 1, {found:.0%} leave less than 1. The identity keeps a way open; it promises no size."
    )


def test_the_growth_of_the_stream_is_that_of_its_square():
    run = run_of("depth=6")
    stacks = [KEPT["through_sublayers"]("pre", 6, 32, np.random.default_rng((0, n))).size[-1] for n in range(4)]
    size = math.prod(stacks) ** 0.25
    assert (
        f"its square by {(size * size - 1) / 6:.2f} for each sub-layer here, to a size of {size:.2f}."
        in sentences(records_of(topic.since, run))[0]
    )
