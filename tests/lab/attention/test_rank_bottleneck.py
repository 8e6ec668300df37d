"""One head blends what two keep apart, and heads of width 1 cannot point: between them lies what works."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, times
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.attention import rank_bottleneck, two_sources
from tfx.lab.attention.two_sources import TwoSourcesModel

PLACE = "tfx.lab.attention.rank_bottleneck"
SMALL = rank_bottleneck.Settings(heads=(1, 2, 16), steps=160, seeds=2)


@functools.cache
def trained_once(settings, n_heads, seed):
    """Models are trained once for all of the table: what is planted changes no training."""
    return rank_bottleneck.learn_two_sources(
        settings.tokens, settings.width, n_heads, settings.length, settings.steps, seed
    )


def where(heads, **by):
    """Rows in which so many heads named something else."""
    return lambda row: {**row, **by} if row["heads"] == heads else row


BREAKS = Table(
    SMALL,
    Broken("one step of training", {"solved", "too-many"}, steps=1),
    Broken("no single head among them", {"one-head"}, heads=(2, 4, 16)),
    Broken("none that are too narrow", {"too-many"}, heads=(1, 2, 4)),
    Broken("a head that reads two sources", {"one-head"}, row=where(1, pairs=0.9)),
    Broken("none that solves it", {"solved"}, row=where(2, pairs=0.9)),
    Broken("narrow heads that point well", {"too-many"}, row=where(16, pairs=0.9)),
    Broken("a dimension more", {"rank"}, row=lambda row: {**row, "rank": row["rank"] + 1}),
    Broken("weights that grow with the heads", {"weights"}, row=times(2, "weights")),
    Broken(
        "the rank of the weights after softmax",
        {"rank"},
        planted={
            f"{PLACE}.rank_of_scores": instead(
                lambda model, ids: int(np.linalg.matrix_rank(model.forward(ids)[1].attention.attention.weights).max())
            )
        },
    ),
    always={
        f"{PLACE}.trained": instead(lambda settings, *rest: trained_once(replace(settings, heads=SMALL.heads), *rest))
    },
)


def test_the_checks_hold_for_another_seed():
    found = frame.run(rank_bottleneck, SMALL, 3)
    assert all(check.holds for check in found.checks), found.checks


def test_the_answers_are_the_tokens_one_and_three_back():
    ids = np.array([[5, 6, 7, 8, 9]])
    np.testing.assert_array_equal(two_sources.answers(ids), [[[7, 5], [8, 6]]])


def test_the_gradient_agrees_with_differences():
    rng = np.random.default_rng(0)
    model, ids = TwoSourcesModel(3, 4, 2, 5, rng), rng.integers(3, size=(2, 5))
    model.zero_grad()
    two_sources.two_sources_loss(model, ids, rng)
    gradients = [parameter.grad.copy() for parameter in model.parameters().values()]  # later losses add to them
    for parameter, grad in zip(model.parameters().values(), gradients, strict=True):
        at = tuple(0 for _ in grad.shape)
        kept = parameter.value[at]
        values = []
        for step in (1e-6, -1e-6):
            parameter.value[at] = kept + step
            values.append(two_sources.two_sources_loss(model, ids, rng).loss)
        parameter.value[at] = kept
        assert grad[at] == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-8)


def test_no_linear_read_out_of_a_blend_names_both_orders():
    """By trial: of many read-outs that name equal pairs, none names (0, 1) and (1, 0) in both places."""
    rng = np.random.default_rng(0)
    for _ in range(2000):
        first, second, shares = rng.standard_normal((2, 2)), rng.standard_normal((2, 2)), rng.random((2, 2))
        blend = {
            (a, b): shares[a, b] * np.eye(2)[a] + (1 - shares[a, b]) * np.eye(2)[b] for a in (0, 1) for b in (0, 1)
        }
        right = {
            pair: (first @ z).argmax() == pair[0] and (second @ z).argmax() == pair[1] for pair, z in blend.items()
        }
        assert not all(right.values())
    assert two_sources.most_with_one_head(2) == 0.75


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(rank_bottleneck)
    one, two, many = (row["pairs"] for row in found.rows)
    assert found.notes[0].text == (
        f"1 head names {one:.0%} of the pairs, 2 heads name {two:.0%}, 16 heads name {many:.0%}. Scores of a head have "
        "rank 16 at width 16 and 1 at width 1; the layer has 1,088 weights each time."
    )
    assert found.plots[0].title == (
        f"Of pairs of past tokens 1 head names {one:.0%}, 2 heads name {two:.0%}, 16 heads name {many:.0%}"
    )
    assert found.question.answer == 1
    assert found.question.explanation == f"16 heads name {many:.0%} of the pairs, 2 heads name {two:.0%}."


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(BadInput, match="heads must divide width, but 3 does not divide 16"):
        frame.run(rank_bottleneck, rank_bottleneck.Settings(heads=(1, 2, 3)), 0)


def test_the_same_seed_gives_the_same_result():
    tiny = rank_bottleneck.Settings(width=4, heads=(1, 2, 4), length=6, steps=2, seeds=2)
    assert frame.run(rank_bottleneck, tiny, 4) == frame.run(rank_bottleneck, tiny, 4)
