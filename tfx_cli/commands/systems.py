"""`tfx systems`: the index of everything that texts about Transformers name, and where it works here."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.show import show_document, show_line, show_list, show_records

if TYPE_CHECKING:
    from tfx.records import Table
    from tfx.systems import System

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Status(StrEnum):
    works = "works"
    partly = "partly"
    explained = "explained"


def complete_system(incomplete: str) -> list[tuple[str, str]]:
    """Names for TAB."""
    from tfx.systems import systems

    return [(one.name, one.what) for one in systems() if one.name.lower().startswith(incomplete.lower())]


@app.command()
def systems(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]", autocompletion=complete_system, help="A system or a group; without it: the groups."
        ),
    ] = None,
    status: Annotated[Status | None, typer.Option("--status", help="Only those that go this far.")] = None,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Find a system: what it is, and where it works here.

    "works": the mechanism runs, in a small size; "partly": one mechanism of it does; "explained": it is explained only,
    and the row says why.

    \b
    examples
      tfx systems
      tfx systems rope
      tfx systems positional schemes
      tfx systems --status partly
    """
    from tfx.systems import find_systems
    from tfx.systems import systems as all_systems

    face = options.face(json, plain)
    name = " ".join(words) if words else None
    found = all_systems() if name is None else find_systems(name)
    if status is not None:
        found = tuple(one for one in found if one.status == status.value)
    if face is Face.json:
        show_document({"rows": [asdict(one) for one in found]})
    elif face is Face.plain:
        show_records([table_of(found)], face)
    elif name is None and status is None:
        show_records([overview(found)], face)
        show_line()
        show_line("see one:  tfx systems rope")
        show_line("a group:  tfx systems positional schemes")
        show_line("all:      tfx systems --plain")
    elif name is not None and len(found) == 1:
        show_page(found[0], face)
    else:
        show_several(found, face)


def overview(found: tuple[System, ...]) -> Table:
    """One row per group, with how many go how far."""
    from tfx.records import Column, Table
    from tfx.systems import STATUSES, groups

    columns = (Column("group", "group"), *(Column(status, status) for status in STATUSES))
    rows = [
        {
            "group": group,
            **{status: sum((one.group, one.status) == (group, status) for one in found) for status in STATUSES},
        }
        for group in groups()
    ]
    total = {status: sum(one.status == status for one in found) for status in STATUSES}
    return Table(f"{len(found)} systems", columns, (*rows, {"group": "all", **total}))


def table_of(found: tuple[System, ...]) -> Table:
    """One row per system."""
    from tfx.records import Column, Table

    labels = {"name": "system", "status": "status", "what": "what it is", "where": "where"}
    columns = tuple(Column(key, label) for key, label in labels.items())
    rows = tuple(
        {"name": one.name, "status": one.status, "what": one.what, "where": " ".join(one.where) or "-"} for one in found
    )
    return Table(f"{len(found)} systems", columns, rows)


def show_several(found: tuple[System, ...], face: Face) -> None:
    """A line on each, with how far it goes where that is not all the way."""
    from tfx.systems import STATUSES

    counts = {status: sum(one.status == status for one in found) for status in STATUSES}
    verb = {"works": "work"}
    how_far = ", ".join(f"{count} {verb.get(status, status)}" for status, count in counts.items() if count)
    if not found:
        show_line("no system there goes just as far")
        return
    mixed = len({one.status for one in found}) > 1
    lines = {one.name: one.what + f" ({one.status})" * (mixed and one.status != "works") for one in found}
    title = f"{len(found)} system{'s' * (len(found) > 1)}: {how_far}"
    show_list(title, lines, f"see one: tfx systems {found[0].name.lower()}", face)


def show_page(one: System, face: Face) -> None:
    """Everything about one system."""
    entries = {"what": one.what, "group": one.group, "status": one.status, "why": one.why, "paper": one.paper}
    entries |= {"also": ", ".join(one.aliases), "where": "  ".join(one.where), "test": "  ".join(one.test)}
    entries |= {"lesson": one.lesson and f"tfx explain {one.lesson}"}
    entries |= {"measure": one.experiment and f"tfx experiment {one.experiment}"}
    known = {label: text for label, text in entries.items() if text}
    show_list(one.name, known, f"its group: tfx systems {one.group.lower().replace(',', '')}", face)
