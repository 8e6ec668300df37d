"""Every norm behind one face."""

import numpy as np
import pytest

from tfx.nn.normalisation import NORMS, make_norm

X = np.random.default_rng(0).standard_normal((2, 5, 8))


@pytest.mark.parametrize("kind", NORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_norm_has_the_same_face(kind, dtype):
    norm = make_norm(kind, 8, dtype)
    y, cache = norm.forward(X.astype(dtype))
    dx = norm.backward(y, cache)
    assert y.shape == dx.shape == X.shape and y.dtype == dx.dtype == dtype
    assert all(parameter.value.dtype == dtype for parameter in norm.parameters().values())


def test_only_layer_norm_has_an_offset_to_leave_out():
    assert list(make_norm("layer_norm", 8).parameters()) == ["gamma", "beta"]
    assert list(make_norm("layer_norm", 8, bias=False).parameters()) == ["gamma"]
    assert list(make_norm("rms_norm", 8).parameters()) == ["gamma"]
    assert list(make_norm("scale_norm", 8).parameters()) == ["g"]


def test_the_eps_arrives():
    for kind in NORMS:
        assert not np.allclose(make_norm(kind, 8, eps=1.0).forward(X)[0], make_norm(kind, 8).forward(X)[0])


def test_an_unknown_norm_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r'one of layer_norm, rms_norm, scale_norm.*, not "group"'):
        make_norm("group", 8)
