"""Reads course.toml, and says file and line where it breaks its own rules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.errors import TfxError

MODULE = {"number": int, "title": str, "about": str, "folder": str, "topics": list}
TOPIC = {"name": str, "folder": str, "title": str, "level": int, "minutes": int}
LISTS = ("questions", "after", "aliases")
KINDS = {int: "a whole number", str: "text", list: "a list"}


class BadCourseFile(TfxError):
    """A course file breaks its own rules: our mistake, not the reader's."""


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file, and what stands in it.  Raises BadCourseFile, with the line where there is one."""
    try:
        text = path.read_bytes().decode("utf-8").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except OSError as error:
        raise BadCourseFile(f"{path}: {error.strerror or error}") from None
    except RecursionError:
        raise BadCourseFile(f"{path}: nested too deep") from None
    except ValueError as error:  # not UTF-8, or not TOML: both say where
        raise BadCourseFile(f"{path}: {error}") from None


def read_modules(path: Path) -> list[dict[str, Any]]:
    """The `[[module]]` tables, each with all its keys.  Raises BadCourseFile naming file and line."""
    text, tables = read_toml(path)
    entries = tables.get("module")
    if set(tables) != {"module"} or not isinstance(entries, list) or not entries:
        raise BadCourseFile(f"{path}: holds only [[module]] tables, but has {', '.join(sorted(tables)) or 'nothing'}")
    names: set[str] = set()
    for entry in entries:
        _check(entry, MODULE, (), path, text, "module")
        if not entry["topics"]:
            raise BadCourseFile(f'{path}, line {_line(text, entry)}: module "{entry["title"]}" has no topic')
        for topic in entry["topics"]:
            _check(topic, TOPIC, LISTS, path, text, "topic")
            if topic["name"] in names:
                raise BadCourseFile(f'{path}, line {_line(text, topic)}: topic "{topic["name"]}" is there already')
            names.add(topic["name"])
    return entries


def _check(entry: object, needed: Mapping[str, type], lists: tuple[str, ...], path: Path, text: str, what: str) -> None:
    """Every key that must be there, of its type, and no other."""
    if not isinstance(entry, dict):
        raise BadCourseFile(f"{path}: a {what} is a table, not {entry!r}")
    problems = [f"has no {key}" for key in needed if key not in entry]
    problems += [f"has {key}, which no {what} has" for key in entry if key not in needed and key not in lists]
    problems += [
        f"{key} must be {KINDS[kind]}"
        for key, kind in needed.items()
        if key in entry and (not isinstance(entry[key], kind) or isinstance(entry[key], bool))
    ]
    problems += [
        f"{key} must be a list of texts"
        for key in lists
        if key in entry and not (isinstance(entry[key], list) and all(isinstance(one, str) for one in entry[key]))
    ]
    if problems:
        named = entry.get("name", entry.get("title", "without a name"))
        raise BadCourseFile(f'{path}, line {_line(text, entry)}: {what} "{named}" {", and ".join(problems)}')


def _line(text: str, entry: Mapping[str, Any]) -> int:
    """The line that holds most of the entry's own keys and words."""
    wanted = [word for key, value in entry.items() for word in (key, f'"{value}"') if word in text]
    lines = text.split("\n")
    return max(range(len(lines)), key=lambda index: sum(word in lines[index] for word in wanted)) + 1
