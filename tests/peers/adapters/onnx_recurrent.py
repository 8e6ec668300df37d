"""RNN, LSTM and GRU.

ONNX keeps weights as (directions, gates * C, I), gates in the order i, o, f, c (LSTM) and z, r, h (GRU), two offsets
side by side in B, and peepholes in the order i, o, f.  With sequence_lens it leaves open what Y holds after a row's
end; ours holds the last state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.ops.recurrence.gru import gru_forward
from tfx.ops.recurrence.lstm import lstm_forward
from tfx.ops.recurrence.rnn import rnn_forward

#: Where our blocks stand among theirs.
LSTM_ORDER, GRU_ORDER, PEEPHOLE_ORDER = (0, 2, 3, 1), (1, 0, 2), (0, 2, 1)  # i f g o; r z n; i f o


def at(inputs: list[Any], index: int) -> Any:
    return inputs[index] if index < len(inputs) else None


def reordered(rows: Any, order: tuple[int, ...]) -> Any:
    """Blocks of the first axis in another order."""
    blocks = np.split(rows, len(order), axis=0)
    return np.concatenate([blocks[k] for k in order], axis=0)


def weights(inputs: list[Any], direction: int, order: tuple[int, ...]) -> dict[str, Any]:
    """w_x, w_h and both offsets of one direction in our layout."""
    found = {name: reordered(inputs[k][direction], order).T for k, name in ((1, "w_x"), (2, "w_h"))}
    if at(inputs, 3) is not None:
        b, b_h = np.split(inputs[3][direction], 2)
        found |= {"b": reordered(b, order), "b_h": reordered(b_h, order)}
    return found


def in_each_direction(
    inputs: list[Any], attrs: dict[str, Any], n_states: int, run: Callable[..., tuple[Any, Any]]
) -> tuple[Any, ...]:
    """run(direction, x, states, **settings) for each direction -> Y, Y_h (and Y_c) in the layout asked for."""
    batch_first = attrs.get("layout", 0) == 1
    x = inputs[0] if batch_first else inputs[0].swapaxes(0, 1)  # (B, T, I)
    width = inputs[2].shape[-1]
    reverse = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[
        attrs.get("direction", "forward")
    ]
    outputs, lasts = [], []
    for direction, backwards in enumerate(reverse):
        states = []
        for given in [at(inputs, 5 + k) for k in range(n_states)]:
            if given is None:
                states.append(np.zeros((len(x), width), dtype=x.dtype))
            else:
                states.append(given[:, direction] if batch_first else given[direction])
        settings = {"clip": attrs.get("clip"), "lengths": at(inputs, 4), "reverse": backwards}
        h, cache = run(direction, x, states, **settings)
        outputs.append(h)
        lasts.append(cache.last)
    y = np.stack(outputs, axis=2)  # (B, T, directions, C)
    y = y if batch_first else y.transpose(1, 2, 0, 3)
    return (y, *(np.stack(parts, axis=1 if batch_first else 0) for parts in zip(*lasts, strict=True)))


def only_default_activations(attrs: dict[str, Any], names: list[str]) -> None:
    given = attrs.get("activations")
    if given is not None and [name.lower() for name in given] != names * (len(given) // len(names)):
        raise Skip(f"gates with activations {given}: ours are those of the papers, {names}")


def rnn(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    names = [name.lower() for name in attrs.get("activations", ["Tanh", "Tanh"])]
    if set(names) - {"tanh", "relu", "sigmoid"}:
        raise Skip(f"activations {names}: only those without a setting of their own")

    def run(direction: int, x: Any, states: list[Any], **settings: Any) -> Any:
        found = weights(inputs, direction, (0,))
        return rnn_forward(x, *states, **found, activation=names[direction], **settings)

    return in_each_direction(inputs, attrs, 1, run)


def lstm(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    only_default_activations(attrs, ["sigmoid", "tanh", "tanh"])
    if attrs.get("input_forget"):
        raise Skip("input_forget ties two gates together: another cell than the LSTM")
    peepholes = at(inputs, 7)

    def run(direction: int, x: Any, states: list[Any], **settings: Any) -> Any:
        found = weights(inputs, direction, LSTM_ORDER)
        if peepholes is not None:
            found["peepholes"] = reordered(peepholes[direction], PEEPHOLE_ORDER).reshape(3, -1)
        return lstm_forward(x, *states, **found, **settings)

    return in_each_direction(inputs, attrs, 2, run)


def gru(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    only_default_activations(attrs, ["sigmoid", "tanh"])
    after = bool(attrs.get("linear_before_reset", 0))

    def run(direction: int, x: Any, states: list[Any], **settings: Any) -> Any:
        found = weights(inputs, direction, GRU_ORDER)
        return gru_forward(x, *states, **found, linear_before_reset=after, **settings)

    return in_each_direction(inputs, attrs, 1, run)


OPS = {"RNN": rnn, "LSTM": lstm, "GRU": gru}
