"""Settings of experiments and walkthroughs: a frozen dataclass with defaults, changed by `--set key=value`."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from typing import Any, TypeVar

from tfx.errors import BadInput, unknown_name

S = TypeVar("S")


def apply_settings(defaults: S, pairs: Iterable[str], see_all: str) -> S:
    """Returns `defaults` (a dataclass instance) with every `key=value` of `pairs` parsed by its field's type.

    Types understood: bool, int, float, str, tuple[int, ...], tuple[float, ...], and `X | None` of these (`none`).
    Raises BadInput for an unknown key (with the nearest one), a missing `=` or a value that does not parse.
    """
    hints = typing.get_type_hints(type(defaults))
    known = [field.name for field in dataclasses.fields(defaults)]  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise BadInput(f'--set needs key=value, but got "{pair}".', f"Settings here: {', '.join(known) or 'none'}")
        if key not in known:
            raise unknown_name("setting", key, known, see_all)
        try:
            changes[key] = parse_value(text.strip(), hints[key])
        except ValueError:
            wanted = type_name(hints[key])
            raise BadInput(f'--set {key} needs {wanted}, but got "{text}".', f"See all: {see_all}") from None
    return dataclasses.replace(defaults, **changes)  # type: ignore[type-var]


def parse_value(text: str, hint: Any) -> Any:
    """Parses `text` as the type `hint`; raises ValueError when it does not fit."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return None if text.lower() == "none" else parse_value(text, inner[0])
    if origin is tuple:
        return tuple(parse_value(part, typing.get_args(hint)[0]) for part in text.split(",") if part)
    if hint is bool:
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if text.lower() not in words:
            raise ValueError(text)
        return words[text.lower()]
    return hint(text)


def type_name(hint: Any) -> str:
    """A reader's word for a type: `a whole number`, `numbers joined by commas`."""
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return type_name(typing.get_args(hint)[0]) + " or none"
    if origin is tuple:
        return "numbers joined by commas"
    return {bool: "yes or no", int: "a whole number", float: "a number", str: "a word"}.get(hint, "a value")
