"""Normalisation layers: random gains and offsets, and an eps that one can see."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.rms_norm import RMSNorm
from tfx.nn.scale_norm import ScaleNorm
from tfx.ops.layer_norm import LayerNormCache, layer_norm_backward, layer_norm_forward
from tfx.ops.rms_norm import RmsNormCache, rms_norm_backward, rms_norm_forward
from tfx.ops.scale_norm import ScaleNormCache, scale_norm_backward, scale_norm_forward


def _inputs(rng: Rng, scale: float, *names: str) -> dict[str, Any]:
    """x and those of gamma and beta that are named."""
    gain_and_offset = {"gamma": 1.0 + 0.5 * rng.standard_normal(C), "beta": rng.standard_normal(C)}
    x = scale * rng.standard_normal((B, T, C)) + 0.5
    return {"x": x} | {name: gain_and_offset[name] for name in names}


def layer_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0, names: tuple[str, ...] = ("gamma", "beta")) -> Problem:
    return Problem(layer_norm_forward, layer_norm_backward, _inputs(rng, scale, *names), {"eps": eps})


def rms_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0, names: tuple[str, ...] = ("gamma",)) -> Problem:
    return Problem(rms_norm_forward, rms_norm_backward, _inputs(rng, scale, *names), {"eps": eps})


def scale_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0) -> Problem:
    inputs = _inputs(rng, scale) | {"g": np.array(1.0 + rng.random())}
    return Problem(scale_norm_forward, scale_norm_backward, inputs, {"eps": eps})


def layer(rng: Rng, make: Callable[..., Any], **settings: Any) -> Problem:
    return layer_problem(make(C, eps=0.1, **settings), rng, _inputs(rng, 1.0))


def layer_norm_gamma_outside(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache[:3]
    centred = dy - dy.mean(axis=-1, keepdims=True) - xhat * (dy * xhat).mean(axis=-1, keepdims=True)
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return gamma * inv_std * centred, dgamma, dbeta


def layer_norm_mean_is_constant(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache[:3]
    g = dy * gamma
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return inv_std * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True)), dgamma, dbeta


def layer_norm_eps_forgotten(dy: Any, cache: LayerNormCache) -> Any:
    """xhat is taken to have variance 1, which is only true for eps = 0."""
    variance = (cache.xhat * cache.xhat).mean(axis=-1, keepdims=True)
    return layer_norm_backward(dy, cache._replace(xhat=cache.xhat / np.sqrt(variance)))


def rms_norm_rms_is_constant(dy: Any, cache: RmsNormCache) -> Any:
    return dy * cache.gamma * cache.inv_rms, rms_norm_backward(dy, cache)[1]


def rms_norm_also_centred(dy: Any, cache: RmsNormCache) -> Any:
    """LayerNorm's backward, copied and not changed."""
    dx, dgamma, _ = layer_norm_backward(dy, LayerNormCache(cache.xhat, cache.inv_rms, cache.gamma, False, dy))
    return dx, dgamma


def scale_norm_length_is_constant(dy: Any, cache: ScaleNormCache) -> Any:
    _, dg = scale_norm_backward(dy, cache)
    return dy * cache.g * cache.rms.inv_rms / np.sqrt(C), dg


def scale_norm_one_length_for_each_token(dy: Any, cache: ScaleNormCache) -> Any:
    dx, _ = scale_norm_backward(dy, cache)
    return dx, (dy * cache.unit).sum(axis=-1).mean()


CASES: tuple[Case, ...] = (
    Case(layer_norm_backward, "random gain and offset", layer_norm),
    Case(layer_norm_backward, "eps as large as the variance", partial(layer_norm, eps=0.7)),
    Case(layer_norm_backward, "inputs 50 times larger", partial(layer_norm, scale=50.0)),
    Case(layer_norm_backward, "no offset", partial(layer_norm, names=("gamma",))),
    Case(layer_norm_backward, "no gain, no offset", partial(layer_norm, names=())),
    Case(rms_norm_backward, "random gain", rms_norm),
    Case(rms_norm_backward, "eps as large as the mean square", partial(rms_norm, eps=0.9)),
    Case(rms_norm_backward, "inputs 50 times larger", partial(rms_norm, scale=50.0)),
    Case(rms_norm_backward, "no gain", partial(rms_norm, names=())),
    Case(scale_norm_backward, "random length", scale_norm),
    Case(scale_norm_backward, "eps as large as the squared length", partial(scale_norm, eps=8.0)),
    Case(LayerNorm, "no offset", partial(layer, make=LayerNorm, bias=False)),
    Case(RMSNorm, "random gain", partial(layer, make=RMSNorm)),
    Case(ScaleNorm, "random length", partial(layer, make=ScaleNorm)),
)

CONTROLS: tuple[Control, ...] = (
    Control("layer_norm", "gamma stands outside the means", layer_norm_gamma_outside, layer_norm),
    Control("layer_norm", "the mean is taken for a constant", layer_norm_mean_is_constant, layer_norm),
    Control("layer_norm", "eps = 1e-5 is forgotten", layer_norm_eps_forgotten, layer_norm),
    Control("rms_norm", "the root mean square is taken for a constant", rms_norm_rms_is_constant, rms_norm),
    Control("rms_norm", "LayerNorm's backward", rms_norm_also_centred, rms_norm),
    Control("scale_norm", "the length is taken for a constant", scale_norm_length_is_constant, scale_norm),
    Control("scale_norm", "dg is a mean over the tokens", scale_norm_one_length_for_each_token, scale_norm),
)
