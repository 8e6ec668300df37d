"""limitations: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_weights():
    for (billions, bits, *_), asked in questions("limitations/weights"):
        agrees(asked, billions * bits / 8)


def test_longer():
    for (n, long), asked in questions("limitations/longer"):
        agrees(asked, (long / n) ** 2)


def test_cache():
    for (layers, heads, keys, width, *_, tokens), asked in questions("limitations/cache"):
        assert heads > keys
        agrees(asked, 2 * layers * keys * width * tokens * 2 / 1e6)


def test_token_time():
    for (gigabytes, *_, bandwidth), asked in questions("limitations/token-time"):
        agrees(asked, 1000 * gigabytes / bandwidth)


def test_new_facts():
    for (once, twice, two, often, times), asked in questions("limitations/new-facts"):
        agrees(asked, 100 * once / (once + two * twice + times * often))
