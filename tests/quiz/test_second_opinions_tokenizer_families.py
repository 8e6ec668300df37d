"""tokenizer-families: every computed answer once more, from the question alone."""

from __future__ import annotations

import math
import re

from tests.quiz.second_opinions import agrees, questions


def test_tokens_per_word():
    for (words, letters, blanks, one), asked in questions("tokenizer-families/tokens-per-word"):
        assert blanks == words - 1 and one == 1
        agrees(asked, letters / words + blanks / words)


def test_pairs_ratio():
    for (few, many), asked in questions("tokenizer-families/pairs-ratio"):
        agrees(asked, math.exp(2 * (math.log(many) - math.log(few))))


def test_larger_table():
    for (small, large, width), asked in questions("tokenizer-families/larger-table"):
        agrees(asked, large * width - small * width)


def test_probability_of_cut():
    for numbers, asked in questions("tokenizer-families/probability-of-cut"):
        agrees(asked, math.prod(numbers))


def test_longest_piece():
    for _, asked in questions("tokenizer-families/longest-piece"):
        (word,) = re.findall(r'"(\w+)"', asked.prompt)
        pieces = re.search(r"these pieces: (.*?)\.", asked.prompt)[1].split(", ")
        at = tokens = 0
        while at < len(word):
            here = [p.lstrip("#") for p in pieces if p.startswith("##") == (at > 0)]
            fits = [len(p) for p in here if word[at:].startswith(p)]
            at, tokens = at + max([1, *fits]), tokens + 1
        agrees(asked, tokens)
