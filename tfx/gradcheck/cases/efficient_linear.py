"""Linear attention and what is built on it: causal products, feature maps, fast weights, Performer."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.efficient.causal_product import (
    CausalProductCache,
    CausalProductGrads,
    causal_product_backward,
    causal_product_forward,
)
from tfx.efficient.fast_weights import (
    FastWeightsCache,
    FastWeightsGrads,
    fast_weights_backward,
    fast_weights_forward,
)
from tfx.efficient.feature_maps import EluPlusOneCache, elu_plus_one_backward, elu_plus_one_forward
from tfx.efficient.linear_attention import (
    FeatureAttentionCache,
    LinearAttentionCache,
    feature_attention_backward,
    feature_attention_forward,
    linear_attention_backward,
    linear_attention_forward,
)
from tfx.efficient.performer import PerformerCache, performer_backward, performer_forward, random_features
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.efficient_tiled import heads
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, T, off_zero
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask


def elu_plus_one(rng: Rng) -> Problem:
    return Problem(elu_plus_one_forward, elu_plus_one_backward, {"x": 3.0 * rng.standard_normal((B, T, D))})


def causal_product(rng: Rng, chunk: int, state: bool = False) -> Problem:
    inputs = heads(rng, T, T)
    if state:
        inputs["state"] = rng.standard_normal((B, H, D, DV))
    return Problem(causal_product_forward, causal_product_backward, inputs, {"chunk": chunk})


def causal_product_with_last_state(rng: Rng) -> Problem:
    """The last state goes into a loss as well: both are one output, the state under the tokens."""

    def forward(**given: Any) -> tuple[Any, Any]:
        y, cache = causal_product_forward(**given)
        return xp_of(y).concatenate((y, cache.last_state), axis=-2), cache

    def backward(dy: Any, cache: Any) -> Any:
        return causal_product_backward(dy[..., :T, :], cache, dy[..., T:, :])

    return causal_product(rng, 2, state=True)._replace(forward=forward, backward=backward)


def fast_weights(rng: Rng, *names: str, n_decays: int = 1) -> Problem:
    inputs = heads(rng, T, T)
    further = {
        "decay": -0.3 * rng.random((B, H, T, n_decays)),
        "beta": rng.random((B, H, T, 1)),
        "state": rng.standard_normal((B, H, D, DV)),
    }
    return Problem(fast_weights_forward, fast_weights_backward, inputs | {name: further[name] for name in names})


def fast_weights_with_last_state(rng: Rng) -> Problem:
    def forward(**given: Any) -> tuple[Any, Any]:
        y, cache = fast_weights_forward(**given)
        return xp_of(y).concatenate((y, cache.last_state), axis=-2), cache

    def backward(dy: Any, cache: Any) -> Any:
        return fast_weights_backward(dy[..., :T, :], cache, dy[..., T:, :])

    return fast_weights(rng, "decay", "beta", "state", n_decays=D)._replace(forward=forward, backward=backward)


def linear_attention(rng: Rng, n_queries: int = T, n_keys: int = S, **fixed: Any) -> Problem:
    inputs = heads(rng, n_queries, n_keys)
    if fixed.get("feature_map") == "relu":
        inputs |= {"q": off_zero(inputs["q"]), "k": off_zero(inputs["k"])}
    return Problem(linear_attention_forward, linear_attention_backward, inputs, fixed)


def linear_attention_causal_padded(rng: Rng) -> Problem:
    mask = combine_masks(causal_mask(T, S, S - T), padding_mask([S, 3], S))
    return linear_attention(rng, mask=mask, causal=True, chunk=2)


def linear_attention_after_earlier_tokens(rng: Rng) -> Problem:
    state = rng.random((B, H, D, DV + 1))
    return linear_attention(rng, T, T, causal=True, chunk=3, state=state)


def feature_attention(rng: Rng, **fixed: Any) -> Problem:
    inputs = heads(rng, lead_kv=(B, 1))
    features = {"q": 0.1 + rng.random(inputs["q"].shape), "k": 0.1 + rng.random(inputs["k"].shape)}
    return Problem(feature_attention_forward, feature_attention_backward, inputs | features, fixed)


def performer(rng: Rng, lead_kv: tuple[int, ...] = (B, H), **fixed: Any) -> Problem:
    fixed = {"w": random_features(6, D, seed=1), **fixed}
    return Problem(performer_forward, performer_backward, heads(rng, lead_kv=lead_kv), fixed)


def elu_of_the_wrong_side(dy: Any, cache: EluPlusOneCache) -> Any:
    """exp(x) on both sides: the 1 of the upper side forgotten."""
    return dy * (cache.slope - (cache.slope == 1) * 0.5)


def causal_product_summed_from_the_start(dy: Any, cache: CausalProductCache) -> CausalProductGrads:
    """Keys and values gather from the queries before them: the reverse sum not reversed."""
    q, k, v, chunk = cache.q, cache.k, cache.v, cache.chunk
    grads = causal_product_backward(dy, cache)
    return grads._replace(
        dk=causal_product_forward(v, dy, q, chunk=chunk)[0], dv=causal_product_forward(k, q, dy, chunk=chunk)[0]
    )


def fast_weights_that_forget_what_was_read(dout: Any, cache: FastWeightsCache) -> FastWeightsGrads:
    """u = beta v: the correction - beta a^T k is left out on the way back."""
    grads = fast_weights_backward(dout, cache)
    without = fast_weights_backward(dout, cache._replace(beta=None, v=cache.v * cache.beta))
    return grads._replace(dk=without.dk)


def linear_attention_without_the_divisor(dout: Any, cache: LinearAttentionCache) -> Any:
    """The sum of the weights taken as a constant."""
    return linear_attention_backward(dout, cache._replace(attention=_constant_divisor(cache.attention)))


def feature_attention_without_the_divisor(dout: Any, cache: FeatureAttentionCache) -> Any:
    return feature_attention_backward(dout, _constant_divisor(cache))


def _constant_divisor(cache: FeatureAttentionCache) -> FeatureAttentionCache:
    return cache._replace(out=0 * cache.out)


def performer_without_the_length(dout: Any, cache: PerformerCache) -> Any:
    """|k|^2 / 2 in the exponent forgotten.  (That of the query is a factor of its whole row, and cancels.)"""
    return performer_backward(dout, cache._replace(key=cache.key._replace(x=0 * cache.key.x)))


_PADDED = padding_mask([S, 4], S)

CASES = (
    Case(elu_plus_one_backward, "plain", elu_plus_one),
    *(Case(causal_product_backward, f"chunk {n}", partial(causal_product, chunk=n)) for n in (1, 2, T)),
    Case(causal_product_backward, "state", lambda rng: causal_product(rng, 2, state=True)),
    Case(causal_product_backward, "last state", causal_product_with_last_state),
    Case(fast_weights_backward, "linear", fast_weights),
    Case(fast_weights_backward, "one decay", lambda rng: fast_weights(rng, "decay")),
    Case(fast_weights_backward, "decays", lambda rng: fast_weights(rng, "decay", "state", n_decays=D)),
    Case(fast_weights_backward, "delta rule", lambda rng: fast_weights(rng, "beta", "state")),
    Case(fast_weights_backward, "gated delta rule", lambda rng: fast_weights(rng, "decay", "beta", n_decays=D)),
    Case(fast_weights_backward, "last state", fast_weights_with_last_state),
    Case(linear_attention_backward, "plain", linear_attention),
    Case(linear_attention_backward, "padded, scaled", lambda rng: linear_attention(rng, mask=_PADDED, scale=0.7)),
    Case(linear_attention_backward, "causal, padded", linear_attention_causal_padded),
    Case(linear_attention_backward, "more queries than keys", lambda rng: linear_attention(rng, S, T, causal=True)),
    Case(linear_attention_backward, "after earlier tokens", linear_attention_after_earlier_tokens),
    Case(linear_attention_backward, "relu", lambda rng: linear_attention(rng, feature_map="relu")),
    Case(linear_attention_backward, "softplus", lambda rng: linear_attention(rng, feature_map="softplus")),
    Case(feature_attention_backward, "keys for all heads", feature_attention),
    Case(feature_attention_backward, "causal, padded", lambda rng: feature_attention(rng, causal=True, mask=_PADDED)),
    Case(performer_backward, "plain", performer),
    Case(performer_backward, "padded, scaled", lambda rng: performer(rng, (B, 1), mask=_PADDED, scale=0.9)),
    Case(performer_backward, "causal", lambda rng: performer(rng, causal=True, chunk=2)),
)

CONTROLS = (
    Control("elu_plus_one", "the wrong side", elu_of_the_wrong_side, elu_plus_one),
    Control("causal_product", "not reversed", causal_product_summed_from_the_start, lambda rng: causal_product(rng, 2)),
    Control(
        "fast_weights",
        "what was read is forgotten",
        fast_weights_that_forget_what_was_read,
        lambda rng: fast_weights(rng, "beta"),
    ),
    Control("linear_attention", "constant divisor", linear_attention_without_the_divisor, linear_attention),
    Control("feature_attention", "constant divisor", feature_attention_without_the_divisor, feature_attention),
    Control("performer", "length forgotten", performer_without_the_length, performer),
)
