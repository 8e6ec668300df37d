"""Additive against dot-product scores, like for like: FLOPs, time, memory, and what a small model learns with each.

    dot        s_ij = q_i . k_j / sqrt(d_k)        2 n^2 d_k FLOPs, n^2 numbers
    additive   s_ij = v . tanh(q_i + k_j)          4 n^2 d_a FLOPs, n^2 d_a numbers; here d_a = d_k = d

q and k are projections on both sides, so both pay for two matrices.  A sum, a tanh and a multiply-add (two FLOPs) for
each hidden number make a factor of two in FLOPs, and it is not the factor of the clock.
Sources: Bahdanau, Cho and Bengio 2015, appendix A.1.2; Vaswani et al. 2017, section 3.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.toys.tasks import find_task
from tfx.lab.attention.additive_head import AdditiveHead
from tfx.lab.attention.pair_scores import counted_flops, scoring_calls
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error, student_t_quantile
from tfx.measure.measuring import peak_bytes, told_apart
from tfx.measure.stopwatch import TOO_BUSY, stopwatch
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, within
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting, up_to
from tfx.train.toys import learn_toy, make_model

QUESTION = "Is dot-product attention two to three times as fast as additive, and is either one better?"
TITLE = "Additive against dot-product scores, at d_a = d_k = d"
CLAIM = (
    "Dot products score pairs two to three times as fast as additive attention, in less memory; additive attention is "
    "the better choice where d_k is small."
)
BREAK_IT = ("--set steps=1",)
HOST_ONLY = "It times the processor and trains models of a few thousand weights: nothing for a card."

DOT, ADDITIVE, UNSCALED = "dot", "additive", "unscaled"
#: The claim's own factor: a clock that shows more refutes it.
CLAIMED = 3.0
#: d_k is small, says the claim, below this; a lead of less than a hundredth of the answers is none.
SMALL, A_LEAD = 64, 0.01
#: Without the scale a wide head is behind by more than this share of the answers, whatever the seeds.
BEHIND = 0.05
#: A model that has learned the task gets at least this share right; guessing gets a tenth.
LEARNED = 0.5


@dataclass(frozen=True)
class Settings:
    widths: tuple[int, ...] = setting((4, 16, 64, 128), 1, 512, "the d to try", at_least=3)
    n: int = setting(256, 16, 2048, "queries and keys that are timed")
    turns: int = setting(5, 3, 1000, "how often each call is timed, at most")
    seeds: int = setting(6, 2, 100, "models that are trained with each score and width")
    steps: int = setting(100, 1, 10_000, "of training")
    length: int = setting(8, 5, 16, "symbols in a sequence to reverse")
    rate: float = setting(0.01, 1e-5, 1.0, "the highest learning rate")

    def quick(self) -> Settings:
        """Half the models, in fewer steps, and no width over 64."""
        fewer = max(2, self.seeds // 2)
        return replace(self, widths=up_to(self.widths, 64, 3), seeds=fewer, steps=min(self.steps, 80), turns=3)

    def full(self) -> Settings:
        """Four times the models and more widths."""
        return replace(self, widths=(2, 4, 8, 16, 32, 64, 128, 256), seeds=min(4 * self.seeds, 100), n=max(self.n, 512))

    def bytes_needed(self) -> float:
        """The hidden numbers of all pairs, before and after the tanh, when timed and with gradients in training."""
        d = max(self.widths)
        return 4.0 * (3 * self.n**2 * d + 4 * self.n**2 + 6 * 32 * self.length**2 * d)


COLUMNS = (
    Column("d", "d"),
    Column("slower", "time, additive / dot", digits=3),
    Column("slower_whole", "... all pairs at once", digits=3, detail=True),
    Column("slower_chunks", "... in chunks", digits=3, detail=True),
    Column("memory", "memory, additive / dot", digits=3),
    Column("dot_right", "right, dot product", digits=2),
    Column("additive_right", "right, additive", digits=2),
    Column("unscaled_right", "right, unscaled", digits=2, detail=True),
    Column("lead", "additive leads by", digits=2, detail=True),
    Column("lead_error", "half of its interval", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Time and memory of the scores at every width, then the training."""
    for d in run.over(sorted(set(run.settings.widths)), "d = {}"):
        yield {"d": d, **costs(run, d), **quality(run, d)}


