"""Layers of attention that see distances."""

import math

import numpy as np
import pytest

from tfx.nn.relative_attention import RelativeAttention, RelativeKeysValuesAttention

B, T, C, H = 2, 6, 8, 2
D = C // H
X = np.random.default_rng(0).standard_normal((B, T, C))


def rng():
    return np.random.default_rng(1)


def loud(layer):
    """First values of u and w are small; larger ones show mistakes."""
    for name, parameter in layer.parameters().items():
        parameter.value = np.random.default_rng(len(name)).standard_normal(parameter.shape) * 0.5
    return layer


def softmax(scores):
    e = np.exp(scores - scores.max())
    return e / e.sum()


@pytest.mark.parametrize("causal", [True, False])
def test_relative_attention_is_the_formula_of_the_paper(causal):
    layer = loud(RelativeAttention(C, H, rng(), causal, dtype="float64"))
    memory = np.random.default_rng(3).standard_normal((B, 2, C))
    y, _ = layer.forward(X, memory)
    p = {name: parameter.value for name, parameter in layer.parameters().items()}
    source = np.concatenate((memory, X), axis=1)
    speeds = 10000.0 ** (-np.arange(0, C, 2) / C)
    for b in range(B):
        for i in range(T):
            heads = []
            for h in range(H):
                own = slice(h * D, (h + 1) * D)
                q, keys = X[b, i] @ p["query.w"][:, own], source[b] @ p["key.w"][:, own]
                scores = np.full(T + 2, -math.inf)
                for j in range(2 + i + 1 if causal else T + 2):
                    angle = (2 + i - j) * speeds
                    sinusoid = np.stack((np.sin(angle), np.cos(angle)), axis=-1).reshape(-1)
                    r = sinusoid @ p["position.w"][:, own]
                    scores[j] = ((q + p["u"][h]) @ keys[j] + (q + p["w"][h]) @ r) / math.sqrt(D)
                heads.append(softmax(scores) @ (source[b] @ p["value.w"][:, own]))
            np.testing.assert_allclose(y[b, i], np.concatenate(heads) @ p["output.w"], atol=1e-12)


def test_reading_in_segments_with_memory_equals_reading_at_once():
    """One layer, whose memory is its input: nothing is lost between segments."""
    layer = loud(RelativeAttention(C, H, rng(), dtype="float64"))
    whole, _ = layer.forward(X)
    for cut in range(1, T):
        first, _ = layer.forward(X[:, :cut])
        second, _ = layer.forward(X[:, cut:], memory=X[:, :cut])
        np.testing.assert_allclose(np.concatenate((first, second), axis=1), whole, atol=1e-12)


def test_the_memory_has_the_gradient_that_it_has_in_one_piece():
    layer = loud(RelativeAttention(C, H, rng(), dtype="float64"))
    dy = np.random.default_rng(4).standard_normal((B, 4, C))
    _, cache = layer.forward(X[:, 2:], memory=X[:, :2])
    grads = layer.backward(dy, cache)
    _, whole = layer.forward(X)
    dx = layer.backward(np.concatenate((np.zeros((B, 2, C)), dy), axis=1), whole).dx
    np.testing.assert_allclose(grads.dmemory, dx[:, :2], atol=1e-12)
    np.testing.assert_allclose(grads.dx, dx[:, 2:], atol=1e-12)


@pytest.mark.parametrize(
    "build",
    [
        lambda: RelativeAttention(C, H, rng(), causal=True, dtype="float64"),
        lambda: RelativeAttention(C, H, rng(), causal=False, dtype="float64"),
        lambda: RelativeKeysValuesAttention(C, H, 2, rng(), dtype="float64"),
    ],
)
def test_order_matters_because_of_the_positions_alone(build):
    """Another order of the tokens is not just another order of the outputs, as it is without positions."""
    layer, order = build(), np.array([2, 0, 1, 5, 3, 4])
    y, shuffled = layer.forward(X)[0], layer.forward(X[:, order])[0]
    assert not np.allclose(shuffled, y[:, order], atol=1e-4)


def test_relative_keys_and_values_are_added_in_every_head():
    layer = loud(RelativeKeysValuesAttention(C, H, 2, rng(), dtype="float64"))
    y, _ = layer.forward(X)
    p = {name: parameter.value for name, parameter in layer.parameters().items()}
    q, k, v = (X[0] @ p[f"{name}.w"] for name in ("query", "key", "value"))
    for i in range(T):
        rows = np.clip(np.arange(T) - i, -2, 2) + 2
        heads = []
        for h in range(H):
            own = slice(h * D, (h + 1) * D)
            weights = softmax((k[:, own] + p["a_k"][rows]) @ q[i, own] / math.sqrt(D))
            heads.append(weights @ (v[:, own] + p["a_v"][rows]))
        np.testing.assert_allclose(y[0, i], np.concatenate(heads) @ p["output.w"], atol=1e-12)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="width 8 cannot be split into 3 heads"):
        RelativeAttention(C, 3, rng())
