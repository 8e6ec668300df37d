"""What people write in the place of LoRA."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.adaptation.lora.exercises.lora import exercise


def made(x: Any, w: Any, a: Any, b: Any, bias: Any, scale: float) -> Any:
    y = x @ w + scale * (x @ a) @ b
    return y if bias is None else y + bias, w + scale * a @ b


@exercise.mistake
def scale_missing(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The update is not scaled.

    Why: w + a b is the formula in one's head.
    Hint: Call it with alpha=16 and alpha=1. Is y the same?
    """
    return made(x, w, a, b, bias, 1.0)


@exercise.mistake
def alpha_itself(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The scale is alpha, not alpha / R.

    Why: alpha is taken for the scale.
    Hint: What keeps the update of one size when R is doubled?
    """
    return made(x, w, a, b, bias, alpha)


@exercise.mistake
def root_of_the_rank(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The scale is alpha / sqrt(R).

    Why: A later paper (rank-stabilised LoRA) takes the root.
    Hint: Which scale does the rule ask for?
    """
    return made(x, w, a, b, bias, alpha / np.sqrt(a.shape[-1]))


@exercise.mistake
def one_over_the_rank(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """alpha is not used: the scale is 1 / R.

    Why: It is 1 unless told.
    Hint: Call it with alpha=16.
    """
    return made(x, w, a, b, bias, 1.0 / a.shape[-1])


@exercise.mistake
def rank_over_alpha(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The scale is R / alpha.

    Why: The quotient is turned around.
    Hint: A larger alpha: is the update larger or smaller?
    """
    return made(x, w, a, b, bias, a.shape[-1] / alpha)


@exercise.mistake
def width_for_rank(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """alpha is divided by I, the width of x.

    Why: a.shape[0] is read for the rank.
    Hint: Which axis of a is the thin one?
    """
    return made(x, w, a, b, bias, alpha / a.shape[0])


@exercise.mistake
def scale_twice(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The update is scaled twice.

    Why: Once behind a and once behind b.
    Hint: How often does alpha / R stand in the formula?
    """
    return made(x, w, a, b, bias, (alpha / a.shape[-1]) ** 2)


@exercise.mistake
def everything_scaled(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The frozen part is scaled as well.

    Why: A bracket too many.
    Hint: b is 0. Is y then x w + bias?
    """
    scale = alpha / a.shape[-1]
    merged = scale * (w + a @ b)
    return x @ merged + (0 if bias is None else bias), merged


@exercise.mistake
def bias_left_out(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The bias is not added.

    Why: It is None in the first tests.
    Hint: Call it with a bias.
    """
    return made(x, w, a, b, None, alpha / a.shape[-1])


@exercise.mistake
def bias_twice(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The bias is added twice.

    Why: Both maps are written as linear layers, each with the bias.
    Hint: x is 0. What is y?
    """
    return made(x, w, a, b, None if bias is None else 2 * bias, alpha / a.shape[-1])


@exercise.mistake
def bias_scaled(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The bias is scaled with the update.

    Why: It is added before the factor.
    Hint: x is 0. What is y?
    """
    scale = alpha / a.shape[-1]
    return made(x, w, a, b, None if bias is None else scale * bias, scale)


@exercise.mistake
def frozen_part_left_out(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """y is the update alone.

    Why: The update is written as a layer of its own and not added.
    Hint: b is 0. Is y then x w + bias?
    """
    y, merged = made(x, w, a, b, bias, alpha / a.shape[-1])
    return y - x @ w, merged


@exercise.mistake
def update_alone_merged(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """merged is the update alone.

    Why: What is to be added to w comes back.
    Hint: Multiply x by it. Is that y?
    """
    y, merged = made(x, w, a, b, bias, alpha / a.shape[-1])
    return y, merged - w


@exercise.mistake
def merged_without_scale(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The merged matrix has the update unscaled.

    Why: The scale stands in the line of y alone.
    Hint: Multiply x by it. Is that y?
    """
    return made(x, w, a, b, bias, alpha / a.shape[-1])[0], w + a @ b


@exercise.mistake
def transposed(x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0, bias: Any = None) -> Any:
    """The matrices are used the other way around, x w^T.

    Why: PyTorch keeps its matrices so.
    Hint: Which axis of w has the width of x by the rule?
    """
    scale = alpha / a.shape[-1]
    merged = w + scale * a @ b
    return x @ merged.T + (0 if bias is None else bias), merged
