"""Readers: whatever a model keeps between two tokens, the logits are those of a whole pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.counting_array import count_in, counted
from tests.generate.tables import reader_of_table, table
from tfx.generate import WholePass, reader_of, translation_of
from tfx.generate.carried_state import CarriedState
from tfx.generate.choose_reader import WholeTranslation
from tfx.generate.stored_keys import StoredDecoder, StoredTranslation
from tfx.models import (
    GPT,
    T5,
    ConvolutionDecoder,
    DecoderOnly,
    Encoder,
    EncoderDecoder,
    RecurrentLanguageModel,
    RecurrentSeq2Seq,
)

V = 11
SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 6, "d_ff": 10, "n_layers": 2, "max_len": 16, "dtype": "float64"}
LANGUAGE: dict[str, Any] = {
    **{name: lambda name=name: DecoderOnly(V, **SIZE, positions=name) for name in ("rotary", "alibi", "learned")},
    "grouped": lambda: DecoderOnly(V, **SIZE, positions="relative", attention={"n_kv_heads": 2}),
    "gpt": lambda: GPT(V, 12, 6, n_layers=2, max_len=16, dtype="float64"),
    "tiled kernel": lambda: DecoderOnly(V, **SIZE, attention={"kernel": "tiled"}),
    "lstm": lambda: RecurrentLanguageModel(V, 12, 2, dtype="float64"),
    "rnn": lambda: RecurrentLanguageModel(V, 12, 1, "rnn", dtype="float64"),
    "convolutions": lambda: ConvolutionDecoder(V, 12, dtype="float64"),
}
TRANSLATION: dict[str, Any] = {
    "alibi": lambda: EncoderDecoder(V, **SIZE, positions="alibi"),
    "grouped": lambda: EncoderDecoder(V, **SIZE, positions="rotary", attention={"n_kv_heads": 2}),
    "t5": lambda: T5(V, 12, 6, 10, 2, dtype="float64"),
    "recurrent": lambda: RecurrentSeq2Seq(V, 12, dtype="float64"),
}


def ids_of(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(V, size=shape)


def whole(model: Any, ids: np.ndarray) -> np.ndarray:
    return np.asarray(model.forward(ids)[0])


def close(have: np.ndarray, want: np.ndarray) -> None:
    np.testing.assert_allclose(have, want, rtol=0, atol=1e-12 * np.abs(want).max())


@pytest.mark.parametrize("name", LANGUAGE)
def test_reading_in_pieces_going_back_and_changing_rows_gives_what_a_whole_pass_gives(name):
    model = LANGUAGE[name]()
    reader, ids = reader_of(model), ids_of(3, 12)
    reader.begin(3)
    close(reader.read(ids[:, :4]), whole(model, ids[:, :4]))
    close(reader.read(ids[:, 4:9], 2), whole(model, ids[:, :9])[:, -2:])
    reader.back_to(6)
    reader.select([2, 0, 0, 1])
    text = np.concatenate([ids[[2, 0, 0, 1], :6], ids_of(4, 3, seed=1)], axis=1)
    close(reader.read(text[:, 6:7]), whole(model, text[:, :7])[:, -1:])
    close(reader.read(text[:, 7:]), whole(model, text)[:, -2:])
    reader.select([3])
    reader.back_to(8)
    assert reader.length == 8
    close(reader.read(text[3:, 8:], 3), whole(model, text[3:])[:, -3:])  # two of them had been read before
    reader.begin(1)
    close(reader.read(ids[:1, :5]), whole(model, ids[:1, :5]))


@pytest.mark.parametrize("name", TRANSLATION)
def test_a_translation_read_in_pieces_gives_what_a_whole_pass_gives(name):
    model = TRANSLATION[name]()
    src, lengths, tgt = ids_of(3, 6), np.array([6, 2, 4]), ids_of(3, 9, seed=1)
    reader = translation_of(model, src, lengths)
    reader.begin(3)
    close(reader.read(tgt[:, :5], 1), model.forward(src, tgt[:, :5], lengths)[0][:, -1:])
    reader.back_to(3)
    close(reader.read(tgt[:, 5:6]), model.forward(src, tgt[:, [0, 1, 2, 5]], lengths)[0][:, -1:])
    rows = [1, 1, 2]
    reader.select(rows)
    text = np.concatenate([tgt[rows][:, [0, 1, 2, 5]], tgt[:, 6:8]], axis=1)
    close(reader.read(text[:, 4:]), model.forward(src[rows], text, lengths[rows])[0][:, -2:])
    reader.select([0, 1])  # both about source 1
    reader.select([1, 0])
    want, _ = model.forward(src[[1, 1]], np.c_[text[[1, 0]], tgt[:2, 8:]], lengths[[1, 1]])
    close(reader.read(tgt[:2, 8:]), want[:, -1:])


def test_each_model_gets_the_reader_that_repeats_least():
    kinds = {name: type(reader_of(make())) for name, make in LANGUAGE.items()}
    assert {kinds[name] for name in ("rotary", "alibi", "learned", "grouped", "gpt")} == {StoredDecoder}
    assert {kinds[name] for name in ("lstm", "rnn", "convolutions")} == {CarriedState}
    assert kinds["tiled kernel"] is WholePass
    crowded = DecoderOnly(V, **SIZE, experts={"n": 2, "k": 1, "capacity_factor": 1.0})
    assert type(reader_of(crowded)) is WholePass
    made = {name: type(translation_of(make(), ids_of(1, 3))) for name, make in TRANSLATION.items()}
    assert made == dict.fromkeys(("alibi", "grouped", "t5"), StoredTranslation) | {"recurrent": WholeTranslation}
    ready = reader_of_table(table(3, 0))
    assert reader_of(ready) is ready
    with pytest.raises(TypeError, match="Encoder does not continue a text"):
        reader_of(Encoder(V, **SIZE))


@pytest.mark.parametrize("name", ["rotary", "learned", "tiled kernel"])
def test_beyond_its_window_a_model_sees_the_last_tokens_from_place_0_on(name):
    model = LANGUAGE[name]()
    reader, ids = reader_of(model), ids_of(2, 20)
    reader.begin(2)
    close(reader.read(ids[:, :15], 1), whole(model, ids[:, :15])[:, -1:])
    have = reader.read(ids[:, 15:18])
    for place, end in enumerate((16, 17, 18)):
        close(have[:, place], whole(model, ids[:, end - 16 : end])[:, -1])
    reader.back_to(10)  # inside the window again
    close(reader.read(ids[:, 12:15]), whole(model, ids[:, [*range(10), 12, 13, 14]])[:, -3:])


@pytest.mark.parametrize("name", ["rotary", "learned", "grouped", "tiled kernel"])
def test_rows_with_filling_in_front_say_what_they_say_alone_also_beyond_the_window(name):
    model = LANGUAGE[name]()
    reader, ids, filling = reader_of(model), ids_of(3, 19), np.array([0, 2, 5])
    reader.begin(3, filling)
    reader.read(ids[:, :9], 1)
    for t in range(9, 19):
        have = reader.read(ids[:, t : t + 1])
        for row, n in enumerate(filling):
            alone = ids[row : row + 1, n : t + 1][:, -16:]
            close(have[row], whole(model, alone)[0, -1:])
    reader.begin(3, filling)
    reader.read(ids[:, :9], 1)
    reader.select([2, 1])
    close(reader.read(ids[:2, 9:10])[0], whole(model, np.c_[ids[2:, 5:9], ids[:1, 9:10]])[0, -1:])


def test_a_stored_step_reads_one_token_and_a_whole_pass_reads_all():
    costs = {}
    for kind in ("stored", "whole"):
        model = DecoderOnly(V, **SIZE)
        count_in(model)
        reader = reader_of(model) if kind == "stored" else WholePass(lambda ids, _, model=model: model.forward(ids)[0])
        reader.begin(1)
        reader.read(ids_of(1, 8), 1)
        counted.reset()
        reader.read(ids_of(1, 1), 1)
        costs[kind] = counted.multiply_adds
    maps, looks = 2 * (4 * 12 * 12 + 2 * 12 * 10) + 12 * V, 2 * 2 * 12 * 9
    assert costs == {"stored": maps + looks, "whole": 9 * (maps + looks)}


def test_a_source_is_read_once_and_the_same_source_is_not_copied_when_beams_change_places():
    model = EncoderDecoder(V, **SIZE)
    reader: Any = translation_of(model, ids_of(1, 6))
    reader.begin(1)
    reader.read(ids_of(1, 1))
    reader.select([0, 0, 0])
    stored = reader._memory_past
    count_in(model)
    reader.read(ids_of(3, 1))
    reader.select([2, 0, 1])
    assert reader._memory_past is stored
    own = 4 * 12 * 12 + 2 * 12 * 10 + 2 * 12 * 2  # self-attention over two tokens, feed-forward
    cross = 2 * 12 * 12 + 2 * 12 * 6  # query and output; six source tokens are looked at, and not made again
    assert counted.multiply_adds == 3 * (2 * (own + cross) + 12 * V)


def test_reading_nothing_says_nothing():
    reader = reader_of(LANGUAGE["rotary"]())
    reader.begin(2)
    reader.read(ids_of(2, 3), 1)
    assert reader.read(ids_of(2, 0)).shape == (2, 0, V)
    assert reader.length == 3


def test_what_a_reader_cannot_do_is_said():
    reader = reader_of(LANGUAGE["rotary"]())
    reader.begin(2)
    with pytest.raises(ValueError, match=r"ids \(3, 1\) are not the next tokens of 2 rows"):
        reader.read(ids_of(3, 1))
    with pytest.raises(ValueError, match="of 0 tokens cannot go back to 1"):
        reader.back_to(1)
    with pytest.raises(ValueError, match="after the last 4 of 2 tokens"):
        reader.read(ids_of(2, 2), 4)
    with pytest.raises(ValueError, match="cannot skip filling"):
        reader_of(LANGUAGE["lstm"]()).begin(2, np.array([0, 1]))
    for name in ("alibi", "recurrent"):
        with pytest.raises(ValueError, match="2 texts do not fit 3 sources"):
            translation_of(TRANSLATION[name](), ids_of(3, 4)).begin(2)
