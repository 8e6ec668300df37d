"""Models that read an image on grids that get coarser: Swin and the Pyramid Vision Transformer."""

import numpy as np
import pytest

from tfx.models import PyramidVisionTransformer, SwinTransformer, build

IMAGES = np.random.default_rng(0).standard_normal((3, 16, 8, 2))
SWIN = {"d_model": 4, "n_heads": (1, 2), "n_layers": (2, 1), "window": 2, "dtype": "float64"}
PYRAMID = {"widths": (4, 6), "n_heads": (1, 3), "reductions": (2, 1), "n_layers": (1, 2), "dtype": "float64"}


MODELS = (SwinTransformer((16, 8), 2, 5, 2, **SWIN), PyramidVisionTransformer((16, 8), 2, 5, 2, **PYRAMID))
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


@every_model
def test_each_image_gets_its_logits_whatever_stands_beside_it(model):
    logits, _ = model.forward(IMAGES)
    assert logits.shape == (3, 5)
    np.testing.assert_allclose(model.forward(IMAGES[1:2])[0], logits[1:2], atol=1e-13)


@every_model
def test_where_a_square_stands_matters(model):
    moved = np.roll(IMAGES, 2, axis=1)
    assert np.abs(model.forward(moved)[0] - model.forward(IMAGES)[0]).max() > 1e-3


@every_model
def test_its_configuration_builds_it_again(model):
    assert np.array_equal(build(model.config).forward(IMAGES)[0], model.forward(IMAGES)[0])


@every_model
def test_images_of_another_size_are_refused(model):
    with pytest.raises(ValueError, match=r"the model reads images of \(16, 8, 2\) but these are \(8, 16, 2\)"):
        model.forward(IMAGES.swapaxes(1, 2))


def test_in_swin_the_second_stage_is_half_as_fine_and_twice_as_wide():
    model = SwinTransformer((16, 8), 2, 5, 2, **SWIN)
    _, cache = model.forward(IMAGES)
    assert [stage[0].split.shape for stage in cache.stages.blocks] == [(3, 8, 4, 4), (3, 4, 2, 8)]
    assert [[block.shift for block in stage.blocks] for stage in model.stages] == [[0, 1], [0]]


def test_stages_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 numbers of heads do not fit 2 stages"):
        SwinTransformer((16, 8), 2, 5, 2, n_heads=(1,), n_layers=(1, 1))
    with pytest.raises(ValueError, match="cannot be cut into squares of 3 x 3"):
        SwinTransformer((16, 8), 2, 5, 2, window=3)
    with pytest.raises(ValueError, match="cannot be cut into squares of 2 x 2"):
        PyramidVisionTransformer((6, 6), 2, 5, 2, **PYRAMID)
