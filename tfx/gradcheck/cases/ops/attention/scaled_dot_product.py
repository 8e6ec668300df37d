"""Cases of tfx/ops/attention/scaled_dot_product.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, T, some_allowed
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_backward_steps, attention_forward
from tfx.ops.basics.dropout import dropout_mask


def attention(rng: Rng, n_keys: int = S, lead_kv: tuple[int, ...] = (B, H), **fixed: Any) -> Problem:
    inputs = {
        "q": rng.standard_normal((B, H, T, D)),
        "k": rng.standard_normal((*lead_kv, n_keys, D)),
        "v": rng.standard_normal((*lead_kv, n_keys, DV)),
    }
    return Problem(attention_forward, attention_backward, inputs, fixed)


def attention_random_mask(rng: Rng, blocked_row: bool = False) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    if blocked_row:
        mask[0, 1, 2] = False
        mask[1, :, 4] = False
    return attention(rng, mask=mask)


def attention_dropout(rng: Rng) -> Problem:
    return attention(rng, dropout=dropout_mask((B, H, T, S), 0.3, rng), mask=padding_mask([S, 3], S))


def attention_dweights(rng: Rng) -> Problem:
    """A loss that reads the weights as well as the output: both enter as one output, side by side."""

    def forward(q: Any, k: Any, v: Any, mask: Any) -> tuple[Any, Any]:
        out, cache = attention_forward(q, k, v, mask)
        return xp_of(q).concatenate((out, cache.weights), axis=-1), cache

    def backward(dy: Any, cache: Any) -> Any:
        return attention_backward(dy[..., :DV], cache, dy[..., DV:])

    return Problem(forward, backward, attention(rng).inputs, {"mask": some_allowed(rng, (B, H, T, S))})


def attention_with_bias(rng: Rng, shape: tuple[int, ...] = (H, T, S), **fixed: Any) -> Problem:
    problem = attention(rng, mask=some_allowed(rng, (B, H, T, S)), **fixed)

    def backward(dout: Any, cache: Any) -> Any:
        grads = attention_backward_steps(dout, cache)
        return grads.dq, grads.dk, grads.dv, grads.dbias

    bias = rng.standard_normal(shape)
    return problem._replace(backward=backward, inputs={**problem.inputs, "bias": bias})


CASES: tuple[Case, ...] = (
    Case(attention_backward, "cross", attention),
    Case(attention_backward, "self, causal", partial(attention, n_keys=T, mask=causal_mask(T))),
    Case(attention_backward, "causal after stored keys", partial(attention, mask=causal_mask(T, S, past=S - T))),
    Case(attention_backward, "padding", partial(attention, mask=padding_mask([S, 3], S))),
    Case(attention_backward, "random mask", attention_random_mask),
    Case(attention_backward, "fully blocked rows", partial(attention_random_mask, blocked_row=True)),
    Case(attention_backward, "scale 1.7", partial(attention, scale=1.7)),
    Case(attention_backward, "dropout", attention_dropout),
    Case(attention_backward, "keys shared by heads and batch", partial(attention, lead_kv=(1, 1))),
    Case(attention_backward, "keys without leading axes", partial(attention, lead_kv=())),
    Case(attention_backward, "loss on the weights too", attention_dweights),
    Case(attention_backward, "bias for each head", attention_with_bias),
    Case(attention_backward, "one bias row for all", partial(attention_with_bias, shape=(1, S))),
    Case(attention_backward, "bias and soft cap", partial(attention_with_bias, soft_cap=0.9)),
)
