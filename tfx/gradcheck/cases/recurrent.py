"""Recurrent networks: the loss reads every output and, beside them, the last state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import Rng, off_zero
from tfx.ops.basics.clip import ClipCache, clip_backward, clip_forward
from tfx.ops.recurrence.gru import GruCache, GruGrads, gru_backward, gru_forward
from tfx.ops.recurrence.lstm import LstmCache, LstmGrads, lstm_backward, lstm_forward
from tfx.ops.recurrence.rnn import RnnCache, RnnGrads, rnn_backward, rnn_forward

#: Batch, steps, widths of input, state and projected state: all different, and small, because every step is a loop.
B, STEPS, WIDTH_IN, WIDTH, PROJECTED = 2, 6, 3, 5, 4
LENGTHS = np.array([STEPS, 3])


def with_last(forward: Callable[..., Any], backward: Callable[..., Any]) -> tuple[Any, Any]:
    """The pair with every output and every part of the last state in one vector, as a loss that reads all would."""

    def joined_forward(**inputs: Any) -> tuple[Any, Any]:
        h, cache = forward(**inputs)
        parts = (h, *cache.last)
        return xp_of(h).concatenate([part.reshape(-1) for part in parts]), cache

    return joined_forward, last_too(backward)


def last_too(backward: Callable[..., Any]) -> Callable[..., Any]:
    """backward(dh, cache, dlast) as a function of the joined vector of `with_last`."""

    def joined_backward(dy: Any, cache: Any) -> Any:
        last = cache.last
        start = dy.size - sum(part.size for part in last)
        dh = dy[:start].reshape(last[0].shape[0], -1, last[0].shape[1])
        dlast = []
        for part in last:
            dlast.append(dy[start : start + part.size].reshape(part.shape))
            start += part.size
        return backward(dh, cache, tuple(dlast))

    return joined_backward


def gates(
    rng: Rng, n: int, width: int = WIDTH, state: int = WIDTH, steps: int = STEPS, two_biases: bool = False
) -> dict[str, Any]:
    """Inputs of a recurrent op with n blocks of weights; small recurrent weights keep the gates off their ends."""
    inputs = {"x": rng.standard_normal((B, steps, WIDTH_IN)), "h0": rng.standard_normal((B, state))}
    inputs |= {"w_x": rng.standard_normal((WIDTH_IN, n * width)), "w_h": 0.4 * rng.standard_normal((state, n * width))}
    inputs["b"] = rng.standard_normal(n * width)
    if two_biases:
        inputs["b_h"] = rng.standard_normal(n * width)
    return inputs


def rnn(rng: Rng, steps: int = STEPS, two_biases: bool = False, **fixed: Any) -> Problem:
    return Problem(*with_last(rnn_forward, rnn_backward), gates(rng, 1, WIDTH, WIDTH, steps, two_biases), fixed)


def rnn_relu(rng: Rng) -> Problem:
    """Every state stays clear of the kink for as long as the small steps of the check move it."""
    problem = rnn(rng, activation="relu")
    inputs = {**problem.inputs, "w_h": 0.1 * problem.inputs["w_h"], "h0": 0.1 * problem.inputs["h0"]}
    inputs["b"] = 8.0 * np.sign(inputs["b"])
    return problem._replace(inputs=inputs)


def lstm(
    rng: Rng,
    peepholes: bool = False,
    projected: bool = False,
    steps: int = STEPS,
    two_biases: bool = False,
    **fixed: Any,
) -> Problem:
    inputs = gates(rng, 4, WIDTH, PROJECTED if projected else WIDTH, steps, two_biases)
    inputs["c0"] = rng.standard_normal((B, WIDTH))
    if peepholes:
        inputs["peepholes"] = rng.standard_normal((3, WIDTH))
    if projected:
        inputs["w_r"] = rng.standard_normal((WIDTH, PROJECTED))
    order = [name for name in ("x", "h0", "c0", *inputs) if name in inputs]
    ordered = {name: inputs[name] for name in dict.fromkeys(order)}
    return Problem(*with_last(lstm_forward, lstm_backward), ordered, fixed)


def gru(rng: Rng, steps: int = STEPS, two_biases: bool = True, **fixed: Any) -> Problem:
    return Problem(*with_last(gru_forward, gru_backward), gates(rng, 3, WIDTH, WIDTH, steps, two_biases), fixed)


def clip(rng: Rng, limit: float | None = 0.8) -> Problem:
    x = off_zero(rng.standard_normal((B, STEPS, WIDTH)))
    near = np.abs(np.abs(x) - 0.8) < 0.05
    return Problem(clip_forward, clip_backward, {"x": np.where(near, 0.5 * x, x)}, {"limit": limit})


def rnn_without_time(dh: Any, cache: RnnCache, dlast: Any) -> RnnGrads:
    """Every step is taken for the last: nothing flows back from the future."""
    return rnn_backward(dh, cache._replace(w_h=np.zeros_like(cache.w_h)), dlast)


def lstm_without_cell_path(dh: Any, cache: LstmCache, dlast: Any) -> LstmGrads:
    """Backpropagation takes h back through time and forgets that the cell goes there too."""
    closed = [step._replace(f=step.f._replace(y=np.zeros_like(step.f.y))) for step in cache.time.steps]
    return lstm_backward(dh, cache._replace(time=cache.time._replace(steps=tuple(closed))), dlast)


def gru_other_reset(dh: Any, cache: GruCache, dlast: Any) -> GruGrads:
    """The forward resets and then multiplies; this backward is that of multiplying and then resetting."""
    w_n = cache.w_h[:, 2 * WIDTH :]
    swapped = [step._replace(read=step.h, u_n=step.h @ w_n) for step in cache.time.steps]
    return gru_backward(dh, cache._replace(time=cache.time._replace(steps=tuple(swapped))), dlast)


def clip_not_at_all(dy: Any, cache: ClipCache) -> Any:
    return dy


CASES: tuple[Case, ...] = (
    Case(rnn_backward, "six steps", rnn),
    Case(rnn_backward, "one step", partial(rnn, steps=1)),
    Case(rnn_backward, "relu", rnn_relu),
    Case(rnn_backward, "two offsets, padding", partial(rnn, two_biases=True, lengths=LENGTHS)),
    Case(rnn_backward, "reverse, padding", partial(rnn, reverse=True, lengths=LENGTHS)),
    Case(lstm_backward, "six steps", lstm),
    Case(lstm_backward, "one step", partial(lstm, steps=1)),
    Case(lstm_backward, "peepholes", partial(lstm, peepholes=True)),
    Case(lstm_backward, "projection, two offsets", partial(lstm, projected=True, two_biases=True)),
    Case(
        lstm_backward,
        "peepholes, projection, reverse, padding",
        partial(lstm, peepholes=True, projected=True, reverse=True, lengths=LENGTHS),
    ),
    Case(gru_backward, "reset before", gru),
    Case(gru_backward, "reset after", partial(gru, linear_before_reset=True)),
    Case(gru_backward, "reset before, one offset, padding", partial(gru, two_biases=False, lengths=LENGTHS)),
    Case(
        gru_backward,
        "reset after, reverse, padding",
        partial(gru, linear_before_reset=True, reverse=True, lengths=LENGTHS),
    ),
    Case(clip_backward, "some beyond the limit", clip),
    Case(clip_backward, "no limit", partial(clip, limit=None)),
)

CONTROLS: tuple[Control, ...] = (
    Control("rnn", "nothing flows back through time", last_too(rnn_without_time), rnn),
    Control("lstm", "the cell carries nothing back", last_too(lstm_without_cell_path), lstm),
    Control("gru", "the other place of the reset", last_too(gru_other_reset), gru),
    Control("clip", "what was clipped gets a gradient", clip_not_at_all, clip),
)
