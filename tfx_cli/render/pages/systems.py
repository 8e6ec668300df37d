"""What `tfx systems` shows: groups with their counts, a line a system, or all about one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tfx.records import Column, Table
from tfx.systems import STATUSES, System, groups

#: under the overview
WHAT_NEXT = """
see one:  tfx systems rope
a group:  tfx systems positional schemes
all:      tfx systems --plain"""


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
        "status": system.status,
        "why": system.why,
        "paper": system.paper,
        "also": ", ".join(system.aliases),
        "where": "  ".join(system.where),
        "test": "  ".join(system.test),
        "lesson": system.lesson and f"tfx explain {system.lesson}",
        "measure": system.experiment and f"tfx experiment {system.experiment}",
    }
    return {label: text for label, text in entries.items() if text}
