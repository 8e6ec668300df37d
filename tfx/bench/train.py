"""How long does a training step take, and how long in PyTorch?

A step is forward, loss, backward and AdamW of a GPT in float32.  PyTorch runs the same model in eager mode with fused
attention and fused AdamW (torch_gpt.py), from the same weights.  First both take the same steps on the same batches,
and losses and gradients are compared; then they are timed in turns, in one process, with one thread and with all cores.

What makes a NumPy step quick is in the library and readable there: sums as products with ones (ops/basics/sums.py),
work in place on own temporaries, leading axes folded before a product (ops/basics/linear.py), one exp for the tanh form
of GELU, no scores for keys in the future (efficient/memory_efficient_attention.py with keep=True), all parameters in
one vector, AdamW in blocks that stay in the cache, a worker for each core (train/workers.py), and freed memory that
stays with the process (allocator.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.backend import device_module, synchronize
from tfx.bench.machine import machine, usable_cores
from tfx.bench.pytorch import import_torch, torch_threads
from tfx.bench.torch_gpt import as_torch, torch_gpt, torch_optimizer, torch_step
from tfx.bench.train_findings import notes, plots
from tfx.bench.training_step import BETA2, EPS, LEARNING_RATE, WEIGHT_DECAY, TrainingStep, new_gpt, repeated
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.measure.counting_array import counting_in
from tfx.measure.limits import require_all_in_range, require_range
from tfx.measure.measuring import Timing, peak_bytes, thread_clock, time_in_turns
from tfx.measure.progress import Progress, silent
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_most, between
from tfx.records import Check, Column, Result

#: The largest difference of a loss, and of a gradient as a share of its norm, over all steps compared.
LOSS_TOLERANCE, GRADIENT_TOLERANCE = 1e-5, 1e-5


@dataclass(frozen=True)
class Settings:
    """d_model: widths of the GPT.  threads: how many, one row for each; 0 stands for all cores.  batch, length, vocab,
    heads, layers: the other sizes.  compare: steps that both libraries take side by side, on `compare_batch` rows;
    turns: how often each step is timed at most."""

    d_model: tuple[int, ...] = (64, 128, 256)
    threads: tuple[int, ...] = (1, 0)
    batch: int = 16
    length: int = 128
    vocab: int = 256
    heads: int = 4
    layers: int = 4
    compare: int = 50
    compare_batch: int = 2
    turns: int = 15


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


class Compared(NamedTuple):
    """The largest differences over the steps compared; None without PyTorch."""

    loss: float | None
    gradient: float | None


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Compares, then times.  What is counted is the same every time; seconds are not, whatever the seed."""
    settings = with_all_cores(settings)
    check_settings(settings)
    if quick:
        settings = shorten(settings)
    xp = device_module(device)
    torch = import_torch() if xp is np else None
    start = time.perf_counter()
    kept = keep_freed_memory()
    rows: list[dict[str, Any]] = []
    checks: list[Check] = []
    n_rows = len(settings.d_model) * len(settings.threads)
    for d_model in settings.d_model:
        compared = compare(settings, d_model, seed, torch) if torch else Compared(None, None)
        checks += comparison_checks(d_model, compared, settings) if torch else []
        flops = counted_flops(settings, d_model, seed)
        checks.append(work_check(settings, d_model, flops))
        for threads in settings.threads:
            report = reporting(progress, len(rows), n_rows, f"d_model {d_model}, {threads} thread(s)")
            timings = time_steps(settings, d_model, threads, seed, xp, torch, quick, report)
            rows.append(row(settings, d_model, threads, timings, compared, flops))
    if xp is np:
        checks.append(memory_check(settings, settings.d_model[0], seed))
    return Result(
        name="train",
        title="A training step of a GPT" + (", beside PyTorch" if torch else ""),
        seed=seed,
        params={**asdict(settings), "quick": quick, "device": device, "freed_memory_kept": kept, **machine()},
        columns=COLUMNS if torch else tuple(column for column in COLUMNS if column.key not in COMPARED),
        rows=tuple(rows),
        checks=tuple(checks),
        plots=plots(rows),
        notes=notes(rows, torch is not None, xp is np),
        break_it=("--set batch=2", "--set length=512 --set batch=4"),
        elapsed_s=time.perf_counter() - start,
    )


