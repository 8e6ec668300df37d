"""Finds the experiments of a folder, and the question that each answers, without importing them.

A module is an experiment when it has a line `QUESTION = "..."`; its name is the file's, with dashes, and its group the
folder it is in.  The list goes by group, then by the line `ORDER = 1`, smallest first, and then by name; whoever has no
such line comes after those that have.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tfx.errors import unknown_name

QUESTION = re.compile(r'^QUESTION = (".*")$', re.MULTILINE)
ORDER = re.compile(r"^ORDER = (\d+)$", re.MULTILINE)


class Entry(NamedTuple):
    """order: None where the file names none.  question: one line.  module: its dotted name.  group: the folder's name
    in words, or ""."""

    order: int | None
    name: str
    question: str
    module: str
    group: str = ""


def entries(package: str, folders: Iterable[str], groups: Sequence[str] = ()) -> dict[str, Entry]:
    """name -> entry, in the order of the list.  folders: the package's `__path__`; folders in them count as well.
    groups: their order; those that are not named come last."""

    def place(entry: Entry) -> tuple[int, str, bool, int, str]:
        group = groups.index(entry.group) if entry.group in groups else len(groups)
        other = "" if group < len(groups) else entry.group
        return group, other, entry.order is None, entry.order or 0, entry.name

    return {entry.name: entry for entry in sorted(_found(package, folders), key=place)}


def questions(package: str, folders: Iterable[str], groups: Sequence[str] = ()) -> dict[str, str]:
    """name -> the question it answers, in the order of the list."""
    return {name: entry.question for name, entry in entries(package, folders, groups).items()}


def find_module(package: str, folders: Iterable[str], name: str, kind: str, see_all: str) -> ModuleType:
    """The module of that name, imported.

    Raises BadInput with the nearest name when there is none: `kind` is what such modules are called, `see_all` the
    command that lists them.
    """
    known = entries(package, folders)
    if name not in known:
        raise unknown_name(kind, name, known, see_all)
    return importlib.import_module(known[name].module)


def _found(package: str, folders: Iterable[str]) -> Iterator[Entry]:
    for folder in map(Path, folders):
        for path in folder.rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            question = QUESTION.search(source)
            if question:
                order = ORDER.search(source)
                inside = path.relative_to(folder).with_suffix("").parts
                yield Entry(
                    int(order[1]) if order else None,
                    path.stem.replace("_", "-"),
                    ast.literal_eval(question[1]),
                    ".".join((package, *inside)),
                    inside[0].replace("_", " ") if len(inside) > 1 else "",
                )
