"""Bugs of AdamW with a schedule, clipping, and batches in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.asking.adam import given
from lessons.practice.debug.program import Program

program = Program(
    "adam", "AdamW with a schedule, clipping, and batches in parts",
    "the loss of a line with an offset falls to nearly nothing, and every part does what its docstring says",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    n = rng.standard_normal
    for steps, warmup in ((10, 3), (7, 1), (20, 10)):
        yield "rates", {"steps": steps, "peak": float(rng.uniform(0.1, 2)), "warmup": warmup}
    for by in (0.01, 1.0, 100.0):
        yield "clipped", {"gradients": {"a": by * n((4, 3)), "b": by * n(3), "c": by * n((2, 2))}, "most": 1.5}
    yield "clipped", {"gradients": {"a": np.zeros((2, 2)), "b": np.zeros(2)}, "most": 1.0}
    for options in ({}, {"decay": 0.3}):
        w, five = {"a": n((3, 2)), "b": n(2)}, [{"a": n((3, 2)), "b": n(2)} for _ in range(5)]
        yield "several", {"w": w, "gradients": five, "rate": 0.1, **options}
    yield "replayed", {"w": {"a": n((3, 2)), "b": n(2)}, "gradients": {"a": n((3, 2)), "b": n(2)}, "rate": 0.1}
    for seed, parts in ((1, 1), (2, 4), (3, 2)):
        w, x, y = given(seed)
        yield "gradients", {"w": {"a": n(w["a"].shape), "b": n(w["b"].shape)}, "x": x, "y": y, "parts": parts}
    w, x, y = given(4)
    yield "train", {"w": w, "x": x, "y": y, "steps": 25, "peak": 0.1, "decay": 0.1}
    yield "train", {"w": w, "x": x / 16, "y": y / 4, "steps": 25, "peak": 0.1}  # clipped at first, not later


program.bug(
    "first-step-is-nothing", "optimiser", "peak * (step + 1) / warmup", "peak * step / warmup",
    "the first rate is 0, and the peak is reached one step late", "steps are counted from 0",
    "samples", "rate at step 1", "lower",
)  # fmt: skip
program.bug(
    "half-a-turn-too-much", "optimiser", "np.cos(np.pi * done)", "np.cos(2 * np.pi * done)",
    "the rate falls to 0 at half of the way and rises again", "a whole cosine has 2 pi",
    "samples", "rate at step 55", "lower",
)  # fmt: skip
program.bug(
    "fall-counted-from-nought", "optimiser", "(step - warmup) / (steps - warmup)", "step / steps",
    "after the warm-up the rate jumps down, as the fall began with step 0", "the fraction of all steps is at hand",
    "samples", "rate at step 55", "lower",
)  # fmt: skip
program.bug(
    "never-falls", "optimiser", "0.5 * (1 + np.cos(np.pi * done))", "0.5 * (1 - np.cos(np.pi * done))",
    "after the warm-up the rate begins at 0 and rises", "a sign",
    "samples", "rate at step 100", "higher",
)  # fmt: skip
program.bug(
    "clipped-one-by-one", "optimiser", "{name: g * factor for name, g in gradients.items()}",
    "{name: g * min(1.0, most / np.sqrt((g * g).sum() + 1e-24)) for name, g in gradients.items()}",
    "each gradient is clipped by its own norm, so that the direction turns", "clip_grad_norm is called in a loop",
    "invariants", "clipping treats two unlike by", "higher",
)  # fmt: skip
program.bug(
    "clipped-by-the-square", "optimiser", "(np.sqrt(squares) + 1e-12)", "(squares + 1e-12)",
    "gradients are divided by the square of their norm", "the root is remembered as part of the sum",
    "gradients", "norm when clipped to 1", "lower",
)  # fmt: skip
program.bug(
    "always-clipped", "optimiser", "min(1.0, most / (np.sqrt(squares) + 1e-12))", "most / (np.sqrt(squares) + 1e-12)",
    "small gradients are made large", "the minimum with 1 is forgotten",
    "gradients", "norm of 0.001 when clipped to 1", "higher",
)  # fmt: skip
program.bug(
    "clipped-upside-down", "optimiser", "min(1.0, most /", "max(1.0, most /",
    "large gradients stay, and small ones are made large", "min and max are taken for each other",
    "gradients", "norm when clipped to 1", "higher",
)  # fmt: skip
program.bug(
    "count-from-one", "optimiser", "return m, v, 0", "return m, v, 1",
    "the count begins with 1, so that every correction is that of the next step", "steps are counted from 1 in the paper",
    "samples", "first step, gradient 5", "lower",
)  # fmt: skip
program.bug(
    "count-stays", "optimiser", "count = count + 1", "count = max(count, 1)",
    "the count stays 1, and moments are corrected for ever as in the first step", "a state is read and not written",
    "samples", "20th step, gradient 5", "higher",
)  # fmt: skip
program.bug(
    "gradient-not-squared", "optimiser", "(1 - betas[1]) * g * g", "(1 - betas[1]) * g",
    "the second moment is a mean of gradients, and not of squares", "the two lines are alike",
    "samples", "first step, gradient 5", "higher",
)  # fmt: skip
program.bug(
    "betas-exchanged", "optimiser", "new_m[name] = betas[0] * m[name] + (1 - betas[0]) * g", "new_m[name] = betas[1] * m[name] + (1 - betas[0]) * g",
    "the first moment forgets with the rate of the second", "betas are taken by number",
    "samples", "20th step, gradient 5", "higher",
)  # fmt: skip
program.bug(
    "not-corrected", "optimiser", "new_m[name] / (1 - betas[0] ** count)", "new_m[name]",
    "the first moment is not corrected for its start at 0", "after some steps the correction is 1",
    "samples", "first step, gradient 5", "lower",
)  # fmt: skip
program.bug(
    "corrected-with-the-other-beta", "optimiser", "new_v[name] / (1 - betas[1] ** count)", "new_v[name] / (1 - betas[0] ** count)",
    "the second moment is corrected with the beta of the first", "a line is copied",
    "samples", "first step, gradient 5", "higher",
)  # fmt: skip
program.bug(
    "no-root", "optimiser", "m_hat / (np.sqrt(v_hat) + 1e-8)", "m_hat / (v_hat + 1e-8)",
    "the change is divided by the second moment, not by its root", "both are called v",
    "samples", "first step, gradient 5", "lower",
)  # fmt: skip
program.bug(
    "epsilon-inside", "optimiser", "(np.sqrt(v_hat) + 1e-8)", "np.sqrt(v_hat + 1e-8)",
    "epsilon stands inside of the root, where it is ten thousand times larger", "LayerNorm has it inside",
)  # fmt: skip
program.bug(
    "decay-through-the-moments", "optimiser", "            change = change + decay * w[name]\n        new[name] = w[name] - rate * change",
    "            change = change + decay * new_m[name]\n        new[name] = w[name] - rate * change",
    "what decays is the moment, not the weight", "a name is soon taken for another",
    "invariants", "a matrix decays wrongly by", "higher",
)  # fmt: skip
program.bug(
    "everything-decays", "optimiser", "if w[name].ndim > 1:", "if w[name].ndim > 0:",
    "vectors decay too: offsets, gains", "one setting for all is shorter",
    "invariants", "a vector decays by", "higher",
)  # fmt: skip
program.bug(
    "decay-without-the-rate", "optimiser", "new[name] = w[name] - rate * change", "new[name] = w[name] * (1 - decay) - rate * change",
    "weights shrink by the decay in each step, whatever the rate, and once more with it", "decay is thought of as a factor",
    "invariants", "a matrix decays wrongly by", "higher",
)  # fmt: skip
program.bug(
    "parts-are-added", "scale", 'total["a"] += xs.T @ off / parts', 'total["a"] += xs.T @ off',
    "the parts of a batch are added, and one gradient of two is not divided by their number", "each part is a mean already",
    "invariants", "parts are off by", "higher",
)  # fmt: skip
program.bug(
    "only-the-last-part", "data", 'total["b"] += off.sum(axis=0) / parts', 'total["b"] = off.sum(axis=0) / parts',
    "of all parts only the last one is in the gradient of the offset", "gradients are set to 0 in the wrong loop",
    "invariants", "parts are off by", "higher",
)  # fmt: skip
program.bug(
    "one-offset-for-all", "axis", 'off.sum(axis=0)', 'off.sum()',
    "every offset gets the gradient of all of them together", "an axis is left out, and broadcasting makes the shapes fit",
    "invariants", "an offset's gradient is off by", "higher",
)  # fmt: skip
program.bug(
    "weights-written-to", "optimiser", "        new[name] = w[name] - rate * change\n", "        w[name] -= rate * change\n        new[name] = w[name]\n",
    "the weights that were given are changed, also for who keeps them as the best so far", "-= is shorter",
    "invariants", "given weights change by", "higher",
)  # fmt: skip
program.bug(
    "state-begins-anew", "optimiser", "w, state = update(w, gradients, state, rate, decay)", "w, _ = update(w, gradients, state, rate, decay)",
    "every step begins with moments of 0", "the second result is thrown away",
    "loss", "loss after 100 steps", "higher",
)  # fmt: skip
