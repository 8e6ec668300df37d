"""Feature maps for linear attention: they make q and k non-negative, so that phi(q) . phi(k) can serve as a weight.

    elu         elu(x) + 1 = x + 1 where x > 0, else exp(x)        smooth, and never 0 in between
    relu        max(x, 0)                                           sparse; a query without positive entry reads nothing
    softplus    log(1 + exp(x))
    identity    x                                                   for features that are ready

Derivation.  They work number by number: dx = dy * phi'(x), and for elu + 1

    phi' = 1 where x > 0, else exp(x)                               continuous at 0, where both are 1

Source: Katharopoulos et al. 2020, "Transformers are RNNs", section 3.2, equation 7 (elu); relu: Choromanski
et al. 2021, "Rethinking Attention with Performers", section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.feed_forward.activations import identity_backward, identity_forward, relu_backward, relu_forward
from tfx.ops.feed_forward.sigmoid import softplus_backward, softplus_forward


class EluPlusOneCache(NamedTuple):
    slope: Array


@in_float32
def elu_plus_one_forward(x: Array) -> tuple[Array, EluPlusOneCache]:
    """x: any shape, float -> elu(x) + 1 > 0, same shape and dtype; 1e30 gives 1e30 and does not overflow."""
    xp = xp_of(x)
    slope = xp.exp(xp.minimum(x, 0))  # 1 where x > 0
    return slope + xp.maximum(x, 0), EluPlusOneCache(slope)


@in_float32
def elu_plus_one_backward(dy: Array, cache: EluPlusOneCache) -> Array:
    """dy: shape of x -> dx."""
    return dy * cache.slope


class FeatureMap(NamedTuple):
    forward: Callable[[Array], tuple[Array, Any]]
    backward: Callable[[Array, Any], Array]


FEATURE_MAPS: dict[str, FeatureMap] = {
    "elu": FeatureMap(elu_plus_one_forward, elu_plus_one_backward),
    "relu": FeatureMap(relu_forward, relu_backward),
    "softplus": FeatureMap(softplus_forward, softplus_backward),
    "identity": FeatureMap(identity_forward, identity_backward),
}


def find_feature_map(name: str) -> FeatureMap:
    """Raises ValueError for an unknown name."""
    if name not in FEATURE_MAPS:
        raise ValueError(f"feature_map must be one of {', '.join(FEATURE_MAPS)}, not {name!r}")
    return FEATURE_MAPS[name]
