"""architecture-families: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_triangle():
    for (n, *_), asked in questions("architecture-families/triangle"):
        agrees(asked, len([1 for out in range(int(n)) for token in range(int(n)) if token <= out]))


def test_joined():
    for (s, t), asked in questions("architecture-families/joined"):
        pairs = sum(1 for out in range(int(s)) for word in range(int(s)))
        for out in range(int(t)):
            pairs += int(s) + out + 1
        agrees(asked, pairs)


def test_attention_layers():
    for (encoder, decoder), asked in questions("architecture-families/attention-layers"):
        agrees(asked, encoder + decoder + decoder)


def test_gaps():
    for (v,), asked in questions("architecture-families/gaps"):
        seen, guessed = 0.5, 0.5 / v
        agrees(asked, 100 * (seen + guessed))


def test_more_places():
    for (n, share), asked in questions("architecture-families/more-places"):
        agrees(asked, n - 1 - n * share / 100)