# Measuring


def costs(run: Run[Settings], d: int) -> dict[str, Any]:
    """FLOPs of the pairs, seconds in turns on one thread, and the largest memory alive at once."""
    settings = run.settings
    calls = scoring_calls(run.generator(d), settings.n, d)
    with stopwatch() as watch:
        times = watch.in_turns(calls, settings.turns, 0.3 if run.quick else 1.5)
    run.facts |= {"blas_threads": watch.threads, "clock": watch.kind}
    peaks = {name: peak_bytes(call) for name, call in calls.items()}
    flops = counted_flops(run.generator(d), d)
    dot, whole, chunks = times["dot"], times["additive"], times["chunks"]
    best = min(whole, chunks, key=lambda timing: timing.median)
    return {
        "slower": best.median / dot.median,
        "slower_whole": whole.median / dot.median,
        "slower_chunks": chunks.median / dot.median,
        "told_apart": told_apart(best, dot),
        "memory": peaks["additive"] / peaks["dot"],
        "memory_counted": (2 * settings.n + 2) * d / (3 * d + settings.n),
        "flops": flops["additive"] / flops["dot"],
        "chunks_differ": float(abs(calls["chunks"]() - calls["additive"]()).max()),
    }


def quality(run: Run[Settings], d: int) -> dict[str, Any]:
    """Held-out places that are right, and the differences of models that share seed, data and all other weights."""
    settings = run.settings
    right: dict[str, np.ndarray] = {}
    seeds = run.generator().integers(2**31, size=settings.seeds)
    for scorer in (DOT, ADDITIVE, UNSCALED):
        run.saying(f"d = {d}: training with {scorer} scores")(len(right), 3)
        with blas_threads(1):  # products of small matrices: a second thread would only wait
            right[scorer] = np.array([trained(scorer, d, int(seed), settings) for seed in seeds])
    lead, lead_error = interval(right[ADDITIVE] - right[DOT])
    behind, behind_error = interval(right[DOT] - right[UNSCALED])
    return {
        **{f"{scorer}_right": float(found.mean()) for scorer, found in right.items()},
        "lead": lead,
        "lead_error": lead_error,
        "behind": behind,
        "behind_error": behind_error,
    }


def trained(scorer: str, d: int, seed: int, settings: Settings) -> float:
    """One head of width d in one block learns to reverse sequences: the share of held-out places that are right."""
    task = replace(find_task("reverse"), length=settings.length)
    attention = {"d_head": d, "scale": 1.0 if scorer == UNSCALED else None}
    model: Any = make_model(task, seed, n_heads=1, attention=attention)
    if scorer == ADDITIVE:
        model.stack.blocks[0].attention.kernel = AdditiveHead(d, np.random.default_rng((seed, d)))
    return learn_toy(task, settings.steps, seed, settings.rate, batch=32, model=model).accuracy


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Mean, and half of its 95% interval by Student's t."""
    mean, error = mean_with_error(differences)
    return mean, error * student_t_quantile(0.975, len(differences) - 1)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, last = run.rows, run.rows[-1]
    wide = f"at d = {last['d']}"
    return (
        exactly("flops", f"FLOPs of additive pairs over those of dot products, {wide}", 2.0, last["flops"]),
        within(
            "memory",
            f"memory of additive scores over that of dot products is what 2 n^2 d numbers ask for, {wide}",
            1.0,
            last["memory"] / last["memory_counted"],
            0.05,
        ),
        agree(
            "chunks",
            "in chunks the additive scores are the same: worst width",
            largest(row["chunks_differ"] for row in rows),
            to=1e-5,
        ),
        at_least("slower", f"additive takes more than {CLAIMED:g} times as long, {wide}", CLAIMED, last["slower"]),
        at_most(
            "no-lead",
            f"the additive model leads at no d below {SMALL}: the largest lower end of its lead",
            A_LEAD,
            largest(row["lead"] - row["lead_error"] for row in narrow(rows)),
        ),
        at_least(
            "scale-counts",
            f"without the scale the dot product is behind, {wide}: lower end",
            BEHIND,
            last["behind"] - last["behind_error"],
        ),
        at_least("learned", f"the scaled dot product has learned the task, {wide}", LEARNED, last["dot_right"]),
    )


