"""Tokens of a text, counted by the tokenizer of the shipped language model."""

from __future__ import annotations

from functools import cache

import numpy as np

from lessons.estimates.building import estimate, pick
from lessons.quiz import EstimateCase, Wrong
from lessons.telling_apart import told_apart

#: What the tokenizer is asked to cut: sentences of the kind that its documentation has.
PASSAGE = (
    "The function returns a new list with the items of the first one in reverse order.",
    "A class may define a method that is called whenever an attribute cannot be found.",
    "When the file does not exist, an error is raised and nothing is written to the disk.",
    "Subclasses override __init__(), __repr__() and __eq__(), but seldom __getattribute__().",
    "If the second argument is left out, the whole string is searched from the beginning.",
    "Asynchronous generators, coroutines and context managers are awaited, not iterated.",
    "Unhashable keys, e.g. lists, raise a TypeError; tuples, frozensets and strings do not.",
    "Strings are immutable, so every operation on a string makes a new object.",
    "An iterator gives one element at a time until there are no more elements.",
    "The dictionary keeps its keys in the order in which they were inserted.",
    "A generator stops at every yield and goes on from there when it is asked again.",
    "Threads share the memory of a process, and so they must take turns with its data.",
)


@cache
def tokens_of(sentence: str) -> int:
    """How many tokens the shipped tokenizer makes of one sentence."""
    from tfx.shipped.load import load

    return len(load("language").tokenizer.encode(sentence))


@told_apart
def of_a_text(rng: np.random.Generator) -> EstimateCase:
    words = tokens = all_words = answer = 1
    shown: list[str] = []
    whole: list[str] = []
    while not shown or abs(answer * words / (tokens * all_words) - 1) > 0.04:  # the sample must stand for the text
        order = [PASSAGE[int(i)] for i in rng.permutation(len(PASSAGE))]
        shown, whole = order[:3], order[:9] * pick(rng, (20, 30, 50, 80, 100))
        words, all_words = (sum(len(one.split()) for one in text) for text in (shown, whole))
        tokens, answer = (sum(map(tokens_of, text)) for text in (shown, whole))
    characters = sum(len(one) + 1 for one in whole)
    slips = (
        Wrong(float(all_words), "words for tokens", f"The {words} words of the sample are {tokens} tokens: words are cut, and signs stand alone."),
        Wrong(float(characters), "characters for tokens", "Those are the characters: a token has several of them."),
        Wrong(all_words * words / tokens, "the rate upside down", "There are more tokens than words, so that the count must grow."),
    )  # fmt: skip
    steps = [
        ("", tokens, "tokens of the sample"),
        ("/", words, "words of the sample"),
        ("x", all_words, "words of the text"),
    ]
    values = {"sample": " ".join(shown), "words": words, "tokens": tokens, "all_words": all_words}
    return estimate(values, answer, slips, "tokens", steps)
