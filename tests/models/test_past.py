"""Stored keys and values: reading a sequence in any chunks gives what reading it at once gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.models import GPT, T5, DecoderOnly, EncoderDecoder

V = 11
SIZE: dict[str, Any] = {"d_model": 24, "n_heads": 6, "d_ff": 10, "n_layers": 3, "max_len": 16, "dtype": "float64"}
CHUNKS = [[9], [1] * 9, [4, 5], [1, 7, 1], [3, 1, 1, 4]]
POSITIONS = ["rotary", "alibi", "relative", "sandwich", "sinusoidal", "learned", "none"]


def ids_of(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(V, size=shape)


def in_chunks(model, ids, chunks):
    past, written, at = None, [], 0
    for n in chunks:
        logits, cache = model.forward(ids[:, at : at + n], past=past)
        written.append(logits)
        past, at = cache.stack.present, at + n
    return np.concatenate(written, axis=1)


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("n_kv_heads", [6, 2, 1])
def test_a_language_model_reads_in_any_chunks(positions, n_kv_heads, chunks):
    model = DecoderOnly(V, **SIZE, positions=positions, attention={"n_kv_heads": n_kv_heads})
    ids = ids_of(2, 9)
    whole, _ = model.forward(ids)
    np.testing.assert_allclose(in_chunks(model, ids, chunks), whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize(
    "options", [{"parallel": True}, {"shared": True}, {"norm_place": "post"}, {"norm_place": "inner"}]
)
def test_every_kind_of_block_hands_its_past_on(options):
    model = DecoderOnly(V, **SIZE, positions="rotary", **options)
    ids = ids_of(2, 9)
    whole, _ = model.forward(ids)
    np.testing.assert_allclose(in_chunks(model, ids, [2, 3, 4]), whole, rtol=0, atol=1e-12 * np.abs(whole).max())


def test_gpt_reads_in_chunks():
    model, ids = GPT(V, 24, 6, n_layers=2, max_len=16, dtype="float64"), ids_of(2, 9)
    np.testing.assert_allclose(in_chunks(model, ids, [2, 3, 4]), model.forward(ids)[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("model", ["rotary", "alibi", "relative", "T5"])
def test_the_decoder_of_a_translation_model_reads_in_chunks(model):
    if model == "T5":
        built: Any = T5(V, 24, 6, 10, 2, dtype="float64")
    else:
        built = EncoderDecoder(V, **SIZE, positions=model, attention={"n_kv_heads": 2})
    src, tgt, lengths = ids_of(2, 7), ids_of(2, 9, seed=1), np.array([7, 4])
    memory, source = built.encode(src, lengths)
    whole, _ = built.decode(tgt, memory, source, lengths)
    past, written, at = None, [], 0
    for n in (2, 1, 6):
        logits, cache = built.decode(tgt[:, at : at + n], memory, source, lengths, past=past)
        written.append(logits)
        past, at = cache.stack.present, at + n
    np.testing.assert_allclose(np.concatenate(written, axis=1), whole, rtol=0, atol=1e-12 * np.abs(whole).max())


def test_the_stored_keys_of_grouped_heads_are_as_many_times_smaller():
    sizes = {}
    for n_kv_heads in (6, 1):
        model = DecoderOnly(V, **SIZE, attention={"n_kv_heads": n_kv_heads})
        _, cache = model.forward(ids_of(2, 9))
        sizes[n_kv_heads] = sum(stored.k.nbytes + stored.v.nbytes for stored in cache.stack.present)
    assert sizes[6] == 6 * sizes[1]


def test_a_past_of_another_depth_is_refused():
    model = DecoderOnly(V, **SIZE)
    _, cache = model.forward(ids_of(2, 4))
    with pytest.raises(ValueError, match="2 blocks do not fit 3"):
        model.forward(ids_of(2, 1), past=cache.stack.present[:2])
