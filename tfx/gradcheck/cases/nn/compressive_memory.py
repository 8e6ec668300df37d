"""Cases of tfx/nn/compressive_memory.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.segment_memory import states
from tfx.gradcheck.cases.sizes import F, H, Rng, S
from tfx.nn.compressive_memory import CompressiveMemory
from tfx.nn.segment_memory import SegmentMemorySettings, SegmentMemoryStack
from tfx.params import Layer

WIDTH = 6


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


def compression(rng: Rng) -> Problem:
    """Two blocks; seven places come in, room for three: four are squeezed to two."""
    settings = SegmentMemorySettings(WIDTH, H, F, 2, 3)
    memory = CompressiveMemory(settings, 5, 2, rng)
    layer = _Reconstruction(memory, SegmentMemoryStack(settings, rng))
    return layer_problem(layer, rng, {}, {"reads": (states(rng, S), states(rng, S))})


CASES: tuple[Case, ...] = (Case(CompressiveMemory, "convolution, two blocks", compression),)
