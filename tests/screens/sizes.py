"""Sizes that a page shows only when they are asked for or refused: of the quick and the careful run, and of memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tfx.settings import as_typed


def sizes_of(settings: Any) -> Iterator[str]:
    """What a quick and a full run change, the bytes that each is thought to need, and how these grow."""
    yield ""
    yield f"  as it is: {needs(settings)}"
    for way in ("quick", "full"):
        if hasattr(settings, way):
            other = getattr(settings, way)()
            yield f"  {way}: {', '.join(changed(settings, other)) or 'the same'}: {needs(other)}"
    if hasattr(settings, "bytes_needed"):
        yield f"  memory, when one number is twice as large: {', '.join(growth(settings)) or 'as before'}"


def changed(settings: Any, other: Any) -> Iterator[str]:
    for field in dataclasses.fields(settings):
        if (value := getattr(other, field.name)) != getattr(settings, field.name):
            yield f"{field.name}={as_typed(value)}"


def needs(settings: Any) -> str:
    return f"{settings.bytes_needed():.6g} bytes" if hasattr(settings, "bytes_needed") else "no bytes are told"


def growth(settings: Any) -> Iterator[str]:
    """Of what changes it."""
    before = settings.bytes_needed()
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
            continue
        twice = tuple(2 * one for one in numbers) if isinstance(value, tuple) else 2 * value
        after = dataclasses.replace(settings, **{field.name: twice}).bytes_needed()
        if after != before:
            yield f"{field.name} {after / before:.4g} times"
