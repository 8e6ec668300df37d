"""What does the next token cost when a text has grown long?

Three ways to write the same greedy text with the same GPT (random weights: speed does not ask what they mean):

    stored        keys and values of all tokens in buffers made beforehand     work a + b n for token n
    joined        the same, but each token joins a new array                   ... and a copy of all that is stored
    recomputed    the whole context goes through the model again               work a n + b n^2

Counted by arrays that count what the code does, and compared with the formula: each further stored token adds 4 L C
FLOPs, two products of C multiply-adds in each block.  Measured: seconds of one token, and memory that it needs on top
of what is stored.  Storing costs as much memory as it saves time: 2 L C numbers for each token.
Source: Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.backend import device_module, synchronize
from tfx.bench.decode_findings import notes, plots
from tfx.bench.decode_readers import WAYS, after, multiply_adds, one_token, reader, stored_in
from tfx.bench.machine import machine
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.generate import greedy
from tfx.measure import counting
from tfx.measure.estimates import PowerLaw, fit_power_law
from tfx.measure.limits import require_all_in_range, require_range
from tfx.measure.measuring import Timing, peak_bytes, thread_clock, time_in_turns
from tfx.measure.progress import Progress, silent
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, at_most, between, exactly, within
from tfx.models import GPT
from tfx.records import Check, Column, Result

DTYPE = "float32"
ITEMSIZE = 4
#: So many tokens are written in each way, and must be the same.
WRITTEN = 24
#: The largest difference between logits, as a share of the largest logit.
TOLERANCE = 1e-5
#: Sums along rows, of a softmax or a norm, that are made by a product too: at most such a share of the others.
ROW_SUMS = 0.1
#: Time of one token like n^e.  What does not grow with n pulls both exponents down, noise pulls either way.
STORED_EXPONENT, RECOMPUTED_EXPONENT = 1.25, 0.7

Calls = dict[tuple[str, int], Callable[[], Any]]


@dataclass(frozen=True)
class Settings:
    """contexts: tokens that the new one may attend to, itself included; d_model, heads, layers, vocab: of the GPT;
    turns: how often each call is timed at most."""

    contexts: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048)
    d_model: int = 128
    heads: int = 4
    layers: int = 4
    vocab: int = 256
    turns: int = 7


COLUMNS = (
    Column("context", "context", "tokens"),
    Column("stored_s", "stored", "s", digits=3),
    Column("joined_s", "joined", "s", digits=3),
    Column("recomputed_s", "recomputed", "s", digits=3),
    Column("stored_tokens_per_s", "stored", "tokens/s", digits=3),
    Column("recomputed_tokens_per_s", "recomputed", "tokens/s", digits=3),
    Column("speedup", "recomputed / stored", "time", digits=3),
    Column("stored_mflop", "stored", "MFLOP"),
    Column("recomputed_mflop", "recomputed", "MFLOP"),
    Column("stored_gb_per_s", "stored reads", "GB/s", digits=3),
    Column("stored_peak_mib", "stored, extra", "MiB", digits=3),
    Column("joined_peak_mib", "joined, extra", "MiB", digits=3),
    Column("recomputed_peak_mib", "recomputed, extra", "MiB", digits=3),
    Column("kept_mib", "keys and values", "MiB", digits=3),
)


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Counts, writes, then times.  Texts, counts and logits are the same every time; the seconds are not."""
    check_settings(settings)
    if quick:
        settings = shorten(settings)
    xp = device_module(device)
    keep_freed_memory()
    start = time.perf_counter()
    contexts = sorted(set(settings.contexts))
    rng = generator(seed)
    ids = rng.integers(settings.vocab, size=(1, contexts[-1]))
    model = GPT(
        settings.vocab,
        settings.d_model,
        settings.heads,
        n_layers=settings.layers,
        max_len=contexts[-1] + WRITTEN,
        seed=int(rng.integers(2**31)),
        dtype=DTYPE,
    )
    counted = {(way, n): multiply_adds(model, way, ids[:, :n]) for way in ("stored", "recomputed") for n in contexts}
    for parameter in model.parameters().values():
        parameter.value, parameter.grad = xp.asarray(parameter.value), xp.asarray(parameter.grad)
    with blas_threads(1) as threads:
        texts = {way: greedy(reader(model, way), ids[0, : contexts[0]], WRITTEN) for way in WAYS}
        readers = {(way, n): after(reader(model, way), ids[:, :n]) for way in WAYS for n in contexts}
        calls: Calls = {name: lambda name=name: one_token(readers[name], ids) for name in readers}  # type: ignore[misc]
        difference = largest_difference({name: call() for name, call in calls.items()}, contexts)
        single = threads == 1 and xp is np
        timings = time_in_turns(
            calls,
            settings.turns,
            budget_s=2.0 if quick else 25.0,
            clock=thread_clock() if single else time.perf_counter,
            wait=lambda: synchronize(xp),
            progress=lambda done, total: progress(done, total, "timing"),
        )
        peaks = {name: peak_bytes(call) if xp is np else None for name, call in calls.items()}
    kept = {n: sum(each.k.nbytes + each.v.nbytes for each in stored_in(readers["stored", n])) for n in contexts}
    rows = [row(n, settings, timings, counted, peaks, kept[n]) for n in contexts]
    laws = {way: fit_power_law([row["context"] for row in rows], [row[f"{way}_s"] for row in rows]) for way in WAYS}
    return Result(
        name="decode",
        title="The next token, with stored keys and values and without",
        seed=seed,
        params={
            **asdict(settings),
            "quick": quick,
            "device": device,
            "dtype": DTYPE,
            "threads": threads,
            "clock": "thread" if single else "wall",
            "machine": machine(),
        },
        columns=COLUMNS,
        rows=tuple(rows),
        checks=(
            *same_numbers(texts, difference),
            *counted_work(rows, counted, settings),
            *storage(model, ids, rows, settings),
            *time_checks(laws),
        ),
        plots=plots(rows, laws),
        notes=notes(rows, settings),
        elapsed_s=time.perf_counter() - start,
    )


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range and for heads that do not divide d_model."""
    require_all_in_range("contexts", settings.contexts, 2, 16_384, at_least=3)
    require_range("d_model", settings.d_model, 1, 4096)
    require_range("heads", settings.heads, 1, settings.d_model)
    require_range("layers", settings.layers, 1, 64)
    require_range("vocab", settings.vocab, 2, 100_000)
    require_range("turns", settings.turns, 3, 1000)
    if settings.d_model % settings.heads:
        raise BadInput(
            f"heads must divide d_model, but {settings.heads} does not divide {settings.d_model}.", "Try: --set heads=1"
        )


def shorten(settings: Settings) -> Settings:
    """Without the contexts over 512, when enough others are left."""
    short = tuple(n for n in settings.contexts if n <= 512)
    return replace(settings, contexts=short) if len(set(short)) >= 3 else settings


def row(
    n: int,
    settings: Settings,
    timings: Mapping[tuple[str, int], Timing],
    counted: Mapping[tuple[str, int], int],
    peaks: Mapping[tuple[str, int], int | None],
    kept: int,
) -> dict[str, Any]:
    stored, recomputed = timings["stored", n], timings["recomputed", n]
    moved = counting.total_bytes(step_costs(n, settings), ITEMSIZE)
    found: dict[str, Any] = {"context": n}
    for way in WAYS:
        peak = peaks[way, n]
        found[f"{way}_s"], found[f"{way}_s_half_range"] = timings[way, n]
        found[f"{way}_tokens_per_s"] = 1 / timings[way, n].median
        found[f"{way}_peak_mib"] = None if peak is None else peak / 2**20
    return {
        **found,
        "speedup": recomputed.median / stored.median,
        "stored_mflop": 2 * counted["stored", n] / 1e6,
        "recomputed_mflop": 2 * counted["recomputed", n] / 1e6,
        "stored_gb_per_s": moved / stored.median / 1e9,
        "kept_mib": kept / 2**20,
    }


def step_costs(n: int, settings: Settings) -> tuple[counting.Cost, ...]:
    d_model = settings.d_model
    return counting.decoding_step(n, d_model, settings.heads, 4 * d_model, settings.layers, settings.vocab)


# Judging


def largest_difference(logits: Mapping[tuple[str, int], np.ndarray], contexts: Sequence[int]) -> float:
    """Between the logits of a whole pass and those of the other ways, as a share of the largest logit."""
    found = 0.0
    for n in contexts:
        want = logits["recomputed", n]
        others = (logits["stored", n], logits["joined", n])
        found = max(found, *(float(np.abs(have - want).max() / np.abs(want).max()) for have in others))
    return found


def same_numbers(texts: Mapping[str, np.ndarray], difference: float) -> tuple[Check, ...]:
    differing = sum(int((texts[way] != texts["recomputed"]).sum()) for way in WAYS)
    largest = "the largest difference between their logits, at every context, as a share of the largest logit"
    return (
        exactly("tokens", f"of {WRITTEN} tokens, written in three ways, so many differ", 0, differing),
        at_most("logits", largest, TOLERANCE, difference),
    )


def counted_work(
    rows: Sequence[Mapping[str, Any]], counted: Mapping[tuple[str, int], int], settings: Settings
) -> tuple[Check, ...]:
    """What the code did, against the formula."""
    first, middle, last = (rows[at]["context"] for at in (0, len(rows) // 2, -1))
    flops = {n: 2 * counted["stored", n] for n in (first, middle, last)}
    want = counting.total_matmul_flops(step_costs(last, settings))
    early, late = (flops[middle] - flops[first]) / (middle - first), (flops[last] - flops[middle]) / (last - middle)
    all_of_it = f"FLOPs of the products for one token at context {last}"
    per_token = 4 * settings.layers * settings.d_model
    saved = (
        f"recomputing {last} tokens is about {last} times the work, or half where blocks that see nothing are skipped"
    )
    return (
        within("work", all_of_it, want, flops[last], ROW_SUMS * want),
        within("work-each", "each further stored token adds 4 L C", per_token, late, ROW_SUMS * per_token),
        exactly("work-linear", "... in a long text as in a short one", early, late),
        between("work-saved", saved, last / 2, last, counted["recomputed", last] / counted["stored", last]),
    )


def storage(model: GPT, ids: np.ndarray, rows: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[Check, ...]:
    """That nothing which is stored is copied while tokens are added."""
    writer = after(reader(model, "stored"), ids[:, : rows[0]["context"]])
    seen = []
    for _ in range(WRITTEN):
        writer.read(ids[:, :1], 1)
        seen.append([each.storage_k for each in stored_in(writer)])
    moved = sum(each.moved_bytes for each in stored_in(writer))
    arrays = max(len({id(array) for array in block}) for block in zip(*seen, strict=True))
    checks = [
        exactly("one-buffer", f"while {WRITTEN} tokens are added, so many arrays hold the keys of a block", 1, arrays),
        exactly("nothing-moved", "bytes that were moved to make room for them", 0, moved),
    ]
    if rows[0]["stored_peak_mib"] is not None:
        keys = settings.d_model * ITEMSIZE
        less, more = "less than a block's keys", "a block's keys and values, or more"
        slopes = {way: memory_slope(rows, way) for way in ("stored", "joined")}
        checks += [
            at_most("memory", f"bytes that one token needs, for each one stored: {less}", keys, slopes["stored"]),
            at_least("memory-joined", f"... where arrays are joined: {more}", 2 * keys, slopes["joined"]),
        ]
    return tuple(checks)


def memory_slope(rows: Sequence[Mapping[str, Any]], way: str) -> float:
    """Extra bytes of one token, for each further token of context."""
    key, first, last = f"{way}_peak_mib", rows[0], rows[-1]
    return float((last[key] - first[key]) * 2**20 / (last["context"] - first["context"]))


def time_checks(laws: Mapping[str, PowerLaw]) -> tuple[Check, ...]:
    """Measured exponents, with wide limits because caches and other programs have a say."""
    stored, recomputed = laws["stored"], laws["recomputed"]
    said = "time of one token grows like n^e, 95% interval {0.low:.2f} .. {0.high:.2f}"
    return (
        at_most("time-stored", "stored: " + said.format(stored), STORED_EXPONENT, stored.exponent),
        at_least("time-recomputed", "recomputed: " + said.format(recomputed), RECOMPUTED_EXPONENT, recomputed.exponent),
    )
