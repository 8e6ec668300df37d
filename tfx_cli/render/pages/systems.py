"""What `tfx systems` shows: groups with their counts, a line a system, or all about one."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from collections.abc import Iterator, Sequence

from tfx.records import Column, Table
from tfx.systems import STATUSES, System, groups
from tfx_cli.render.source_code import ROOT, place_of, source_of
from tfx_cli.words import quoted

#: under the overview
WHAT_NEXT = """
see one:  tfx systems rope
a group:  tfx systems positional schemes
all:      tfx systems --plain"""

#: what a status says to whoever reads it alone
HOW_FAR = {"explained": "explained only: it does not run here"}


def overview(found: Sequence[System]) -> Table:
    """One row per group, with how many go how far."""
    columns = (Column("group", "group"), *(Column(status, status) for status in STATUSES))
    counts = Counter((system.group, system.status) for system in found)
    rows = [{"group": group, **{status: counts[group, status] for status in STATUSES}} for group in groups()]
    return Table(f"{len(found)} systems", columns, (*rows, {"group": "all", **by_status(found)}))


def by_status(found: Sequence[System]) -> dict[str, int]:
    """How many go how far, every status named."""
    counts = Counter(system.status for system in found)
    return {status: counts[status] for status in STATUSES}


def table_of(found: Sequence[System]) -> Table:
    """One row per system."""
    labels = {"name": "system", "status": "status", "what": "what it is", "where": "where"}
    columns = tuple(Column(key, label) for key, label in labels.items())
    rows = tuple(
        {"name": system.name, "status": system.status, "what": system.what, "where": " ".join(system.where) or "-"}
        for system in found
    )
    return Table(f"{len(found)} systems", columns, rows)


def title_of(found: Sequence[System]) -> str:
    """`12 systems: 9 work, 3 partly`"""
    verb = {"works": "work"}
    how_far = ", ".join(f"{count} {verb.get(status, status)}" for status, count in by_status(found).items() if count)
    return f"{len(found)} system{'s' * (len(found) > 1)}: {how_far}"


def lines_of(found: Sequence[System]) -> dict[str, str]:
    """A line on each, with how far it goes where that is not all the way."""
    mixed = len({system.status for system in found}) > 1
    return {system.name: system.what + f" ({system.status})" * (mixed and system.status != "works") for system in found}


def all_about(system: System) -> dict[str, str]:
    """What is known about one system, by label."""
    entries = {
        "what": system.what,
        "group": system.group,
        "status": HOW_FAR.get(system.status, system.status),
        "why": system.why,
        "paper": system.paper,
        "also": ", ".join(system.aliases),
        "where": "  ".join(system.where),
        "source": f"tfx systems {quoted(system.name.lower())} --code" if system.where else "",
        "test": "  ".join(system.test) if in_checkout(system.test) else "",
        "lesson": system.lesson and f"tfx explain {system.lesson}",
        "measure": system.experiment and f"tfx experiment {system.experiment}",
    }
    return {label: text for label, text in entries.items() if text}


def in_checkout(tests: Sequence[str]) -> bool:
    """Whether these files can be opened: an installed wheel has no tests."""
    return all((ROOT / test).is_file() for test in tests)


def sources_of(system: System) -> Iterator[tuple[str, str]]:
    """(place, source) of every object of a row; a module gives its whole text, a constant that of its module."""
    for where in system.where:
        module_name, _, name = where.partition(":")
        module = importlib.import_module(module_name)
        target = getattr(module, name) if name else module
        if inspect.isroutine(target) or inspect.isclass(target):
            yield " ".join(place_of(target)), source_of(target)
        else:
            yield where, inspect.getsource(module)
