"""Models before the Transformer, whatever their weights are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.generate import greedy, greedy_seq2seq
from tfx.models import RecurrentLanguageModel, RecurrentSeq2Seq, build
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

V = 11
CELLS = ("rnn", "lstm", "gru")
ATTENTIONS = ("none", "additive", "dot", "general")
every_cell = pytest.mark.parametrize("cell", CELLS)
every_attention = pytest.mark.parametrize("attention", ATTENTIONS)


def ids_of(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(V, size=shape)


def language(cell: str, **settings: Any) -> RecurrentLanguageModel:
    return RecurrentLanguageModel(V, d_model=12, cell=cell, n_layers=2, dtype="float64", **settings)


def translator(attention: str, **settings: Any) -> RecurrentSeq2Seq:
    return RecurrentSeq2Seq(V, **{"d_model": 12, "attention": attention, "dtype": "float64", **settings})


@every_cell
def test_changing_a_future_token_changes_no_earlier_output(cell):
    model, ids = language(cell), ids_of(3, 9)
    other = ids.copy()
    other[:, 4] = (other[:, 4] + 1) % V
    before, after = model.forward(ids)[0], model.forward(other)[0]
    assert np.array_equal(before[:, :4], after[:, :4])
    assert (before[:, 4:] != after[:, 4:]).any(axis=-1).all()


@every_cell
def test_a_text_read_in_pieces_is_the_text(cell):
    model, ids = language(cell), ids_of(2, 9)
    whole, cache = model.forward(ids)
    state, pieces = None, []
    for piece in np.split(ids, [1, 4, 5], axis=1):
        logits, read = model.forward(piece, state=state)
        pieces.append(logits)
        state = read.last
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, rtol=1e-12)
    assert all(np.allclose(a, b, rtol=1e-12) for a, b in zip(state, cache.last, strict=True))


@every_cell
def test_a_short_row_ends_where_it_ends(cell):
    model, ids = language(cell), ids_of(2, 6)
    _, padded = model.forward(ids, lengths=np.array([6, 2]))
    _, alone = model.forward(ids[1:, :2])
    for part, want in zip(padded.last, alone.last, strict=True):
        np.testing.assert_allclose(part[:, 1], want[:, 0], rtol=1e-12)


@every_attention
def test_a_padded_pair_says_what_it_says_alone(attention):
    model = translator(attention)
    src, tgt, lengths = ids_of(3, 8), ids_of(3, 5, seed=1), np.array([4, 8, 1])
    batch = model.forward(src, tgt, lengths)[0]
    for row, length in enumerate(lengths):
        alone = model.forward(src[row : row + 1, :length], tgt[row : row + 1])[0]
        np.testing.assert_allclose(batch[row], alone[0], rtol=0, atol=1e-13)


@every_attention
def test_the_decoder_does_not_see_its_future_but_all_of_the_source(attention):
    model, src, tgt = translator(attention), ids_of(2, 7), ids_of(2, 6, seed=1)
    before, _ = model.forward(src, tgt)
    other = tgt.copy()
    other[:, 4] = (other[:, 4] + 1) % V
    assert np.array_equal(before[:, :4], model.forward(src, other)[0][:, :4])
    for place in (0, 6):
        moved = src.copy()
        moved[:, place] = (moved[:, place] + 1) % V
        assert (model.forward(moved, tgt)[0] != before).any(axis=-1).all()


def test_with_one_vector_the_decoder_reads_the_last_states_and_nothing_else():
    model, src, tgt = translator("none"), ids_of(2, 7), ids_of(2, 6, seed=1)
    memory, source = model.encode(src)
    want, _ = model.decode(tgt, memory, source)
    assert np.array_equal(model.decode(tgt, np.zeros_like(memory), source)[0], want)
    attentive = translator("general")
    memory, source = attentive.encode(src)
    assert not np.array_equal(
        attentive.decode(tgt, np.zeros_like(memory), source)[0], attentive.decode(tgt, memory, source)[0]
    )


def test_the_weights_of_every_step_can_be_seen():
    _, cache = translator("additive").forward(ids_of(2, 7), ids_of(2, 5, seed=1), np.array([7, 3]))
    assert cache.weights.shape == (2, 5, 7)
    np.testing.assert_allclose(cache.weights.sum(axis=-1), 1, rtol=1e-13)
    assert not cache.weights[1, :, 3:].any()
    with pytest.raises(ValueError, match="no attention"):
        _ = translator("none").forward(ids_of(2, 7), ids_of(2, 5))[1].weights


@every_cell
def test_greedy_text_is_the_same_when_only_the_state_is_carried_on(cell):
    model, prompt = language(cell), ids_of(2, 3)
    written = greedy(model, prompt, 6)
    logits, cache = model.forward(prompt)
    for t in range(6):
        token = logits[:, -1:].argmax(axis=-1)
        assert np.array_equal(token[:, 0], written[:, t])
        logits, cache = model.forward(token, state=cache.last)


@every_attention
def test_writing_word_by_word_is_teacher_forcing_with_its_own_words(attention):
    model, src = translator(attention), ids_of(3, 6)
    written = greedy_seq2seq(model, src, 5, start=0)
    read = np.concatenate([np.zeros((3, 1), dtype=int), written[:, :-1]], axis=1)
    assert np.array_equal(model.forward(src, read)[0].argmax(axis=-1), written)


@every_attention
@every_cell
def test_a_float32_model_is_float32_everywhere(attention, cell):
    model = translator(attention, cell=cell, dtype="float32", dropout=0.1)
    logits, cache = model.forward(ids_of(2, 5), ids_of(2, 4), np.array([5, 2]), rng=np.random.default_rng(0))
    _, ce_cache = cross_entropy_forward(logits, ids_of(2, 4))
    model.backward(cross_entropy_backward(1.0, ce_cache), cache)
    arrays = [logits, *(array for p in model.parameters().values() for array in (p.value, p.grad))]
    assert {array.dtype.name for array in arrays} == {"float32"}


@pytest.mark.parametrize("model", [language("gru", seed=8), translator("additive", seed=8, tgt_vocab=7)])
def test_a_config_rebuilds_the_model(model):
    again = build(model.config)
    assert type(again) is type(model) and again.config == model.config
    for name, value in model.state().items():
        np.testing.assert_array_equal(value, again.state()[name])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: translator("cosine"), "additive, dot, general, not 'cosine'"),
        (lambda: translator("dot", d_model=13), "d_model must be even.*not 13"),
        (lambda: language("elman"), "rnn, lstm, gru, not 'elman'"),
        (lambda: translator("dot").forward(ids_of(2, 3), ids_of(2, 0)), "the target is empty"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
