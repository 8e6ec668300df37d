"""Models as files: the configuration that rebuilds the model, and its values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfx import models
from tfx.io.npz import DamagedFile, load, require_finite, save

STORAGES = ("float16", "float32", "float64")
#: sizes that a model may take without looking at them
WHOLE = ("vocab", "d_model", "n_heads", "d_ff", "n_layers", "max_len")
#: the largest size that need not show in the number of stored values: positions that are computed
LARGEST_UNSTORED = 2**20


def save_model(path: str | Path, model: models.Model, meta: dict[str, Any], storage: str = "float32") -> None:
    """Writes config and values to `path`, atomically.  `meta` is the caller's own: task, vocabulary, accuracy.

    storage: "float16", "float32" or "float64".  Half precision keeps 11 bits and halves the file; values beyond 65504
    raise ValueError, because they would become infinite.
    """
    if storage not in STORAGES:
        raise ValueError(f"storage must be one of {STORAGES}, not {storage!r}")
    limit = float(np.finfo(storage).max)
    arrays = model.state()
    for name, value in arrays.items():
        if value.size and not float(abs(value).max()) <= limit:
            raise ValueError(f"{name} holds values that {storage} cannot")
    arrays = {name: value.astype(storage) for name, value in arrays.items()}
    save(path, arrays, {"kind": "model", "config": model.config, "meta": meta})


def load_model(path: str | Path, dtype: str | None = None) -> tuple[models.Model, dict[str, Any]]:
    """Builds the model that was saved, with values of `dtype` (the saved config's unless told); returns it and meta.

    Raises BadInput when there is no such file and DamagedFile when it holds no model.
    """
    arrays, meta = load(path)
    if meta.get("kind") != "model":
        raise DamagedFile(f"{path} is not a model.", "Give a file written by save_model.")
    config, own = meta.get("config"), meta.get("meta")
    if not isinstance(config, dict) or not isinstance(own, dict):
        raise DamagedFile(f"{path} holds a model without its configuration.", "Save it again.")
    require_finite(arrays, path)
    if odd := [name for name in WHOLE if not _is_whole(config.get(name, 0))]:
        raise DamagedFile(f"{path} holds a model whose {odd[0]} is no whole number.", "Save it again.")
    most = max(sum(array.size for array in arrays.values()), LARGEST_UNSTORED)
    if too_large := [name for name, size in _sizes(config) if size > most]:
        raise DamagedFile(
            f"{path} holds fewer numbers than its model would have: {too_large[0]} is too large.", "Save it again."
        )
    try:
        model = models.build(config | ({"dtype": dtype} if dtype else {}))
        model.load_state(arrays)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as problem:
        raise DamagedFile(f"{path} holds a model that cannot be rebuilt: {problem}.", "Save it again.") from problem
    return model, own


def _is_whole(value: Any) -> bool:
    """A whole number, one for each layer, or none."""
    if isinstance(value, list):
        return all(map(_is_whole, value))
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _sizes(config: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """(name, number) of every whole number of a configuration but the seed."""
    if isinstance(config, dict):
        for key, value in config.items():
            yield from _sizes(value, key)
    elif isinstance(config, list):
        for value in config:
            yield from _sizes(value, name)
    elif isinstance(config, int) and name != "seed":
        yield name, config
