"""transformer-block: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_weights():
    for (width, hidden, heads), asked in questions("transformer-block/weights"):
        head = width / heads
        attention = heads * (3 * width * head + head * width)
        agrees(asked, attention + width * hidden + hidden * width)


def test_one_number():
    for (a, b, x), asked in questions("transformer-block/one-number"):
        r = x + a * x
        agrees(asked, r + b * r)


def test_tokens_moved():
    for (tokens, place, first), asked in questions("transformer-block/tokens-moved"):
        assert first == 1
        agrees(asked, sum(1 for token in range(1, int(tokens) + 1) if place in range(1, token + 1)))


def test_shape():
    for (batch, tokens, width, _, _), asked in questions("transformer-block/shape"):
        agrees(asked, (int(batch), int(tokens), int(width)))
