"""`--set help`: which settings there are, what they mean, what they allow, and their defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from tfx_cli.options import Face
from tfx_cli.render.show import show_document, show_list


def asks_for_list(pairs: Sequence[str]) -> bool:
    return "help" in pairs


def show_settings(defaults: Any, command: str, face: Face) -> None:
    """Every setting with its meaning, its range and its default."""
    from tfx.settings import describe

    described = describe(defaults)
    if face is Face.json:
        show_document({"settings": [setting._asdict() for setting in described]})
        return
    if not described:
        show_list(f"{command} has no settings.", {}, f"run it: {command}", face)
        return
    entries = {
        setting.name: "; ".join(filter(None, (setting.about, setting.allowed, f"default {setting.default}")))
        for setting in described
    }
    show_list(f"Settings of {command}", entries, f"change one: {command} --set {_example(defaults)}", face)


def _example(defaults: Any) -> str:
    """`name=value` that changes something: the setting with the shortest default, at another value that is allowed."""
    from tfx.errors import BadInput
    from tfx.settings import apply_settings, as_typed

    fields = sorted(dataclasses.fields(defaults), key=lambda field: len(as_typed(getattr(defaults, field.name))))
    for field in fields:
        value = getattr(defaults, field.name)
        for other in (*field.metadata.get("words", ()), *_neighbours(value)):
            pair = f"{field.name}={as_typed(other)}"
            try:
                if apply_settings(defaults, [pair], see_all="") != defaults:
                    return pair
            except BadInput:
                continue
    return f"{fields[0].name}={as_typed(getattr(defaults, fields[0].name))}"


def _neighbours(value: Any) -> tuple[Any, ...]:
    """Values of the same kind that a setting may have as well."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1, 2 * value, value - 1)
    return (2 * value, value + 1, value / 2) if isinstance(value, float) else ()
