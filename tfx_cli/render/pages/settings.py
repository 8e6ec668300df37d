"""`--set help`: which settings there are, what they mean, what they allow, and their defaults."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from tfx.errors import BadInput
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
    example = next(changes(defaults), "NAME=VALUE")
    if " " in example:
        example = f'"{example}"'
    show_list(f"Settings of {command}", entries, f"change one: {command} --set {example}", face)


def changes(defaults: Any) -> Iterator[str]:
    """`name=value` for values that are allowed and not the default, the shortest defaults first."""
    from tfx.settings import apply_settings, as_typed

    fields = sorted(dataclasses.fields(defaults), key=lambda field: len(as_typed(getattr(defaults, field.name))))
    for field in fields:
        value = getattr(defaults, field.name)
        for other in others(value, field.metadata.get("words", ())):
            pair = f"{field.name}={as_typed(other)}"
            with contextlib.suppress(BadInput):
                if apply_settings(defaults, [pair], "") != defaults:
                    yield pair


def others(value: Any, words: Sequence[Any]) -> tuple[Any, ...]:
    """Values beside this one that may be allowed."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, str) and not words:
        return (" ".join(value.split()[1:]),)
    if words or not isinstance(value, (int, float)):
        return tuple(words)
    return (2 * value, value + 1, value // 2)
