"""What is listed without a model is what the library's models own, compute and store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tfx.measure.counting_array import counting_in
from tfx.measure.decoder_costs import DecoderSizes, count, flops, parameters, stored, token_costs
from tfx.models import DecoderOnly
from tfx.models.gpt import GPT2_SMALL, gpt_parameter_count

LLAMA = DecoderSizes(layers=3, width=20, heads=4, key_heads=2, head_width=6, d_ff=14, vocab=31)
GPT = DecoderSizes(2, 12, 3, 3, 4, 48, 29, gated=False, bias=True, max_len=16, tied=True)
MIXTURE = replace(LLAMA, experts=4, chosen=2, tied=True)
T = 7


def model_of(sizes: DecoderSizes) -> DecoderOnly:
    more: dict[str, Any] = {"experts": {"n": sizes.experts, "k": sizes.chosen}} if sizes.experts > 1 else {}
    return DecoderOnly(
        sizes.vocab,
        sizes.width,
        sizes.heads,
        sizes.d_ff,
        sizes.layers,
        max_len=sizes.max_len or 16,
        positions="learned" if sizes.max_len else "rotary",
        activation="swiglu" if sizes.gated else "gelu",
        norm="layer_norm" if sizes.bias else "rms_norm",
        bias=sizes.bias,
        tied=sizes.tied,
        attention={"n_kv_heads": sizes.key_heads, "d_head": sizes.head_width},
        **more,
    )


def ids(n: int) -> np.ndarray:
    return np.zeros((1, n), dtype=np.int64)


@pytest.mark.parametrize("sizes", [LLAMA, GPT, MIXTURE, replace(LLAMA, key_heads=4, gated=False)])
def test_the_library_owns_what_is_listed(sizes):
    model = model_of(sizes)
    own_offsets = 0 if sizes.tied else sizes.vocab  # DecoderOnly gives an output of its own an offset, LLaMA does not
    assert count(parameters(sizes)) == model.n_parameters - own_offsets
    of = {name: parameter.value.size for name, parameter in model.parameters().items()}
    assert count(parameters(sizes), "attention") == sum(n for name, n in of.items() if ".attention." in name)
    assert count(parameters(sizes), "network") == sum(n for name, n in of.items() if ".feed_forward." in name)


@pytest.mark.parametrize("sizes", [LLAMA, GPT, MIXTURE])
def test_the_library_multiplies_what_is_counted(sizes):
    model = model_of(sizes)
    with counting_in(model) as counted:
        _, cache = model.forward(ids(T))
        assert 2 * counted.multiply_adds == flops(token_costs(sizes, T))
        counted.reset()
        model.forward(ids(1), past=cache.stack.present)
        assert 2 * counted.multiply_adds == flops(token_costs(sizes, 1, T))


@pytest.mark.parametrize("sizes", [LLAMA, GPT])
def test_the_library_stores_what_is_listed(sizes):
    _, cache = model_of(sizes).forward(ids(T))
    kept = [array for past in cache.stack.present for array in (past.k, past.v)]
    assert sum(array.size for array in kept) == count(stored(sizes, T))
    assert len(kept) == sum(array.times for array in stored(sizes, T))


def test_a_window_bounds_what_is_stored_and_what_is_multiplied():
    windowed = replace(LLAMA, window=5)
    assert count(stored(windowed, 100)) == count(stored(LLAMA, 5))
    assert count(stored(windowed, 3)) == count(stored(LLAMA, 3))
    assert flops(token_costs(windowed, 1, 100)) == flops(token_costs(LLAMA, 1, 4))


def test_the_output_may_be_computed_for_one_token_alone():
    whole, last = token_costs(LLAMA, T), token_costs(LLAMA, T, logits=1)
    assert flops(whole) - flops(last) == (T - 1) * 2 * LLAMA.width * LLAMA.vocab
    assert flops(whole, "Q K^T") == 2 * LLAMA.layers * T * T * LLAMA.heads * LLAMA.head_width


def test_the_smallest_gpt_2_is_counted_like_the_model():
    sizes = DecoderSizes(12, 768, 12, 12, 64, 3072, 50257, gated=False, bias=True, max_len=1024, tied=True)
    assert count(parameters(sizes)) == gpt_parameter_count(**GPT2_SMALL)
