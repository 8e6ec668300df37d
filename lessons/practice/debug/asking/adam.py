"""Asks AdamW with a schedule, clipping, and batches in parts."""

from __future__ import annotations

from typing import Any

import numpy as np


def given(seed: int, size: int = 24, wide: int = 5, out: int = 3) -> Any:
    """Weights that begin at 0, inputs of unequal sizes, and outputs that a line with an offset gives, nearly."""
    rng = np.random.default_rng(seed)
    n = rng.standard_normal
    x = n((size, wide)) * 2.0 ** np.arange(wide)
    y = x @ n((wide, out)) / 2.0 ** np.arange(wide).mean() + n(out) + 0.01 * n((size, out))
    return {"a": np.zeros((wide, out)), "b": np.zeros(out)}, x, y


def rates(program: Any, steps: int, peak: float, warmup: int) -> Any:
    return [float(program.rate_at(step, steps, peak, warmup)) for step in range(steps)]


def clipped(program: Any, gradients: Any, most: float) -> Any:
    return program.clipped(gradients, most)


def several(program: Any, w: Any, gradients: Any, rate: float, **options: float) -> Any:
    """Some updates in a row, with a list of gradients -> the weights behind each, and the state at the end."""
    state, found = program.nothing(w), []
    for one in gradients:
        w, state = program.update(w, one, state, rate, **options)
        found.append(w)
    return tuple(found), state


def replayed(program: Any, w: Any, gradients: Any, rate: float) -> Any:
    """An update, and the next one from there twice: what is given to the first must be there for the second."""
    w, state = program.update(w, gradients, program.nothing(w), rate)
    return tuple(program.update(w, gradients, state, rate)[0] for _ in range(2))


def gradients(program: Any, w: Any, x: Any, y: Any, parts: int) -> Any:
    return program.gradient_in_parts(w, x, y, parts)


def train(program: Any, w: Any, x: Any, y: Any, steps: int, peak: float, **options: float) -> Any:
    return program.train(w, x, y, steps, peak, **options)


def ask_loss(program: Any) -> Any:
    """A line with an offset is learned: the loss falls, and after 100 steps is below a thousandth of what it was."""
    w, x, y = given(1)
    _, losses = program.train(w, x, y, 200, 0.15)
    return [(f"loss after {step} steps", float(losses[step])) for step in (0, 10, 100, 199)]


def ask_gradients(program: Any) -> Any:
    """A batch has the same norm whole and in parts; clipped to 1 it has 1, and one of 0.001, which is below 1, stays 0.001."""
    w, x, y = given(2)
    whole, parts = (program.gradient_in_parts(w, x, y, count) for count in (1, 4))
    small = {name: 1e-3 * g / size(whole) for name, g in whole.items()}
    return [
        ("norm of the whole batch", size(whole)),
        ("norm in four parts", size(parts)),
        ("norm when clipped to 1", size(program.clipped(whole, 1.0))),
        ("norm of 0.001 when clipped to 1", size(program.clipped(small, 1.0))),
    ]


def size(gradients: Any) -> float:
    return float(np.sqrt(sum((g * g).sum() for g in gradients.values())))


def ask_samples(program: Any) -> Any:
    """The rate rises in 10 steps to its peak, 1, is a little above one half at step 55, just before the middle of its fall,
    and ends at nearly 0. Each step has the rate 0.1: any first one is 0.1 long, whatever the size of its gradient, and so
    is each along a gradient that stays. After a single gradient steps become short."""
    w = {"a": np.full((1, 1), 2.0), "b": np.full(1, 2.0)}
    pull = {"a": np.full((1, 1), 5.0), "b": np.full(1, 0.01)}
    none = {name: 0 * g for name, g in pull.items()}
    ones, _ = several(program, w, [pull] * 20, 0.1)
    lone, _ = several(program, w, [pull] + [none] * 19, 0.1)
    steps = rates(program, 100, 1.0, 10)
    return [
        ("rate at step 1", steps[0]),
        ("rate at step 10", steps[9]),
        ("rate at step 55", steps[54]),
        ("rate at step 100", steps[99]),
        ("first step, gradient 5", float(2 - ones[0]["a"][0, 0])),
        ("first step, gradient 0.01", float(2 - ones[0]["b"][0])),
        ("20th step, gradient 5", float(ones[18]["a"][0, 0] - ones[19]["a"][0, 0])),
        ("step 19 after the only one", float(lone[18]["a"][0, 0] - lone[19]["a"][0, 0])),
    ]


def ask_invariants(program: Any) -> Any:
    """Without gradients only decay moves a matrix, by rate times decay, and nothing moves a vector; parts give the gradient of
    the whole; an offset does not feel the other outputs; clipping keeps directions; weights and state that are given stay: all 0."""
    w, x, y = given(3)
    w = {name: one + 1 for name, one in w.items()}
    none = {name: np.zeros_like(one) for name, one in w.items()}
    before = {name: one.copy() for name, one in w.items()}
    state = program.nothing(w)
    still, _ = program.update(w, none, state, 0.1, 0.5)
    pull = {name: np.ones_like(one) for name, one in w.items()}
    new, _ = program.update(w, pull, state, 0.1, 0.0)
    again, _ = program.update(w, pull, state, 0.1, 0.0)
    whole, parts = (program.gradient_in_parts(w, x, y, count) for count in (1, 3))
    short = program.clipped(whole, 1.0)
    alone = program.gradient_in_parts({"a": w["a"][:, :1], "b": w["b"][:1]}, x, y[:, :1], 1)["b"][0] / 3
    return [
        ("a matrix decays wrongly by", float(np.abs(still["a"] - 0.95 * before["a"]).max())),
        ("a vector decays by", float(np.abs(still["b"] - before["b"]).max())),
        ("parts are off by", max(float(np.abs(whole[name] - parts[name]).max()) for name in w)),
        ("an offset's gradient is off by", float(np.abs(whole["b"][0] - alone))),
        ("clipping turns by", float(abs(np.ptp(short["b"] / whole["b"])) + abs(np.ptp(short["a"] / whole["a"])))),
        ("clipping treats two unlike by", float(abs((short["b"] / whole["b"])[0] - (short["a"] / whole["a"])[0, 0]))),
        ("the same step again is off by", max(float(np.abs(new[name] - again[name]).max()) for name in w)),
        ("given weights change by", max(float(np.abs(w[name] - before[name]).max()) for name in w)),
    ]


def ask_shapes(program: Any) -> Any:
    """Five numbers in, three out; moments have the shape of what they are of."""
    w, x, y = given(4)
    new, (m, v, _) = program.update(w, program.gradient_in_parts(w, x, y, 2), program.nothing(w), 0.1)
    named = {"a": new["a"], "b": new["b"], "first moment of a": m["a"], "second moment of a": v["a"]}
    return [(name, str(np.shape(one))) for name, one in named.items()]


QUESTIONS = {
    "loss": ask_loss, "gradients": ask_gradients, "shapes": ask_shapes, "invariants": ask_invariants, "samples": ask_samples,
}  # fmt: skip
