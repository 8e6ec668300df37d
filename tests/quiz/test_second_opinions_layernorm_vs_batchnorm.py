"""layernorm-vs-batchnorm: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import re
import statistics

from tests.quiz.second_opinions import agrees, questions


def test_first_number():
    for _, asked in questions("layernorm-vs-batchnorm/first-number"):
        tokens = [[int(n) for n in found.split(",")] for found in re.findall(r"\(([-\d, ]+)\)", asked.prompt)]
        assert [len(token) for token in tokens] == [3, 3, 3]
        feature = [token[0] for token in tokens]
        agrees(asked, (feature[0] - statistics.fmean(feature)) / statistics.pstdev(feature))


def test_grown_by_padding():
    for (mean, variance, real, zeros, *plain), asked in questions("layernorm-vs-batchnorm/grown-by-padding"):
        assert (mean, variance, plain) == (0, 1, [1, 0, 0])
        agrees(asked, ((real + zeros) / real) ** 0.5)


def test_shape_of_means():
    for (_, _, width), asked in questions("layernorm-vs-batchnorm/shape-of-means"):
        agrees(asked, (int(width),))


def test_in_use():
    for (mean, variance, gain, offset, eps, x, _, again), asked in questions("layernorm-vs-batchnorm/in-use"):
        assert (gain, offset, eps, again) == (1, 0, 0, x)
        agrees(asked, (x - mean) / variance**0.5)
