"""GPT and T5: the published sizes, the published differences, and that a configuration builds them again."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.models import GPT, T5, build
from tfx.models.gpt import GPT2_SMALL, gpt_parameter_count
from tfx.models.t5 import T5_SMALL, t5_parameter_count

V = 11


def test_the_smallest_gpt_2_has_its_published_number_of_parameters():
    assert gpt_parameter_count(**GPT2_SMALL) == 124_439_808


def test_t5_small_has_its_published_number_of_parameters():
    assert t5_parameter_count(**T5_SMALL) == 60_506_624


@pytest.mark.parametrize(("width", "heads", "layers"), [(8, 2, 3), (12, 4, 1)])
def test_the_counts_are_those_of_the_models(width, heads, layers):
    gpt = GPT(V, width, heads, n_layers=layers, max_len=13)
    assert gpt.n_parameters == gpt_parameter_count(V, width, layers, 13)
    t5 = T5(V, width, heads, 10, layers, d_head=5)
    assert t5.n_parameters == t5_parameter_count(V, width, heads, 10, layers, 5)


def test_gpt_2_starts_with_small_weights_and_smaller_ones_at_the_end_of_each_sub_layer():
    model = GPT(500, 64, 4, n_layers=8, seed=3)
    weights = {name: p.value for name, p in model.parameters().items() if p.value.ndim == 2}
    last = [w.std() for name, w in weights.items() if name.endswith(("output.w", "second.w"))]
    others = [w.std() for name, w in weights.items() if not name.endswith(("output.w", "second.w"))]
    np.testing.assert_allclose(others, 0.02, rtol=0.05)
    np.testing.assert_allclose(last, 0.02 / 4, rtol=0.05)  # 1 / sqrt(2 * 8)
    assert len(last) == 16


def test_a_t5_has_no_offset_and_no_place_in_its_input():
    model = T5(V, 12, 3, 10, 2)
    names = model.parameters()
    assert not [name for name in names if name.endswith((".b", ".beta"))]
    tables = [name for name in names if name.endswith("position_bias.table")]
    assert len(tables) == 2, "one for the encoder and one for the decoder, each shared by its blocks"
    src = np.full((1, 6), 4)
    x, _ = model.src_input.forward(src)
    assert (x == x[:, :1]).all()


def test_the_buckets_of_a_t5_encoder_look_both_ways_and_those_of_its_decoder_back():
    model = T5(V, 12, 3, 10, 2)
    assert model.encoder.blocks[0].attention.position_bias.bidirectional
    assert not model.decoder.blocks[0].attention.position_bias.bidirectional
    assert model.encoder.blocks[0].attention.position_bias is model.encoder.blocks[1].attention.position_bias


@pytest.mark.parametrize(
    "model", [GPT(V, 12, 3, seed=4), T5(V, 12, 3, 10, seed=4, activation="geglu_tanh", tied=False)]
)
def test_a_configuration_builds_the_same_model_again(model):
    again = build(model.config)
    for name, value in model.state().items():
        np.testing.assert_array_equal(again.state()[name], value)
