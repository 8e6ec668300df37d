"""decoding-degeneration: every computed answer once more, from what the question shows alone."""

from __future__ import annotations

import re
from itertools import pairwise

from tests.quiz.second_opinions import agrees, questions


def letters(asked) -> str:
    found = re.search(r": ((?:[a-j] )+[a-j])\.", " ".join(asked.prompt.split()))
    assert found
    return found[1].replace(" ", "")


def test_repeated():
    for _, asked in questions("decoding-degeneration/repeated"):
        text = letters(asked)
        pairs = [a + b for a, b in pairwise(text)]
        agrees(asked, sum(pair in pairs[:i] for i, pair in enumerate(pairs)) / len(pairs))


def test_contexts():
    for (v, window), asked in questions("decoding-degeneration/contexts"):
        agrees(asked, v**window)


def test_penalised():
    for (logit, c), asked in questions("decoding-degeneration/penalised"):
        assert logit < 0 < c
        agrees(asked, logit * c)


def test_period():
    for _, asked in questions("decoding-degeneration/period"):
        text = letters(asked)
        agrees(asked, next(p for p in range(1, len(text)) if text.endswith(3 * text[-p:])))
