"""Models as files: the configuration that rebuilds the model, and its values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfx import models
from tfx.io.npz import DamagedFile, load, save

STORAGES = ("float16", "float32", "float64")


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
    config = meta["config"] | ({"dtype": dtype} if dtype else {})
    try:
        model = models.build(config)
        model.load_state(arrays)
    except (TypeError, ValueError) as problem:
        raise DamagedFile(f"{path} holds a model that cannot be rebuilt: {problem}.", "Save it again.") from problem
    return model, meta["meta"]
