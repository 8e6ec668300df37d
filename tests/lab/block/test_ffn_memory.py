"""Facts that were planted and facts that were learned: what a unit holds, and what its deletion takes."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.lab.block import ffn_memory
from tfx.lab.block.ffn_memory import as_layer, as_memory, directions, planted, share_above, spoken
from tfx.nn.feed_forward import FeedForward

PLACE = "tfx.lab.block.ffn_memory"


def other_layer(as_layer):
    def changed(memory):
        layer = as_layer(memory)
        layer.second.b.value += 1e-6
        return layer

    return changed


def one_unit_each(learn):
    """A learner that plants: unit i answers to key i alone."""

    def planting(layer, keys, values, steps, seed):
        layer.first.w.value[...] = 2 * keys.T
        layer.first.b.value[...] = -1.0
        layer.second.w.value[...] = values

    return planting


BREAKS = Table(
    ffn_memory.Settings(widths=(4, 64), draws=4, steps=150),
    Broken("a layer with another offset", {"identity"}, {f"{PLACE}.as_layer": other_layer}),
    Broken("units that answer to most keys", {"planted-right", "deleted", "one-fact"}, selectivity=1.9),
    Broken("units that are planted twice", {"deleted"}, {
        f"{PLACE}.planted": lambda plant: lambda memory, keys, values, w: plant(
            plant(memory, keys, values, w), keys, values, w)}),
    Broken("the share of wider tokens", {"crowded"}, {
        f"{PLACE}.share_above": lambda share: lambda cosine, width: share(cosine, 4 * width)}),
    Broken("five steps", {"learned-right", "learned-many"}, steps=5),
    Broken("a learner that gives each fact a unit", {"learned-right", "learned-shared", "learned-many"}, {
        f"{PLACE}.learn": one_unit_each}),
)  # fmt: skip


def test_random_directions_are_more_alike_in_narrow_tokens():
    """In three dimensions the cosine is uniform, by Archimedes; in four, half a disc."""
    assert share_above(0.5, 3) == pytest.approx(0.25, abs=1e-3)
    assert share_above(0.5, 4) == pytest.approx(1 / 3 - math.sqrt(3) / (4 * math.pi), abs=1e-3)
    drawn = directions(400, 8, np.random.default_rng(0))
    cosines = (drawn @ drawn.T)[np.triu_indices(400, 1)]
    assert (cosines > 0.3).mean() == pytest.approx(share_above(0.3, 8), abs=0.005)


def test_a_planted_unit_says_its_value_at_its_key_and_the_layer_says_the_same():
    rng = np.random.default_rng(1)
    keys, values = directions(3, 32, rng), directions(3, 32, rng)
    before = as_memory(FeedForward(32, 5, rng, "relu", dtype="float64"))
    memory = planted(before, keys, values - before.read(keys), 0.5)
    np.testing.assert_allclose(memory.read(keys), values, atol=1e-12)
    np.testing.assert_allclose(as_layer(memory).forward(keys)[0], values, atol=1e-12)
    assert spoken(memory.read(keys), values).all()


def test_what_is_nearest_is_what_is_spoken():
    values = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert spoken(np.array([[0.9, 0.2], [0.8, 0.1]]), values).tolist() == [True, False]


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(ffn_memory)
    narrow, wide, learned_narrow, learned = found.rows
    assert found.notes[0].text == (
        f"At width 64 a planted unit takes {wide['lost']:.2g} facts with it and moves {wide['moved']:.0%} of the "
        f"others; one that was learned moves {learned['moved']:.0%} of them. At width 4 a learned unit takes "
        f"{learned_narrow['lost']:.2g} facts."
    )
    assert found.question.answer == wide["lost"] and 0.8 < wide["lost"] <= 1
    assert found.plots[0].title == (
        f"At width 64 a planted unit moves {wide['moved']:.0%} of the other facts, a learned one "
        f"{learned['moved']:.0%}; at width 4, {narrow['moved']:.0%} and {learned_narrow['moved']:.0%}"
    )
