"""A part of a model: it alone moves, and the rest keeps its bits."""

import numpy as np
import pytest

from tests.tuning.models import MODELS, logits_of, trained, tune
from tfx.optim import AdamW
from tfx.tuning import Part
from tfx.tuning.part import is_offset


@pytest.mark.parametrize("kind", MODELS)
def test_what_was_not_chosen_keeps_its_bits_whatever_its_gradient(kind):
    model = trained(kind, tied=False)
    before, part = model.state(), Part(model, lambda name: name.startswith("output."))
    losses = tune(model, part)
    moved = {name for name, value in model.state().items() if not np.array_equal(value, before[name])}
    assert moved == set(part.parameters()) == {"output.linear.w", "output.linear.b"}
    assert losses[-1] < losses[0]
    assert any(p.grad.any() for name, p in model.parameters().items() if name not in moved)


def test_the_offsets_alone_are_bitfit():
    model = trained(tied=False)
    part = Part(model, is_offset)
    assert {name.rsplit(".", 1)[1] for name in part.parameters()} == {"b", "beta"}
    assert part.n_parameters < model.n_parameters / 8
    losses = tune(model, part, steps=6)
    assert losses[-1] < losses[0]


def test_an_optimiser_keeps_averages_for_its_part_only():
    model = trained(tied=False)
    part = Part(model, is_offset)
    assert AdamW(part).mean.size == part.n_parameters == sum(p.value.size for p in part.parameters().values())


def test_a_part_is_saved_without_its_backbone_and_put_into_another_copy():
    model, other = trained(tied=False), trained(tied=False)
    part = Part(model, is_offset)
    tune(model, part)
    assert not np.array_equal(logits_of(model), logits_of(other))
    Part(other, is_offset).load_state(part.state())
    assert np.array_equal(logits_of(model), logits_of(other))


def test_choosing_nothing_is_refused():
    with pytest.raises(ValueError, match="none of the"):
        Part(trained(), lambda name: False)
