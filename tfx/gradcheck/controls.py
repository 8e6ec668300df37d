"""Controls: backwards with a known mistake, each a classic.  The checker has to fail every one of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfx.gradcheck import op_cases
from tfx.gradcheck.case import Problem
from tfx.ops.activations import ACTIVATIONS, GeluCache, GeluTanhCache, ReluCache
from tfx.ops.additive_attention import AdditiveScoresCache, AdditiveScoresGrads, additive_scores_backward
from tfx.ops.attention import AttentionCache, attention_backward, attention_backward_steps
from tfx.ops.cross_entropy import CrossEntropyCache, cross_entropy_backward
from tfx.ops.dropout import DropoutCache
from tfx.ops.embedding import EmbeddingCache, TiedLogitsCache, tied_logits_backward
from tfx.ops.feed_forward import FeedForwardCache, FeedForwardGrads
from tfx.ops.layer_norm import LayerNormCache, layer_norm_backward
from tfx.ops.linear import LinearCache, linear_backward
from tfx.ops.masks import causal_mask
from tfx.ops.multi_head import MultiHeadCache, MultiHeadGrads, multi_head_attention_backward, split_heads
from tfx.ops.pointing import PointingCache, pointing_backward
from tfx.ops.positions import PositionsCache, add_positions_backward
from tfx.ops.rnn import RnnCache, RnnGrads, rnn_backward
from tfx.ops.softmax import SoftmaxCache, softmax_backward

Rng = np.random.Generator


class Control(NamedTuple):
    op: str
    mistake: str
    wrong: Callable[[Any, Any], Any]
    problem: Callable[[Rng], Problem]

    def build(self, rng: Rng) -> Problem:
        return self.problem(rng)._replace(backward=self.wrong)


def broken(op: str) -> Callable[[Any, Any], Any]:
    """A backward of `op` with a known mistake.  Raises KeyError when there is none for this op."""
    for control in CONTROLS:
        if control.op == op:
            return control.wrong
    raise KeyError(f"no broken backward of {op}")


def softmax_without_inner_sum(dy: Any, cache: SoftmaxCache) -> Any:
    return cache.y * dy


def softmax_sign_flipped(dy: Any, cache: SoftmaxCache) -> Any:
    return cache.y * (dy + (dy * cache.y).sum(axis=cache.axis, keepdims=True))


def softmax_over_the_wrong_axis(dy: Any, cache: SoftmaxCache) -> Any:
    return softmax_backward(dy, SoftmaxCache(cache.y, 1))


def linear_bias_averaged(dy: Any, cache: LinearCache) -> Any:
    dx, dw, _ = linear_backward(dy, cache)
    return dx, dw, dy.reshape(-1, dy.shape[-1]).mean(axis=0)


def linear_weight_transposed(dy: Any, cache: LinearCache) -> Any:
    dx, dw, db = linear_backward(dy, cache)
    return dx, dw.T, db


def attention_without_scale(dout: Any, cache: AttentionCache) -> Any:
    dq, dk, dv = attention_backward(dout, cache)
    return dq / cache.scale, dk / cache.scale, dv


def attention_keys_not_transposed(dout: Any, cache: AttentionCache) -> Any:
    steps = attention_backward_steps(dout, cache)
    return steps.dq, steps.ds @ cache.q * cache.scale, steps.dv


def attention_values_ignore_dropout(dout: Any, cache: AttentionCache) -> Any:
    dq, dk, _ = attention_backward(dout, cache)
    return dq, dk, cache.weights.swapaxes(-1, -2) @ dout


def attention_softmax_left_out(dout: Any, cache: AttentionCache) -> Any:
    steps = attention_backward_steps(dout, cache)
    return steps.dp @ cache.k * cache.scale, steps.dp.swapaxes(-1, -2) @ cache.q * cache.scale, steps.dv


def multi_head_merged_without_swapping(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    heads = cache.attention.q
    dmerged, _, _ = linear_backward(dy, cache.output)
    dq, _, _ = attention_backward(split_heads(dmerged, heads.shape[-3]), cache.attention)
    dx_q, dw_q, db_q = linear_backward(dq.reshape(cache.query.x.shape), cache.query)
    return right._replace(dx_q=dx_q, dw_q=dw_q, db_q=db_q)


def multi_head_keys_forgotten(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    dkeys = multi_head_attention_backward(dy, cache._replace(value=cache.value._replace(w=0 * cache.value.w))).dx_kv
    return right._replace(dx_kv=right.dx_kv - dkeys)


def positions_averaged(dy: Any, cache: PositionsCache) -> Any:
    dx, dtable = add_positions_backward(dy, cache)
    return dx, dtable / len(dy)


def positions_from_the_top(dy: Any, cache: PositionsCache) -> Any:
    return add_positions_backward(dy, cache._replace(start=0))


def layer_norm_gamma_outside(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache
    centred = dy - dy.mean(axis=-1, keepdims=True) - xhat * (dy * xhat).mean(axis=-1, keepdims=True)
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return gamma * inv_std * centred, dgamma, dbeta


def layer_norm_mean_is_constant(dy: Any, cache: LayerNormCache) -> Any:
    xhat, inv_std, gamma = cache
    g = dy * gamma
    _, dgamma, dbeta = layer_norm_backward(dy, cache)
    return inv_std * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True)), dgamma, dbeta


def layer_norm_eps_forgotten(dy: Any, cache: LayerNormCache) -> Any:
    """xhat is taken to have variance 1, which is only true for eps = 0."""
    variance = (cache.xhat * cache.xhat).mean(axis=-1, keepdims=True)
    return layer_norm_backward(dy, cache._replace(xhat=cache.xhat / np.sqrt(variance)))


def relu_always_on(dy: Any, cache: ReluCache) -> Any:
    return dy


def gelu_without_density(dy: Any, cache: GeluCache) -> Any:
    return dy * cache.cdf


def gelu_with_tanh_derivative(dy: Any, cache: GeluCache) -> Any:
    forward, backward = ACTIVATIONS["gelu_tanh"]
    return backward(dy, forward(cache.x)[1])


def gelu_tanh_cubic_factor_forgotten(dy: Any, cache: GeluTanhCache) -> Any:
    x, t = cache.x, cache.t
    du = math.sqrt(2 / math.pi) * (1 + 0.044715 * x * x)
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du)


def feed_forward_activation_skipped(dy: Any, cache: FeedForwardCache) -> FeedForwardGrads:
    dhidden, dw2, db2 = linear_backward(dy, cache.second)
    dx, dw1, db1 = linear_backward(dhidden, cache.first)
    return FeedForwardGrads(dx, dw1, db1, dw2, db2)


def dropout_not_rescaled(dy: Any, cache: DropoutCache) -> Any:
    return dy * (np.asarray(cache.multiplier) > 0)


def embedding_overwrites(dy: Any, cache: EmbeddingCache) -> Any:
    dtable = np.zeros_like(cache.table)
    dtable[cache.ids] = dy
    return dtable


def tied_logits_last_sequence_only(dlogits: Any, cache: TiedLogitsCache) -> Any:
    dx, _ = tied_logits_backward(dlogits, cache)
    return dx, dlogits[-1].T @ cache.x[-1]


def cross_entropy_summed(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache) * cache.n_kept


def cross_entropy_smoothing_forgotten(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(smoothing=0.0))


def cross_entropy_smoothing_skips_target(dloss: Any, cache: CrossEntropyCache) -> Any:
    """s / (V - 1) on the other classes instead of s / V on all."""
    n_classes = cache.log_probs.shape[-1]
    return cross_entropy_backward(dloss, cache._replace(smoothing=cache.smoothing * n_classes / (n_classes - 1)))


def cross_entropy_keep_ignored(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(keep=None))


def pointing_without_mean(dloss: Any, cache: PointingCache) -> Any:
    return pointing_backward(dloss, cache) * len(cache.weights)


def additive_scores_tanh_not_undone(dscores: Any, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    right = additive_scores_backward(dscores, cache)
    dz = dscores[..., None] * cache.v
    return right._replace(db=dz.reshape(-1, dz.shape[-1]).sum(axis=0))


def rnn_without_time(dh: Any, cache: RnnCache) -> RnnGrads:
    """Every step is taken for the last: nothing flows back from the future."""
    return rnn_backward(dh, cache._replace(w_h=np.zeros_like(cache.w_h)))


def _activation_problem(name: str) -> Callable[[Rng], Problem]:
    forward, backward = ACTIVATIONS[name]
    return partial(op_cases.activation, forward=forward, backward=backward)


_CAUSAL = partial(op_cases.attention, n_keys=op_cases.T, mask=causal_mask(op_cases.T))

CONTROLS: tuple[Control, ...] = (
    Control("softmax", "the inner sum is missing", softmax_without_inner_sum, op_cases.softmax),
    Control("softmax", "the inner sum has the wrong sign", softmax_sign_flipped, op_cases.softmax),
    Control("softmax", "the sum runs over another axis", softmax_over_the_wrong_axis, op_cases.softmax),
    Control("linear", "db is a mean instead of a sum", linear_bias_averaged, op_cases.linear),
    Control("linear", "dW is transposed", linear_weight_transposed, op_cases.linear),
    Control("attention", "the scale is left out of dQ and dK", attention_without_scale, op_cases.attention),
    Control("attention", "dK = dS Q instead of dS^T Q", attention_keys_not_transposed, _CAUSAL),
    Control(
        "attention", "dV uses the weights before dropout", attention_values_ignore_dropout, op_cases.attention_dropout
    ),
    Control("attention", "the softmax is not undone", attention_softmax_left_out, op_cases.attention),
    Control(
        "multi_head_attention",
        "heads are merged without swapping the axes back",
        multi_head_merged_without_swapping,
        op_cases.multi_head,
    ),
    Control("multi_head_attention", "the keys' share of dx_kv is lost", multi_head_keys_forgotten, op_cases.multi_head),
    Control(
        "additive_scores", "db is taken behind the tanh", additive_scores_tanh_not_undone, op_cases.additive_scores
    ),
    Control("rnn", "nothing flows back through time", rnn_without_time, op_cases.rnn),
    Control("add_positions", "the table gradient is a mean", positions_averaged, op_cases.add_positions),
    Control("add_positions", "the start is ignored", positions_from_the_top, partial(op_cases.add_positions, start=2)),
    Control("layer_norm", "gamma stands outside the means", layer_norm_gamma_outside, op_cases.layer_norm),
    Control("layer_norm", "the mean is taken for a constant", layer_norm_mean_is_constant, op_cases.layer_norm),
    Control("layer_norm", "eps = 1e-5 is forgotten", layer_norm_eps_forgotten, op_cases.layer_norm),
    Control("relu", "negative inputs get a gradient", relu_always_on, _activation_problem("relu")),
    Control("gelu", "x phi(x) is missing", gelu_without_density, _activation_problem("gelu")),
    Control("gelu", "the derivative of the tanh form", gelu_with_tanh_derivative, _activation_problem("gelu")),
    Control(
        "gelu_tanh",
        "the 3 of the cubic term is lost",
        gelu_tanh_cubic_factor_forgotten,
        _activation_problem("gelu_tanh"),
    ),
    Control(
        "feed_forward",
        "the activation is not undone",
        feed_forward_activation_skipped,
        partial(op_cases.feed_forward, name="gelu"),
    ),
    Control("dropout", "kept numbers are not scaled", dropout_not_rescaled, op_cases.dropout),
    Control("embedding", "a repeated id overwrites", embedding_overwrites, partial(op_cases.embedding, repeated=True)),
    Control("tied_logits", "only the last sequence counts", tied_logits_last_sequence_only, op_cases.tied_logits),
    Control("cross_entropy", "the mean is not divided by n", cross_entropy_summed, op_cases.cross_entropy),
    Control(
        "cross_entropy",
        "smoothing is forgotten",
        cross_entropy_smoothing_forgotten,
        partial(op_cases.cross_entropy, smoothing=0.1),
    ),
    Control(
        "cross_entropy",
        "smoothing spreads over V - 1 classes",
        cross_entropy_smoothing_skips_target,
        partial(op_cases.cross_entropy, smoothing=0.1),
    ),
    Control("cross_entropy", "keep is ignored", cross_entropy_keep_ignored, partial(op_cases.cross_entropy, kept=6)),
    Control("pointing", "the mean over examples is forgotten", pointing_without_mean, op_cases.pointing),
)