def narrow(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Those of small d, or the first."""
    return [row for row in rows if row["d"] < SMALL] or rows[:1]


# Saying


def prompt(run: Run[Settings]) -> str:
    d = max(run.settings.widths)
    return f"At d = {d} additive pairs take 2 times the FLOPs of dot products. How many times the time?"


def question(run: Run[Settings]) -> Question:
    row = run.rows[-1]
    explanation = f"All pairs at once {row['slower_whole']:.3g} times, in chunks {row['slower_chunks']:.3g} times."
    return Question(prompt(run), row["slower"], 0.25, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    return (
        Text(f"{clock_says(run.rows)} {learning_says(run.rows)}"),
        Text(
            "Two is the ratio of FLOPs. A dot product is one product of matrices; the additive score writes, reads and "
            f"sends through tanh d numbers for every pair, {run.rows[-1]['memory']:.0f} times the memory at d = "
            f"{run.rows[-1]['d']}. The ratio of times depends on n, d and the machine; no graphics card was measured."
        ),
        Text(
            "Vaswani et al. 2017, section 3.2.1 say that both do alike at small d_k, and that additive is ahead at "
            "large d_k where the dot product has no scale: it is there that the scale counts. In the recurrent "
            "translators of Britz et al. 2017 additive scores stayed slightly ahead: it depends on the task."
        ),
        Text(
            f"The task: one head reverses {run.settings.length} symbols, {run.settings.steps} steps, "
            f"{run.settings.seeds} seeds, equal data and rate for all three. A toy: it refutes a rule, it makes none. "
            "Times differ from run to run; all else depends on the seed alone."
        ),
    )


def clock_says(rows: Sequence[Mapping[str, Any]]) -> str:
    if not all(row["told_apart"] for row in rows):
        return f"How much slower additive scores are, {TOO_BUSY}."
    ratios = [row["slower"] for row in rows]
    return f"Additive scores take {min(ratios):.2g} to {max(ratios):.2g} times as long as dot products, not 2 or 3."


def learning_says(rows: Sequence[Mapping[str, Any]]) -> str:
    least, ahead = rows[0], [str(row["d"]) for row in narrow(rows) if row["lead"] - row["lead_error"] > A_LEAD]
    if ahead:
        return f"The additive model learns faster at d = {', '.join(ahead)}."
    return (
        f"Additive scores are no better at small d: {least['additive_right']:.0%} right at d = {least['d']}, with dot "
        f"products {least['dot_right']:.0%}."
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows = run.rows
    d = [float(row["d"]) for row in rows]

    def curve(label: str, key: str, **kind: Any) -> Series:
        return Series(label, d, [row[key] for row in rows], **kind)

    return (
        Plot(
            clock_says(rows).rstrip("."),
            "width d = d_k = d_a",
            "additive / dot product",
            (
                curve("time, all pairs at once", "slower_whole"),
                curve("time, in chunks", "slower_chunks"),
                curve("FLOPs", "flops", kind="line"),
                curve("memory", "memory", kind="line"),
            ),
            log_x=True,
            log_y=True,
        ),
        Plot(
            learning_says(rows).rstrip("."),
            "width d = d_k = d_a",
            f"share right after {run.settings.steps} steps",
            (
                curve("dot product, scaled", "dot_right"),
                curve("additive", "additive_right"),
                curve("dot product, unscaled", "unscaled_right"),
                Series("guessing", d, [0.1] * len(d), kind="line"),
            ),
            log_x=True,
        ),
    )
