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


def what_next(kind: str, files: Sequence[Path], cards: int) -> tuple[str, str]:
    """What can be done with it, in words, and the command, where there is one."""
    place = on_one_line(files[0] if len(files) == 1 else files[0].parent)
    if kind == "anki":
        return f"{many(cards, 'card')}, for File > Import in Anki; who imports it again has every card once", ""
    if kind == "notebook":
        return (
            "the cells run in Jupyter (pip install jupyterlab), or in an editor that knows it",
            f"jupyter lab {place}",
        )
    return "for any editor, or a page that shows Markdown", ""
