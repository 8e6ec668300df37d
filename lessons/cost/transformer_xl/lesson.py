"""Memory of earlier segments: Transformer-XL keeps what its layers read, and compressed memory squeezes what is older."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.lab.cost.squeezed_memory import recall
from tfx.nn.segment_memory import SegmentMemorySettings, SegmentMemoryStack, segment_memory_mask

C, T = 8, 4  # width; tokens of a segment
RATES, STORED = (1, 2, 4, 8), 64


@dataclass(frozen=True)
class Settings:
    layers: int = setting(2, 1, 4, "blocks of the small models")


class Run:
    """x: (1, 6 T, C): a text of six segments."""

    def __init__(self, request: Request) -> None:
        self.n, self.seed = request.settings.layers, request.seed
        self.x = np.random.default_rng(self.seed).standard_normal((1, 6 * T, C))

    def stack(self, memory: int, layers: int = 0) -> SegmentMemoryStack:
        sizes = SegmentMemorySettings(C, 2, 16, layers or self.n, memory, dtype="float64")
        return SegmentMemoryStack(sizes, np.random.default_rng((self.seed, 1)))

    def read(self, stack: SegmentMemoryStack, x: np.ndarray) -> np.ndarray:
        """Segment after segment, each with the memory that the one before left."""
        out, memory = [], None
        for start in range(0, x.shape[1], T):
            y, cache = stack.forward(x[:, start : start + T], memory)
            out.append(y)
            memory = cache.memory
        return np.concatenate(out, axis=1)

    def reach(self, memory: int, layers: int) -> int:
        """How many places back the first token of the last segment still hears of."""
        stack, at = self.stack(memory, layers), 5 * T
        usual = self.read(stack, self.x)[0, at]
        for place in range(at):
            other = self.x.copy()
            other[0, place] += 1.0
            if np.abs(self.read(stack, other)[0, at] - usual).max() > 1e-12:
                return at - place
        return 0


lesson = Lesson(Run, Settings)


@lesson.step("A text that is cut forgets at each cut")
def cuts(run: Run) -> Iterator[Shown]:
    rows = [{"memory": m, "reach": run.reach(m, run.n)} for m in (0, T)]
    yield "A model reads so many tokens at once. A longer text is cut into segments. Read one by one, the first token of a segment knows nothing of what came before it: context is broken at each cut."
    yield f"Transformer-XL keeps what each layer read of the last segment, and lets the next segment attend to it. Here segments of {T} tokens, {run.n} layers, untrained:"
    yield table(
        "how far back the first token of a segment hears", rows, memory="places remembered", reach="tokens back"
    )
    yield question("Without memory: how many tokens back?", rows[0]["reach"], "Its own segment begins with it.", 0)
    yield exactly("cut", "tokens back without memory", 0, rows[0]["reach"])
    yield SegmentMemoryStack
    yield Source("Dai et al.", 2019, "Transformer-XL", "section 3")


@lesson.step("What is remembered, and where the gradient stops")
def remembered(run: Run) -> Iterator[Shown]:
    stack = run.stack(T)
    parts = run.read(stack, run.x)
    whole, _ = stack.forward(run.x, mask=segment_memory_mask(6 * T, T, T))
    yield "Not the text is kept, but the vectors that each layer read. In the next segment they stand before it as more keys and values. They are not computed again."
    yield formula("Q from X        K, V from [memory; X]", "memory: a constant for the gradient")
    yield "So a segment trains as always, and no gradient goes back into segments that are gone. The forward is exact: segment by segment gives what one pass over the whole text gives, if each token may see its segment and the places remembered before it."
    yield question(f"A segment of {T} with {T} places of memory: how many keys has its last token?", T + T, "The memory, and the segment up to itself.", 0)  # fmt: skip
    yield "Each segment costs T (T + memory) scores. A text of twice the length has twice the segments: linear in the text, at a fixed window."
    yield agree("exact", "segment by segment, and at once under that mask", parts, whole, to=1e-10)
    yield segment_memory_mask


@lesson.step("Reach grows with layers")
def reach(run: Run) -> Iterator[Shown]:
    rows = [{"layers": n, "reach": run.reach(T, n)} for n in (1, 2, 3)]
    yield "What layer 2 remembers was made with the memory of layer 1, which looked one segment farther back. So news travels a memory's length a layer, as windows do in depth."
    yield formula("reach = layers * memory", "tokens back, from the first of a segment")
    yield question("12 layers, 512 places remembered: how far, at most?", 12 * 512, "12 * 512.", 0)
    yield table(f"measured: segments and memory of {T}", rows, layers="layers", reach="tokens back")
    yield Said(
        "Transformer-XL lowers the cost of attention.",
        "false",
        "Its segment attends to itself and to memory, all pairs. What it adds is context beyond the segment.",
    )
    yield exactly("three", "tokens back with three layers", 3 * T, rows[2]["reach"])


@lesson.step("Why positions are relative")
def relative(run: Run) -> Iterator[Shown]:
    yield "With absolute positions each segment counts from 1. The first token of the memory and the first of the segment would both carry the code of place 1, and so on for all: attention could not tell which came earlier."
    yield f"Distances do not have that problem: a token {T} back is {T} back, wherever the cut lies. So Transformer-XL scores with the offset between query and key, made from sinusoids of the distance, with two learned vectors for what a query asks of content and of distance in general."
    yield question(f"Segments of {T}. Token 3 of a segment looks at token 2 of the segment before: how many places back?", T + 1, "To the same place before it is one segment; one more.", 0)  # fmt: skip
    yield Said("Transformer-XL is a hybrid of recurrence and attention.", "too strong", "States are handed on from segment to segment, per layer, without a recurrent cell, and no gradient goes back through them.")  # fmt: skip
    stack = run.stack(6 * T)
    yield agree("cut-free", "with room for all: cut into segments, and at once", run.read(stack, run.x), stack.forward(run.x)[0], to=1e-10)  # fmt: skip
    yield Source("Dai et al.", 2019, "Transformer-XL", "section 3.3")


@lesson.step("Older still: squeeze it")
def squeezed(run: Run) -> Iterator[Shown]:
    rows = []
    for rate in RATES:
        exact, group = recall(rate, STORED, 64, np.random.default_rng((run.seed, 2)))
        rows.append({"rate": rate, "slots": STORED // rate, "exact": 100 * exact, "group": 100 * group})
    yield "The Compressive Transformer squeezes what falls out of memory: groups of places become one, by a mean or a learned convolution."
    yield formula("reach = layers * (memory + rate * squeezed places)")
    yield question(f"{STORED} old places, squeezed by 4: how many keys are left?", STORED // 4, f"{STORED} / 4.", 0)
    yield table(f"{STORED} stored tokens, means; named exactly, right group found", rows, rate="squeezed by", slots="keys left", exact="named [%] :3", group="group [%] :3")  # fmt: skip
    yield "The group is found; which token it was is lost. Gist survives, names and numbers go first."
    yield at_least("kept", "named exactly, not squeezed, %", 99.0, rows[0]["exact"])
    yield at_most("lost", "named exactly, squeezed by 4, %", 40.0, rows[2]["exact"])
    yield Source("Rae et al.", 2020, "Compressive Transformers", "section 3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Transformer-XL reads a long text in segments. Each layer caches the hidden states of the previous segment, gradient stopped, and attends to them as extra keys and values; positions are relative, so that cached states stay consistent. Reach grows with layers times memory."
    yield "Compressed memory pools or projects older states into fewer slots: cost falls, reach grows, fine detail is lost, exact recall first. Today models keep keys and values of the whole prompt instead, with windows in some layers, or a state of fixed size; what is squeezed forgets in all of them."
    yield Try("tfx quiz transformer-xl")
