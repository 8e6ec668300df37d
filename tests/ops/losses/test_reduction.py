"""From many losses to one."""

import numpy as np
import pytest

from tfx.ops.losses.reduction import reduction_backward, reduction_forward

LOSSES = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 6.0]])


@pytest.mark.parametrize(
    ("reduction", "count", "loss", "each"),
    [("mean", None, 2, 1 / 6), ("mean", 4, 3, 1 / 4), ("mean", np.array(2.5), 4.8, 0.4), ("sum", None, 12, 1)],
)
def test_every_loss_has_its_share(reduction, count, loss, each):
    y, cache = reduction_forward(LOSSES, reduction, count)
    assert y == pytest.approx(loss, rel=1e-15)
    np.testing.assert_allclose(reduction_backward(3.0, cache), np.full((2, 3), 3 * each), rtol=1e-15)


def test_none_leaves_the_losses_and_their_gradients_as_they_are():
    y, cache = reduction_forward(LOSSES, "none")
    assert y is LOSSES
    assert np.array_equal(reduction_backward(2 * LOSSES, cache), 2 * LOSSES)


@pytest.mark.parametrize("count", [0, np.array(0), np.array(0.0)])
def test_a_mean_over_nothing_is_zero(count):
    y, cache = reduction_forward(np.zeros((2, 3)), "mean", count)
    assert y == 0 and np.isfinite(reduction_backward(1.0, cache)).all()
    assert reduction_forward(np.zeros((0, 3)))[0] == 0


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("count", [None, 4, np.array(4)])
def test_float32_stays_float32(reduction, count):
    y, cache = reduction_forward(LOSSES.astype("float32"), reduction, count)
    assert y.dtype == reduction_backward(1.0 if y.ndim == 0 else y, cache).dtype == "float32"


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_what_is_not_kept_is_neither_summed_nor_counted_and_gets_no_gradient(reduction):
    losses = np.array([[1.0, np.nan, 3.0]])
    keep = np.array([[True, False, True]])
    y, cache = reduction_forward(losses, reduction, keep=keep)
    each = {"mean": 0.5, "sum": 1.0, "none": 1.0}[reduction]
    assert np.array_equal(y, {"mean": 2.0, "sum": 4.0, "none": [[1.0, 0.0, 3.0]]}[reduction])
    assert np.array_equal(reduction_backward(1.0 if y.ndim == 0 else np.ones_like(y), cache), [[each, 0.0, each]])
    with pytest.raises(TypeError, match="keep must be boolean"):
        reduction_forward(losses, reduction, keep=keep.astype(float))
