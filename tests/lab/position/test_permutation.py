"""Attention is equivariant and not invariant; a causal mask alone tells orders apart and lets places be named."""

import functools

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.position import permutation

PLACE = "tfx.lab.position.permutation"
SMALL = permutation.Settings(tokens=6, words=4, width=16, layers=1, steps=60, models=2)

#: Models are trained once for all of the table: what is planted changes no training.
trained_once = functools.cache(permutation.trained_to_name)


def moved(**by):
    """reorder() of something else: kept or pooled changed."""

    def make(original):
        def changed(*given):
            found = dict(zip(("reordered", "kept", "pooled"), original(*given), strict=True))
            return tuple({**found, **by}.values())

        return changed

    return make


BREAKS = Table(
    SMALL,
    Broken("no positions where they were asked for", {"positions", "place-given"}, scheme="none"),
    Broken("no causal mask", {"mask", "place-from-mask"}, mask=False),
    Broken(
        "positions in every row",
        {"equivariant", "pooled", "chance"},
        planted={
            f"{PLACE}.make": lambda o: (
                lambda settings, attention, scheme, *rest: o(settings, attention, "learned", *rest)
            ),
            f"{PLACE}.trained_to_name": instead(
                lambda settings, *rest: trained_once(settings, "both ways", "sinusoidal", 1)
            ),
        },
    ),
    Broken(
        "an order that is none",
        {"not-invariant", "mask", "positions"},
        planted={f"{PLACE}.reorder": moved(kept=0.0, pooled=0.0)},
    ),
    Broken("a mean that moves", {"pooled"}, planted={f"{PLACE}.reorder": moved(pooled=0.5)}),
    Broken("outputs that stay elsewhere", {"equivariant"}, planted={f"{PLACE}.reorder": moved(reordered=0.5)}),
    Broken("outputs that stay", {"not-invariant"}, planted={f"{PLACE}.reorder": moved(kept=0.0)}),
    Broken(
        "a model that never names a place",
        {"chance", "place-from-mask", "place-given"},
        planted={f"{PLACE}.trained_to_name": instead(lambda *given: np.arange(1200).reshape(200, 6) % 97 == 0)},
    ),
    always={f"{PLACE}.trained_to_name": instead(trained_once)},
)


@pytest.mark.parametrize("seed", range(2))
def test_all_checks_hold(seed):
    found = frame.run(permutation, SMALL, seed)
    assert all(check.holds for check in found.checks), found.checks


def test_the_first_token_is_the_mark_and_each_place_is_its_own_answer():
    drawn = permutation.WhichPlace(5, 3).draw(7, np.random.default_rng(0))
    assert (drawn.ids[:, 0] == 0).all() and (drawn.ids[:, 1:] > 0).all() and drawn.ids.max() <= 3
    assert (drawn.targets == [0, 1, 2, 3, 4]).all() and drawn.asked.all()


def test_what_a_model_without_order_can_name_is_two_places_whatever_it_says():
    """Any rule from words to places, the mark known: 1 + 1 right on average."""
    rng = np.random.default_rng(0)
    rule = np.array([0, 3, 1, 1, 4])
    drawn = permutation.WhichPlace(6, 4).draw(20_000, rng)
    right = (rule[drawn.ids] == drawn.targets).sum(axis=1)
    assert right.mean() == pytest.approx(2, abs=5 * right.std() / 20_000**0.5)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(permutation)
    plain, causal, placed, _ = found.rows
    assert found.notes[0].text == (
        f"Not invariant, equivariant: outputs move with their tokens (off by {plain['reordered']:.0e}), the mean "
        f"stays. A causal mask still tells orders apart: trained without positions, {causal['named']:.0%} of places "
        f"are named, both ways {plain['named']:.0%}."
    )
    assert found.plots[0].title == (
        f"Without positions {causal['named']:.0%} of places are named under a causal mask, {plain['named']:.0%} "
        "without a mask"
    )
    assert found.question.answer == pytest.approx(6 * plain["named"])
    assert placed["named"] > causal["named"]


def test_a_mask_that_was_left_out_is_not_said_to_tell_orders_apart():
    found = BREAKS.run(permutation, BREAKS.broken[1])
    assert " A causal mask was left out: " in found.notes[0].text


def test_a_width_that_heads_cannot_share_in_pairs_is_refused():
    with pytest.raises(BadInput):
        frame.run(permutation, permutation.Settings(width=20), 0)


def test_the_same_seed_gives_the_same_result():
    tiny = permutation.Settings(tokens=5, words=2, width=8, layers=1, steps=2, models=2)
    assert frame.run(permutation, tiny, 4) == frame.run(permutation, tiny, 4)
