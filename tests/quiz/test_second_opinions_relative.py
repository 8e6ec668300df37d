"""positional-relative: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_rows_of_table():
    for (low, high, tokens), asked in questions("positional-relative/rows-of-table"):
        assert low == -high and tokens > high
        agrees(asked, len(range(int(low), int(high) + 1)))


def test_shaw_score():
    for (a, b, c, d, e, f), asked in questions("positional-relative/shaw-score"):
        agrees(asked, a * (c + e) + b * (d + f))


def test_same_bucket():
    for (value, i, j, first, i2, j2), asked in questions("positional-relative/same-bucket"):
        assert first == 0 and i2 - j2 == i - j
        agrees(asked, value)


def test_bias_shape():
    for (_, heads, _, tokens), asked in questions("positional-relative/bias-shape"):
        agrees(asked, (heads, tokens, tokens))
