"""model-parallelism: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import re

from tests.quiz.second_opinions import agrees, questions


def test_shard():
    for _, asked in questions("model-parallelism/shard"):
        shown = re.search(r"W_2 of shape \((\d+), (\d+)\)\. (\d+) workers", asked.prompt)
        assert shown
        inner, width, workers = map(int, shown.groups())
        agrees(asked, (len(range(0, inner, workers)), width))


def test_idle():
    for (stages, parts), asked in questions("model-parallelism/idle"):
        times = stages + parts - 1
        agrees(asked, 1 - stages * parts / (stages * times))


def test_sent():
    for (workers, b, t, c), asked in questions("model-parallelism/sent"):
        piece = b * t * c / workers
        agrees(asked, (workers - 1) * piece + (workers - 1) * piece)


def test_all_reduces():
    for (blocks,), asked in questions("model-parallelism/all-reduces"):
        agrees(asked, blocks * len(("attention", "network")) * len(("forward", "backward")))


def test_bytes():
    for (billions, each, tensor, stages, *_), asked in questions("model-parallelism/bytes"):
        agrees(asked, billions * each / tensor / stages)
