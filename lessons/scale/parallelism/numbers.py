"""Numbers for the quiz on model parallelism: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.feed_forward import FeedForward
from tfx.parallel.all_reduce import AllReduce
from tfx.parallel.pipeline import pipeline_schedule
from tfx.parallel.tensor import TensorParallelFeedForward


@told_apart
def shape_of_a_shard(rng: np.random.Generator) -> ShapeCase:
    """The shape of a worker's part of W_2."""
    workers, width = int(rng.choice([2, 4])), int(rng.choice([4, 12, 20]))
    inner = workers * int(rng.choice([8, 12, 16]))
    shared = TensorParallelFeedForward(FeedForward(width, inner, rng), workers, AllReduce())
    shape = shared.workers[0].second.w.shape
    wrong = (
        Wrong((inner, width), "whole matrix", "That is W_2 of one machine."),
        Wrong((inner, width // workers), "columns for rows", "W_1 goes by columns; W_2 reads the hidden units, so it goes by rows."),
        Wrong((width, inner // workers), "W_1 for W_2", "That is the part of W_1."),
    )  # fmt: skip
    return ShapeCase({"workers": workers, "width": width, "inner": inner}, tuple(int(n) for n in shape), wrong)


@told_apart
def idle_share(rng: np.random.Generator) -> NumberCase:
    """The bubble of a pipeline that is played through."""
    stages, parts = int(rng.integers(2, 9)), int(rng.integers(2, 25))
    wrong = (
        Wrong((stages - 1) / stages, "one part", "That is a batch in one part."),
        Wrong(stages / (parts + stages), "workers not less one", "Each worker waits for the others, not for itself."),
        Wrong(parts / (parts + stages - 1), "work for waiting", "That is the share in which a worker works."),
    )
    return NumberCase({"stages": stages, "parts": parts}, pipeline_schedule(stages, parts).bubble, wrong, 0.01)


@told_apart
def numbers_sent(rng: np.random.Generator) -> NumberCase:
    """Numbers that a worker sends in an all-reduce around a ring."""
    workers, b, t, c = int(rng.choice([2, 4, 8])), int(rng.choice([2, 4])), int(rng.choice([8, 16])), int(rng.choice([16, 32]))  # fmt: skip
    reduce = AllReduce()
    reduce([np.ones((b, t, c)) for _ in range(workers)])
    size = b * t * c
    wrong = (
        Wrong(float(workers * size), "all to all", "Around a ring it does not grow with the number of workers."),
        Wrong(float((workers - 1) * size / workers), "one round", "One round adds up, a second hands the sums on."),
        Wrong(float(2 * size), "its own piece sent", "A worker keeps the piece that is its own: workers - 1 of workers pieces."),
    )  # fmt: skip
    return NumberCase({"workers": workers, "b": b, "t": t, "c": c}, float(reduce.sent), wrong, 0.0)


@told_apart
def all_reduces(rng: np.random.Generator) -> NumberCase:
    """All-reduces of one training step."""
    blocks = int(rng.choice([6, 12, 24, 32, 48, 80]))
    wrong = (
        Wrong(
            2.0 * blocks, "forward alone", "On the way back x was read by all workers, so its gradient is a sum, too."
        ),
        Wrong(float(blocks), "one a block", "A block has two sub-layers, and each ends in a sum."),
        Wrong(
            8.0 * blocks, "one a matrix", "Columns first, then rows: the workers meet once for each pair of matrices."
        ),
    )
    return NumberCase({"blocks": blocks}, 4.0 * blocks, wrong, 0.0)


@told_apart
def bytes_of_a_worker(rng: np.random.Generator) -> NumberCase:
    """GB that a worker holds with tensor, pipeline and data parallelism."""
    billions = float(rng.choice([7, 13, 30, 70, 175]))
    tensor, stages, copies = int(rng.choice([2, 4, 8])), int(rng.choice([2, 4, 8])), int(rng.choice([4, 16, 32]))
    whole = 16 * billions
    wrong = (
        Wrong(whole / (tensor * stages * copies), "data parallelism splits the model", "Its workers are copies; only ZeRO would share these out."),
        Wrong(whole / tensor, "pipeline forgotten", "A stage has some of the layers."),
        Wrong(2 * billions / (tensor * stages), "weights alone", "Gradients, the float32 copy and both averages stand beside them."),
    )  # fmt: skip
    values = {"billions": f"{billions:g}", "tensor": tensor, "stages": stages, "copies": copies}
    return NumberCase(values, whole / (tensor * stages), wrong, 0.01)
