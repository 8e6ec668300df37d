"""Width against depth: equal parameters side by side or one behind the other, and one block used many times."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.lab.scale.folding import folded, one_layer, pieces
from tfx.lab.scale.width_and_depth import block_parameters, same_size
from tfx.lab.scale.width_vs_depth import ONE_STEP, RECORDED, TWO_STEPS
from tfx.measure.counting_array import counting_in
from tfx.nn.block_settings import StackSettings
from tfx.nn.stacks import EncoderStack

#: Width of the small stacks; words of a table.
WIDTH, WORDS = 16, 1000


@dataclass(frozen=True)
class Settings:
    layers: int = setting(12, 2, 24, "uses of a block, or blocks of a stack")
    parameters: int = setting(1_000_000, 500_000, 100_000_000, "parameters of all blocks, at most, to be given a shape")


class Run:
    """shared, apart: the same weights in one block used again, and in a copy for each layer."""

    def __init__(self, request: Request) -> None:
        self.layers, self.budget, self.seed = request.settings.layers, request.settings.parameters, request.seed
        self.x = np.random.default_rng((self.seed, 1)).standard_normal((1, 4, WIDTH)).astype("float32")
        self.shared, self.apart = (self.stack(shared) for shared in (True, False))
        own = self.shared.parameters()
        for name, parameter in self.apart.parameters().items():
            first = name.replace(f".{name.split('.')[1]}.", ".0.", 1)
            parameter.value[...] = own[first].value

    def stack(self, shared: bool) -> EncoderStack:
        settings = StackSettings(WIDTH, 4, 2 * WIDTH, self.layers, shared=shared, norm_place="post")
        return EncoderStack(settings, np.random.default_rng(self.seed))

    def work(self, stack: EncoderStack) -> int:
        """Multiply-adds of a forward."""
        with counting_in(stack) as counted:
            stack.forward(self.x)
            return int(counted.multiply_adds)

    @cached_property
    def gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the first map to queries: of each layer's copy, and of the block that is used again."""
        for stack in (self.shared, self.apart):
            y, cache = stack.forward(self.x)
            stack.backward(np.sin(np.arange(y.size, dtype="float32")).reshape(y.shape), cache)
        each = [block.attention.query.parameters()["w"].grad for block in self.apart.blocks]
        return np.array(each), np.asarray(self.shared.blocks[0].attention.query.parameters()["w"].grad)


lesson = Lesson(Run, Settings)


@lesson.step("Width counts squared, depth counts once")
def shapes(run: Run) -> Iterator[Shown]:
    wide = block_parameters(1536, 3072) / block_parameters(512, 1024)
    rows = [{"layers": n, "width": (s := same_size(n, run.budget)).d_model, "all": n * block_parameters(s.d_model, s.d_ff)} for n in (1, 2, 4, 8)]  # fmt: skip
    yield "A model gets larger by wider layers or by more of them. A block has four maps of C * C, and a network of 2 C F. With F = 2 C, biases and norms left out:"
    yield formula("parameters = layers * (4 C^2 + 2 C F) = layers * 8 C^2")
    yield question(
        "Three times the width, as many layers: parameters times?",
        wide,
        "3 * 3: each map grows on both sides.",
        0.01,
    )
    yield "So four times the layers at half the width cost as much:"
    yield table(
        f"shapes of at most {run.budget:,} parameters", rows, layers="layers", width="width", all="parameters :9"
    )
    yield block_parameters
    yield within("square", "parameters at three times the width", 9.0, wide, 0.02)
    yield within("half", "width of 4 layers over that of 1", 0.5, rows[2]["width"] / rows[0]["width"], 0.03)
    yield exactly(
        "depth",
        f"parameters of {run.layers} blocks, built, over those of one",
        float(run.layers),
        run.apart.n_parameters / block_parameters(WIDTH, 2 * WIDTH),
    )


