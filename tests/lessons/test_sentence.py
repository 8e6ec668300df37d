"""What a row of weights says in words: shares that add up to 1.00 as they are written."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lessons.sentence import hundredths, looks_at


def test_the_largest_shares_are_named_and_the_others_counted():
    words = ["the", "animal", "did", "not", "cross", "the", "street", "because", "it", "was", "too", "tired"]
    shares = [0.006, 0.926, 0.007, 0.007, 0.006, 0.006, 0.012, 0.008, 0.008, 0.006, 0.004, 0.004]
    line = looks_at("it", words, shares)
    assert line == '"it" looks at: animal 0.93, street 0.01, because 0.01, 9 others 0.05'


@pytest.mark.parametrize(
    ("words", "shares", "line"),
    [
        (("it",), [1.0], '"it" looks at: it 1.00'),
        (("a", "b"), [0.25, 0.75], '"it" looks at: b 0.75, a 0.25'),
        (("a", "b", "c"), [1 / 3] * 3, '"it" looks at: all 3 words alike, 1/3 each'),
        (
            (",", "b", "-", ","),
            [0.4, 0.3, 0.2, 0.1],
            '"it" looks at: "," (word 1) 0.40, b 0.30, "-" 0.20, 1 other 0.10',
        ),
        (("a", "b"), [0.999, 0.001], '"it" looks at: a 1.00, 1 other 0.00'),
        (("a", "b", "c", "d"), [0.4, 0.3, 0.2, 0.1], '"it" looks at: a 0.40, b 0.30, c 0.20, 1 other 0.10'),
        (("a", "b", "A"), [0.2, 0.2, 0.6], '"it" looks at: A (word 3) 0.60, a (word 1) 0.20, b 0.20'),
        (tuple("abcd"), [0.335, 0.335, 0.33, 0.0], '"it" looks at: a 0.34, b 0.33, c 0.33, 1 other 0.00'),
    ],
)
def test_few_words_ties_and_words_that_stand_there_twice(words, shares, line):
    assert looks_at("it", words, shares) == line


def test_what_is_written_adds_up_and_is_never_a_hundredth_off():
    rng = np.random.default_rng(0)
    for n in [1, 2, 3, 4, 5, 9, 40] * 60:
        shares = rng.dirichlet(np.full(n, rng.choice([0.05, 0.3, 2.0])))
        words = [f"w{i}" for i in range(n)]
        line = looks_at("it", words, shares)
        named = [(words.index(word), float(share)) for word, share in re.findall(r"(w\d+) (\d\.\d\d)", line)]
        others = [float(share) for share in re.findall(r"others? (\d\.\d\d)", line)]
        assert sum(share for _, share in named) + sum(others) == pytest.approx(1.0, abs=1e-9), line
        assert all(abs(share - shares[i]) < 0.01 for i, share in named), (line, shares)
        left = 1 - sum(shares[i] for i, _ in named)
        assert all(abs(share - left) < 0.01 for share in others), (line, shares)
        assert [i for i, _ in named] == sorted((i for i, _ in named), key=lambda i: (-shares[i], i))
        assert len(named) <= 3 and len(named) + sum(map(int, re.findall(r"(\d+) others?", line))) == n


@pytest.mark.parametrize(
    ("shares", "whole"),
    [
        ((0.93, 0.07), [93, 7]),
        ((0.005, 0.995), [0, 100]),
        ((0.335, 0.335, 0.33, 0.0), [34, 33, 33, 0]),
        ((0.155, 0.155, 0.155, 0.535), [16, 16, 15, 53]),
        ((1.0,), [100]),
    ],
)
def test_hundredths_sum_to_a_hundred(shares, whole):
    got = hundredths(shares)
    assert sum(got) == 100 and all(abs(g - 100 * s) < 1 for g, s in zip(got, shares, strict=True))
    assert got == whole
