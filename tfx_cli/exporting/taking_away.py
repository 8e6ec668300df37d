"""What `tfx export` makes of topics, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import many
from tfx_cli.exporting.saving import write, write_each
from tfx_cli.terminal.printable import on_one_line
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from lessons.course import Topic

ENDINGS = {"anki": ".apkg", "notebook": ".ipynb", "markdown": ".md"}
FOLDERS = {"notebook": "tfx-notebooks", "markdown": "tfx-markdown"}
PACKAGE = "tfx"


def made(kind: str, topics: Sequence[Topic], paths: Sequence[Path], seed: int, force: bool) -> dict[str, int]:
    """Writes the files; path -> how many cards are in it, 0 for what has none."""
    if kind == "anki":
        from tfx_cli.exporting.anki import package_of
        from tfx_cli.exporting.cards import cards_of

        cards = list(cards_of(topics, seed))
        write(paths[0], package_of(cards), force)
        return {str(paths[0]): len(cards)}
    done: dict[str, int] = {}
    with progress_on_stderr() as progress:

        def file_of(topic: Topic) -> bytes:
            progress(len(done), len(topics), topic.title)
            if kind == "notebook":
                from tfx_cli.exporting.notebook import notebook_of

                return notebook_of(topic, seed)
            from tfx_cli.exporting.page import page_of

            return page_of(topic, seed)

        for path in write_each(paths, topics, file_of, force):
            done[str(path)] = 0
    return done


def what_next(kind: str, files: Sequence[Path], cards: int) -> str:
    """The line under what was saved."""
    if kind == "anki":
        return f"{many(cards, 'card')}: File > Import in Anki; a later export brings them up to date, none comes twice"
    place = files[0] if len(files) == 1 else files[0].parent
    if kind == "notebook":
        return f"to run: pip install jupyterlab   then: jupyter lab {on_one_line(place)}"
    return f"to read: {on_one_line(place)}, in any editor or on a page that shows Markdown"