def with_all_cores(settings: Settings) -> Settings:
    """0 threads are all cores; the same number is measured once."""
    numbers = [n or usable_cores() for n in settings.threads]
    return replace(settings, threads=tuple(dict.fromkeys(numbers)))


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range and for heads that do not divide a width."""
    require_all_in_range("d_model", settings.d_model, 1, 4096)
    require_all_in_range("threads", settings.threads, 1, 1024)
    for name, low, high in (
        ("batch", 1, 4096),
        ("length", 1, 8192),
        ("vocab", 2, 100_000),
        ("heads", 1, min(settings.d_model)),
        ("layers", 1, 100),
        ("compare", 1, 10_000),
        ("compare_batch", 1, 4096),
        ("turns", 3, 1000),
    ):
        require_range(name, getattr(settings, name), low, high)
    for d_model in settings.d_model:
        if d_model % settings.heads:
            raise BadInput(
                f"heads must divide d_model, but {settings.heads} does not divide {d_model}.", "Try: --set heads=1"
            )


def shorten(settings: Settings) -> Settings:
    """The narrowest model alone, fewer steps and rows."""
    return replace(
        settings,
        d_model=(min(settings.d_model),),
        batch=min(settings.batch, 4),
        compare=min(settings.compare, 10),
        turns=min(settings.turns, 5),
    )


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
    ours, rng = TrainingStep(gpt(settings, d_model, seed)), generator(seed, d_model)
    network = torch_gpt(torch, ours.model)
    theirs = torch_step(torch, network, torch_optimizer(torch, network, LEARNING_RATE, WEIGHT_DECAY, BETA2, EPS))
    losses, gradients = [], []
    with blas_threads(1), torch_threads(torch, 1):
        for _ in range(settings.compare):
            ids = batch(settings, settings.compare_batch, rng)
            losses.append(abs(ours(ids) - theirs(ids)))
            gradients.append(gradient_difference(ours, network))
    return Compared(max(losses), max(gradients))


def gradient_difference(ours: TrainingStep, network: Any) -> float:
    """The norm of the difference over the norm, all parameters together."""
    mine = as_torch({name: parameter.grad for name, parameter in ours.model.parameters().items()})
    theirs = {name: parameter.grad.numpy() for name, parameter in network.named_parameters()}
    apart = sum(float(((mine[name] - theirs[name]).astype(np.float64) ** 2).sum()) for name in theirs)
    size = sum(float((theirs[name].astype(np.float64) ** 2).sum()) for name in theirs)
    return float(np.sqrt(apart / size))


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

Report = Callable[[int, int], None]


def reporting(progress: Progress, done: int, total: int, what: str) -> Report:
    """Turns of one row -> the part of the whole that is done."""
    return lambda turn, turns: progress(done * turns + turn, total * turns, what)


def time_steps(
    settings: Settings, d_model: int, threads: int, seed: int, xp: Any, torch: Any, quick: bool, report: Report
) -> Mapping[str, Timing]:
    """The median step of each library, from the same weights on the same batch."""
    model = gpt(settings, d_model, seed)
    ids = batch(settings, settings.batch, generator(seed, d_model))
    calls: dict[str, Callable[[], Any]] = {}
    if torch:
        network = torch_gpt(torch, model)
        theirs = torch_step(torch, network, torch_optimizer(torch, network, LEARNING_RATE, WEIGHT_DECAY, BETA2, EPS))
        calls["torch"] = repeated(theirs, ids)
    if xp is not np:
        model.to_device(xp)
    calls["tfx"] = repeated(TrainingStep(model, threads if xp is np else 1), xp.asarray(ids))
    with blas_threads(1):
        single = threads == 1 and xp is np
        with torch_threads(torch, threads):
            return time_in_turns(
                calls,
                settings.turns,
                budget_s=3.0 if quick else 20.0,
                clock=thread_clock() if single else time.perf_counter,
                wait=lambda: synchronize(xp),
                progress=report,
            )


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
