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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.bench.decode_agreement import WRITTEN, largest_difference, same_numbers
from tfx.bench.decode_readers import WAYS, after, multiply_adds, one_token, reader, stored_in
from tfx.bench.decode_storage import ITEMSIZE, storage
from tfx.bench.machine import machine
from tfx.generate import greedy
from tfx.lab.frame import Measured, Run
from tfx.measure import counting
from tfx.measure.estimates import straight_line
from tfx.measure.measuring import Timing, peak_bytes
from tfx.measure.power_laws import PowerLaw, fit_power_law
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import at_least, at_most, between, exactly, within
from tfx.models import GPT
from tfx.models.gpt import gpt_parameter_count
from tfx.records import Check, Column, Plot, Series, Text
from tfx.settings import require_divisor, setting, up_to

QUESTION = "Tokens per second with stored keys and values, and without"
ORDER = 5
TITLE = "The next token, with stored keys and values and without"
BREAK_IT = ("--set contexts=2,3,4",)

DTYPE = "float32"
#: Sums along rows, of a softmax or a norm, that are made by a product too: at most such a share of the others.
ROW_SUMS = 0.1
#: Time of one token like n^e.  What does not grow with n pulls both exponents down, noise pulls either way.
STORED_EXPONENT, RECOMPUTED_EXPONENT = 1.25, 0.7

Rows = Sequence[Mapping[str, Any]]
Calls = dict[tuple[str, int], Callable[[], Any]]


@dataclass(frozen=True)
class Settings:
    contexts: tuple[int, ...] = setting(
        (64, 128, 256, 512, 1024, 2048), 2, 16_384, "tokens that the new one may attend to, with itself", at_least=3
    )
    d_model: int = setting(128, 1, 4096, "width of the GPT")
    heads: int = setting(4, 1, 4096, "of the GPT; they divide d_model")
    layers: int = setting(4, 1, 64, "of the GPT")
    vocab: int = setting(256, 2, 100_000, "different tokens")
    turns: int = setting(7, 3, 1000, "how often each call is timed, at most")

    def quick(self) -> Settings:
        """Without the contexts over 512, when enough others are left."""
        return replace(self, contexts=up_to(self.contexts, 512, at_least=3))

    def check(self) -> None:
        require_divisor("heads", self.heads, "d_model", self.d_model)

    def bytes_needed(self) -> float:
        """Weights and gradients; keys and values of every context, stored and joined; and one whole pass."""
        longest = max(self.contexts)
        parameters = gpt_parameter_count(self.vocab, self.d_model, self.layers, longest + WRITTEN)
        stored = 3 * 2 * self.layers * self.d_model * sum(set(self.contexts))
        block = 2 * self.heads * longest * longest + 30 * longest * self.d_model
        return float(ITEMSIZE * (2 * parameters + stored + self.layers * block + 3 * longest * self.vocab))


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


def rows(run: Run[Settings]) -> Measured:
    """Counts, writes, then times.  Texts, counts and logits are the same every time; the seconds are not."""
    settings, xp = run.settings, run.xp
    keep_freed_memory()
    contexts = sorted(set(settings.contexts))
    rng = run.generator()
    ids = rng.integers(settings.vocab, size=(1, contexts[-1]))
    model = gpt(settings, contexts[-1] + WRITTEN, int(rng.integers(2**31)))
    counted = {(way, n): multiply_adds(model, way, ids[:, :n]) for way in ("stored", "recomputed") for n in contexts}
    for parameter in model.parameters().values():
        parameter.value, parameter.grad = xp.asarray(parameter.value), xp.asarray(parameter.grad)
    with stopwatch(xp) as watch:
        texts = {way: greedy(reader(model, way), ids[0, : contexts[0]], WRITTEN) for way in WAYS}
        readers = {(way, n): after(reader(model, way), ids[:, :n]) for way in WAYS for n in contexts}
        calls: Calls = {name: lambda name=name: one_token(readers[name], ids) for name in readers}  # type: ignore[misc]
        difference = largest_difference({name: call() for name, call in calls.items()}, contexts)
        timings = watch.in_turns(calls, settings.turns, 2.0 if run.quick else 25.0, run.saying("timing"))
        peaks = {name: peak_bytes(call) if xp is np else None for name, call in calls.items()}
    kept = {n: sum(each.k.nbytes + each.v.nbytes for each in stored_in(readers["stored", n])) for n in contexts}
    run.facts |= {"dtype": DTYPE, "threads": watch.threads, "clock": watch.kind, "machine": machine()}
    found = [row(n, settings, timings, counted, peaks, kept[n]) for n in contexts]
    yield from found
    yield from same_numbers(texts, difference)
    yield from counted_work(found, counted, settings)
    yield from storage(model, ids, found, settings.d_model, WRITTEN)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    """What was counted and written came with the rows; the clock is judged last."""
    return time_checks(growth(run.rows))


