"""WordPiece: merges by likelihood, cuts by the longest match, [UNK] for what cannot be cut."""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.tokenizers import WordPiece
from tfx.tokenizers.wordpiece_training import bond_ratio, learn_pieces, likelihood_gain

VOCABULARY = ["un", "u", "##want", "##ed", "##n", "##a", "run", "##ning", "the", ",", "ab", "a", "##bc"]
TOKENIZER = WordPiece(VOCABULARY)


def texts(text):
    return [TOKENIZER.tokens[i] for i in TOKENIZER.encode(text)]


def test_the_longest_piece_is_taken_from_the_left():
    assert texts("unwanted, the running") == ["un", "##want", "##ed", ",", "the", "run", "##ning"]


def test_a_word_that_cannot_be_cut_to_its_end_is_unknown_as_a_whole():
    assert texts("unwell the") == ["[UNK]", "the"]
    assert [tuple(piece)[1:] for piece in TOKENIZER.pieces("unwell the")] == [(0, 6), (7, 10)]


def test_the_longest_match_does_not_go_back_on_a_choice():
    assert texts("abc") == ["[UNK]"]  # a ##bc would have done, but ab was longer


def test_a_word_of_more_than_a_hundred_characters_is_unknown():
    assert texts("u" + "n" * 99) == ["un", *["##n"] * 98]
    assert texts("u" + "n" * 100) == ["[UNK]"]


def test_special_tokens_are_no_pieces_of_words():
    tokenizer = WordPiece(["a", "##b"], special=["ab"])
    assert tokenizer.encode("ab") == [tokenizer.id_of["a"], tokenizer.id_of["##b"]]
    assert tokenizer.encode("[UNK]") == [0, 0, 0]


def test_decoding_joins_pieces_and_parts_words():
    assert TOKENIZER.decode(TOKENIZER.encode("unwanted, the")) == "unwanted , the"


def log_likelihood(words):
    n = Counter()
    for symbols, times in words:
        for symbol in symbols:
            n[symbol] += times
    total = sum(n.values())
    return sum(count * math.log(count / total) for count in n.values() if count)


def merged(symbols, pair):
    out = []
    for symbol in symbols:
        if out and (out[-1], symbol) == pair:
            out[-1] = (*pair,)
        else:
            out.append(symbol)
    return out


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=7), st.integers(1, 6), min_size=1, max_size=8))
@settings(deadline=None)
def test_the_first_merge_is_the_one_that_raises_the_likelihood_most(words):
    words = {word: count for word, count in words.items() if not any(x * 2 in word for x in "abcd")}  # no overlaps
    symbols = sorted({x for word in words for x in [word[0], *("##" + c for c in word[1:])]})
    cut = [
        ([symbols.index(x) for x in [word[0], *("##" + c for c in word[1:])]], count) for word, count in words.items()
    ]
    pairs = {pair for word, _ in cut for pair in pairwise(word)}
    before = log_likelihood(cut)
    gains = {pair: log_likelihood([(merged(word, pair), n) for word, n in cut]) - before for pair in pairs}
    learned = learn_pieces(cut, symbols, len(symbols) + 1)
    if not gains or max(gains.values()) <= 1e-9:
        return
    best = max(gains.values())
    possible = {symbols[a] + symbols[b].removeprefix("##") for (a, b), gain in gains.items() if gain > best - 1e-9}
    assert learned[-1] in possible


def learned(words, score, n=1):
    symbols = sorted({x for word in words for x in [word[0], *("##" + c for c in word[1:])]})
    cut = [
        ([symbols.index(x) for x in [word[0], *("##" + c for c in word[1:])]], count) for word, count in words.items()
    ]
    return learn_pieces(cut, symbols, len(symbols) + n, score)[len(symbols) :]


def test_the_ratio_prefers_a_rare_strong_bond_and_the_gain_asks_how_often():
    words = {"the": 50, "tea": 10, "she": 10, "qu": 2}
    assert learned(words, bond_ratio) == ["qu"]
    assert learned(words, likelihood_gain) == ["##he"]


def test_the_known_example_of_the_ratio():
    words = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
    assert learned(words, bond_ratio, 1) == ["##gs"]  # 5 / (20 * 5), all others 1 / 36 or less
    assert learned(words, bond_ratio, 3) == ["##gs", "##ug", "##un"]  # then 1 / 36 four times: the lower ids


def test_a_spelling_that_is_there_already_adds_no_token_twice():
    tokenizer = WordPiece.train("abc abc abc ab bc bcd abcd cab abcabc", 200)
    assert len(set(tokenizer.tokens)) == len(tokenizer)
    assert "abc" in tokenizer.tokens


def test_an_unknown_score_is_refused():
    with pytest.raises(ValueError, match="score is one of likelihood, ratio, not 'best'"):
        WordPiece.train("the cat", 100, score="best")
