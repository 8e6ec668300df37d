"""encoder-vs-decoder: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_more_parameters():
    """Four square matrices and their biases, a gain and a bias."""
    for (c,), asked in questions("encoder-vs-decoder/more-parameters", 12):
        agrees(asked, sum(c * c + c for _ in "QKVO") + c + c)


def test_maps_of_weights():
    """Attention by attention."""
    for (year, n, again, h), asked in questions("encoder-vs-decoder/maps-of-weights", 12):
        assert year == 2017 and n == again
        agrees(asked, len(["self"] * int(n) + ["masked", "cross"] * int(n)) * h)


def test_answers_moved():
    for (t, place), asked in questions("encoder-vs-decoder/answers-moved", 12):
        agrees(asked, sum(1 for later in range(1, int(t) + 1) if later >= place))


def test_pairs_that_depend():
    for (s, t), asked in questions("encoder-vs-decoder/pairs-that-depend", 12):
        agrees(asked, sum(s + own for own in range(1, int(t) + 1)))


def test_shape_of_scores():
    for (b, _, t, _, vocab), asked in questions("encoder-vs-decoder/shape-of-scores", 12):
        agrees(asked, (b, t, vocab))
