"""`tfx export`: cards, notebooks and Markdown files to take away."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tfx.errors import BadInput
from tfx_cli import options
from tfx_cli.commands.quiz import complete_topic
from tfx_cli.find_lessons import ensure_lessons
from tfx_cli.options import Face

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Kind(StrEnum):
    """What can be made."""

    anki = "anki"
    notebook = "notebook"
    markdown = "markdown"


@app.command()
def export(
    kind: Annotated[Kind, typer.Argument(metavar="anki|notebook|markdown", help="What is made.")],
    topic: Annotated[
        str | None, typer.Argument(autocompletion=complete_topic, help="Name or number; without it: all topics.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="PATH", help="The file, or the folder for many.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there already.")] = False,
    seed: options.Seed = 0,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Take the course away: Anki cards, notebooks, Markdown.

    anki makes one package of cards; who imports it again has every card once.  notebook and markdown make a file for
    each topic: its text, and cells that run with tfx alone, or its quiz with the answers folded at the end.  The same
    seed gives the same file, but for what a step times.

    \b
    examples
      tfx export markdown softmax
      tfx export anki --to cards.apkg
      tfx export notebook softmax --force
    """
    face = options.face(json, plain)
    ensure_lessons()
    from lessons.course import topics
    from lessons.decks import DECKS, find_deck_or_topic, is_deck
    from tfx_cli.exporting.saving import file_for, files_for
    from tfx_cli.exporting.taking_away import ENDINGS, FOLDERS, PACKAGE, made

    in_one = kind is Kind.anki
    chosen = (*topics(), *DECKS) if topic is None and in_one else topics()
    if topic is not None:
        chosen = (find_deck_or_topic(topic),)
        if is_deck(chosen[0].name) and not in_one:
            raise BadInput(
                f"{chosen[0].name} is a deck of questions and has no lesson.", f"As cards: tfx export anki {topic}"
            )
    ending = ENDINGS[kind]
    if topic is not None or in_one:
        paths = [file_for(to, PACKAGE if topic is None else chosen[0].name, ending, force)]
    else:
        paths = files_for(to, FOLDERS[kind], chosen, ending, force)
    show(made(kind, chosen, paths, seed, force), kind, seed, face)


def show(made: dict[str, int], kind: Kind, seed: int, face: Face) -> None:
    """What was written, and what to do with it."""
    from tfx_cli.exporting.taking_away import what_next
    from tfx_cli.render.sentences import saved_line
    from tfx_cli.render.show import show_document
    from tfx_cli.render.wrapping import wrapped
    from tfx_cli.terminal.console import prose_width
    from tfx_cli.terminal.lines import show_line

    files = [Path(name) for name in made]
    if face is Face.json:
        rows = [{"path": name, "cards": cards} if kind is Kind.anki else {"path": name} for name, cards in made.items()]
        show_document({"kind": str(kind), "seed": seed, "files": rows})
    elif face is Face.plain or len(files) == 1:
        for path in files:
            show_line(saved_line(path, face))
    else:
        show_line(f"{len(files)} files saved in {files[0].parent}")
    if face is Face.terminal:
        words, command = what_next(kind, files, sum(made.values()))
        for line in [*wrapped(words, prose_width()), *([f"next: {command}"] if command else [])]:
            show_line(line)
