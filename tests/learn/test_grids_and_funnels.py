"""Windows, pyramids, funnels and Conformers learn small tasks, and fail where what they need is taken away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.data.digits import N_CLASSES, SIZE, digits, standardised
from tfx.models import PyramidVisionTransformer, SwinTransformer
from tfx.nn.conformer import ConformerBlock, ConformerSettings, ConvolutionModule
from tfx.nn.embedding import Embedding
from tfx.nn.funnel import FunnelSettings, FunnelStack
from tfx.nn.linear import Linear
from tfx.nn.positions import Positions
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.params import Layer
from tfx.schedule import warmup_cosine
from tfx.train import ImageBatch, LossValue, classification_loss, train

N_SYMBOLS, LENGTH, WIDTH = 6, 8, 24


def fit(model: Any, batches: Any, loss: Any, steps: int, rate: float) -> None:
    for _ in train(model, batches, loss, AdamW(model), lambda step: warmup_cosine(step, rate, 10, steps), steps):
        pass


def read_digits(model: Any, steps: int) -> float:
    """The share of digits in styles never seen that are read."""
    drawn = digits(4000, np.random.default_rng(1), False)
    pictures = ImageBatch(standardised(drawn.images), drawn.labels)

    def batches(rng: np.random.Generator) -> ImageBatch:
        chosen = rng.integers(len(pictures.labels), size=48)
        return ImageBatch(*(part[chosen] for part in pictures))

    fit(model, batches, classification_loss(), steps, 6e-3)
    other = digits(500, np.random.default_rng(99), True)
    return float((model.forward(standardised(other.images))[0].argmax(axis=-1) == other.labels).mean())


def swin(**settings: Any) -> SwinTransformer:
    sizes: dict[str, Any] = {"d_model": 16, "n_heads": (2, 4), "n_layers": (2, 1), "window": 2, "ratio": 2}
    return SwinTransformer((SIZE, SIZE), 2, N_CLASSES, **{**sizes, "activation": "relu", **settings})


def pyramid(**settings: Any) -> PyramidVisionTransformer:
    sizes: dict[str, Any] = {"widths": (16, 32), "n_heads": (2, 4), "ratio": 2, "activation": "relu"}
    return PyramidVisionTransformer((SIZE, SIZE), 2, N_CLASSES, **sizes, **settings)


@pytest.mark.parametrize("make", [swin, pyramid])
def test_digits_are_read_in_a_moment(make):
    assert read_digits(make(), 80) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("make", [swin, pyramid])
def test_digits_in_new_styles_are_read(make):
    assert read_digits(make(), 400) > 0.9


@pytest.mark.slow
def test_in_windows_of_one_square_only_merging_joins_them_and_learning_takes_longer():
    assert read_digits(swin(window=1), 100) < read_digits(swin(), 100) - 0.2


class Labeller(Layer):
    """Embedding, positions, a stack, and a label for each place."""

    def __init__(self, stack: Any, positions: str) -> None:
        rng = np.random.default_rng(0)
        self.embedding = Embedding(N_SYMBOLS, WIDTH, rng)
        self.positions = Positions(positions, LENGTH, WIDTH, rng)
        self.stack = stack
        self.output = Linear(WIDTH, N_SYMBOLS, rng)

    def forward(self, ids: np.ndarray) -> tuple[Any, Any]:
        x, embedding = self.embedding.forward(ids)
        x, positions = self.positions.forward(x)
        x, stack = self.stack.forward(x)
        y, output = self.output.forward(x)
        return y, (embedding, positions, stack, output)

    def backward(self, dy: Any, cache: Any) -> None:
        embedding, positions, stack, output = cache
        dx = self.stack.backward(self.output.backward(dy, output), stack)
        self.embedding.backward(self.positions.backward(dx, positions), embedding)


def share_right(model: Labeller, places: Any, steps: int) -> float:
    """Each place has to be labelled with the token at places[place]: the share of labels that are right."""

    def batches(rng: np.random.Generator, size: int = 48) -> np.ndarray:
        return rng.integers(N_SYMBOLS, size=(size, LENGTH))

    def loss(model: Labeller, ids: np.ndarray, rng: np.random.Generator) -> LossValue:
        logits, cache = model.forward(ids)
        value, ce = cross_entropy_forward(logits, ids[:, places])
        model.backward(cross_entropy_backward(1.0, ce), cache)
        return LossValue(float(value), ids.size)

    fit(model, batches, loss, steps, 6e-3)
    ids = batches(np.random.default_rng(99), 200)
    return float((model.forward(ids)[0].argmax(axis=-1) == ids[:, places]).mean())


def funnel(positions: str = "sinusoidal") -> Labeller:
    stack = FunnelStack((1, 1), FunnelSettings(WIDTH, 4, 48, norm_place="pre"), np.random.default_rng(1), n_decoder=1)
    return Labeller(stack, positions)


BACKWARDS = np.arange(LENGTH)[::-1]
EARLIER = {distance: np.maximum(np.arange(LENGTH) - distance, 0) for distance in (1, 3)}


def test_a_funnel_with_a_way_back_writes_backwards():
    assert share_right(funnel(), BACKWARDS, 200) > 0.9


@pytest.mark.slow
def test_a_funnel_without_positions_does_not():
    assert share_right(funnel("none"), BACKWARDS, 300) < 0.6


def conformer(module: bool = False) -> Labeller:
    rng = np.random.default_rng(1)
    settings = ConformerSettings(WIDTH, 4, 48, 3)
    return Labeller((ConvolutionModule if module else ConformerBlock)(settings, rng), "none")


@pytest.mark.parametrize(
    ("module", "distance", "learnt"),
    [
        (False, 3, True),
        pytest.param(False, 1, True, marks=pytest.mark.slow),
        pytest.param(True, 1, True, marks=pytest.mark.slow),
        (True, 3, False),
    ],
)
def test_a_convolution_of_three_taps_reaches_one_place_and_attention_beside_it_all(module, distance, learnt):
    share = share_right(conformer(module), EARLIER[distance], 150)
    assert share > 0.9 if learnt else share < 0.6
