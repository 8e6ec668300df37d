"""Prefixes: a prefix made of real tokens is those tokens, and a learned one alone learns."""

import numpy as np
import pytest

from tests.tuning.models import IDS, MODELS, logits_of, trained, tune
from tfx.generate import greedy
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.key_value_buffer import buffers_for
from tfx.ops.attention.key_value import KeyValue
from tfx.tuning import PrefixedAttention, add_adapters, add_lora, add_prefixes, add_prompt

RNG = np.random.default_rng
M = 4


@pytest.mark.parametrize("positions", ["none", "rotary", "alibi"])
def test_a_prefix_made_of_the_keys_and_values_of_tokens_is_those_tokens(positions):
    model, words = trained(DecoderOnly, positions=positions), np.array([[3, 1, 1, 5]])
    both = np.concatenate((np.repeat(words, len(IDS), axis=0), IDS), axis=1)
    want = model.forward(both)[0][:, M:]
    _, cache = model.forward(words)
    add_prefixes(model, M, RNG(0), start=cache.stack.present)
    np.testing.assert_allclose(logits_of(model), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", MODELS)
def test_only_the_prefixes_learn_and_taken_out_the_model_has_its_bits(kind):
    model = trained(kind)
    before = model.state()
    prefixes = add_prefixes(model, M, RNG(0))
    losses = tune(model, prefixes, steps=8)
    assert losses[-1] < losses[0]
    after = {name.replace(".layer.", "."): value for name, value in model.state().items()}
    assert all(np.array_equal(after[name], value) for name, value in before.items())
    prefixes.remove()
    assert all(np.array_equal(model.state()[name], value) for name, value in before.items())


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary", "alibi", "relative"])
def test_with_a_prefix_a_model_still_reads_in_chunks(positions):
    model = trained(DecoderOnly, positions=positions)
    add_prefixes(model, M, RNG(0))
    whole, _ = model.forward(IDS)
    past, written = None, []
    for chunk in (IDS[:, :3], IDS[:, 3:4], IDS[:, 4:]):
        logits, cache = model.forward(chunk, past=past)
        past = cache.stack.present
        written.append(logits)
    np.testing.assert_allclose(np.concatenate(written, axis=1), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary"])
def test_tokens_behind_a_prefix_can_be_stored_in_place(positions):
    model = trained(DecoderOnly, positions=positions)
    past = buffers_for(model.stack.blocks, len(IDS), 6)
    add_prefixes(model, M, RNG(0))
    whole, _ = model.forward(IDS)
    written = []
    for chunk in (IDS[:, :3], IDS[:, 3:4], IDS[:, 4:]):
        logits, cache = model.forward(chunk, past=past)
        past = cache.stack.present
        written.append(logits)
    assert past[0].seen == 6 and past[0].capacity == 6
    np.testing.assert_allclose(np.concatenate(written, axis=1), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", [add_prefixes, add_prompt, add_adapters, add_lora])
def test_a_tuned_language_model_writes(method):
    model = trained(DecoderOnly)
    options = {"causal": True} if method is add_prompt else {}
    tune(model, method(model, 3, RNG(0), **options), steps=5)
    written, read = greedy(model, IDS[:, :3], 2), IDS[:, :3]
    for place in range(2):
        best = model.forward(read)[0][:, -1].argmax(axis=-1)
        assert np.array_equal(written[:, place], best)
        read = np.concatenate((read, best[:, None]), axis=1)


def test_padding_and_a_mask_that_is_broadcast_are_about_tokens():
    model, lengths = trained(Encoder), np.array([6, 2, 4])
    add_prefixes(model, M, RNG(0))
    logits, _ = model.forward(IDS, lengths)
    for row, length in enumerate(lengths):
        alone, _ = model.forward(IDS[row : row + 1, :length])
        np.testing.assert_allclose(logits[row : row + 1, :length], alone, rtol=0, atol=1e-12)
    layer = PrefixedAttention(MultiHeadAttention(6, 3, RNG(0)), M, RNG(1))
    x = RNG(2).standard_normal((1, 5, 6))
    nobody, cache = layer.forward(x, mask=np.zeros((1, 1, 1, 1), bool))
    assert np.array_equal(nobody[0, 0].round(6), layer.forward(x, mask=np.zeros((5, 5), bool))[0][0, 0].round(6))
    assert cache.attention.weights[..., M:].max() == 0 and np.allclose(cache.attention.weights[..., :M].sum(-1), 1)


def test_the_gradient_of_a_prefix_is_the_sum_over_the_rows_that_shared_it():
    layer = PrefixedAttention(MultiHeadAttention(6, 3, RNG(0), dtype="float64"), M, RNG(1))
    x, dy = RNG(2).standard_normal((2, 3, 5, 6))
    _, cache = layer.forward(x)
    layer.backward(dy, cache)
    together, alone = layer.k.grad.copy(), np.zeros_like(layer.k.grad)
    for row in range(3):
        layer.zero_grad()
        _, cache = layer.forward(x[row : row + 1])
        assert layer.backward(dy[row : row + 1], cache).dpast is None
        alone += layer.k.grad
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-14)


def test_the_count_is_keys_and_values_for_each_block():
    assert add_prefixes(trained(), M, RNG(0)).n_parameters == 2 * 2 * M * 12
    grouped = trained(attention={"n_kv_heads": 1})
    assert add_prefixes(grouped, M, RNG(0)).n_parameters == 2 * 2 * M * 4
    own = add_prefixes(trained(EncoderDecoder), M, RNG(0), chosen=lambda name: not name.endswith("cross_attention"))
    assert own.n_parameters == 4 * 2 * M * 12


def test_bad_input_is_refused():
    model = trained()
    with pytest.raises(ValueError, match="at least one"):
        add_prefixes(model, 0, RNG(0))
    with pytest.raises(ValueError, match="1 prefixes do not fit 2"):
        add_prefixes(model, M, RNG(0), start=[KeyValue(np.zeros((1, 3, M, 4)), np.zeros((1, 3, M, 4)))])
    with pytest.raises(ValueError, match="but needs"):
        add_prefixes(model, M, RNG(0), start=[KeyValue(np.zeros((1, 3, 5, 4)), np.zeros((1, 3, M, 4)))] * 2)
    with pytest.raises(ValueError, match="that was chosen"):
        add_prefixes(model, M, RNG(0), chosen=lambda name: False)
