"""Transformer-XL as a whole model."""

import numpy as np
import pytest

from tfx.models import TransformerXL, build
from tfx.nn.segment_memory import segment_memory_mask

IDS = np.random.default_rng(0).integers(9, size=(2, 12))
SMALL = {"d_model": 8, "n_heads": 2, "d_ff": 12, "n_layers": 2, "dtype": "float64"}


def in_segments(model, ids, segment):
    memory, parts = None, []
    for start in range(0, ids.shape[1], segment):
        logits, cache = model.forward(ids[:, start : start + segment], memory)
        memory = cache.memory
        parts.append(logits)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("segment", [1, 3, 5, 12])
def test_with_enough_memory_segments_of_any_length_give_the_logits_of_one_pass(segment):
    model = TransformerXL(9, n_memory=12, **SMALL)
    np.testing.assert_allclose(in_segments(model, IDS, segment), model.forward(IDS)[0], rtol=0, atol=1e-12)


def test_with_less_memory_they_are_those_under_the_mask_of_segments():
    model = TransformerXL(9, n_memory=2, **SMALL)
    x, _ = model.input.forward(IDS)
    hidden, _ = model.stack.forward(x, mask=segment_memory_mask(12, 4, 2))
    np.testing.assert_allclose(in_segments(model, IDS, 4), model.output.forward(hidden)[0], rtol=0, atol=1e-12)


def test_changing_a_future_token_changes_no_earlier_output():
    model, changed = TransformerXL(9, n_memory=4, **SMALL), IDS.copy()
    changed[:, 7] = (changed[:, 7] + 1) % 9
    assert np.array_equal(in_segments(model, changed, 3)[:, :7], in_segments(model, IDS, 3)[:, :7])


def test_order_is_known_without_a_table_of_positions():
    model = TransformerXL(9, n_memory=4, **SMALL)
    swapped = IDS[:, [1, 0, *range(2, 12)]]
    assert not np.allclose(model.forward(swapped)[0][:, -1], model.forward(IDS)[0][:, -1], atol=1e-6)


def test_its_configuration_builds_it_again():
    model = TransformerXL(9, n_memory=4, norm_place="pre", tied=False, seed=3, **SMALL)
    assert np.array_equal(build(model.config).forward(IDS)[0], model.forward(IDS)[0])
