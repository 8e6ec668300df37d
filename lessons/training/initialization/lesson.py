"""Initial values: why random, how large in one map, what depth makes of a wrong size, ReLU, and the residual stream."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_least, at_most, between, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training import initialisation as lab
from tfx.lab.training.first_values import through_one, units_apart
from tfx.lab.training.letter_gpt import stream_size
from tfx.measure.verdicts import largest, smallest
from tfx.nn.init import xavier_normal

STEPS, DRAWS, WIDTH = 60, 3, 64
MAPS = ((256, 256), (256, 1024), (1024, 256))
DEPTHS = (6, 24)


@dataclass(frozen=True)
class Settings:
    depth: int = setting(30, 10, 100, "layers of the deep stack")


class Run:
    """left: of each activation and start, log10 of signal and gradient behind the stack.  stream: of each depth, the
    size of the residual stream, with the last maps smaller and without."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed

    @cached_property
    def left(self) -> dict[tuple[str, str], tuple[float, float]]:
        settings, found = lab.Settings(depth=self.settings.depth, width=WIDTH), {}
        with blas_threads(1):
            for activation in (lab.LINEAR, lab.RELU, lab.TANH):
                for weights in lab.DRAWN:
                    sizes = np.log10([lab.through_stack(settings, activation, weights, np.random.default_rng((self.seed, draw))) for draw in range(DRAWS)])  # fmt: skip
                    found[activation, weights] = float(sizes[:, 0, -1].mean()), float(sizes[:, 1, 0].mean())
        return found

    @cached_property
    def stream(self) -> dict[int, tuple[float, float]]:
        with blas_threads(1):
            return {blocks: (stream_size(blocks, True, 32, self.seed), stream_size(blocks, False, 32, self.seed)) for blocks in DEPTHS}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("Why random: units that start alike stay alike")
