"""decoding-non-autoregressive: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_mixed():
    for (m, n, _), asked in questions("decoding-non-autoregressive/mixed"):
        agrees(asked, 100 * m / m**n)


def test_kept():
    for (*chances, _), asked in questions("decoding-non-autoregressive/kept"):
        agrees(asked, sum(min(p, q) for p, q in zip(chances[:3], chances[3:], strict=True)))


def test_after_rejection():
    for chances, asked in questions("decoding-non-autoregressive/after-rejection"):
        more = [max(p - q, 0) for p, q in zip(chances[:3], chances[3:], strict=True)]
        agrees(asked, 100 * more[0] / sum(more))


def test_tokens_a_pass():
    for (n, percent), asked in questions("decoding-non-autoregressive/tokens-a-pass"):
        a = percent / 100
        agrees(asked, (1 - a ** (n + 1)) / (1 - a))
