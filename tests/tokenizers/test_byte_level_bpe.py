"""Byte-level BPE and bytes: nothing is unknown and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokenizers.corpora import AWKWARD, awkward_corpus
from tfx.tokenizers import ByteLevelBPE, ByteTokenizer
from tfx.tokenizers.over_bytes import BYTE_OF, SYMBOL_OF

BOTH = [ByteLevelBPE.train(awkward_corpus(), 500, special=["<end>"]), ByteTokenizer(special=["<end>"])]


@given(st.binary(max_size=60))
def test_any_bytes_come_back(data):
    for tokenizer in BOTH:
        assert tokenizer.decode_bytes(tokenizer.encode_bytes(data)) == data


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back(text):
    for tokenizer in BOTH:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert tokenizer.encode(text) == tokenizer.encode_bytes(text.encode())


def test_every_single_byte_comes_back():
    for tokenizer in BOTH:
        for byte in range(256):
            ids = tokenizer.encode_bytes(bytes([byte]))
            assert len(ids) == 1 and tokenizer.decode_bytes(ids) == bytes([byte])


def test_the_table_of_symbols_is_gpt2s():
    assert len(set(SYMBOL_OF)) == 256 and all(symbol.isprintable() and not symbol.isspace() for symbol in SYMBOL_OF)
    assert [SYMBOL_OF[byte] for byte in b" \n\tA~"] == ["\u0120", "\u010a", "\u0109", "A", "~"]
    assert [SYMBOL_OF[byte] for byte in (0x7F, 0x80, 0xA0, 0xA1, 0xAD, 0xFF)] == list(
        "\u0121\u0122\u0142\u00a1\u0143\u00ff"
    )
    assert all(BYTE_OF[SYMBOL_OF[byte]] == byte for byte in range(256))


def test_no_token_reaches_across_a_chunk():
    tokenizer = ByteLevelBPE.train(["of the of the of the"] * 10, 300)
    assert "\u0120the" in tokenizer.tokens
    assert not any("\u0120" in token[1:] for token in tokenizer.tokens if set(token) != {"\u0120"})


def test_half_a_character_decodes_to_the_replacement_character():
    tokenizer = BOTH[1]
    ids = tokenizer.encode("\u20ac")
    assert len(ids) == 3
    assert tokenizer.decode(ids[:2]) == "\ufffd" and tokenizer.decode_bytes(ids[:2]) == "\u20ac".encode()[:2]


def test_a_token_inside_a_character_is_given_all_of_it():
    assert [tuple(piece)[1:] for piece in BOTH[1].pieces("a\u20acb")] == [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)]
    for text in AWKWARD:
        for tokenizer in BOTH:
            for piece in tokenizer.pieces(text):
                assert tokenizer.decode_bytes([piece.id]) in text[piece.start : piece.end].encode()


def test_a_lone_surrogate_that_stands_for_no_byte_is_refused():
    for tokenizer in BOTH:
        assert tokenizer.encode("\udc80") == tokenizer.encode_bytes(b"\x80")
        with pytest.raises(ValueError, match="a lone surrogate stands for no byte"):
            tokenizer.encode("a\ud800")


def test_bytes_of_a_special_token_are_its_spelling():
    for tokenizer in BOTH:
        assert tokenizer.decode_bytes([0]) == b"<end>" and tokenizer.decode([0]) == "<end>"


def test_ids_of_bytes_follow_the_special_tokens():
    assert BOTH[1].encode("\x00a\xff") == [1, 98, 1 + 0xC3, 1 + 0xBF]
    assert len(BOTH[1]) == 257


def test_the_byte_tokenizer_is_the_same_for_every_corpus():
    assert ByteTokenizer.train("abc").state() == ByteTokenizer.train([]).state() == ByteTokenizer().state()
