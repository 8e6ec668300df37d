"""How long does a training step take, and how long in PyTorch?

A step is forward, loss, backward and AdamW of a GPT in float32.  PyTorch runs the same model in eager mode with fused
attention and fused AdamW (torch_gpt.py), from the same weights.  First both take the same steps on the same batches,
and losses and gradients are compared; then they are timed in turns, in one process, with one thread and with all cores.

What makes a NumPy step quick is in the library and readable there: sums as products with ones (ops/basics/sums.py),
work in place on own temporaries, leading axes folded before a product (ops/basics/linear.py), one exp for the tanh form
of GELU, no scores for keys in the future (efficient/memory_efficient_attention.py with keep=True), all parameters in
one vector, AdamW in blocks that stay in the cache, a worker for each core where a step is large enough for it
(train/workers.py), and freed memory that stays with the process (allocator.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.bench.machine import machine, usable_cores
from tfx.bench.pytorch import import_torch, torch_threads
from tfx.bench.torch_gpt import Compared, compare_steps, torch_gpt, torch_optimizer, torch_step
from tfx.bench.train_findings import notes_on, time_plot, told
from tfx.bench.training_step import BETA2, EPS, LEARNING_RATE, WEIGHT_DECAY, TrainingStep, gpt_bytes, new_gpt, repeated
from tfx.lab.frame import Measured, Run
from tfx.measure.counting_array import counting_in
from tfx.measure.measuring import Timing, peak_bytes
from tfx.measure.seeds import generator
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import at_most, between
from tfx.records import Check, Column, Plot, Text
from tfx.settings import require_divisor, setting

QUESTION = "A training step of a GPT, beside PyTorch where it is installed"
ORDER = 1

#: The largest difference of a loss, and of a gradient as a share of its norm, over all steps compared.
LOSS_TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 1e-5

#: Bytes that a thread sets aside for its calls, on Linux unless told.
STACK = 2**23


@dataclass(frozen=True)
class Settings:
    d_model: tuple[int, ...] = setting((64, 128, 256), 1, 4096, "widths of the GPT")
    threads: tuple[int, ...] = setting((1, 0), 0, 1024, "how many, one row for each; 0 stands for all cores")
    batch: int = setting(16, 1, 4096, "rows of text in a step")
    length: int = setting(128, 1, 8192, "tokens in a row")
    vocab: int = setting(256, 2, 100_000, "different tokens")
    heads: int = setting(4, 1, 4096, "of the GPT; they divide d_model")
    layers: int = setting(4, 1, 100, "of the GPT")
    compare: int = setting(50, 1, 10_000, "steps that both libraries take side by side")
    compare_batch: int = setting(2, 1, 4096, "rows of text in such a step")
    turns: int = setting(15, 3, 1000, "how often each step is timed, at most")

    def quick(self) -> Settings:
        """The narrowest model alone, fewer steps and rows."""
        return replace(
            self,
            d_model=(min(self.d_model),),
            batch=min(self.batch, 4),
            compare=min(self.compare, 10),
            turns=min(self.turns, 5),
        )

    def check(self) -> None:
        for d_model in self.d_model:
            require_divisor("heads", self.heads, "d_model", d_model)

    def bytes_needed(self) -> float:
        """A step here and, where it is installed, one in PyTorch; and a stack for each thread."""
        rows = max(self.batch, self.compare_batch)
        step = gpt_bytes(self.vocab, max(self.d_model), self.heads, self.layers, self.length, rows)
        return (2 if find_spec("torch") else 1) * step + STACK * max(self.each_thread_count())

    def each_thread_count(self) -> tuple[int, ...]:
        """0 threads are all cores; the same number is measured once."""
        return tuple(dict.fromkeys(n or usable_cores() for n in self.threads))


COLUMNS = (
    Column("case", "d_model, threads"),
    Column("tfx_s", "tfx", "s/step", digits=3),
    Column("torch_s", "PyTorch", "s/step", digits=3),
    Column("ratio", "tfx / PyTorch", "time", digits=3),
    Column("tokens_per_s", "tfx", "tokens/s", digits=3),
    Column("gflop_per_s", "tfx", "GFLOP/s", digits=3),
    Column("loss_difference", "loss", "nats apart", digits=2),
    Column("gradient_difference", "gradient", "of its norm", digits=2),
)
#: Without PyTorch these are empty: None in the rows, and not shown.
COMPARED = ("torch_s", "ratio", "loss_difference", "gradient_difference")


def taking_part(run: Run[Settings]) -> Any | None:
    """PyTorch, where it is installed and the numbers are on the host."""
    return import_torch() if run.xp is np else None


def title(run: Run[Settings]) -> str:
    return "A training step of a GPT" + (", beside PyTorch" if taking_part(run) else "")


def columns(run: Run[Settings]) -> tuple[Column, ...]:
    return COLUMNS if taking_part(run) else tuple(column for column in COLUMNS if column.key not in COMPARED)


def rows(run: Run[Settings]) -> Measured:
    """Compares, then times.  What is counted is the same every time; seconds are not, whatever the seed."""
    settings, seed, torch = run.settings, run.seed, taking_part(run)
    threads = settings.each_thread_count()
    run.facts |= {"threads": threads, "freed_memory_kept": keep_freed_memory(), **machine()}
    compared, flops = Compared(None, None), 0
    cases = [(d_model, n) for d_model in settings.d_model for n in threads]
    for d_model, n in run.over(cases, "d_model {0[0]}, {0[1]} thread(s)"):
        if n == threads[0]:
            if torch:
                compared = compare(settings, d_model, seed, torch)
                yield from comparison_checks(d_model, compared, settings)
            flops = counted_flops(settings, d_model, seed)
            yield work_check(settings, d_model, flops)
        timings = time_steps(run, d_model, n, torch)
        found = row(settings, d_model, n, timings, compared, flops)
        yield told(found, run.rows) if run.xp is np else found
    if run.xp is np:
        yield memory_check(settings, settings.d_model[0], seed)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    """All of them came with the rows."""
    return ()


def gpt(settings: Settings, d_model: int, seed: int) -> Any:
    return new_gpt(settings.vocab, d_model, settings.heads, settings.layers, settings.length, seed)


def batch(settings: Settings, rows: int, rng: np.random.Generator) -> np.ndarray:
    """(rows, T + 1) tokens in which the next one follows from the last more often than not, so that there is something
    to learn."""
    steps = rng.choice([1, 3, 7], p=[0.7, 0.2, 0.1], size=(rows, settings.length + 1))
    return steps.cumsum(axis=1) % settings.vocab


# Comparing


def compare(settings: Settings, d_model: int, seed: int, torch: Any) -> Compared:
    """Both libraries take the same steps from the same weights; the largest difference of losses and of gradients."""
    rng = generator(seed, d_model)
    batches = [batch(settings, settings.compare_batch, rng) for _ in range(settings.compare)]
    return compare_steps(torch, gpt(settings, d_model, seed), batches)


def comparison_checks(d_model: int, compared: Compared, settings: Settings) -> list[Check]:
    assert compared.loss is not None and compared.gradient is not None
    steps = f"over {settings.compare} steps, at d_model {d_model}"
    return [
        at_most(f"losses-{d_model}", f"losses are PyTorch's, {steps}", LOSS_TOLERANCE, compared.loss),
        at_most(f"gradients-{d_model}", f"gradients are PyTorch's, {steps}", GRADIENT_TOLERANCE, compared.gradient),
    ]


# Counting


def counted_flops(settings: Settings, d_model: int, seed: int) -> int:
    """FLOPs inside the matrix products of one step, counted by arrays that count; two for each multiply-add."""
    step = TrainingStep(gpt(settings, d_model, seed))
    ids = batch(settings, 1, generator(seed))
    with counting_in(step.model) as counted:
        step(ids)
    return 2 * counted.multiply_adds * settings.batch


def formula_flops(settings: Settings, d_model: int, share_of_scores: float) -> float:
    """6 for each token and weight that a token meets (forward 2, backward 4), and 12 C for each score that is made."""
    weights = settings.layers * 12 * d_model * d_model + settings.vocab * d_model
    scores = settings.layers * settings.length * share_of_scores * d_model
    return settings.batch * settings.length * (6 * weights + 12 * scores)


def work_check(settings: Settings, d_model: int, flops: int) -> Check:
    """At least the scores below the diagonal, and less than all of them."""
    low, high = formula_flops(settings, d_model, 0.5), formula_flops(settings, d_model, 1.0)
    statement = f"FLOPs counted in one step, in the formula's with scores for the past alone, at d_model {d_model}"
    return between(f"work-{d_model}", statement, 1.0, high / low, flops / low)


def memory_check(settings: Settings, d_model: int, seed: int) -> Check:
    """What a step has alive grows no faster than the batch: nothing is kept from one step to the next."""
    step, rng = TrainingStep(gpt(settings, d_model, seed)), generator(seed)
    small, large = (batch(settings, n, rng) for n in (1, 2))
    step(small)
    one, two, again = (peak_bytes(repeated(step, ids)) for ids in (small, large, large))
    statement = "peak memory of a step: twice the rows need at most twice as much, and the second step no more"
    growth, leak = two / one, again / two
    return Check(
        "memory", statement, "<= 2 and <= 1.01", f"{growth:.2f} and {leak:.2f}", "none", growth <= 2 and leak <= 1.01
    )


# Timing


def time_steps(run: Run[Settings], d_model: int, threads: int, torch: Any) -> Mapping[str, Timing]:
    """The median step of each library, from the same weights on the same batch."""
    settings, xp = run.settings, run.xp
    model = gpt(settings, d_model, run.seed)
    ids = batch(settings, settings.batch, run.generator(d_model))
    calls: dict[str, Callable[[], Any]] = {}
    if torch:
        network = torch_gpt(torch, model)
        theirs = torch_step(torch, network, torch_optimizer(torch, network, LEARNING_RATE, WEIGHT_DECAY, BETA2, EPS))
        calls["torch"] = repeated(theirs, ids)
    if xp is not np:
        model.to_device(xp)
    calls["tfx"] = repeated(TrainingStep(model, threads if xp is np else 1), xp.asarray(ids))
    what = f"d_model {d_model}, {threads} thread(s)"
    with stopwatch(xp, workers=threads) as watch, torch_threads(torch, threads):
        return watch.in_turns(calls, settings.turns, 3.0 if run.quick else 20.0, run.saying(what))


def row(
    settings: Settings, d_model: int, threads: int, timings: Mapping[str, Timing], compared: Compared, flops: int
) -> dict[str, Any]:
    ours, theirs = timings["tfx"], timings.get("torch")
    return {
        "case": f"{d_model}, {threads} thread{'s' * (threads > 1)}",
        "d_model": d_model,
        "threads": threads,
        "tfx_s": ours.median,
        "tfx_s_half_range": ours.half_range,
        "torch_s": theirs.median if theirs else None,
        "torch_s_half_range": theirs.half_range if theirs else None,
        "ratio": ours.median / theirs.median if theirs else None,
        "tokens_per_s": settings.batch * settings.length / ours.median,
        "gflop_per_s": flops / ours.median / 1e9,
        "loss_difference": compared.loss,
        "gradient_difference": compared.gradient,
    }


# Saying


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    return notes_on(run.rows, taking_part(run) is not None, run.xp is np)


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return time_plot(run.rows)
