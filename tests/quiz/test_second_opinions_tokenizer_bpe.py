"""tokenizer-bpe: every computed answer once more, from the question alone."""

from __future__ import annotations

import re

from tests.quiz.second_opinions import agrees, questions


def text_of(prompt: str) -> str:
    return " ".join(f"{word} " * int(times) for word, times in re.findall(r"(\w+) (\d+) times[,.]", prompt))


def test_pair_count():
    for _, asked in questions("tokenizer-bpe/pair-count"):
        (a, b) = re.findall(r"pair (\w) (\w) stand", asked.prompt)[0]
        agrees(asked, text_of(asked.prompt).count(a + b))


def test_symbols_left():
    for numbers, asked in questions("tokenizer-bpe/symbols-left"):
        words = text_of(asked.prompt).split()
        text = "".join(word + "." for word in words)
        best = max(text.count(text[i : i + 2]) for i in range(len(text) - 1) if text[i] != ".")
        assert numbers[-2:] == [len(text), best]
        agrees(asked, len(text) - best)


def test_tokens_of_word():
    for _, asked in questions("tokenizer-bpe/tokens-of-word"):
        (word,) = re.findall(r'"(\w+)"', asked.prompt)
        cut = "-".join(word)
        for a, b in re.findall(r"(\w+)\+(\w+)", asked.prompt):
            cut = re.sub(rf"(?<![a-z]){a}-{b}(?![a-z])", a + b, cut)
        agrees(asked, cut.count("-") + 1)


def test_vocabulary_size():
    for (special, merges), asked in questions("tokenizer-bpe/vocabulary-size"):
        agrees(asked, 256 + special + merges)


def test_most_tokens():
    for (letters, one, others, two), asked in questions("tokenizer-bpe/most-tokens"):
        assert (one, two) == (1, 2)
        agrees(asked, letters * one + others * two)
