"""Known mistakes in tfx/ops/basics/mean_pool.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.mean_pool import mean_pool, repeat_places
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.mean_pool import MeanPoolCache, RepeatPlacesCache, mean_pool_backward


def the_last_window_as_long_as_the_others(dy: Any, cache: MeanPoolCache) -> Any:
    return mean_pool_backward(dy, cache) * 0 + dy.repeat(cache.stride, axis=-2)[..., : cache.length, :] / cache.stride


def one_copy_of_each(dy: Any, cache: RepeatPlacesCache) -> Any:
    return dy[..., :: cache.stride, :]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="mean_pool",
        name="last-window-too-long",
        says="the last window as long as the others",
        why="Lengths are usually multiples of the stride, and then the mistake does not show.",
        hint="How many places are in the last window when the length is odd and the stride is 2?",
        problem=lambda rng: mean_pool(rng, 2),
        wrong_backward=the_last_window_as_long_as_the_others,
    ),
    Mistake(
        op="repeat_places",
        name="first-copy-only",
        says="only the first copy",
        why="Undoing a repetition is confused with picking one of the copies.",
        hint="A place was written several times; what happens to the gradients of the copies?",
        problem=repeat_places,
        wrong_backward=one_copy_of_each,
    ),
)
