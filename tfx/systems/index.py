"""The rows of the index, read from the files beside this one: systems.toml has what the texts behind the course name,
asked.toml what readers ask for besides.  Groups stand in the order of the first file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

Status = Literal["works", "partly", "explained"]
STATUSES: tuple[Status, ...] = get_args(Status)

FILES = ("systems.toml", "asked.toml")


@dataclass(frozen=True)
class System:
    """One row.  where: `module:object`, test: a file under tests/, both empty when the system is only explained."""

    name: str
    group: str
    what: str
    status: Status
    paper: str = ""
    where: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    lesson: str = ""
    experiment: str = ""
    why: str = ""
    aliases: tuple[str, ...] = field(default=())


@cache
def systems() -> tuple[System, ...]:
    """Every row, group by group."""
    rows = [row for name in FILES for row in rows_of(name)]
    order = list(dict.fromkeys(row.group for row in rows))
    return tuple(sorted(rows, key=lambda row: order.index(row.group)))


def rows_of(name: str) -> list[System]:
    """The rows of one file."""
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return [_system(row) for row in tomllib.loads(text)["system"]]


def groups() -> tuple[str, ...]:
    """The names of the groups, in order."""
    return tuple(dict.fromkeys(system.group for system in systems()))


def names_of(system: System) -> tuple[str, ...]:
    """The name, and the aliases after it."""
    return (system.name, *system.aliases)


def _system(row: dict[str, Any]) -> System:
    lists = {key: tuple(row.get(key, ())) for key in ("where", "test", "aliases")}
    return System(**{**row, **lists})
