"""layernorm: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
import statistics

from tests.quiz.second_opinions import agrees, questions


def test_first_output():
    for (*token, gain, offset, eps), asked in questions("layernorm/first-output"):
        assert (gain, offset, eps) == (1, 0, 0)
        agrees(asked, (token[0] - statistics.fmean(token)) / statistics.pstdev(token))


def test_with_gain():
    for (a, b, g1, _, o1, _, eps), asked in questions("layernorm/with-gain"):
        assert eps == 0
        agrees(asked, g1 * math.copysign(1, a - b) + o1)


def test_shape_of_means():
    for (batch, tokens, _), asked in questions("layernorm/shape-of-means"):
        agrees(asked, (int(batch), int(tokens)))


def test_small_token():
    for (mean, deviation, gain, offset, eps), asked in questions("layernorm/small-token"):
        assert (mean, gain, offset) == (0, 1, 0)
        agrees(asked, 1 / math.sqrt(1 + eps / deviation**2))
