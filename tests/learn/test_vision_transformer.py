"""A tiny Vision Transformer reads the digits that we draw, and what it cannot do without positions or true labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from tfx.data.digits import N_CLASSES, SIZE, digits, standardised
from tfx.models import VisionTransformer
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train import ImageBatch, classification_loss, train


class Accuracy(NamedTuple):
    trained: float  # on the pictures, with the labels, that it was trained on
    held_out: float  # on a thousand digits in styles that it never saw


def images(n: int, seed: int, held_out: bool = False) -> ImageBatch:
    drawn = digits(n, np.random.default_rng(seed), held_out)
    return ImageBatch(standardised(drawn.images), drawn.labels)


def learn(pictures: ImageBatch, seed: int, steps: int, positions: str = "learned") -> Accuracy:
    """Squares of 2 x 2 pixels, two layers, batches of 64."""
    sizes = {"d_model": 32, "d_ff": 64, "activation": "relu"}
    model = VisionTransformer((SIZE, SIZE), 2, N_CLASSES, positions=positions, seed=seed, **sizes)

    def batch(rng: np.random.Generator) -> ImageBatch:
        chosen = rng.integers(len(pictures.labels), size=64)
        return ImageBatch(*(part[chosen] for part in pictures))

    schedule = lambda step: warmup_cosine(step, 6e-3, steps // 10, steps)  # noqa: E731
    for _ in train(model, batch, classification_loss(), AdamW(model), schedule, steps, seed=seed):
        pass
    shares = (
        (model.forward(part.images)[0].argmax(axis=-1) == part.labels).mean()
        for part in (ImageBatch(*(part[:1000] for part in pictures)), images(1000, 99, held_out=True))
    )
    return Accuracy(*shares)


def test_digits_are_read_in_a_moment_and_better_with_positions_than_without():
    pictures = images(8000, seed=1)
    with_positions = learn(pictures, seed=0, steps=120)
    without = learn(pictures, seed=0, steps=120, positions="none")
    assert with_positions.held_out > 0.75
    assert without.held_out < with_positions.held_out - 0.2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_digits_in_new_styles_are_read(seed):
    assert learn(images(8000, seed), seed, steps=400).held_out > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_positions_many_are_misread(seed):
    """The squares are the same, but nothing says where they were."""
    assert learn(images(8000, seed), seed, steps=400, positions="none").held_out < 0.8


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffled_labels_can_be_learnt_by_heart_but_say_nothing_about_other_pictures(seed):
    few = images(256, seed)
    shuffled = few._replace(labels=np.random.default_rng(seed).permutation(few.labels))
    accuracy = learn(shuffled, seed, steps=400)
    assert accuracy.trained > 0.95
    assert accuracy.held_out < 0.2, "one digit in ten is chance"
