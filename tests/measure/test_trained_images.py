"""A tiny Vision Transformer on drawn shapes: how sure it is, what fools it, what it has never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.data.toys.shapes import KINDS, Shapes
from tfx.data.toys.tones import CLASSES, N_BANDS, N_FRAMES, sounds
from tfx.measure.calibration import expected_calibration_error, fit_temperature
from tfx.measure.covariate_shift import feature_shift
from tfx.measure.gradient_sign import gradient_sign_attack, input_gradient
from tfx.measure.out_of_distribution import DistanceScore, confidence_score, energy_score
from tfx.measure.overlap import intersection_over_union
from tfx.measure.ranking import auroc
from tfx.measure.uncertainty import split_uncertainty
from tfx.models import VisionTransformer
from tfx.ops.basics.softmax import softmax_forward
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train import ImageBatch, classification_loss, train
from tfx.train.regression import NumbersBatch, squared_error_loss

SHAPES = Shapes(side=8)
NOISE = 0.15


def images(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey pictures of clean ones: (B, N, N, 1) float32."""
    return (clean + NOISE * rng.standard_normal(clean.shape))[..., None].astype("float32")


def fitted(model: Any, batch: Any, loss: Any, steps: int) -> Any:
    schedule = lambda step: warmup_cosine(step, 6e-3, steps // 10, steps)  # noqa: E731
    for _ in train(model, batch, loss, AdamW(model), schedule, steps):
        pass
    return model


def vision(n_outputs: int, **settings: Any) -> VisionTransformer:
    sizes = {"d_model": 32, "n_heads": 2, "d_ff": 64, "n_layers": 1, "activation": "relu", **settings}
    return VisionTransformer((8, 8), 2, n_outputs, **sizes)


def drawn(n: int, seed: int) -> ImageBatch:
    rng = np.random.default_rng(seed)
    pictures = SHAPES.pictures(n, rng)
    return ImageBatch(images(pictures.clean, rng), pictures.kind)


@pytest.fixture(scope="module")
def reader() -> VisionTransformer:
    pool = drawn(4000, 1)

    def batch(rng: np.random.Generator) -> ImageBatch:
        chosen = rng.integers(len(pool.labels), size=48)
        return ImageBatch(pool.images[chosen], pool.labels[chosen])

    return fitted(vision(len(KINDS), dropout=0.1), batch, classification_loss(), 400)


@pytest.fixture(scope="module")
def test_images() -> ImageBatch:
    return drawn(600, 2)


def accuracy(model: VisionTransformer, x: np.ndarray, labels: np.ndarray) -> float:
    return float((model.forward(x)[0].argmax(axis=1) == labels).mean())


def test_shapes_are_told_apart(reader, test_images):
    assert accuracy(reader, *test_images) > 0.9


def test_small_steps_along_the_gradient_fool_it_and_random_ones_as_large_do_not(reader, test_images):
    eps = 0.15
    attacked = gradient_sign_attack(reader, *test_images, eps)
    assert np.abs(attacked - test_images.images).max() == pytest.approx(eps, rel=1e-3)
    signs = np.random.default_rng(0).choice([-1, 1], size=attacked.shape).astype("float32")
    before = accuracy(reader, *test_images)
    assert accuracy(reader, attacked, test_images.labels) < before - 0.4
    assert accuracy(reader, test_images.images + np.float32(eps) * signs, test_images.labels) > before - 0.1


def test_the_input_gradient_is_that_of_the_loss_and_leaves_no_trace(reader, test_images):
    x, labels = test_images.images[:4], test_images.labels[:4]
    input_gradient(reader, x, labels)
    assert all((parameter.grad == 0).all() for parameter in reader.parameters().values())


def test_another_distribution_costs_accuracy_and_is_noticed_by_its_shift(reader, test_images):
    darker = 1 - test_images.images
    assert feature_shift(test_images.images, drawn(600, 3).images) < 0.2 < feature_shift(test_images.images, darker)
    assert accuracy(reader, darker, test_images.labels) < accuracy(reader, *test_images) - 0.3


def test_shuffled_pixels_are_noticed_by_the_distance_of_hidden_states_and_not_by_the_logits(reader, test_images):
    """Of pictures that are none the network is as sure as of shapes: logits do not know what they have never seen."""
    shuffled = np.random.default_rng(3).permuted(test_images.images.reshape(600, -1), axis=1).reshape(-1, 8, 8, 1)
    known = drawn(1000, 4)
    distance = DistanceScore(reader.forward(known.images)[1].head.x, known.labels)
    outputs = [reader.forward(x) for x in (test_images.images, shuffled)]
    familiar = np.arange(1200) < 600
    by_distance = auroc(np.concatenate([distance.score(cache.head.x) for _, cache in outputs]), familiar)
    logits = np.concatenate([logits for logits, _ in outputs])
    assert by_distance > 0.7
    assert max(auroc(score(logits), familiar) for score in (confidence_score, energy_score)) < 0.6


def test_runs_with_dropout_disagree_more_where_the_model_is_wrong(reader, test_images):
    rng = np.random.default_rng(4)
    harder = test_images.images + 0.5 * rng.standard_normal(test_images.images.shape).astype("float32")
    samples = np.stack([softmax_forward(reader.forward(harder, rng)[0])[0] for _ in range(10)])
    wrong = samples.mean(axis=0).argmax(axis=1) != test_images.labels
    assert auroc(split_uncertainty(samples).total, wrong) > 0.65
    assert auroc(split_uncertainty(samples).epistemic, wrong) > 0.6


def test_logits_made_too_sure_are_calibrated_again_by_one_temperature(reader, test_images):
    rng = np.random.default_rng(5)
    harder = test_images.images + 0.5 * rng.standard_normal(test_images.images.shape).astype("float32")
    logits = 4 * reader.forward(harder)[0].astype("float64")
    fit, judge = slice(0, 300), slice(300, 600)
    temperature = fit_temperature(logits[fit], test_images.labels[fit])
    errors = [
        expected_calibration_error(softmax_forward(logits[judge] / t)[0], test_images.labels[judge])
        for t in (1.0, temperature)
    ]
    assert temperature > 2 and errors[1] < errors[0] - 0.03


@pytest.mark.slow
def test_a_box_is_placed_around_the_shape():
    def batch(rng: np.random.Generator) -> NumbersBatch:
        pictures = SHAPES.pictures(48, rng)
        return NumbersBatch(images(pictures.clean, rng), pictures.box)

    rng = np.random.default_rng(6)
    pictures = SHAPES.pictures(300, rng)
    x = images(pictures.clean, rng)
    overlaps = []
    for steps in (500, 1):
        model = fitted(vision(4, n_layers=2), batch, squared_error_loss(), steps)
        overlaps.append((intersection_over_union(model.forward(x)[0], pictures.box) > 0.5).mean())
    assert overlaps[0] > 0.85 and overlaps[1] < 0.2


@pytest.mark.slow
def test_sounds_are_told_apart_by_their_spectrograms():
    def batch(rng: np.random.Generator) -> ImageBatch:
        some = sounds(48, rng)
        return ImageBatch(some.spectrograms, some.labels)

    assert (N_BANDS, N_FRAMES) == (8, 8)
    model = fitted(vision(len(CLASSES), n_layers=2), batch, classification_loss(), 400)
    heard = sounds(400, np.random.default_rng(7))
    assert accuracy(model, heard.spectrograms, heard.labels) > 0.9
    assert accuracy(model, heard.spectrograms[:, :, ::-1], heard.labels) < 0.7, "backwards, rising is falling"
