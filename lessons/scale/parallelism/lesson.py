"""Model parallelism: matrices split inside a layer, layers split into stages, and copies that share a batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.models import Encoder
from tfx.nn.feed_forward import FeedForward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.parallel.all_reduce import AllReduce
from tfx.parallel.data import data_parallel
from tfx.parallel.pipeline import FORWARD, Timetable, pipeline_schedule
from tfx.parallel.tensor import TensorParallelFeedForward, tensor_parallel
from tfx.train.losses import LabelledBatch, labelling_loss

HEADS, WIDTH, INNER, ROWS, LENGTH, LAYERS, WORDS = 4, 16, 64, 4, 6, 2, 9
#: Bytes of a parameter in training: weight, gradient, float32 copy, two averages.
BYTES = 2 + 2 + 4 + 4 + 4
#: Into how many parts the weights go.
SHARES = {"tensor 8": 8, "tensor 8, pipeline 4": 32, "and data 16": 32}


@dataclass(frozen=True)
class Settings:
    workers: int = setting(2, words=(2, 4), about="workers that share a layer")
    stages: int = setting(4, 2, 8, "workers of a pipeline")
    parts: int = setting(8, 1, 12, "micro-batches that follow each other through it")


class Run:
    def __init__(self, request: Request) -> None:
        settings = request.settings
        self.workers, self.stages, self.parts = settings.workers, settings.stages, settings.parts
        rng = np.random.default_rng(request.seed)
        self.x, self.dy = rng.standard_normal((2, ROWS, LENGTH, WIDTH))
        self.network = FeedForward(WIDTH, INNER, rng, "gelu", dtype="float64")
        self.encoder = Encoder(WORDS, WIDTH, n_heads=HEADS, d_ff=INNER, n_layers=LAYERS, seed=request.seed, dtype="float64", tied=False)  # fmt: skip
        self.ids = rng.integers(WORDS, size=(ROWS, LENGTH))
        self.timetable = pipeline_schedule(self.stages, self.parts)


lesson = Lesson(Run, Settings)


@lesson.step("Three ways to share the work")
def three_ways(run: Run) -> Iterator[Shown]:
    billions = 70
    yield f"A model of {billions} billion parameters needs {BYTES} bytes for each of them in training (mixed precision, AdamW), {BYTES * billions:,} GB of 10^9 bytes, and no device has that. So devices (here: workers) share it."
    yield table("what is split", [{"way": way, "split": split, "has": has, "sends": sends} for way, split, has, sends in WAYS], way="parallelism", split="split", has="a worker has", sends="they send")  # fmt: skip
    yield question("At 80 GB each, activations apart: how many workers at least, if they share the model?", -(-BYTES * billions // 80), f"{BYTES * billions:,} / 80, rounded up.", 0)  # fmt: skip
    yield "Data parallelism alone does not make a model fit: each worker has a copy. Tensor and pipeline parallelism are model parallelism: the weights are split."
    yield exactly("bytes", "bytes of a parameter", 16, BYTES)


WAYS = (
    ("data", "the batch", "all weights", "gradients"),
    ("tensor", "each matrix", "a part of each layer", "sums, in each layer"),
    ("pipeline", "the layers", "some layers", "activations"),
)


@lesson.step("A feed-forward network in shards")
def in_shards(run: Run) -> Iterator[Shown]:
    whole, _ = run.network.forward(run.x)
    shared = TensorParallelFeedForward(run.network, run.workers, AllReduce())
    parts = [worker.forward(run.x)[0] for worker in shared.workers]
    w1, w2 = run.network.first.w.value, run.network.second.w.value
    half, act = WIDTH // 2, ACTIVATIONS["gelu"][0]
    wrong = sum(act(run.x[..., s] @ w1[s])[0] for s in (slice(0, half), slice(half, None))) @ w2
    off = float(np.abs(wrong - whole).max() / np.abs(whole).max())
    yield "Give each worker some hidden units: their columns of W_1, their rows of W_2. The bend works on each unit alone, so the workers meet at the end, where outputs are added."
    yield formula("f(x W_1) W_2 = sum of f(x W_1) W_2 over workers, own columns and rows")
    yield question(f"C = {WIDTH}, F = {INNER}, {run.workers} workers: numbers of W_1 and W_2 for each?", 2 * WIDTH * INNER / run.workers, f"2 * {WIDTH} * {INNER} / {run.workers}.", 0)  # fmt: skip
    yield table("one number of the output", [*({"who": f"worker {i + 1}", "y": float(part[0, 0, 0])} for i, part in enumerate(parts)), {"who": "sum, and one machine", "y": float(sum(parts)[0, 0, 0])}], who="who", y="y :4")  # fmt: skip
    yield f"Rows of W_1 first would need a sum before the bend; without it the output is off by {off:.0%} of its largest number."
    yield agree("sum", "sum of the shards, and the whole", sum(parts), whole)
    yield at_least("rows", "W_1 by rows without a sum before the bend: off by", 0.02, off)
    yield Source("Shoeybi et al.", 2019, "Megatron-LM", "section 3")


@lesson.step("Attention by heads, and what is sent")
def by_heads(run: Run) -> Iterator[Shown]:
    reduce = AllReduce()
    shared = tensor_parallel(run.encoder, run.workers, reduce)
    whole, _ = run.encoder.forward(run.ids)
    parts, caches = shared.forward(run.ids)
    there, size = reduce.calls, ROWS * LENGTH * WIDTH
    shared.backward(np.ones_like(parts), caches)
    both, law = reduce.calls, 2 * (run.workers - 1) / run.workers * size
    yield f"Heads do not see each other, so they are shared out whole: of {HEADS} heads each of {run.workers} workers has {HEADS // run.workers}, and its rows of W_O. Again the outputs are added. Such a sum over all workers, after which each has it, is an all-reduce."
    yield question(f"{LAYERS} blocks, forward and backward. How many all-reduces?", 4 * LAYERS, "Two sub-layers a block: one each there, one each back.", 0)  # fmt: skip
    yield table(
        "counted",
        [{"what": "forward", "calls": there}, {"what": "and backward", "calls": both}],
        what="way",
        calls="all-reduces",
    )
    yield formula("a worker sends 2 (workers - 1) / workers * B T C numbers in each, around a ring")
    yield f"Here that is {law:,.0f} numbers, each time, in each block, and everybody waits. So tensor parallelism stays where links are fast, mostly inside one machine."
    yield agree("whole", "logits of the shared model, and of the whole one", parts, whole)
    yield exactly("calls", "all-reduces of a step", 4 * LAYERS, both)
    yield agree("sent", "numbers that a worker sent, of the formula", reduce.sent / both, law)
    yield exactly(
        "heads", "heads of a worker", HEADS // run.workers, shared.stack.blocks[0].attention.workers[0].n_heads
    )


@lesson.step("A pipeline, and its bubble")
def pipeline(run: Run) -> Iterator[Shown]:
    shown = pipeline_schedule(3, 4, forward=1, backward=0)
    law = (run.stages - 1) / (run.parts + run.stages - 1)
    yield "Worker 1 has the first layers, worker 2 the next. With a whole batch one works and the others wait. So cut it into micro-batches (parts)."
    yield table("3 workers, 4 parts, forward: which part each works at", [{"who": f"worker {stage + 1}", "row": row_of(shown, stage)} for stage in range(3)], who="who", row="time runs this way")  # fmt: skip
    yield formula("idle share = (workers - 1) / (parts + workers - 1)")
    yield question(f"{run.stages} workers, {run.parts} parts. Which share of the time is idle?", law, f"{run.stages - 1} / {run.parts + run.stages - 1}.")  # fmt: skip
    bare = pipeline_schedule(run.stages, 1).bubble
    yield f"Played through: {run.timetable.bubble:.3f}; in one part {bare:.3f}. More parts make the bubble small."
    yield agree("bubble", "idle share, played through and by the formula", run.timetable.bubble, law)
    yield agree("bare", "... with one part", bare, 1 - 1 / run.stages)
    yield Source("Huang et al.", 2019, "GPipe", "section 2")


def row_of(timetable: Timetable, stage: int) -> str:
    """`. 1 2 3 4 .`: the part that this worker is at, at each time of the way forward."""
    events = [event for event in timetable.events if event.direction == FORWARD]
    times = range(int(max(event.stop for event in events)))
    at = {int(event.start): str(event.micro_batch + 1) for event in events if event.stage == stage}
    return " ".join(at.get(time, ".") for time in times)


@lesson.step("Data parallelism: copies, and one gradient")
def copies(run: Run) -> Iterator[Shown]:
    targets, lengths, counts = run.ids[:, ::-1].copy(), np.array([LENGTH, LENGTH, 2, 1]), [2 * LENGTH, 3]
    batch, *parts = (LabelledBatch(run.ids[s], targets[s], lengths[s]) for s in (slice(0, 4), slice(0, 2), slice(2, 4)))
    whole, shared = gradient(run, batch, 1), gradient(run, batch, 2)
    halves = [gradient(run, part, 1) for part in parts]
    plain = sum(halves) / 2
    off = float(np.linalg.norm(plain - whole) / np.linalg.norm(whole))
    yield "Each worker has the whole model and a part of the batch. Their gradients are added by an all-reduce, and each takes the same step. It is gradient accumulation in space instead of time."
    yield f"Two workers here have {counts[0]} and {counts[1]} real tokens; the rest is padding."
    yield question("What is the weight of the first one's mean gradient?", counts[0] / sum(counts), f"{counts[0]} / {sum(counts)}: by tokens.")  # fmt: skip
    yield f"Weighed by tokens the gradient is that of the whole batch, to rounding. The plain mean of the two would be off by {off:.0%}."
    yield Said("Data parallelism makes a larger model fit.", "false", "Each worker has all weights, gradients and averages. ZeRO (FSDP) shares these out among the copies and collects weights when they are needed.")  # fmt: skip
    yield agree("same", "gradient of two workers, and of one", shared, whole)
    yield at_least("plain", "plain mean: off, of the gradient's length", 0.02, off)
    yield data_parallel


def gradient(run: Run, batch: LabelledBatch, workers: int) -> np.ndarray:
    """Of the encoder, all parameters in a row."""
    run.encoder.zero_grad()
    data_parallel(labelling_loss(), workers)(run.encoder, batch, np.random.default_rng(0))
    return np.concatenate([parameter.grad.ravel() for parameter in run.encoder.parameters().values()])


@lesson.step("All three, and what came after")
def all_three(run: Run) -> Iterator[Shown]:
    rows: list[dict[str, Any]] = [{"how": how, "devices": devices, "each": BYTES * 70 / SHARES[how]} for how, devices in (("tensor 8", 8), ("tensor 8, pipeline 4", 32), ("and data 16", 512))]  # fmt: skip
    yield "Large runs multiply them: tensor inside a machine, pipeline between a few machines, data across the rest."
    yield question("Tensor 8, pipeline 4, data 16: how many workers?", 8 * 4 * 16, "8 * 4 * 16.", 0)
    yield table(
        "70 billion parameters, weights and optimizer", rows, how="how", devices="workers", each="GB for each :4"
    )
    yield "ZeRO divides the bytes by the copies as well, for more traffic. Long texts are split along the tokens (context parallelism: keys and values travel around a ring), and experts of a mixture live on different workers."
    yield within("each", "GB of a worker with tensor 8 and pipeline 4", 35.0, rows[1]["each"], 1e-9)
    yield at_most("data", "what data parallelism takes off", 0.0, rows[1]["each"] - rows[2]["each"])
    yield Source("Narayanan et al.", 2021, "Efficient Large-Scale Language Model Training on GPU Clusters")
    yield Source("Rajbhandari et al.", 2020, "ZeRO: Memory Optimizations")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A model too big for one device is split: tensor parallelism splits matrices inside a layer, W_1 by columns and W_2 by rows, attention by heads, with one all-reduce for each sub-layer, forward and back. Pipeline parallelism gives each device some layers; with micro-batches the idle share is (workers - 1) / (parts + workers - 1)."
    yield "Data parallelism copies the model and splits the batch: it makes training faster, not the model fit, unless ZeRO shares out the optimizer, gradients and weights. Tensor inside a machine, pipeline between machines, data across the rest."
    yield Try("tfx quiz model-parallelism")
