"""What must hold for whole models whatever their weights are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder, EncoderDecoder, build
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

V = 11
SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 16}
SETTINGS = [("pre", "sinusoidal"), ("post", "learned"), ("pre", "none")]


def ids_of(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(V, size=shape)


@pytest.mark.parametrize(("norm", "positions"), SETTINGS)
@pytest.mark.parametrize("changed", [1, 4, 8])
def test_changing_a_future_token_changes_no_earlier_output(norm, positions, changed):
    model = DecoderOnly(V, norm_place=norm, positions=positions, **SIZE)
    ids = ids_of(3, 9)
    other = ids.copy()
    other[:, changed] = (other[:, changed] + 1) % V
    before, after = model.forward(ids)[0], model.forward(other)[0]
    assert np.array_equal(before[:, :changed], after[:, :changed])
    assert not np.array_equal(before[:, changed:], after[:, changed:])


def test_the_decoder_of_a_translation_model_does_not_see_its_future_but_all_of_the_source():
    model = EncoderDecoder(V, **SIZE)
    src, tgt = ids_of(2, 7), ids_of(2, 6, seed=1)
    other_tgt, other_src = tgt.copy(), src.copy()
    other_tgt[:, 4] = (other_tgt[:, 4] + 1) % V
    other_src[:, 6] = (other_src[:, 6] + 1) % V
    before = model.forward(src, tgt)[0]
    assert np.array_equal(before[:, :4], model.forward(src, other_tgt)[0][:, :4])
    changed = model.forward(other_src, tgt)[0] != before
    assert changed.any(axis=-1).all()


def test_in_an_encoder_every_place_sees_every_other():
    model = Encoder(V, **SIZE)
    ids = ids_of(1, 6)
    other = ids.copy()
    other[0, 5] = (other[0, 5] + 1) % V
    assert (model.forward(ids)[0] != model.forward(other)[0]).any(axis=-1).all()


@pytest.mark.parametrize(("norm", "positions"), SETTINGS)
@pytest.mark.parametrize("kind", [Encoder, DecoderOnly])
def test_a_padded_row_says_what_it_says_alone(kind, norm, positions):
    model = kind(V, norm_place=norm, positions=positions, dtype="float64", **SIZE)
    ids, lengths = ids_of(3, 8), np.array([8, 3, 5])
    batch = model.forward(ids, lengths=lengths)[0]
    for row, length in enumerate(lengths):
        alone = model.forward(ids[row : row + 1, :length])[0]
        np.testing.assert_allclose(batch[row, :length], alone[0], rtol=0, atol=1e-13)


def test_a_padded_pair_says_what_it_says_alone():
    model = EncoderDecoder(V, dtype="float64", **SIZE)
    src, tgt = ids_of(3, 8), ids_of(3, 6, seed=1)
    src_lengths, tgt_lengths = np.array([4, 8, 1]), np.array([6, 2, 5])
    batch = model.forward(src, tgt, src_lengths, tgt_lengths)[0]
    for row, (s, t) in enumerate(zip(src_lengths, tgt_lengths, strict=True)):
        alone = model.forward(src[row : row + 1, :s], tgt[row : row + 1, :t])[0]
        np.testing.assert_allclose(batch[row, :t], alone[0], rtol=0, atol=1e-13)


def test_what_stands_in_the_padding_changes_neither_output_nor_gradient():
    model = Encoder(V, **SIZE)
    lengths = np.array([5, 2])
    keep = np.arange(5) < lengths[:, None]
    first, second = (np.where(keep, ids_of(2, 5), filling) for filling in (0, 7))
    gradients = []
    for ids in (first, second):
        model.zero_grad()
        logits, cache = model.forward(ids, lengths=lengths)
        _, ce_cache = cross_entropy_forward(logits, np.where(keep, ids, 0), keep=keep)
        model.backward(cross_entropy_backward(1.0, ce_cache), cache)
        gradients.append({name: p.grad.copy() for name, p in model.parameters().items()})
    assert all(np.array_equal(gradients[0][name], gradients[1][name]) for name in gradients[0])


def test_without_positions_an_encoder_is_permutation_equivariant_and_with_them_it_is_not():
    ids, order = ids_of(2, 9), np.random.default_rng(5).permutation(9)
    for positions, equivariant in (("none", True), ("sinusoidal", False), ("learned", False)):
        model = Encoder(V, positions=positions, dtype="float64", **SIZE)
        difference = abs(model.forward(ids[:, order])[0] - model.forward(ids)[0][:, order]).max()
        assert (difference < 1e-13) == equivariant, positions


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly, EncoderDecoder])
@pytest.mark.parametrize("activation", ["relu", "gelu", "gelu_tanh"])
def test_a_float32_model_is_float32_everywhere(kind, activation):
    model = kind(V, activation=activation, positions="learned", norm_place="post", dropout=0.1, dtype="float32", **SIZE)
    ids, rng = ids_of(2, 5), np.random.default_rng(0)
    inputs = (ids, ids) if kind is EncoderDecoder else (ids,)
    logits, cache = model.forward(*inputs, rng=rng)
    loss, ce_cache = cross_entropy_forward(logits, ids, 0.1, np.arange(5) < np.array([[5], [3]]))
    dlogits = cross_entropy_backward(1.0, ce_cache)
    model.backward(dlogits, cache)
    floats = [logits, loss, dlogits, *_float_arrays(cache)]
    floats += [array for p in model.parameters().values() for array in (p.value, p.grad)]
    assert {array.dtype.name for array in floats} == {"float32"}


def _float_arrays(cache: Any) -> list[np.ndarray]:
    if isinstance(cache, np.ndarray):
        return [cache] if cache.dtype.kind == "f" else []
    return [array for item in cache for array in _float_arrays(item)] if isinstance(cache, tuple) else []


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly, EncoderDecoder])
def test_a_config_rebuilds_the_model(kind):
    model = kind(V, norm_place="post", positions="learned", tied=False, seed=8, **SIZE)
    again = build(model.config)
    assert type(again) is kind and again.config == model.config
    for name, value in model.state().items():
        np.testing.assert_array_equal(value, again.state()[name])


def test_an_unknown_model_or_setting_is_refused_by_name():
    with pytest.raises(ValueError, match="Mamba"):
        build({"model": "Mamba"})
    with pytest.raises(TypeError, match="colour"):
        build({"model": "Encoder", "vocab": 5, "colour": "red"})


def test_caches_show_the_weights_and_inputs_of_every_block():
    model = EncoderDecoder(V, **SIZE)
    _, cache = model.forward(ids_of(2, 7), ids_of(2, 5))
    assert len(cache.blocks) == len(cache.source.stack.blocks) == 2
    assert cache.blocks[1].x.shape == (2, 5, 12)
    assert cache.blocks[1].weights.shape == (2, 3, 5, 5)
    assert cache.blocks[1].cross_weights.shape == (2, 3, 5, 7)
    assert cache.source.stack.blocks[0].attention.attention.q.shape == (2, 3, 7, 4)


def test_an_id_outside_the_vocabulary_is_refused():
    with pytest.raises(ValueError, match=str(V)):
        Encoder(V, **SIZE).forward(np.array([[0, V]]))


def test_one_row_without_a_batch_axis_is_refused():
    with pytest.raises(ValueError, match=r"\(batch, length\)"):
        Encoder(V, **SIZE).forward(np.array([0, 1]))


def test_backward_of_hidden_states_alone_is_told_apart_from_that_of_logits():
    model = Encoder(V, **SIZE)
    hidden, cache = model.encode(ids_of(2, 5))
    with pytest.raises(ValueError, match="encode"):
        model.backward(np.zeros((2, 5, V), dtype="float32"), cache)
    model.encode_backward(hidden, cache)
    assert abs(model.parameters()["embedding.table"].grad).max() > 0
