"""Vision Transformer: what it computes, and where its two dimensions come from."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from tests.ops.arrays import arrays_in
from tfx.models import VisionTransformer, build
from tfx.ops.grids.patches import patches_backward, patches_forward

SIZE: dict[str, Any] = {"channels": 3, "d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2}
IMAGES = np.random.default_rng(0).standard_normal((2, 4, 6, 3))


def model(**settings: Any) -> VisionTransformer:
    made = VisionTransformer((4, 6), 2, 5, **{"dtype": "float64", **SIZE, **settings})
    rng = np.random.default_rng(1)
    for parameter in made.parameters().values():
        parameter.value += 0.2 * rng.standard_normal(parameter.shape)  # gains of 1 and offsets of 0 hide mistakes
    return made


def by_hand(vit: VisionTransformer, image: np.ndarray) -> np.ndarray:
    """One image, equations 1 to 4 of the paper: (height, width, K) -> (classes,)."""
    value = {name: parameter.value for name, parameter in vit.parameters().items()}

    def linear(x, name):
        return x @ value[f"{name}.w"] + value[f"{name}.b"]

    def norm(x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
        return centred / spread * value[f"{name}.gamma"] + value[f"{name}.beta"]

    squares = [image[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(-1) for i in range(2) for j in range(3)]
    z = linear(np.array(squares), "patches.linear")
    if "class_token" in value:
        z = np.concatenate([value["class_token"][None], z])
    z = z + value["positions.table"]
    for layer in range(SIZE["n_layers"]):
        block = f"stack.blocks.{layer}"
        read = norm(z, f"{block}.norm1")
        q, k, v = (linear(read, f"{block}.attention.{part}") for part in ("query", "key", "value"))
        heads = []
        for head in range(SIZE["n_heads"]):
            mine = slice(head * 4, head * 4 + 4)
            weights = np.exp(q[:, mine] @ k[:, mine].T / math.sqrt(4))
            heads.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, mine])
        z = z + linear(np.concatenate(heads, axis=1), f"{block}.attention.output")
        inner = linear(norm(z, f"{block}.norm2"), f"{block}.feed_forward.first")
        inner = np.vectorize(lambda u: u * 0.5 * (1 + math.erf(u / math.sqrt(2))))(inner)
        z = z + linear(inner, f"{block}.feed_forward.second")
    z = norm(z, "stack.norm")
    return linear(z[0] if "class_token" in value else z.mean(axis=0), "head")


@pytest.mark.parametrize("pool", ["class", "mean"])
def test_the_logits_are_the_published_formula(pool):
    vit = model(pool=pool)
    logits, _ = vit.forward(IMAGES)
    for row in range(2):
        np.testing.assert_allclose(logits[row], by_hand(vit, IMAGES[row]), rtol=1e-10, atol=1e-11)


def test_without_positions_an_image_is_a_bag_of_squares_and_with_them_it_is_not():
    squares, cache = patches_forward(IMAGES, 2)
    shuffled = patches_backward(squares[:, [3, 0, 5, 1, 4, 2]], cache)
    for positions, is_bag in (("none", True), ("learned", False), ("sinusoidal", False), ("grid", False)):
        for pool in ("class", "mean"):
            vit = model(positions=positions, pool=pool)
            difference = abs(vit.forward(shuffled)[0] - vit.forward(IMAGES)[0]).max()
            assert (difference < 1e-12) == is_bag, (positions, pool)


def test_every_pixel_is_read():
    vit = model()
    logits, cache = vit.forward(IMAGES)
    dimages = vit.backward(np.ones_like(logits), cache)
    assert dimages.shape == IMAGES.shape and dimages.all()


def test_one_image_does_not_see_another():
    vit = model()
    np.testing.assert_allclose(vit.forward(IMAGES)[0][1:], vit.forward(IMAGES[1:])[0], rtol=0, atol=1e-12)


def test_the_attention_of_the_class_token_is_a_picture_of_the_squares():
    vit = model()
    _, cache = vit.forward(IMAGES)
    for layer in (0, 1, -1):
        picture = vit.class_attention(cache, layer)
        weights = cache.blocks[layer].weights
        assert picture.shape == (2, 3, 2, 3)
        assert picture[1, 2, 1, 0] == weights[1, 2, 0, 1 + 3], "second line, first square: the fourth after the token"
        np.testing.assert_allclose(picture.sum(axis=(2, 3)), 1 - weights[:, :, 0, 0], rtol=1e-12)


def test_without_a_class_token_there_is_nothing_to_look_through():
    vit = model(pool="mean")
    assert "class_token" not in vit.parameters()
    with pytest.raises(ValueError, match='pool="mean"'):
        vit.class_attention(vit.forward(IMAGES)[1])


@pytest.mark.parametrize("pool", ["class", "mean"])
def test_a_float32_model_is_float32_everywhere(pool):
    vit = VisionTransformer((4, 6), 2, 5, pool=pool, dropout=0.1, **SIZE)
    logits, cache = vit.forward(IMAGES.astype("float32"), np.random.default_rng(0))
    dimages = vit.backward(logits, cache)
    floats = [array for array in arrays_in((logits, cache, dimages)) if array.dtype.kind == "f"]
    floats += [array for p in vit.parameters().values() for array in (p.value, p.grad)]
    assert {array.dtype.name for array in floats} == {"float32"}


def test_a_config_rebuilds_the_model_also_from_a_file():
    vit = VisionTransformer((4, 6), 2, 5, pool="mean", seed=8, **SIZE)
    again = build(json.loads(json.dumps(vit.config)))
    assert all(np.array_equal(value, again.state()[name]) for name, value in vit.state().items())
    assert np.array_equal(again.forward(IMAGES)[0], vit.forward(IMAGES)[0])


def test_the_base_model_of_the_paper_has_86_million_parameters():
    """ViT-B/16 at 224 x 224, counted part by part; the parts are those of a small model."""

    def count(height: int, width: int, patch: int, channels: int, d_model: int, d_ff: int, layers: int, classes: int):
        tokens = (height // patch) * (width // patch) + 1
        block = 4 * (d_model * d_model + d_model) + 2 * d_model * d_ff + d_ff + d_model + 4 * d_model
        embedding = patch * patch * channels * d_model + d_model + (tokens + 1) * d_model
        return embedding + layers * block + 2 * d_model + d_model * classes + classes

    assert count(4, 6, 2, 3, 12, 10, 2, 5) == model().n_parameters
    assert round(count(224, 224, 16, 3, 768, 3072, 12, 1000) / 1e6) == 87  # with the head of 1000 classes
    assert round(count(224, 224, 16, 3, 768, 3072, 12, 0) / 1e6) == 86


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: VisionTransformer((5, 6), 2, 5), "5 x 6 pixels cannot be cut"),
        (lambda: VisionTransformer((4, 6), 2, 5, pool="max"), "'max'"),
        (lambda: VisionTransformer((4, 6), 2, 5, channels=0), "channels must be at least 1, not 0"),
        (lambda: model().forward(IMAGES[..., :1]), r"\(4, 6, 3\) but these are \(4, 6, 1\)"),
        (lambda: model().forward(IMAGES.swapaxes(1, 2)), r"these are \(6, 4, 3\)"),
        (lambda: model(positions="rotary"), "'rotary'"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
