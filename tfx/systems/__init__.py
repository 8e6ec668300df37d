"""The index of systems: everything that texts about Transformers name, and where it works here.

One row says what a system is, who published it, where it lives (`module:object`), which test holds it, and how far it
goes:

    works        the mechanism itself runs, in a small size
    partly       one mechanism of it runs, and `why` names it; the published thing does not
    explained    it is explained only, and `why` says why: a product, an organisation, data or computing power out of
                 reach

The rows are systems.toml beside this file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from tfx.errors import unknown_name

Status = Literal["works", "partly", "explained"]
STATUSES: tuple[Status, ...] = get_args(Status)


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
    """Every row, in the order of the file."""
    text = (files(__package__) / "systems.toml").read_text(encoding="utf-8")
    return tuple(_system(row) for row in tomllib.loads(text)["system"])


def groups() -> tuple[str, ...]:
    """The names of the groups, in order."""
    return tuple(dict.fromkeys(system.group for system in systems()))


def find_systems(name: str) -> tuple[System, ...]:
    """The system of that name or alias, or all of the group of that name, or those whose name holds the word.

    Case, blanks and hyphens do not matter.  Raises BadInput with a near name when there is none.
    """
    wanted = _plain(name)
    exact = tuple(one for one in systems() if wanted in map(_plain, (one.name, *one.aliases)))
    group = tuple(one for one in systems() if wanted == _plain(one.group))
    holding = tuple(one for one in systems() if len(wanted) > 2 and any(wanted in _plain(n) for n in names_of(one)))
    if not (exact or group or holding):
        raise unknown_name("system", name, [n for one in systems() for n in names_of(one)], "tfx systems")
    return exact or group or holding


def names_of(system: System) -> tuple[str, ...]:
    return (system.name, *system.aliases)


def _system(row: dict[str, Any]) -> System:
    lists = {key: tuple(row.get(key, ())) for key in ("where", "test", "aliases")}
    return System(**{**row, **lists})


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
