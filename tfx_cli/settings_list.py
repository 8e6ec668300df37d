"""`--set help`: which settings there are, with their defaults."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from typing import Any

from tfx_cli.options import Face
from tfx_cli.show import show_list


def asks_for_list(pairs: Sequence[str]) -> bool:
    return "help" in pairs


def show_settings(defaults: Any, command: str) -> None:
    """Every field of the settings with its default and its type."""
    from tfx.settings import type_name

    hints = typing.get_type_hints(type(defaults))
    entries = {}
    for field in dataclasses.fields(defaults):
        value = getattr(defaults, field.name)
        entries[field.name] = f"{default_text(value)}   ({type_name(hints[field.name])})"
    if not entries:
        show_list(f"{command} has no settings.", {}, f"run it: {command}", Face.terminal)
        return
    short = min(entries, key=lambda name: len(default_text(getattr(defaults, name))))
    example = f"{command} --set {short}={default_text(getattr(defaults, short))}"
    show_list(f"Settings of {command}, with their defaults", entries, f"change one: {example}", Face.terminal)


def default_text(value: Any) -> str:
    """A default as it would be typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
