"""BPE of words: the paper's example, the end of a word, unknown characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokenizers.corpora import python_topics
from tfx.tokenizers import BPE, measure
from tfx.tokenizers.splitting import words

#: The dictionary of the paper's figure 1, and of its listing.
PAPER = "low " * 5 + "lower " * 2 + "newest " * 6 + "widest " * 3
TOKENIZER = BPE.train(PAPER, 11 + 10)


def texts(tokenizer, text):
    return [tokenizer.tokens[i] for i in tokenizer.encode(text)]


def test_the_papers_dictionary_gives_est_and_low_and_a_new_word_made_of_them():
    assert TOKENIZER.tokens[:12] == ("<unk>", *" deilnorstw")
    assert TOKENIZER.merges[:3] == (("e", "s"), ("t", " "), ("es", "t "))
    assert {"est ", "lo", "low", "low ", "newest "} <= set(TOKENIZER.tokens)
    assert texts(TOKENIZER, "lowest") == ["low", "est "]


def test_the_end_of_a_word_tells_pieces_apart():
    assert texts(TOKENIZER, "est este")[0] == "est "
    assert "est " not in texts(TOKENIZER, "este")


def test_an_unknown_character_is_one_unknown_token_and_the_rest_of_the_word_stays():
    assert texts(TOKENIZER, "low\u2603est") == ["low", "<unk>", "est "]
    assert TOKENIZER.decode(TOKENIZER.encode("low\u2603\u2603 low")) == "low<unk><unk> low"


@given(st.text(" \n\t\u3000deilnorstw", max_size=40))
def test_all_but_the_white_space_comes_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == " ".join(text.split())


def test_the_symbol_of_the_paper_for_the_end_of_a_word_is_ordinary_text_here():
    tokenizer = BPE.train("</w> a</w> </w>" * 3, 40)
    assert tokenizer.decode(tokenizer.encode("</w> a</w>")) == "</w> a</w>"


def test_merges_of_texts_that_are_no_tokens_yet_are_refused():
    with pytest.raises(ValueError, match="the merge of 'ab' and 'c' comes before both are tokens"):
        BPE("abc ", [("ab", "c"), ("a", "b")])


def test_merges_in_the_order_learned_make_the_tokens():
    tokenizer = BPE("abc ", [("a", "b"), ("ab", "c"), ("b", "c"), ("a", "bc")], special=["<end>"])
    assert tokenizer.tokens == ("<unk>", "<end>", "a", "b", "c", " ", "ab", "abc", "bc")
    assert texts(tokenizer, "abc bc") == ["abc", " ", "bc", " "]


def test_more_merges_never_make_a_text_of_the_corpus_longer():
    corpus = python_topics()[:8]
    lengths = [measure(BPE.train(corpus, size), corpus).tokens for size in (150, 300, 600)]
    assert lengths[0] > lengths[1] > lengths[2] > sum(1 for text in corpus for _ in words(text))
