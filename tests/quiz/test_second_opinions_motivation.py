"""transformer-motivation: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_rnn_path():
    for (n,), asked in questions("transformer-motivation/rnn-path"):
        agrees(asked, len(range(2, int(n) + 1)))


def test_convolution_layers():
    for (kernel, reach, again, n), asked in questions("transformer-motivation/convolution-layers"):
        assert kernel == 2 * reach + 1 and again == reach
        at = layers = 0
        while at < n - 1:
            at, layers = at + reach, layers + 1
        agrees(asked, layers)


def test_chain():
    for (n, attention), asked in questions("transformer-motivation/chain"):
        agrees(asked, n / attention)


def test_equal_work():
    for (*_, n, d), asked in questions("transformer-motivation/equal-work"):
        agrees(asked, (2 * n * n * d) / (2 * n * d * d))