def gpt(settings: Settings, length: int, seed: int) -> GPT:
    return GPT(
        settings.vocab,
        settings.d_model,
        settings.heads,
        n_layers=settings.layers,
        max_len=length,
        seed=seed,
        dtype=DTYPE,
    )


def growth(rows: Rows) -> dict[str, PowerLaw]:
    """Of the time of one token, for each way."""
    contexts = [row["context"] for row in rows]
    return {way: fit_power_law(contexts, [row[f"{way}_s"] for row in rows]) for way in WAYS}


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


def counted_work(rows: Rows, counted: Mapping[tuple[str, int], int], settings: Settings) -> tuple[Check, ...]:
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


def time_checks(laws: Mapping[str, PowerLaw]) -> tuple[Check, ...]:
    """Measured exponents, with wide limits because caches and other programs have a say."""
    stored, recomputed = laws["stored"], laws["recomputed"]
    said = "time of one token grows like n^e, 95% interval {0.low:.2f} .. {0.high:.2f}"
    return (
        at_most("time-stored", "stored: " + said.format(stored), STORED_EXPONENT, stored.exponent),
        at_least("time-recomputed", "recomputed: " + said.format(recomputed), RECOMPUTED_EXPONENT, recomputed.exponent),
    )


# Saying


def seconds_of_text(rows: Rows, way: str) -> float:
    """Of all tokens from the first context to the last, each as if it lay on a straight line between its neighbours."""
    found = 0.0
    for earlier, later in pairwise(rows):
        found += (later["context"] - earlier["context"]) * (earlier[f"{way}_s"] + later[f"{way}_s"]) / 2
    return found


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    rows, settings = run.rows, run.settings
    first, last = rows[0], rows[-1]
    fixed, each = straight_line([row["context"] for row in rows], [row["stored_s"] for row in rows])
    growing = (
        f" and {each * 1e6:.2g} us for each token of context"
        if each > 0
        else ", and no more for each token of context than the clock can tell"
    )
    texts = {way: seconds_of_text(rows, way) for way in ("stored", "joined", "recomputed")}
    return (
        Text(
            f"Stored: a token takes about {fixed * 1e3:.2g} ms{growing}. "
            f"At context {last['context']} it is {last['speedup']:.3g} times as fast as recomputing. "
            f"All tokens from {first['context']} to {last['context']}: about {texts['stored']:.3g} s stored, "
            f"{texts['joined']:.3g} s joined, {texts['recomputed']:.3g} s recomputed."
        ),
        Text(
            "One token makes every product a matrix times a vector: each weight and each stored number is read for one "
            "multiply-add, so a large model goes at the pace of its memory, and several texts side by side cost little "
            f"more than one (Pope et al. 2022, section 2.1). Here {last['stored_gb_per_s']:.2g} GB/s are read at "
            f"context {last['context']}; where `tfx bench roofline` copies many times as much, calls of Python set the "
            "pace, and not memory."
        ),
        Text(
            "What grows with the context is the look at everything stored: scores, weights and their sum. A window or "
            "fewer key and value heads shrink it. The extra memory of a stored token is those scores, one row a head "
            "and block; the whole pass needs a square of them."
        ),
        Text(
            f"Times are medians of at most {settings.turns} turns, taken in turns, one BLAS thread; they differ from "
            "run to run and from machine to machine. Tokens, counts and memory do not."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, laws = run.rows, growth(run.rows)
    n, last = [row["context"] for row in rows], rows[-1]
    fixed, each = straight_line(n, [row["stored_s"] for row in rows])

    def points(way: str) -> Series:
        seconds, errors = [row[f"{way}_s"] for row in rows], [row[f"{way}_s_half_range"] for row in rows]
        return Series(way, n, [1e3 * s for s in seconds], [1e3 * e for e in errors])

    made = [
        Plot(
            f"With stored keys and values, token {last['context']} comes {last['speedup']:.3g} times as fast; without, "
            f"its time grows like n^{laws['recomputed'].exponent:.2f}",
            "context n (tokens)",
            "time of one token (ms)",
            (
                points("stored"),
                Series("a + b n", n, [1e3 * (fixed + each * x) for x in n], kind="line"),
                points("joined"),
                points("recomputed"),
            ),
            log_x=True,
            log_y=True,
        )
    ]
    if last["stored_peak_mib"] is not None:
        series = tuple(Series(w, n, [r[f"{w}_peak_mib"] for r in rows]) for w in ("stored", "joined", "recomputed"))
        made.append(
            Plot(
                f"Buffers need {last['stored_peak_mib']:.3g} MiB on top for token {last['context']}, joining "
                f"{last['joined_peak_mib']:.3g} MiB, recomputing {last['recomputed_peak_mib']:.3g} MiB",
                "context n (tokens)",
                "memory of one token, beyond what is stored (MiB)",
                series,
                log_x=True,
                log_y=True,
            )
        )
    return tuple(made)
