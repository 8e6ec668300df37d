"""head-count: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def numbers_of(width, heads):
    """Counted map by map and head by head, offsets included."""
    d = width / heads
    return sum(3 * (width * d + d) + d * width for _ in range(int(heads))) + width


def test_other_number_of_heads():
    for (width, few, first, many), asked in questions("head-count/other-number-of-heads"):
        assert first == numbers_of(width, few)
        agrees(asked, numbers_of(width, many))


def test_stored_weights():
    for (_, heads, tokens), asked in questions("head-count/stored-weights"):
        agrees(asked, sum(tokens for _ in range(int(tokens * heads))))


def test_rank_of_scores():
    for (width, heads, tokens), asked in questions("head-count/rank-of-scores"):
        agrees(asked, min(width / heads, tokens))


def test_numbers_of_one_head():
    for (width, heads), asked in questions("head-count/numbers-of-one-head"):
        agrees(asked, 4 * width**2 / heads)


def test_bleu():
    for (_, _, *listed, heads), asked in questions("head-count/bleu"):
        scores = dict(zip(listed[1::2], listed[::2], strict=True))
        agrees(asked, max(scores.values()) - scores[heads])


def test_first_choice():
    for (_, query, *keys), asked in questions("head-count/first-choice"):
        agrees(asked, max(keys) if query > 0 else min(keys))
