"""A language model of convolutions: what it sees, and that it writes in pieces what it writes at once."""

import itertools
import json

import numpy as np
import pytest

from tfx.models import ConvolutionDecoder, build

V, T = 7, 21
IDS = np.random.default_rng(0).integers(V, size=(3, T))


def model(**settings):
    return ConvolutionDecoder(V, d_model=12, kernel=3, dilations=(1, 2, 4), dtype="float64", **settings)


def test_changing_a_token_changes_the_next_receptive_field_of_outputs_and_no_others_bit_for_bit():
    decoder, place = model(), 4
    other = IDS.copy()
    other[:, place] = (other[:, place] + 1) % V
    changed = (decoder.forward(other)[0] != decoder.forward(IDS)[0]).any(axis=(0, 2))
    assert decoder.receptive_field == 1 + 2 * (1 + 2 + 4) == 15
    assert np.flatnonzero(changed).tolist() == list(range(place, place + 15))


@pytest.mark.parametrize("edges", [[0, T], [0, 1, 2, 3, T], [0, 8, 16, T], list(range(T + 1))])
def test_any_chunking_gives_the_full_pass(edges):
    decoder = model()
    whole, _ = decoder.forward(IDS)
    states, parts = None, []
    for start, stop in itertools.pairwise(edges):
        logits, cache = decoder.forward(IDS[:, start:stop], states)
        states = cache.states
        parts.append(logits)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=0, atol=1e-12)


def test_its_memory_does_not_grow_with_what_was_read():
    sizes = {sum(state.size for state in model().forward(IDS[:, :length])[1].states) for length in (1, 5, T)}
    assert sizes == {3 * 12 * 2 * (1 + 2 + 4)}


def test_a_config_rebuilds_the_model_also_from_json():
    first = model(tied=False, seed=3)
    again = build(json.loads(json.dumps(first.config)))
    assert isinstance(again, ConvolutionDecoder) and again.config == first.config
    assert np.array_equal(again.forward(IDS)[0], first.forward(IDS)[0])


def test_a_float32_model_is_float32_everywhere():
    decoder = ConvolutionDecoder(V, d_model=12, dropout=0.1)
    logits, cache = decoder.forward(IDS, rng=np.random.default_rng(0))
    decoder.backward(logits, cache)
    assert logits.dtype == "float32"
    assert {p.grad.dtype.name for p in decoder.parameters().values()} == {"float32"}


def test_states_of_another_model_are_refused():
    _, cache = model().forward(IDS)
    with pytest.raises(ValueError, match="the state is"):
        ConvolutionDecoder(V, d_model=12, kernel=3, dilations=(2, 2, 4), dtype="float64").forward(IDS, cache.states)
