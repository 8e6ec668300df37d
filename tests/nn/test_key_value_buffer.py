"""Stored keys and values in a preallocated buffer: the same numbers, no copies, and a window that slides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.counting_array import count_in, counted
from tfx.models import GPT, DecoderOnly, EncoderDecoder
from tfx.nn.key_value_buffer import KeyValueBuffer, buffers_for
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.masks import window_mask

V, L, H, D = 11, 3, 6, 4
SIZE: dict[str, Any] = {"d_model": 24, "n_heads": H, "d_ff": 10, "n_layers": L, "max_len": 16, "dtype": "float64"}
POSITIONS = ["rotary", "alibi", "relative", "sandwich", "sinusoidal", "learned", "frequencies", "none"]


def ids_of(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(V, size=shape)


def tokens(n: int, start: int = 0) -> KeyValue:
    """Keys and values (2, 3, n, 4) and (2, 3, n, 5) that say where they come from."""
    numbers = np.arange(start, start + n, dtype=float)[:, None]
    return KeyValue(np.zeros((2, 3, n, 4)) + numbers, np.zeros((2, 3, n, 5)) - numbers)


def empty(capacity: int, **settings: Any) -> KeyValueBuffer:
    return KeyValueBuffer.empty(2, 3, capacity, 4, 5, "float64", **settings)


def numbers_in(buffer: KeyValueBuffer) -> list[int]:
    np.testing.assert_array_equal(buffer.k[..., 0], -buffer.v[..., 0])
    return [int(number) for number in buffer.k[0, 0, :, 0]]


def read_in(model: DecoderOnly, ids: np.ndarray, chunks: list[int], past: Any, left: int | None = None) -> np.ndarray:
    """Logits of all chunks; left: what a query may see before itself."""
    written, at = [], 0
    for n in chunks:
        stored = past[0].length
        mask = None if left is None else window_mask(n, stored + n, left, 0, stored)
        logits, cache = model.forward(ids[:, at : at + n], mask=mask, past=past)
        past = cache.stack.present
        if left is not None:
            past = tuple(buffer.keep(left) for buffer in past)
        written.append(logits)
        at += n
    return np.concatenate(written, axis=1)


@pytest.mark.parametrize("n_kv_heads", [6, 2, 1])
@pytest.mark.parametrize("chunks", [[9], [1] * 9, [4, 5], [1, 7, 0, 1]])
@pytest.mark.parametrize("positions", POSITIONS)
def test_any_chunks_give_what_one_pass_gives(positions, chunks, n_kv_heads):
    model = DecoderOnly(V, **SIZE, positions=positions, attention={"n_kv_heads": n_kv_heads})
    ids = ids_of(2, 9)
    whole, _ = model.forward(ids)
    have = read_in(model, ids, chunks, buffers_for(model.stack.blocks, 2, 9))
    np.testing.assert_allclose(have, whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("chunks", [[1] * 12, [5, 1, 1, 4, 1], [2] * 6, [12]])
@pytest.mark.parametrize("positions", POSITIONS)
def test_a_sliding_window_gives_what_a_window_mask_over_everything_gives(positions, chunks):
    model = DecoderOnly(V, **SIZE, positions=positions)
    ids, left = ids_of(2, 12), 3
    whole, _ = model.forward(ids, mask=window_mask(12, 12, left, 0))
    have = read_in(model, ids, chunks, buffers_for(model.stack.blocks, 2, left + max(chunks)), left)
    np.testing.assert_allclose(have, whole, rtol=0, atol=1e-12 * np.abs(whole).max())


def test_a_window_that_forgets_how_much_it_dropped_turns_queries_to_the_wrong_place():
    model = DecoderOnly(V, **SIZE, positions="rotary")
    ids = ids_of(1, 12)
    past = buffers_for(model.stack.blocks, 1, 12)
    _, cache = model.forward(ids[:, :11], past=past)
    kept = tuple(buffer.keep(3) for buffer in cache.stack.present)
    right, _ = model.forward(ids[:, 11:], past=kept)
    wrong, _ = model.forward(ids[:, 11:], past=[KeyValue(buffer.k, buffer.v) for buffer in kept])
    assert np.abs(right - wrong).max() > 1e-6


def test_attention_gets_a_view_and_nothing_is_copied():
    model = DecoderOnly(V, **SIZE)
    ids, buffers = ids_of(2, 9), buffers_for(model.stack.blocks, 2, 9)
    past: Any = buffers
    for t in range(9):
        _, cache = model.forward(ids[:, t : t + 1], past=past)
        past = cache.stack.present
        for block, buffer in zip(cache.stack.blocks, buffers, strict=True):
            assert np.shares_memory(block.attention.attention.k, buffer.storage_k)
            assert np.shares_memory(block.attention.attention.v, buffer.storage_v)
    assert all(
        buffer.moved_bytes == 0 and buffer.storage_k is made.storage_k
        for buffer, made in zip(past, buffers, strict=True)
    )


def test_copied_bytes_grow_with_the_square_of_the_length_without_a_buffer_and_are_none_with_one():
    n, ids = 12, ids_of(1, 12)
    token = 2 * L * H * D * 8  # bytes of the keys and values of one token
    copied = {}
    for kind in ("concatenated", "buffer"):
        model = DecoderOnly(V, **SIZE, positions="none")
        count_in(model)
        past: Any = buffers_for(model.stack.blocks, 1, n) if kind == "buffer" else None
        for t in range(n):
            _, cache = model.forward(ids[:, t : t + 1], past=past)
            past = cache.stack.present
        copied[kind] = counted.copied_bytes
    assert copied == {"concatenated": token * (n * (n + 1) // 2 - 1), "buffer": 0}


def test_a_token_costs_a_constant_and_a_part_that_is_linear_in_what_it_reads():
    model = DecoderOnly(V, **SIZE)
    count_in(model)
    ids, past, costs = ids_of(1, 16), buffers_for(model.stack.blocks, 1, 16), []
    for t in range(16):
        counted.reset()
        _, cache = model.forward(ids[:, t : t + 1], past=past)
        past = cache.stack.present
        costs.append(counted.multiply_adds)
    maps = L * (4 * 24 * 24 + 2 * 24 * 10) + 24 * V
    assert costs == [maps + 2 * L * H * D * (t + 1) for t in range(16)]
    counted.reset()
    model.forward(ids)
    assert counted.multiply_adds == 16 * maps + 2 * L * H * D * 16 * 16  # one pass costs what the last token ends with


def test_stored_keys_of_a_source_are_made_once_and_give_the_same_numbers():
    model = EncoderDecoder(V, **SIZE, positions="rotary", attention={"n_kv_heads": 2})
    src, tgt, lengths, n_src = ids_of(2, 7), ids_of(2, 6, seed=1), np.array([7, 4]), 7
    memory, source = model.encode(src, lengths)
    whole, _ = model.decode(tgt, memory, source, lengths)
    first, cache = model.decode(tgt[:, :2], memory, source, lengths, past=buffers_for(model.decoder.blocks, 2, 6))
    read = tuple(KeyValueBuffer.holding(stored) for stored in cache.stack.memory_present)
    count_in(model)
    past, written, costs = cache.stack.present, [first], []
    for t in range(2, 6):
        counted.reset()
        logits, cache = model.decode(tgt[:, t : t + 1], memory, source, lengths, past=past, memory_past=read)
        past = cache.stack.present
        written.append(logits)
        costs.append(counted.multiply_adds)
        assert all(
            np.shares_memory(now.k, stored.k) for now, stored in zip(cache.stack.memory_present, read, strict=True)
        )
    np.testing.assert_allclose(np.concatenate(written, axis=1), whole, rtol=0, atol=1e-12 * np.abs(whole).max())
    kv = 2 * 2 * D  # width of keys and values together, in two heads
    own = 2 * 24 * 24 + 24 * kv + 2 * 24 * 10  # query, output, keys and values, feed-forward
    cross = 2 * 24 * 24 + 2 * H * D * n_src  # query and output; scores and sums over the source, no keys and values
    assert costs == [2 * (L * (own + cross + 2 * H * D * (t + 1)) + 24 * V) for t in range(2, 6)]


def test_rows_padded_on_the_left_say_what_they_say_alone():
    for positions in POSITIONS:
        model = DecoderOnly(V, **SIZE, positions=positions)
        ids, padding = ids_of(3, 8), np.array([0, 3, 7])
        past: Any = buffers_for(model.stack.blocks, 3, 10)
        logits, cache = model.forward(ids, past=past, left_padding=padding)
        more, _ = model.forward(ids[:, :2], past=cache.stack.present, left_padding=padding)
        for row, filling in enumerate(padding):
            alone, _ = model.forward(np.concatenate([ids[row : row + 1, filling:], ids[row : row + 1, :2]], axis=1))
            have = np.concatenate([logits[row, filling:], more[row]])
            np.testing.assert_allclose(have, alone[0], rtol=0, atol=1e-12 * np.abs(alone).max())


def test_the_filling_in_front_of_a_row_is_never_read():
    model = DecoderOnly(V, **SIZE)
    ids, padding = ids_of(1, 8), np.array([3])
    want, _ = model.forward(ids, left_padding=padding)
    changed = ids.copy()
    changed[0, :3] = (changed[0, :3] + 1) % V
    have, _ = model.forward(changed, left_padding=padding)
    np.testing.assert_array_equal(have[0, 3:], want[0, 3:])


def test_a_full_buffer_says_so_and_a_growing_one_moves_at_most_twice_what_is_written():
    full = empty(4).followed_by(tokens(3))
    with pytest.raises(ValueError, match="the buffer holds 4 tokens: 3 are stored, 2 are new"):
        full.followed_by(tokens(2))
    growing = empty(1, grows=True)
    for t in range(100):
        growing = growing.followed_by(tokens(1, t))
    assert numbers_in(growing) == list(range(100))
    assert growing.capacity == 128
    assert growing.moved_bytes == 127 * 2 * 3 * (4 + 5) * 8
    assert empty(0, grows=True).followed_by(tokens(3)).capacity == 3


def test_a_buffer_made_of_ready_keys_and_values_is_full_and_shares_them():
    ready = tokens(3)
    held = KeyValueBuffer.holding(ready)
    assert held.storage_k is ready.k
    assert numbers_in(held) == [0, 1, 2]
    with pytest.raises(ValueError, match="3 are stored, 1 are new"):
        held.followed_by(tokens(1))


def test_a_window_keeps_the_newest_in_order_and_moves_one_token_for_each_written():
    left, buffer = 4, empty(9)
    for t in range(50):
        buffer = buffer.keep(left).followed_by(tokens(1, t))
        assert numbers_in(buffer) == list(range(max(0, t - left), t + 1))
        assert (buffer.seen, buffer.capacity) == (t + 1, 9)
    token = 2 * 3 * (4 + 5) * 8
    assert buffer.moved_bytes <= 50 * token
    assert buffer.moved_bytes == 9 * left * token  # every 5 tokens, from the tenth on


def test_going_back_forgets_the_newest_and_the_next_one_takes_their_place():
    buffer = empty(6).followed_by(tokens(5))
    back = buffer.back_to(2)
    assert (numbers_in(back), back.seen) == ([0, 1], 2)
    assert np.shares_memory(back.k, buffer.k)
    assert numbers_in(back.followed_by(tokens(2, 70))) == [0, 1, 70, 71]
    assert buffer.back_to(5) is buffer
    assert buffer.back_to(0).length == 0
    with pytest.raises(ValueError, match="has seen 5 tokens cannot go back to 6"):
        buffer.back_to(6)
    with pytest.raises(ValueError, match="only the last 2 of 5 tokens were kept"):
        buffer.keep(2).back_to(4)
    with pytest.raises(ValueError, match="not -1"):
        buffer.keep(-1)


def test_rows_are_gathered_into_storage_of_their_own():
    new = KeyValue(np.arange(2.0).reshape(2, 1, 1, 1) + np.zeros((2, 3, 2, 4)), np.zeros((2, 3, 2, 5)))
    buffer = empty(5).followed_by(new)
    chosen = buffer.select([1, 1, 0])
    np.testing.assert_array_equal(chosen.k[:, 0, 0, 0], [1, 1, 0])
    assert (chosen.length, chosen.capacity, chosen.seen) == (2, 5, 2)
    assert not np.shares_memory(chosen.storage_k, buffer.storage_k)
    assert chosen.moved_bytes == 3 * 3 * 2 * (4 + 5) * 8


def test_no_token_is_no_change_and_the_storage_is_counted():
    buffer = empty(5)
    assert buffer.followed_by(tokens(0)).length == 0
    assert buffer.nbytes == 2 * 3 * 5 * (4 + 5) * 8
    model = GPT(V, 24, 6, n_layers=2, max_len=16)
    assert sum(b.nbytes for b in buffers_for(model.stack.blocks, 2, 16)) == 2 * 2 * 2 * 16 * 24 * 4
    with pytest.raises(ValueError, match="capacity must be at least 0, not -1"):
        empty(-1)


@pytest.mark.parametrize("stores", [True, False])
def test_a_model_of_float16_stores_float16_and_reads_it_where_it_is(stores):
    """As without stored keys, to the rounding of keys and values; half the bytes; the storage is never copied."""
    model = DecoderOnly(V, **{**SIZE, "dtype": "float16"})
    ids = ids_of(2, 9)
    whole = model.forward(ids)[0].astype(float)
    past: Any = buffers_for(model.stack.blocks, 2, 9) if stores else None
    for part in (ids[:, :4], ids[:, 4:8], ids[:, 8:]):
        logits, cache = model.forward(part, past=past)
        if stores:
            assert all(new.storage_k is old.storage_k for new, old in zip(cache.stack.present, past, strict=True))
        past = cache.stack.present
        assert {array.dtype for each in past for array in (each.k, each.v)} == {np.dtype("float16")}
    assert sum(each.k.nbytes + each.v.nbytes for each in past) == 2 * L * 2 * 9 * 24 * 2
    assert np.abs(logits[:, -1] - whole[:, -1]).max() < 8 * np.finfo("float16").eps * np.abs(whole).max()
    assert past[0].rounded().k.dtype == past[0].k.dtype and KeyValueBuffer.holding(tokens(2)).rounded().length == 2


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (KeyValue(np.zeros((1, 3, 1, 4)), np.zeros((1, 3, 1, 5))), r"keys \(1, 3, 1, 4\)"),
        (KeyValue(np.zeros((2, 3, 1, 4)), np.zeros((2, 3, 1, 4))), r"values \(2, 3, 1, 4\)"),
        (KeyValue(np.zeros((2, 3, 1, 4), "float32"), np.zeros((2, 3, 1, 5))), "of float32 do not fit"),
        (KeyValue(np.zeros((2, 3, 2, 4)), np.zeros((2, 3, 1, 5))), "values"),
    ],
)
def test_what_does_not_fit_is_named(new, message):
    with pytest.raises(ValueError, match=message):
        empty(4).followed_by(new)
