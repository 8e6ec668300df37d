"""Whole models, each readable from top to bottom in its own file.

A model is imported when its name is first used: all of them together take twice as long to import as NumPy does.  So
names are read from the source of this folder, and a new model is one new file.  HOMES holds every class but the caches,
MODELS those that are marked `@buildable`.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx.models.model import Model

_CLASS = re.compile(r"^(@buildable\n)?class ([A-Z]\w*)", re.MULTILINE)


def _scan() -> tuple[dict[str, str], tuple[str, ...]]:
    """HOMES: name -> the module of this package that defines it; MODELS: the models that `build` knows."""
    homes: dict[str, str] = {}
    buildable: list[str] = []
    for folder in __path__:
        for file in sorted(Path(folder).glob("*.py")):
            for mark, name in _CLASS.findall(file.read_text(encoding="utf-8")):
                if not name.endswith("Cache"):
                    homes[name] = file.stem
                buildable += [name] if mark else []
    return homes, tuple(buildable)


def __getattr__(name: str) -> Any:
    """HOMES, MODELS, or the class of that name.  Raises AttributeError for another name."""
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    homes, buildable = _scan()
    if name in ("HOMES", "MODELS"):
        return homes if name == "HOMES" else buildable
    if name == "__all__":
        return [*homes, "MODELS", "build"]
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{homes[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_scan()[0], "MODELS"})


def build(config: dict[str, Any]) -> Model:
    """The model that `config` (a model's own `.config`) describes, with fresh weights from its seed.

    The two share nothing.
    Raises ValueError when no model has that name, TypeError for a setting that it does not have.
    """
    settings = dict(config)
    name = settings.pop("model", None)
    buildable = _scan()[1]
    if name not in buildable:
        raise ValueError(f"no model is called {name!r}; there are {', '.join(buildable)}")
    kind = globals().get(name) or __getattr__(name)
    model: Model = kind(kind.settings_type.from_dict(settings))
    return model
