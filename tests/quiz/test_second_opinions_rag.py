"""rag: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_summed():
    for (a, b, c, d, e, f), asked in questions("rag/summed"):
        agrees(asked, float(sum(Fraction(str(p)) * Fraction(str(s)) for p, s in ((a, d), (b, e), (c, f)))))


def test_posterior():
    for (a, b, c, d, e, f), asked in questions("rag/posterior"):
        agrees(asked, a * d / (a * d + b * e + c * f))


def test_best_document():
    for numbers, asked in questions("rag/best-document"):
        x, y = numbers[:2]
        scores = [x * a + y * b for a, b in (numbers[5:7], numbers[7:9], numbers[9:11])]
        assert sorted(scores)[-1] > sorted(scores)[-2], asked.prompt
        agrees(asked, 1 + scores.index(max(scores)))


def test_prompt_tokens():
    for (k, each, asked_tokens), asked in questions("rag/prompt-tokens"):
        agrees(asked, sum(each for _ in range(int(k))) + asked_tokens)
