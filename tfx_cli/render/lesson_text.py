"""A lesson's prose with live numbers and live source in it, laid out for the terminal.

lesson.md is Markdown with two fillings: `{{source dotted.name}}` and `{{value name:format}}`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tfx_cli.render.source_code import link_of, source_of
from tfx_cli.render.wrapping import wrapped

FILLING = re.compile(r"\{\{\s*(source|value)\s+([\w.]+)(?::([^}]*))?\s*\}\}")


def filled(text: str, values: Mapping[str, Any]) -> str:
    """The text with every filling computed.  Raises KeyError for a value that the topic does not give."""

    def fill(match: re.Match[str]) -> str:
        kind, name, form = match.groups()
        if kind == "value":
            return format(values[name], (form or "").strip())
        target = find_object(name)
        return f"{link_of(target)}\n\n" + "".join(
            f"    {line}".rstrip() + "\n" for line in source_of(target).split("\n")
        )

    return FILLING.sub(fill, text)


def find_object(name: str) -> Any:
    """The function or class of a dotted name: the longest part that is a module is imported."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(f"no module holds {name}")


def laid_out(markdown: str, width: int) -> Iterator[tuple[str, bool]]:
    """Lines that fit `width`, and whether each is a heading.

    Paragraphs and list items are wrapped again; indented and fenced blocks and tables are kept as they are.
    """
    paragraph: list[str] = []
    fenced = False

    def flush() -> Iterator[tuple[str, bool]]:
        if paragraph:
            words = " ".join(line.strip() for line in paragraph)
            hanging = "  " if re.match(r"([-*]|\d+\.) ", words) else ""
            yield from ((line, False) for line in wrapped(words, width, hanging))
            paragraph.clear()

    for line in markdown.split("\n"):
        if line.startswith("```"):
            yield from flush()
            fenced = not fenced
        elif fenced or (line.startswith(("    ", "|")) and not paragraph):
            yield (f"    {line}" if fenced else line), False
        elif line.startswith("#"):
            yield from flush()
            yield line.lstrip("# "), True
        elif not line.strip():
            yield from flush()
            yield "", False
        else:
            if re.match(r"\s*([-*]|\d+\.) ", line):
                yield from flush()
            paragraph.append(line)
    yield from flush()
