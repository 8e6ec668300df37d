"""What a layer or a model can be, said once: frozen dataclasses that are checked when they are made, and saved.

    settings = BlockSettings(d_model=64, n_heads=4, norm="rms_norm", norm_place="pre")
    same = BlockSettings.from_dict(json.loads(json.dumps(settings.as_dict())))

A layer reads its settings when it is built and never while it computes.  They hold numbers, names and other settings,
no arrays and no layers: so two models built from the same ones share nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, ClassVar, TypeVar

import numpy as np

from tfx.arguments import whole_number

S = TypeVar("S", bound="Settings")


def size(default: Any = MISSING, least: int = 1) -> Any:
    """A field that is a whole number of at least `least`, or several of them, or None where that is its default."""
    return field(default=default, metadata={"least": least})


@dataclass(frozen=True)
class Settings:
    """Base of all settings: `check` may be extended, and `as_dict` and `from_dict` undo each other.

    metadata "read" of a field: a function that makes small settings of a name, of a mapping, or of what they are.
    """

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            read = entry.metadata.get("read", lambda it: it)
            value = tuple(map(read, value)) if isinstance(value, tuple | list) else read(value)  # JSON knows lists only
            object.__setattr__(self, entry.name, value)
            if "least" in entry.metadata:
                check_size(entry.name, getattr(self, entry.name), entry.metadata["least"])
        self.complete()
        self.check()

    def complete(self) -> None:
        """Fills in what follows from other settings: `object.__setattr__`, since nobody has seen them yet."""
        if hasattr(self, "dtype"):
            object.__setattr__(self, "dtype", np.dtype(self.dtype).name)

    def check(self) -> None:
        """Raises TypeError or ValueError for settings that nothing can have; sizes were looked at before."""

    @classmethod
    def of(cls: type[S], *values: Any, **named: Any) -> S:
        """Settings as they are, or made of sizes and keywords.  An unknown name is answered with the nearest one."""
        if len(values) == 1 and isinstance(values[0], Settings):
            if not isinstance(values[0], cls):
                raise TypeError(f"these are {type(values[0]).__name__}, and {cls.__name__} are needed")
            return replace(values[0], **named) if named else values[0]
        known = [entry.name for entry in fields(cls)]
        for name in named:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
                raise TypeError(f"{cls.__name__} has no setting {name!r}; {hint}")
        return cls(*values, **named)

    def as_dict(self) -> dict[str, Any]:
        """Name -> value, as JSON can hold it; small settings inside keep only what differs from their defaults."""
        return {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self)}

    @classmethod
    def from_dict(cls: type[S], saved: Mapping[str, Any]) -> S:
        """What `as_dict` gave, or an older form of it."""
        return cls.of(**saved)

    def non_defaults(self) -> Any:
        """As `as_dict`, but only what differs from its default."""
        given = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {entry.name: _plain(given[entry.name]) for entry in fields(self) if given[entry.name] != entry.default}


@dataclass(frozen=True)
class NamedSettings(Settings):
    """Small settings that a name stands for: the name alone is as good where all are at their defaults."""

    name: ClassVar[str]

    def non_defaults(self) -> Any:
        """The name alone, or a mapping of name and settings."""
        changed = super().non_defaults()
        return {"name": self.name, **changed} if changed else self.name


def check_size(name: str, value: Any, least: int) -> None:
    """Raises TypeError or ValueError unless each of value (one number, several, or None) is whole and large enough."""
    for number in value if isinstance(value, tuple) else (value,):
        if number is not None:
            whole_number(name, number, least)


def check_stages(**sizes: Any) -> None:
    """Raises ValueError for a size that is not one number for each stage."""
    for name, stages in sizes.items():
        if not isinstance(stages, tuple) or not stages:
            raise ValueError(f"{name} must be one number for each stage, not {stages!r}")


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.non_defaults()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
