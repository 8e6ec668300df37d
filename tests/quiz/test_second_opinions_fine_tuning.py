"""fine-tuning: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_layer_rate():
    for (blocks, rate, decay, block, *_), asked in questions("fine-tuning/layer-rate"):
        for _ in range(int(block), int(blocks) + 1):
            rate *= decay
        agrees(asked, rate)


def test_first_update():
    for numbers, asked in questions("fine-tuning/first-update"):
        blocks, every, block = int(numbers[0]), int(numbers[1]), int(numbers[4])
        agrees(asked, 1 + sum(every for _ in ["head", *range(block + 1, blocks + 1)]))


def test_adam_memory():
    for (billions, *_), asked in questions("fine-tuning/adam-memory"):
        agrees(asked, 16 * billions)


def test_forgotten():
    for (before, _, after), asked in questions("fine-tuning/forgotten"):
        agrees(asked, before - after)
