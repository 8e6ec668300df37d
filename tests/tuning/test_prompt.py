"""Prompts: a prompt made of embedded tokens is those tokens, and a learned one alone learns."""

import numpy as np
import pytest

from tests.tuning.models import IDS, MODELS, C, logits_of, trained, tune
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.tuning import add_prompt
from tfx.tuning.prompt import prompted_mask

RNG = np.random.default_rng
M = 3


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly])
@pytest.mark.parametrize("positions", ["none", "rotary"])
def test_a_prompt_made_of_embedded_tokens_is_those_tokens(kind, positions):
    model, words = trained(kind, positions=positions), np.array([3, 1, 5])
    both = np.concatenate((np.repeat(words[None], len(IDS), axis=0), IDS), axis=1)
    want = model.forward(both)[0][:, M:]
    start = model.embedding.forward(words)[0]
    add_prompt(model, M, RNG(0), causal=kind is DecoderOnly, start=start)
    np.testing.assert_allclose(logits_of(model), want, rtol=0, atol=1e-12)


def test_a_prompt_of_padded_rows_is_the_prompt_of_the_rows_alone():
    model, lengths = trained(), np.array([6, 2, 4])
    add_prompt(model, M, RNG(0), causal=False)
    logits, cache = model.forward(IDS, lengths)
    for row, length in enumerate(lengths):
        alone, _ = model.forward(IDS[row : row + 1, :length])
        np.testing.assert_allclose(logits[row : row + 1, :length], alone, rtol=0, atol=1e-12)
    assert cache.blocks[0].weights.shape[-1] == M + 6


@pytest.mark.parametrize("kind", MODELS)
def test_only_the_prompt_learns_and_taken_out_the_model_has_its_bits(kind):
    model = trained(kind)
    before, name = model.state(), "encoder" if kind is EncoderDecoder else "stack"
    prompt = add_prompt(model, M, RNG(0), causal=kind is DecoderOnly, attribute=name)
    assert list(prompt.parameters()) == [f"{name}.prompt"] and prompt.n_parameters == M * C
    losses = tune(model, prompt, steps=8)
    assert losses[-1] < losses[0]
    prompt.remove()
    assert model.state().keys() == before.keys()
    assert all(np.array_equal(model.state()[name], value) for name, value in before.items())


def test_in_a_language_model_no_token_reaches_the_prompt_and_none_its_future():
    model = trained(DecoderOnly)
    add_prompt(model, M, RNG(0), causal=True)
    changed = IDS.copy()
    changed[:, 4] = (changed[:, 4] + 1) % 7
    np.testing.assert_array_equal(model.forward(changed)[0][:, :4], logits_of(model)[:, :4])


def test_the_mask_of_a_causal_prompt_row_by_row():
    mask = prompted_mask(np.tril(np.ones((2, 2), bool)), 2, 2, causal=True)
    np.testing.assert_array_equal(mask, np.tril(np.ones((4, 4), bool)))
    both = prompted_mask(np.array([[[True, False]]]), 1, 2, causal=False)
    np.testing.assert_array_equal(both, [[[True, True, False]] * 3])
    assert prompted_mask(None, 2, 2, causal=False) is None


def test_bad_input_is_refused():
    model = trained()
    with pytest.raises(ValueError, match="needs"):
        add_prompt(model, M, RNG(0), causal=False, start=np.zeros((2, C)))
    with pytest.raises(ValueError, match="n_prompt must be at least 1, not 0"):
        add_prompt(model, 0, RNG(0), causal=False)
    with pytest.raises(ValueError, match="no EncoderStack"):
        add_prompt(model, M, RNG(0), causal=False, attribute="decoder")
    language = trained(DecoderOnly)
    _, cache = language.forward(IDS)
    add_prompt(language, M, RNG(0), causal=True)
    with pytest.raises(ValueError, match="without a past"):
        language.forward(IDS, past=cache.stack.present)
