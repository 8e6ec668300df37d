"""peft-lora: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_one_update():
    for (rows, columns, rank), asked in questions("peft-lora/one-update"):
        agrees(asked, rows * rank + rank * columns)


def test_whole_model():
    for numbers, asked in questions("peft-lora/whole-model"):
        blocks, width, rank = numbers[0], numbers[1], numbers[4]
        agrees(asked, blocks * sum(width * rank + rank * width for _ in ("queries", "values")))


def test_adapter_size():
    for (width, narrow), asked in questions("peft-lora/adapter-size"):
        agrees(asked, (width + 1) * narrow + (narrow + 1) * width)


def test_one_entry():
    for (rank, alpha, w, a, b, c, d), asked in questions("peft-lora/one-entry"):
        agrees(asked, w + (a * c + b * d) * alpha / rank)
