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
from tfx.gradcheck.mistake import wrong_backward


def _constant_divisor(cache: FeatureAttentionCache) -> FeatureAttentionCache:
    return cache._replace(out=0 * cache.out)


@wrong_backward(linear_attention)
def divisor_is_constant(dout: Any, cache: LinearAttentionCache) -> Any:
    """Constant divisor.

    The sum of the weights taken as a constant.

    Why: The numerator is the new idea, a plain product, and the divisor below it looks like a mere scale.
    Hint: Does the sum of the weights of a row change when one of its keys changes?
    """
    return linear_attention_backward(dout, cache._replace(attention=_constant_divisor(cache.attention)))


@wrong_backward(feature_attention)
def feature_attention_divisor_is_constant(dout: Any, cache: FeatureAttentionCache) -> Any:
    """Constant divisor.

    Why: A quotient is differentiated as if only its numerator depended on the features.
    Hint: Write the output as a quotient and name everything in the denominator that depends on q and k.
    """
    return feature_attention_backward(dout, _constant_divisor(cache))
