"""Known mistakes in tfx/ops/basics/mean_pool.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.mean_pool import mean_pool, repeat_places
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.mean_pool import MeanPoolCache, RepeatPlacesCache


@wrong_backward(mean_pool, stride=2)
def last_window_too_long(dy: Any, cache: MeanPoolCache) -> Any:
    """The last window as long as the others.

    Why: Lengths are usually multiples of the stride, and then the mistake does not show.
    Hint: How many places are in the last window when the length is odd and the stride is 2?
    """
    return dy.repeat(cache.stride, axis=-2)[..., : cache.length, :] / cache.stride


@wrong_backward(repeat_places)
def first_copy_only(dy: Any, cache: RepeatPlacesCache) -> Any:
    """Only the first copy.

    Why: Every copy holds the same number, so one of them seems to say all that there is to say.
    Hint: A place was written several times; what happens to the gradients of the copies?
    """
    return dy[..., :: cache.stride, :]
