"""Checkpoints: everything that an interrupted training run needs to go on as if nothing had happened.

Batches and dropout are functions of (seed, step) in tfx.train, so there is no random state to store beyond those two
numbers: parameters, the optimiser's averages and the step count are the whole state, and a resumed run ends with the
same bits as one that was never stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.io.npz import DamagedFile, load, require_finite, save
from tfx.optim import Optimizer
from tfx.params import Layer

#: of steps and seeds: what 64 bits hold
LARGEST = 2**63 - 1
AGAIN = "Write it again with the command that made it, or restore a copy."


def save_checkpoint(
    path: str | Path, model: Layer, optimizer: Optimizer, seed: int, meta: dict[str, Any], new: bool = False
) -> None:
    """Writes model, optimiser and seed to one file, atomically; `meta` is the caller's own (JSON-able).

    new: raises FileExistsError when the name is taken.
    """
    state = optimizer.state()
    steps = state.pop("steps")
    arrays = {f"model/{name}": value for name, value in model.state().items()}
    arrays |= {f"optimizer/{name}": value for name, value in state.items()}
    save(
        path,
        arrays,
        {"kind": "checkpoint", "steps": steps, "seed": seed, "optimizer": type(optimizer).__name__, "meta": meta},
        new,
    )


def load_checkpoint(path: str | Path, model: Layer, optimizer: Optimizer) -> tuple[int, int, dict[str, Any]]:
    """Puts a checkpoint into `model` and `optimizer`; returns (steps taken, seed, meta).

    Pass the first two on: `train(..., start=steps, seed=seed)`.  Raises DamagedFile when the file is no checkpoint of
    this model and optimiser; both are then unchanged, or only the model's values are.
    """
    arrays, meta = load(path)
    steps, seed, own = _facts(path, meta)
    if meta.get("optimizer") != type(optimizer).__name__:
        raise DamagedFile(
            f"{path} continues {meta.get('optimizer')}, not {type(optimizer).__name__}.", "Use the same optimiser."
        )
    require_finite(arrays, path)
    try:
        model.load_state(_part(arrays, "model/"))
        optimizer.load_state({"steps": steps, **_part(arrays, "optimizer/")})
    except (AttributeError, LookupError, TypeError, ValueError) as problem:
        raise DamagedFile(
            f"{path} belongs to another model: {problem}.", "Build the model that the checkpoint was made from."
        ) from problem
    return steps, seed, own


def read_facts(path: str | Path) -> tuple[int, int, dict[str, Any]]:
    """(steps taken, seed, meta) of a checkpoint.  Raises DamagedFile when it is none, as load_checkpoint does."""
    return _facts(path, load(path)[1])


def _facts(path: str | Path, meta: dict[str, Any]) -> tuple[int, int, dict[str, Any]]:
    """The metadata of a checkpoint, each of the type and size that save_checkpoint writes."""
    if meta.get("kind") != "checkpoint":
        raise DamagedFile(f"{path} is not a training checkpoint.", "Give a file written by save_checkpoint.")
    steps, seed = (_whole_number(path, meta, name) for name in ("steps", "seed"))
    if not isinstance(meta.get("meta"), dict):
        raise DamagedFile(f"{path} is no whole checkpoint: its settings are missing.", AGAIN)
    return steps, seed, meta["meta"]


def _whole_number(path: str | Path, meta: dict[str, Any], name: str) -> int:
    number = meta.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= LARGEST:
        raise DamagedFile(f'{path} is no whole checkpoint: what it says of "{name}" cannot be.', AGAIN)
    return number


def _part(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