def why_random(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    seed = int(rng.integers(2**31))
    found = {name: units_apart(start, STEPS, np.random.default_rng(seed)) for name, start in (("all 0", 0.0), ("all 0.1", 0.1), ("random", None))}  # fmt: skip
    rows = [{"start": name, "apart": apart, "loss": loss} for name, (apart, _, loss) in found.items()]
    yield f"Could weights not begin at 0? A small network with 8 hidden units learns to tell 10 kinds of points apart, {STEPS} steps, from three starts."
    yield question("All weights begin at 0.1. How far apart are two hidden units in the end?", 0, "They compute the same, and get the same gradient.")  # fmt: skip
    yield table("after training", rows, start="weights begin", apart="units differ by, at most :2", loss="loss [nats] :3")  # fmt: skip
    yield f"Equal units stay equal, so that 8 do the work of one. At 0 the hidden layer gets no gradient at all: a model that guesses has {math.log(10):.2f} nats. Random values break the tie. Offsets may begin at 0."
    yield exactly("alike", "units from equal weights differ by", 0.0, found["all 0.1"][0])
    yield at_least("moved", "... though weights have moved by, at most", 0.01, found["all 0.1"][1])
    yield at_least("random", "from random weights they differ by", 0.1, found["random"][0])
    yield units_apart


@lesson.step("How large: one map, forward and back")
def one_map(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    found = [through_one(xavier_normal, *sizes, rng) for sizes in MAPS]
    rows = [{"sizes": f"{a} x {b}", "var": 2 / (a + b), "law": 2 * a / (a + b), "forward": y, "back": dx} for (a, b), (y, dx) in zip(MAPS, found, strict=True)]  # fmt: skip
    width = MAPS[0][0]
    yield "A number of y = x W is a sum. If its terms are independent, with mean 0, variances add:"
    yield formula("Var(y) = in * Var(W) * Var(x)", "in, out: rows and columns of W")
    yield formula("Var(dx) = out * Var(W) * Var(dy)", "back, dx = dy W^T")
    yield question(f"{width} numbers in and out. Which standard deviation of W keeps both?", 1 / math.sqrt(width), f"1 / sqrt({width}).")  # fmt: skip
    yield formula("Xavier: Var(W) = 2 / (in + out)", "forward wants 1 / in, back 1 / out")
    yield table("Xavier, measured", rows, sizes="W", var="Var(W) :3", forward="y by x :3", law="by the law :3", back="dx by dy :3")  # fmt: skip
    yield within("forward", "variance of y over the law, the worst", 1.0, 1 + largest(abs(y / (2 * a / (a + b)) - 1) for (a, b), (y, _) in zip(MAPS, found, strict=True)), 0.1)  # fmt: skip
    yield within("back", "variance of dx over the law, the worst", 1.0, 1 + largest(abs(dx / (2 * b / (a + b)) - 1) for (a, b), (_, dx) in zip(MAPS, found, strict=True)), 0.1)  # fmt: skip
    yield Source("Glorot and Bengio", 2010, "Understanding the difficulty of training deep feedforward networks", "section 4.2")  # fmt: skip


@lesson.step("What depth makes of a wrong size")
def deep_stack(run: Run) -> Iterator[Shown]:
    depth = run.settings.depth
    found = {weights: run.left[lab.LINEAR, weights] for weights in (lab.SMALL, lab.XAVIER, lab.LARGE)}
    rows = [{"weights": weights, "signal": a, "gradient": b, "law": lab.log_left(lab.LINEAR, lab.GAINS[weights], WIDTH, depth)} for weights, (a, b) in found.items()]  # fmt: skip
    yield f"{depth} maps of width {WIDTH}, one behind the other, without activation. A wrong size is multiplied by itself in each."
    yield question(f"Weights half as large as Xavier's: log10 of what {depth} layers leave of a signal?", depth * math.log10(0.5), f"{depth} * log10(0.5); chance takes a little more.", 0.04)  # fmt: skip
    yield table("left behind the stack, as log10", rows, weights="weights", signal="signal :3", gradient="gradient :3", law="by theory :3")  # fmt: skip
    yield "0 means kept. Too small, and the first layers hear nothing and learn nothing; too large, and numbers explode. Xavier keeps both ways."
    yield at_most("vanishes", "half of Xavier: log10 of what is left, the larger", -0.2 * depth, largest(found[lab.SMALL]))  # fmt: skip
    yield between("keeps", "Xavier: log10 of what is left, the smaller", -1.5, 1.0, smallest(found[lab.XAVIER]))
    yield at_least("explodes", "twice Xavier: log10 of what is left, the smaller", 0.2 * depth, smallest(found[lab.LARGE]))  # fmt: skip
    yield lab.through_stack


@lesson.step("ReLU takes half: He's start")
def relu_and_tanh(run: Run) -> Iterator[Shown]:
    depth = run.settings.depth
    wanted = ((lab.RELU, lab.XAVIER), (lab.RELU, lab.HE), (lab.TANH, lab.XAVIER), (lab.TANH, lab.LARGE))
    rows = [{"activation": a, "weights": w, "signal": run.left[a, w][0], "gradient": run.left[a, w][1]} for a, w in wanted]  # fmt: skip
    xavier, he = run.left[lab.RELU, lab.XAVIER], run.left[lab.RELU, lab.HE]
    yield "ReLU sets half of its numbers to 0: half of the mean square is left."
    yield formula("Var(W) = 2 / in", "He: twice the variance makes up for it")
    yield question(f"Xavier, ReLU, {depth} layers: log10 of a signal's size, by the halves?", depth * math.log10(math.sqrt(0.5)), f"{depth} * log10(sqrt(1 / 2)).", 0.04)  # fmt: skip
    yield table("left behind the stack, as log10", rows, activation="activation", weights="weights", signal="signal :3", gradient="gradient :3")  # fmt: skip
    yield "tanh is about linear for small numbers: with Xavier the signal fades slowly. Too large weights it hides forward, while the gradient grows."
    yield at_most("halves", "Xavier, ReLU: log10 of the signal", -0.1 * depth, xavier[0])
    yield at_least("he", "He, ReLU: log10 of what is left, the smaller", -0.05 * depth - 0.6, smallest(he))
    yield Try("tfx experiment initialisation")
    yield Source("He et al.", 2015, "Delving Deep into Rectifiers", "section 2.2")


@lesson.step("The residual stream adds up")
def adds_up(run: Run) -> Iterator[Shown]:
    (few, many), found = DEPTHS, run.stream
    rows = [{"blocks": blocks, "plain": plain, "scaled": scaled, "factor": 1 / math.sqrt(2 * blocks)} for blocks, (scaled, plain) in found.items()]  # fmt: skip
    yield "A Transformer adds: each sub-layer's output goes on top of the stream, and norms set the size of what goes in. Sums grow with depth, slowly."
    yield formula("Var(stream) = Var(x) + 2 * blocks * Var(f)", "f: what is added")
    yield question(f"{many} blocks: GPT-2's factor for the last map of each sub-layer?", 1 / math.sqrt(2 * many), f"1 / sqrt(2 * {many}), {2 * many} residual layers.")  # fmt: skip
    yield table("untrained GPTs: size of the last stream", rows, blocks="blocks", plain="all maps alike :3", scaled="last maps smaller :3", factor="factor :3")  # fmt: skip
    yield "With it the size hardly depends on the depth. GPT-2's start: normal with 0.02, and the maps that write into the stream smaller by 1 / sqrt(residual layers)."
    yield at_least("grows", f"all alike: size with {many} blocks over that with {few}", 1.3, found[many][1] / found[few][1])  # fmt: skip
    yield between("steady", "last maps smaller: the same", 0.85, 1.15, found[many][0] / found[few][0])
    yield Source("Radford et al.", 2019, "Language Models are Unsupervised Multitask Learners", "section 2.3")


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    xavier = run.left[lab.RELU, lab.XAVIER]
    yield Said("Xavier keeps signals from vanishing or exploding.", "true with conditions", f"Where layers are about linear. With ReLU 10^{xavier[0]:.1f} of a signal is left here.", "C245")  # fmt: skip
    yield Said("Initialising a decoder means embeddings and masks.", "false", "It means the first values of all its parameters.")  # fmt: skip
    yield Said("With norms and residuals the start does not matter.", "too strong", "It matters less. The stream still grows with depth, and a post-LN model still has large first gradients.")  # fmt: skip
    yield "Norm gains begin at 1, offsets at 0, tables normal, often with 0.02 or 1 / sqrt(C). Some begin the last map of a sub-layer at 0, so that each block starts as the identity. muP ties first values and rates to the width, so that a rate found on a small model serves a large one."
    yield at_most("relu", "Xavier, ReLU: log10 of the signal", -0.1 * run.settings.depth, xavier[0])
    yield Source("Yang et al.", 2022, "Tensor Programs V")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Weights start random, so that units differ, and of a size that keeps signals and gradients steady through depth. Xavier: variance 2 / (fan_in + fan_out), for layers that are about linear. He: 2 / fan_in, for ReLU. Offsets 0, norm gains 1."
    yield "In Transformers residual sums grow with depth, so GPT-2 scales the weights that write into the stream by 1 / sqrt(number of residual layers), on top of a normal start with 0.02. Norms make the rest forgiving."
    yield Try("tfx quiz initialization")
