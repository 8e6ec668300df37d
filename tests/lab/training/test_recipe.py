"""The recipe with an ingredient taken away: gradients of what is put in its place, and what still learns."""

import numpy as np
import pytest

from tfx.lab.training.recipe import (
    NO_NORM,
    NO_SKIP,
    NO_WARMUP,
    PRE,
    RECIPES,
    WHOLE,
    Same,
    learnt,
    model_of,
)
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward


@pytest.mark.parametrize("recipe", [WHOLE, NO_SKIP, NO_NORM])
def test_every_gradient_is_the_slope_of_the_loss(recipe):
    model = model_of(recipe, 7, 1)
    for parameter in model.parameters().values():
        assert parameter.value.dtype == np.float32
    ids = np.random.default_rng(0).integers(7, size=(3, 5))

    def loss():
        logits, cache = model.forward(ids)
        value, losses = cross_entropy_forward(logits.astype("float64"), ids)
        return float(value), losses, cache

    _, losses, cache = loss()
    model.backward(cross_entropy_backward(1.0, losses).astype("float32"), cache)
    rng, step = np.random.default_rng(2), 1e-3
    chosen = [model.stack.blocks[i].feed_forward for i in (0, 3)]
    for parameter in (p for layer in chosen for p in layer.parameters().values() if p.value.ndim == 2):
        way = rng.standard_normal(parameter.value.shape).astype("float32")
        way /= np.linalg.norm(way)
        kept, slope = parameter.value.copy(), 0.0
        for sign in (1, -1):
            parameter.value[...] = kept + sign * step * way
            slope += sign * loss()[0] / (2 * step)
        parameter.value[...] = kept
        assert float((parameter.grad * way).sum()) == pytest.approx(slope, rel=0.02, abs=2e-4)


def test_without_skip_paths_nothing_of_the_input_is_added():
    block = model_of(NO_SKIP, 7, 1).stack.blocks[0]
    x, f = np.random.default_rng(1).standard_normal((2, 1, 3, 16))
    kept, _ = block.residual.leave(block.norm1, x, f)
    other, cache = block.residual.leave(block.norm1, x + 5, f)
    assert (kept == other).all()
    dx, df = block.residual.leave_backward(block.norm1, np.ones_like(x) * f, cache)
    assert not dx.any() and df.any()


def test_a_model_without_norms_has_none_and_all_maps_begin_alike():
    models = {recipe: model_of(recipe, 7, 3) for recipe in RECIPES}
    assert isinstance(models[NO_NORM].stack.blocks[2].norm2, Same)
    maps = {recipe: model.stack.blocks[1].feed_forward.parameters() for recipe, model in models.items()}
    for found in maps.values():
        assert all((found[name].value == maps[WHOLE][name].value).all() for name in found)
    assert models[PRE].settings.norm_place == "pre"


def test_who_lacks_a_warm_up_stays_at_a_guess():
    assert learnt(WHOLE, (9, 0)).right > 0.75 > 0.4 > learnt(NO_WARMUP, (9, 0)).right
