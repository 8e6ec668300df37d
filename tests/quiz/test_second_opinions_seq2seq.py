"""seq2seq-rnn and seq2seq-bottleneck: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_context_size():
    for (_, width), asked in questions("seq2seq-rnn/context-size"):
        agrees(asked, width)


def test_turned():
    for (_, words, first, place), asked in questions("seq2seq-rnn/turned"):
        assert first == 1
        agrees(asked, len(range(int(place) + 1, int(words) + 1)))


def test_loss():
    for chances, asked in questions("seq2seq-rnn/loss"):
        agrees(asked, -math.log(math.prod(chances)))


def test_shape_of_chances():
    for (batch, _, target, words), asked in questions("seq2seq-rnn/shape-of-chances"):
        agrees(asked, (batch, target, words))


def test_waiting_steps():
    for (source, target), asked in questions("seq2seq-rnn/waiting-steps"):
        agrees(asked, source + target)


def test_noise():
    for (width, symbols, mean, one, again, *rest), asked in questions("seq2seq-bottleneck/noise"):
        assert (mean, one, again) == (0, 1, width) and rest[0] == symbols
        agrees(asked, ((symbols - 1) / width) ** 0.5)


def test_work():
    for (width, words), asked in questions("seq2seq-bottleneck/work"):
        agrees(asked, sum(width for _ in range(int(width))) * words)


def test_context():
    for numbers, asked in questions("seq2seq-bottleneck/context"):
        agrees(asked, sum(h * a for h, a in zip(numbers[:3], numbers[3:], strict=True)))


def test_kept():
    for (words, width), asked in questions("seq2seq-bottleneck/kept"):
        agrees(asked, words * width)


def test_shape_of_weights():
    for (batch, source, target), asked in questions("seq2seq-bottleneck/shape-of-weights"):
        agrees(asked, (batch, target, source))