@lesson.step("Depth composes, width adds")
def folds(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x = np.linspace(0, 1, 4097)
    deep = x
    for _ in range(5):
        deep = folded(deep)
    wide = max(pieces(one_layer(x, w, -w * b, out)) for w, b, out in rng.standard_normal((50, 3, 10)))
    yield "Two units fold a line: up, then down. A layer behind it folds the folded line again. Each fold doubles the straight pieces; a unit beside others adds at most one."
    yield question(
        "Ten units, two in each of five layers: how many straight pieces?", pieces(deep), "2 * 2 * 2 * 2 * 2.", 0
    )
    yield f"Ten units in one layer: at most 11, and {wide} here, the most of 50 drawn networks."
    yield Said("Width gives patterns side by side, depth gives hierarchy.", "true with conditions", "When units are few. With enough of them side by side one layer gives the same function.", "C296")  # fmt: skip
    yield exactly("deep", "pieces of five folds", 32, pieces(deep))
    yield at_most("wide", "pieces of ten units side by side", 11, wide)
    yield Source("Telgarsky", 2016, "Benefits of Depth in Neural Networks")


@lesson.step("Two steps need two layers?")
def two_steps(run: Run) -> Iterator[Shown]:
    right = {(task, layers): share for task, layers, _, _, share in RECORDED}
    rows = [{"task": task, "layers": n, "width": width, "all": size, "right": share} for task, n, width, size, share in RECORDED]  # fmt: skip
    gap = right[TWO_STEPS, 2] - right[TWO_STEPS, 1]
    yield "Find a key in a text, then read the value beside it: two steps, one after the other. The control, writing a text backwards, takes one. Encoders of about equal size learn both."
    yield question("In the control, what does the second layer add to the share right?", right[ONE_STEP, 2] - right[ONE_STEP, 1], "One step needs one layer.", 0)  # fmt: skip
    yield table("four models each (two in the control), 300 steps", rows, task="task", layers="layers", width="width", all="parameters :6", right="right :2")  # fmt: skip
    yield f"{gap:.2f} more where two steps are needed. With so few models that does not tell the shapes apart for sure. In language the loss depends weakly on shape, at equal size and over a wide range (Kaplan et al. 2020)."
    yield within(
        "control", "control: right with 2 layers, less with 1", 0.0, right[ONE_STEP, 2] - right[ONE_STEP, 1], 0.02
    )
    yield within("sizes", "parameters of 2 layers over 1", 1.0, RECORDED[1][3] / RECORDED[0][3], 0.1)
    yield Try("tfx experiment width-vs-depth")


@lesson.step("What depth costs")
def costs(run: Run) -> Iterator[Shown]:
    one, four = (same_size(n, run.budget) for n in (1, 4))
    keys = 4 * four.d_model / one.d_model
    yield "Layers wait for each other, so at equal size a token takes longer through a deep model; a wide layer fills a machine with one product. Deep stacks are also harder to keep stable: signals and gradients pass more blocks."
    yield formula("keys and values of a token = 2 * layers * C")
    yield question(
        "Four times the layers, equal parameters: keys and values of a token times?",
        keys,
        "4 * 1/2: layers fourfold, width halved.",
        0.04,
    )
    yield "The work of all maps is the same, as it goes with their parameters. Scores and weighted sums go with layers * C, and double too."
    yield within("cache", "keys and values, 4 layers over 1", 2.0, keys, 0.1)
    yield See("norm-placement")
    yield Source("Tay et al.", 2022, "Scale Efficiently")


@lesson.step("One block, used many times")
def shared(run: Run) -> Iterator[Shown]:
    rows: list[dict[str, Any]] = [{"stack": name, "stored": stack.n_parameters, "work": run.work(stack)} for name, stack in (("a block for each layer", run.apart), ("one block, used again", run.shared))]  # fmt: skip
    yield "Let each layer use the same weights. The state passes through one block again and again, as in a loop."
    yield question(f"{run.layers} uses of one block: the multiply-adds of {run.layers} blocks, times?", rows[1]["work"] / rows[0]["work"], "Each use multiplies as before.", 0)  # fmt: skip
    yield table("stored and computed", rows, stack="stack", stored="parameters :7", work="multiply-adds :9")
    yield "Memory of weights, gradients and Adam's averages falls; work, time of a forward and activations do not."
    yield Said("Sharing its layers shrinks a model.", "true", f"It stores 1/{run.layers} of the blocks; it saves no work.", "C134")  # fmt: skip
    yield exactly(
        "stored", "parameters, over those of one block", float(run.layers), rows[0]["stored"] / rows[1]["stored"]
    )
    yield exactly("work", "multiply-adds, the same way", 1.0, rows[0]["work"] / rows[1]["work"])
    yield Source("Lan et al.", 2020, "ALBERT", "section 3.1")


@lesson.step("Its gradient is the sum over the uses")
def summed(run: Run) -> Iterator[Shown]:
    each, whole = run.gradients
    off = float(np.abs(each.sum(axis=0) - whole).max() / np.abs(whole).max())
    yield f"The same weights stand in a stack of {run.layers} copies and in one block used {run.layers} times. Outputs are equal. A weight that is used again gets a gradient from each use:"
    yield formula("gradient of the shared weight = sum over layers of the copies' gradients")
    yield question("Two uses give a weight the gradients 0.3 and -0.1: its gradient?", 0.3 - 0.1, "They add.")
    yield "So one update has to suit all layers. A copy for each could go its own way; that is what is given up."
    yield at_most("sum", "sum over copies, and shared: difference, of the largest", 1e-3, off)
    yield at_most("output", "outputs differ by", 1e-4, float(np.abs(run.apart.forward(run.x)[0] - run.shared.forward(run.x)[0]).max()))  # fmt: skip


@lesson.step("Where weights are used again")
def where(run: Run) -> Iterator[Shown]:
    uses = [
        {"where": "across layers", "who": "ALBERT, Universal Transformer"},
        {"where": "embedding and output layer", "who": "tied embeddings"},
        {"where": "across places of a text", "who": "each map of a Transformer"},
    ]
    stored = WIDTH * WORDS
    yield "Reuse saves parameters and says that the same operation fits in different places."
    yield table("weights used again", uses, where="where", who="who")
    yield question(f"{WORDS:,} words, width {WIDTH}, without biases: what does tying embedding and output layer save?", stored, "One table in place of two.", 0)  # fmt: skip
    yield "ALBERT lost a little by sharing and used the room for wider layers, which cost work. The Universal Transformer may stop early at easy tokens."
    yield exactly("tied", "numbers of one table", 16_000, stored)
    yield See("embeddings")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Parameters grow with the square of the width and with the depth once. Depth gives steps one after the other, width more features side by side. At equal size the loss depends weakly on shape, over a wide range; depth costs latency and stability."
    yield "Sharing one block over all layers, as in ALBERT, divides the blocks' parameters by the depth and saves no computation; its gradient is the sum over its uses. Tied embeddings share too."
    yield Try("tfx quiz width-depth")
