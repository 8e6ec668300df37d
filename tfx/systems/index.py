"""The rows of the index, read from the files beside this one: systems.toml has what the texts behind the course name,
asked.toml what readers ask for besides.  Groups stand in the order of the first file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from tfx.errors import EnvironmentProblem

Status = Literal["works", "partly", "explained"]
STATUSES: tuple[Status, ...] = get_args(Status)

FILES = ("systems.toml", "asked.toml")
#: what a row has several of
LISTS = ("where", "test", "aliases")


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
    """The rows of one file.  Raises EnvironmentProblem, which names the file, when it is damaged."""
    path = files(__package__) / name
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["system"]
        return [_system(row) for row in rows]
    except KeyError:
        what = "it has no [[system]]"
    except OSError as error:
        what = error.strerror or str(error)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # no TOML, or no row of such fields
        what = str(error)
    raise EnvironmentProblem(f"the index of systems cannot be read: {path}: {what}.", "Install tfx again.")


def groups() -> tuple[str, ...]:
    """The names of the groups, in order."""
    return tuple(dict.fromkeys(system.group for system in systems()))


def names_of(system: System) -> tuple[str, ...]:
    """The name, and the aliases after it."""
    return (system.name, *system.aliases)


def _system(row: dict[str, Any]) -> System:
    """Raises TypeError for a row with a field missing, unknown or of the wrong kind."""
    lists = {key: tuple(row.get(key, ())) for key in LISTS}
    system = System(**{**row, **lists})
    texts = [getattr(system, one.name) for one in fields(System) if one.name not in LISTS]
    if not all(isinstance(text, str) for text in (*texts, *(text for texts in lists.values() for text in texts))):
        raise TypeError(f"a row of {row.get('name')!r} is no text")
    if system.status not in STATUSES or not all(isinstance(row.get(key, []), list) for key in LISTS):
        raise TypeError(f'"{system.name}" goes as far as {system.status!r}, or has no list where there must be one')
    return system
