"""Known mistakes in tfx/efficient/linear_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.linear_attention import (
    FeatureAttentionCache,
    LinearAttentionCache,
    feature_attention_backward,
    linear_attention_backward,
)
from tfx.gradcheck.cases.efficient.linear_attention import feature_attention, linear_attention
from tfx.gradcheck.mistake import Mistake


def linear_attention_without_the_divisor(dout: Any, cache: LinearAttentionCache) -> Any:
    """The sum of the weights taken as a constant."""
    return linear_attention_backward(dout, cache._replace(attention=_constant_divisor(cache.attention)))


def feature_attention_without_the_divisor(dout: Any, cache: FeatureAttentionCache) -> Any:
    return feature_attention_backward(dout, _constant_divisor(cache))


def _constant_divisor(cache: FeatureAttentionCache) -> FeatureAttentionCache:
    return cache._replace(out=0 * cache.out)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="linear_attention",
        name="divisor-is-constant",
        says="constant divisor",
        why="The numerator is a plain product, and the normaliser is seen as a mere scale.",
        hint="Does the sum of the weights of a row change when one of its keys changes?",
        problem=linear_attention,
        wrong_backward=linear_attention_without_the_divisor,
    ),
    Mistake(
        op="feature_attention",
        name="divisor-is-constant",
        says="constant divisor",
        why="A quotient is differentiated as if only its numerator depended on the features.",
        hint="Write the output as a quotient and name everything in the denominator that depends on q and k.",
        problem=feature_attention,
        wrong_backward=feature_attention_without_the_divisor,
    ),
)
