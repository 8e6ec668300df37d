"""`--set help`: which settings there are, what they mean, what they allow, and their defaults."""

from __future__ import annotations

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
    short = min(described, key=lambda setting: len(setting.default))
    example = f"{command} --set {short.name}={short.default}"
    show_list(f"Settings of {command}", entries, f"change one: {example}", face)
