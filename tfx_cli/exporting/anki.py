"""Cards as an Anki package.  Equal seeds give equal bytes, and who imports twice has every note once.

Anki knows a note by its guid, which here follows from the card's id, and takes the newer of two notes with one guid.
So the time of a note is not that of the clock but grows with the version of tfx.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import tfx
from tfx.errors import EnvironmentProblem
from tfx_cli.exporting.cards import Card
from tfx_cli.quizzing.round import where_to_see
from tfx_cli.terminal.printable import printable

FIELDS = ("Id", "Question", "Answer", "Why", "See")
FRONT = "{{Question}}"
BACK = "{{FrontSide}}<hr id=answer>{{Answer}}{{Why}}<p class=see>{{See}}</p>"
STYLE = """
.card { font: 18px/1.5 sans-serif; max-width: 40rem; margin: 1rem auto; text-align: left }
pre { font-size: 0.9em; white-space: pre-wrap }
.see { color: #666; font-size: 0.8em }
"""
#: 2026-01-01 in seconds, the time of version 0.0.0; a version is an hour younger than the one before
FIRST, HOUR = 1_767_225_600, 3600
#: the earliest time that an archive can name
NO_TIME = (1980, 1, 1, 0, 0, 0)


def package_of(cards: Sequence[Card]) -> bytes:
    """The .apkg file.  Raises EnvironmentProblem without genanki."""
    try:
        import genanki
    except ImportError:
        raise EnvironmentProblem(
            "an Anki package needs genanki, which is not installed.", 'Install it: pip install "tfx-learn[anki]"'
        ) from None
    template = {"name": "question", "qfmt": FRONT, "afmt": BACK}
    kind = genanki.Model(number_of("note type"), "tfx question", [{"name": name} for name in FIELDS], [template], STYLE)
    decks: dict[str, Any] = {}
    for card in cards:
        title = f"tfx::{card.topic.module or card.topic.title.partition(':')[0]}"
        deck = decks.setdefault(title, genanki.Deck(number_of(title), title))
        deck.add_note(genanki.Note(kind, fields_of(card), tags=card.tags, guid=genanki.guid_for("tfx", card.id)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cards.apkg"
        genanki.Package(list(decks.values())).write_to_file(path, timestamp=time_of(tfx.__version__))
        return without_times(path.read_bytes())


def number_of(name: str) -> int:
    """An id for Anki that follows from the name and is not one of its own small ones."""
    return (1 << 40) + int.from_bytes(hashlib.sha256(f"tfx {name}".encode()).digest()[:5], "big")


def time_of(version: str) -> float:
    """Grows with the version."""
    major, minor, patch, *_ = [*map(int, re.findall(r"\d+", version)), 0, 0, 0]
    return FIRST + HOUR * (10_000 * major + 100 * minor + patch)


def without_times(package: bytes) -> bytes:
    """The archive again, with no time in it that depends on the clock."""
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(again, "w") as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, NO_TIME), old.read(name), zipfile.ZIP_DEFLATED)
    return again.getvalue()


def fields_of(card: Card) -> list[str]:
    """The fields of a note, in the order of FIELDS."""
    asked, item = card.asked, card.asked.item
    front = html_of(asked.prompt)
    if item.kind == "open":
        answer = listed(item.key_points, "ul")
    else:
        front += listed(asked.choices, "ol")
        answer = f"<p><b>{text(asked.answer)}</b></p>"
    why = html_of(asked.explain)
    not_these = [f"{f'{given} ({name})' if given else name}: {reason}" for given, name, reason in card.wrong]
    why += f"<p>Not:</p>{listed(not_these, 'ul')}" if not_these else ""
    return [card.id, front, answer, why, text(where_to_see(item))]


def text(value: str) -> str:
    return escape(printable(value))


def listed(entries: Sequence[str], tag: str) -> str:
    """A list, or nothing."""
    return f"<{tag}>{''.join(f'<li>{text(entry)}</li>' for entry in entries)}</{tag}>" if entries else ""


def html_of(prose: str) -> str:
    """Lines of prose join into paragraphs; those indented by two spaces stay as they are."""
    from tfx_cli.render.markdown import parts_of_prose

    return "".join(f"<pre>{text(part)}</pre>" if is_code else f"<p>{text(part)}</p>" for is_code, part in
                   parts_of_prose(prose))  # fmt: skip
