"""RNN, LSTM, GRU and their cells.

PyTorch keeps weights as (n * C, I), in the order of blocks of ours: i, f, g, o and r, z, n.  Its GRU resets after
the matrix.  Without a batch the sequence is (T, I); batches are (T, B, I) unless batch_first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.nn.recurrent import GRU, LSTM, RNN
from tfx.nn.recurrent_cell import RecurrentCell

LAYERS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
#: Our parameter -> theirs.
NAMES = {"w_x": "weight_ih", "w_h": "weight_hh", "b": "bias_ih", "b_h": "bias_hh", "w_r": "weight_hr"}
#: Arguments by position, as PyTorch declares them; nn.RNN has its nonlinearity in between.
_SIZES, _OPTIONS = ("input_size", "hidden_size", "num_layers"), ("bias", "batch_first", "dropout", "bidirectional")
POSITIONAL = {
    "RNN": (*_SIZES, "nonlinearity", *_OPTIONS),
    "LSTM": (*_SIZES, *_OPTIONS, "proj_size"),
    "GRU": (*_SIZES, *_OPTIONS),
}
CELL_POSITIONAL = ("input_size", "hidden_size", "bias", "nonlinearity")


def turned(name: str, array: Any) -> Any:
    """Weights are transposed, offsets are not."""
    return array.T if name.startswith("weight") else array


def load(owner: Any, ours: str, theirs: str, params: dict[str, Any]) -> None:
    getattr(owner, ours).value = turned(theirs, params[theirs])
    getattr(owner, ours).grad = np.zeros_like(getattr(owner, ours).value)


def layer(name: str) -> Any:
    def run(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
        settings = dict(zip(POSITIONAL[name], config["args"], strict=False)) | config["kwargs"]
        if settings.get("dropout"):
            raise Skip("dropout is drawn by another generator")
        options: dict[str, Any] = {"recurrent_bias": True, "bias": settings.get("bias", True)}
        if name == "RNN":
            options["activation"] = settings.get("nonlinearity", "tanh")
        if name == "GRU":
            options["linear_before_reset"] = True
        if settings.get("proj_size"):
            options["projection"] = settings["proj_size"]
        ours = LAYERS[name](
            settings["input_size"],
            settings["hidden_size"],
            np.random.default_rng(0),
            n_layers=settings.get("num_layers", 1),
            bidirectional=settings.get("bidirectional", False),
            dtype="float64",
            **options,
        )
        owners = {}
        for number, cells in enumerate(ours.layers):
            for cell, suffix in zip(cells, (f"_l{number}", f"_l{number}_reverse"), strict=False):
                for own in cell.parameters():
                    owners[NAMES[own] + suffix] = (cell, own)
                    load(cell, own, NAMES[own] + suffix, params)
        batched, batch_first = args[0].ndim == 3, settings.get("batch_first", False)

        def into(x: Any) -> Any:
            return x[None] if not batched else x if batch_first else x.swapaxes(0, 1)

        def out_of(y: Any) -> Any:
            return y[0] if not batched else y if batch_first else y.swapaxes(0, 1)

        def state_in(parts: Any) -> Any:
            parts = parts if isinstance(parts, list | tuple) else [parts]
            return tuple(part if batched else part[:, None] for part in parts)

        def state_out(parts: Any) -> list[Any]:
            return [part if batched else part[:, 0] for part in parts]

        given = args[1] if len(args) > 1 else kwargs.get("hx")
        y, cache = ours.forward(into(args[0]), None if given is None else state_in(given))
        dx, dstate = ours.backward(into(cot[0]), cache, state_in(list(cot[1:])))
        return {
            "out": [out_of(y), *state_out(cache.last)],
            "grad_in": [out_of(dx), *(state_out(dstate) if given is not None else [])],
            "grad_params": {theirs: turned(theirs, getattr(*where).grad) for theirs, where in owners.items()},
        }

    return run


def cell(name: str) -> Any:
    def run(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
        settings = dict(zip(CELL_POSITIONAL, config["args"], strict=False)) | config["kwargs"]
        options: dict[str, Any] = {"recurrent_bias": True, "bias": settings.get("bias", True)}
        if name == "rnn":
            options["activation"] = settings.get("nonlinearity", "tanh")
        if name == "gru":
            options["linear_before_reset"] = True
        sizes = settings["input_size"], settings["hidden_size"]
        ours = RecurrentCell(name, *sizes, np.random.default_rng(0), dtype="float64", **options)
        for own in ours.parameters():
            load(ours, own, NAMES[own], params)
        batched = args[0].ndim == 2

        def into(parts: Any) -> Any:
            return tuple(part if batched else part[None] for part in parts)

        def out_of(parts: Any) -> list[Any]:
            return [part if batched else part[0] for part in parts]

        given = args[1] if len(args) > 1 else kwargs.get("hx")
        (x,) = into([args[0]])
        listed = given if isinstance(given, list | tuple) else [given]
        state = ours.zero_state(x) if given is None else into(listed)
        last, cache = ours.step(x, state)
        dx, dstate = ours.step_backward(into(cot), cache)
        return {
            "out": out_of(last),
            "grad_in": out_of([dx, *(dstate if given is not None else [])]),
            "grad_params": {NAMES[own]: turned(NAMES[own], p.grad) for own, p in ours.parameters().items()},
        }

    return run


OPS = {("module", name): layer(name) for name in LAYERS}
OPS |= {("module", f"{name.upper()}Cell"): cell(name) for name in ("rnn", "lstm", "gru")}
