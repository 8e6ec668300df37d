"""`tfx systems`: the index of everything that texts about Transformers name, and where it works here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from tfx.errors import BadInput
from tfx.systems import Status, System, find_systems
from tfx.systems import systems as all_systems
from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.render.pages import systems as page
from tfx_cli.render.show import show_document, show_list, show_records
from tfx_cli.terminal.lines import show_line
from tfx_cli.words import quoted

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_system(incomplete: str) -> list[tuple[str, str]]:
    """Names for TAB."""
    matching = (system for system in all_systems() if system.name.lower().startswith(incomplete.lower()))
    return [(system.name, system.what) for system in matching]


@app.command()
def systems(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]", autocompletion=complete_system, help="A system or a group; without it: the groups."
        ),
    ] = None,
    status: Annotated[Status | None, typer.Option("--status", help="Only those that go this far.")] = None,
    code: Annotated[bool, typer.Option("--code", help="The source of what runs here.")] = False,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Find a system: what it is, and where it works here.

    "works": all that its line says runs, in a small size; "partly": part of it does, and the row says which;
    "explained": nothing of its own runs here, and the row says why.

    \b
    examples
      tfx systems
      tfx systems rope
      tfx systems positional schemes
      tfx systems rope --code
      tfx systems --status partly
    """
    face = options.face(json, plain)
    name = " ".join(words) if words else None
    found = all_systems() if name is None else find_systems(name)
    if status is not None:
        found = tuple(system for system in found if system.status == status)
    if code:
        show_sources(found, name, face)
    elif face is Face.json:
        show_document({"rows": [asdict(system) for system in found]})
    elif face is Face.plain:
        show_records([page.table_of(found)], face)
    elif name is None and status is None:
        show_records([page.overview(found)], face)
        show_line(page.WHAT_NEXT)
    elif not found:
        show_line("no system there goes just as far")
    elif name is None or len(found) > 1:
        show_list(
            page.title_of(found), page.lines_of(found), f"see one: tfx systems {quoted(found[0].name.lower())}", face
        )
    else:
        group = found[0].group.lower().replace(",", "")
        show_list(found[0].name, page.all_about(found[0]), f"its group: tfx systems {group}", face)


def show_sources(found: Sequence[System], name: str | None, face: Face) -> None:
    """The source of one system's objects."""
    if name is None or len(found) != 1:
        raise BadInput("--code shows one system at a time.", "For example: tfx systems rope --code")
    (system,) = found
    if not system.where:
        raise BadInput(f"nothing of {system.name} runs here: {system.why}.", f"See: tfx systems {quoted(name)}")
    sources = list(page.sources_of(system))
    if face is Face.json:
        show_document({"name": system.name, "sources": [{"where": where, "source": text} for where, text in sources]})
        return
    for where, text in sources:
        show_line(f"# {where}")
        show_line(text)
