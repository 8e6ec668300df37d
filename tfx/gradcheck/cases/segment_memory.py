"""Memories of earlier segments: they count as constants, so only the segment and the parameters are checked."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import DV, B, D, F, H, Rng, S, T
from tfx.models.transformer_xl import TransformerXL
from tfx.nn.compressive_memory import CompressiveMemory
from tfx.nn.segment_memory import SegmentMemoryBlock, SegmentMemoryStack
from tfx.ops.attention.attention_reconstruction import (
    AttentionReconstructionCache,
    attention_reconstruction_backward,
    attention_reconstruction_forward,
)
from tfx.ops.basics.mean_pool import (
    MeanPoolCache,
    RepeatPlacesCache,
    mean_pool_backward,
    mean_pool_forward,
    repeat_places_backward,
    repeat_places_forward,
)
from tfx.params import Layer

WIDTH, DIRECTIONS = 6, 1


class _Reconstruction(Layer):
    """The loss of the compression maps; the stack that reads the memory stays out of the parameters."""

    def __init__(self, memory: CompressiveMemory, stack: SegmentMemoryStack) -> None:
        self.memory = memory
        self.constants = {"stack": stack.astype("float64")}

    def forward(self, reads: Any) -> tuple[Any, Any]:
        _, squeezed = self.memory.push(None, reads)
        return self.memory.reconstruction(self.constants["stack"], reads, squeezed)  # type: ignore[arg-type]

    def backward(self, dloss: Any, cache: Any) -> tuple[()]:
        self.memory.backward(dloss, cache)
        return ()


def _states(rng: Rng, length: int = T) -> Any:
    return rng.standard_normal((B, length, WIDTH))


def segment_block(rng: Rng, norm: str) -> Problem:
    layer = SegmentMemoryBlock(WIDTH, H, F, rng, norm, "gelu", dropout=0.2)
    fixed = {"memory": _states(rng, S)}
    return layer_problem(layer, rng, {"x": _states(rng)}, fixed, dropout_seed=5, directions=DIRECTIONS)


def segment_stack(rng: Rng, norm: str) -> Problem:
    layer = SegmentMemoryStack(2, WIDTH, H, F, rng, 4, norm=norm, activation="gelu")
    fixed = {"memory": (_states(rng, 4), _states(rng, 3))}
    return layer_problem(layer, rng, {"x": _states(rng)}, fixed, directions=DIRECTIONS)


def transformer_xl(rng: Rng, norm: str, tied: bool) -> Problem:
    layer = TransformerXL(8, WIDTH, H, F, 1, 4, norm, "gelu", tied, dropout=0.2)
    ids, fixed = rng.integers(8, size=(B, T)), {"memory": (_states(rng, 4),)}
    return layer_problem(layer, rng, {"ids": ids}, fixed, dropout_seed=5, directions=DIRECTIONS)


def compression(rng: Rng) -> Problem:
    """Two blocks; seven places come in, room for three: four are squeezed to two."""
    memory = CompressiveMemory(2, WIDTH, 3, 5, 2, rng)
    stack = SegmentMemoryStack(2, WIDTH, H, F, rng, 3)
    layer = _Reconstruction(memory, stack)
    return layer_problem(layer, rng, {}, {"reads": (_states(rng, S), _states(rng, S))})


def mean_pool(rng: Rng, stride: int) -> Problem:
    return Problem(mean_pool_forward, mean_pool_backward, {"x": rng.standard_normal((B, S, D))}, {"stride": stride})


def repeat_places(rng: Rng) -> Problem:
    inputs, fixed = {"x": rng.standard_normal((B, 3, D))}, {"stride": 3, "length": S}
    return Problem(repeat_places_forward, repeat_places_backward, inputs, fixed)


def reconstruction(rng: Rng) -> Problem:
    inputs = {"new_k": rng.standard_normal((B, H, 3, D)), "new_v": rng.standard_normal((B, H, 3, DV))}
    fixed = {"q": rng.standard_normal((B, H, T, D))}
    fixed |= {"old_k": rng.standard_normal((B, H, S, D)), "old_v": rng.standard_normal((B, H, S, DV))}
    return Problem(attention_reconstruction_forward, attention_reconstruction_backward, inputs, fixed)


def the_last_window_as_long_as_the_others(dy: Any, cache: MeanPoolCache) -> Any:
    return mean_pool_backward(dy, cache) * 0 + dy.repeat(cache.stride, axis=-2)[..., : cache.length, :] / cache.stride


def one_copy_of_each(dy: Any, cache: RepeatPlacesCache) -> Any:
    return dy[..., :: cache.stride, :]


def without_the_two_of_the_square(dloss: Any, cache: AttentionReconstructionCache) -> Any:
    """The 2 of the square forgotten."""
    return attention_reconstruction_backward(0.5 * dloss, cache)


CASES = (
    Case(mean_pool_backward, "stride 2, odd length", lambda rng: mean_pool(rng, 2), linear=True),
    Case(mean_pool_backward, "stride 3", lambda rng: mean_pool(rng, 3), linear=True),
    Case(repeat_places_backward, "stride 3, cut off", repeat_places, linear=True),
    Case(attention_reconstruction_backward, "three places for seven", reconstruction),
    Case(SegmentMemoryBlock, "post-LN, memory, dropout", lambda rng: segment_block(rng, "post")),
    Case(SegmentMemoryBlock, "pre-LN, memory, dropout", lambda rng: segment_block(rng, "pre")),
    Case(SegmentMemoryStack, "post-LN, memories of different lengths", lambda rng: segment_stack(rng, "post")),
    Case(SegmentMemoryStack, "pre-LN, final norm", lambda rng: segment_stack(rng, "pre")),
    Case(TransformerXL, "post-LN, tied, memory, dropout", lambda rng: transformer_xl(rng, "post", True)),
    Case(TransformerXL, "pre-LN, its own output", lambda rng: transformer_xl(rng, "pre", False)),
    Case(CompressiveMemory, "convolution, two blocks", compression),
)

CONTROLS = (
    Control(
        "mean_pool",
        "the last window as long as the others",
        the_last_window_as_long_as_the_others,
        lambda rng: mean_pool(rng, 2),
    ),
    Control("repeat_places", "only the first copy", one_copy_of_each, repeat_places),
    Control("attention_reconstruction", "the 2 of the square", without_the_two_of_the_square, reconstruction),
)
