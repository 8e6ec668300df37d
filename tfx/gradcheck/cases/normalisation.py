"""Normalisation layers: random gains and offsets, and an eps that one can see."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, some_allowed
from tfx.nn.batch_norm import BatchNorm
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.power_norm import PowerNorm
from tfx.nn.rms_norm import RMSNorm
from tfx.nn.scale_norm import ScaleNorm
from tfx.ops.norms.batch_norm import BatchNormCache, Statistics, batch_norm_backward, batch_norm_forward
from tfx.ops.norms.group_norm import GroupNormCache, group_norm_backward, group_norm_forward
from tfx.ops.norms.layer_norm import LayerNormCache, layer_norm_backward, layer_norm_forward
from tfx.ops.norms.power_norm import PowerNormCache, PowerStatistics, power_norm_backward, power_norm_forward
from tfx.ops.norms.rms_norm import RmsNormCache, rms_norm_backward, rms_norm_forward
from tfx.ops.norms.scale_norm import ScaleNormCache, scale_norm_backward, scale_norm_forward


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


def group_norm(rng: Rng, n_groups: int = 2, eps: float = 1e-5, names: tuple[str, ...] = ("gamma", "beta")) -> Problem:
    gain_and_offset = {"gamma": rng.standard_normal(6), "beta": rng.standard_normal(6)}
    inputs = {"x": rng.standard_normal((B, 6, 3, 2)) + 0.5} | {name: gain_and_offset[name] for name in names}
    return Problem(group_norm_forward, group_norm_backward, inputs, {"n_groups": n_groups, "eps": eps})


def _keep(rng: Rng) -> np.ndarray:
    """Padding of a batch of sequences, and one token of it missing in the middle."""
    keep = some_allowed(rng, (B, T))
    keep[1, -2:] = False
    return keep


def batch_norm(rng: Rng, eps: float = 1e-5, running: bool = False, padding: bool = False) -> Problem:
    statistics = Statistics(rng.standard_normal(C), 0.5 + rng.random(C)) if running else None
    fixed = {"eps": eps, "running": statistics, "keep": _keep(rng) if padding else None}
    return Problem(_batch_norm_forward, batch_norm_backward, _inputs(rng, 1.0, "gamma", "beta"), _flat(fixed))


def power_norm(rng: Rng, eps: float = 1e-5, running: bool = False, padding: bool = False) -> Problem:
    """PN-V, and PN's evaluation; in PN's training dx is not the derivative (tests/ops/norms/test_power_norm.py)."""
    statistics = PowerStatistics(0.5 + rng.random(C), None) if running else None
    fixed = {"eps": eps, "running": statistics, "keep": _keep(rng) if padding else None}
    return Problem(_power_norm_forward, power_norm_backward, _inputs(rng, 1.0, "gamma", "beta"), _flat(fixed))


def _flat(fixed: dict[str, Any]) -> dict[str, Any]:
    """Running statistics as arrays of their own, so that a test can move every array to another dtype or device."""
    running = fixed.pop("running")
    return fixed | ({} if running is None else running._asdict())


def _batch_norm_forward(x: Any, gamma: Any, beta: Any, mean: Any = None, variance: Any = None, **rest: Any) -> Any:
    return batch_norm_forward(x, gamma, beta, None if mean is None else Statistics(mean, variance), **rest)


def _power_norm_forward(x: Any, gamma: Any, beta: Any, psi2: Any = None, nu: Any = None, **rest: Any) -> Any:
    return power_norm_forward(x, gamma, beta, None if psi2 is None else PowerStatistics(psi2, nu), **rest)


def layer(rng: Rng, make: Callable[..., Any], **settings: Any) -> Problem:
    return layer_problem(make(C, eps=0.1, **settings), rng, _inputs(rng, 1.0))


def batch_layer(rng: Rng, make: Callable[..., Any], training: bool, **settings: Any) -> Problem:
    """In evaluation the running statistics are those that one step of training left behind."""
    norm = make(C, "float64", eps=0.1, **settings)
    norm.forward(3.0 + 2.0 * rng.standard_normal((B, T, C)))
    norm.update_buffers()
    norm.training = training
    return layer_problem(norm, rng, _inputs(rng, 1.0), {"keep": _keep(rng)})


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


def group_norm_gamma_outside(dy: Any, cache: GroupNormCache) -> Any:
    dx, _, _ = group_norm_backward(dy, cache._replace(gamma=None))
    _, dgamma, dbeta = group_norm_backward(dy, cache)
    gamma: Any = cache.gamma
    return dx * gamma.reshape(-1, 1, 1), dgamma, dbeta


def batch_norm_as_in_evaluation(dy: Any, cache: BatchNormCache) -> Any:
    return batch_norm_backward(dy, cache._replace(batch=None))


def batch_norm_padding_counted(dy: Any, cache: BatchNormCache) -> Any:
    """The means are divided by all tokens."""
    return batch_norm_backward(dy, cache._replace(n_tokens=B * T))


def power_norm_as_in_evaluation(dy: Any, cache: PowerNormCache) -> Any:
    return power_norm_backward(dy, cache._replace(running=PowerStatistics(cache.batch_psi2, None)))


def power_norm_also_centred(dy: Any, cache: PowerNormCache) -> Any:
    dx, dgamma, dbeta = power_norm_backward(dy, cache)
    return dx - dx.mean(axis=(0, 1)), dgamma, dbeta


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
    Case(group_norm_backward, "two groups", group_norm),
    Case(group_norm_backward, "each channel alone, large eps", partial(group_norm, n_groups=6, eps=0.7)),
    Case(group_norm_backward, "no gain, no offset", partial(group_norm, names=())),
    Case(batch_norm_backward, "training", batch_norm),
    Case(batch_norm_backward, "training, eps as large as the variance", partial(batch_norm, eps=0.9)),
    Case(batch_norm_backward, "training, padding", partial(batch_norm, padding=True)),
    Case(batch_norm_backward, "evaluation", partial(batch_norm, running=True)),
    Case(batch_norm_backward, "evaluation, padding", partial(batch_norm, running=True, padding=True)),
    Case(power_norm_backward, "PN-V", power_norm),
    Case(power_norm_backward, "PN-V, eps as large as the mean square", partial(power_norm, eps=0.9)),
    Case(power_norm_backward, "PN-V, padding", partial(power_norm, padding=True)),
    Case(power_norm_backward, "evaluation", partial(power_norm, running=True)),
    Case(BatchNorm, "training, padding", partial(batch_layer, make=BatchNorm, training=True)),
    Case(BatchNorm, "evaluation", partial(batch_layer, make=BatchNorm, training=False)),
    Case(PowerNorm, "PN-V, padding", partial(batch_layer, make=PowerNorm, training=True, batch_statistics=True)),
    Case(PowerNorm, "evaluation", partial(batch_layer, make=PowerNorm, training=False)),
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
    Control("group_norm", "gamma stands outside the means", group_norm_gamma_outside, group_norm),
    Control("batch_norm", "the statistics are taken for constants", batch_norm_as_in_evaluation, batch_norm),
    Control("batch_norm", "padding is counted", batch_norm_padding_counted, partial(batch_norm, padding=True)),
    Control("power_norm", "psi is taken for a constant", power_norm_as_in_evaluation, power_norm),
    Control("power_norm", "BatchNorm's centring", power_norm_also_centred, power_norm),
)
