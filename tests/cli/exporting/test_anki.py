"""An Anki package: whoever imports it twice has every note once.  With Anki's own library where it is installed."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import zipfile
from pathlib import Path

import pytest

import tfx as package
from lessons.course import find_topic
from tests.cli.running import one_sentence
from tfx_cli.exporting.anki import FIELDS, fields_of, html_of, number_of, package_of, time_of
from tfx_cli.exporting.cards import Card, cards_of

pytest.importorskip("genanki")

TOPICS = [find_topic("softmax-attention"), find_topic("rms-norm")]


@pytest.fixture(scope="module")
def cards() -> list[Card]:
    return list(cards_of(TOPICS, 0))


@pytest.fixture(scope="module")
def written(cards) -> bytes:
    return package_of(cards)


def collection(data: bytes, folder: Path) -> sqlite3.Connection:
    """The database in a package."""
    folder.mkdir(exist_ok=True)
    (folder / "collection.anki2").write_bytes(zipfile.ZipFile(io.BytesIO(data)).read("collection.anki2"))
    return sqlite3.connect(folder / "collection.anki2")


def notes(data: bytes, folder: Path) -> dict[str, tuple[str, str, int]]:
    """guid -> (fields, tags, time); Anki knows a note by its guid."""
    with collection(data, folder) as connection:
        rows = connection.execute("SELECT guid, flds, tags, mod FROM notes").fetchall()
        assert connection.execute("SELECT count(*) FROM cards").fetchone() == (len(rows),)
    connection.close()
    return {guid: (fields, tags, mod) for guid, fields, tags, mod in rows}


def test_a_second_import_finds_every_note_there_by_its_guid(cards, written, tmp_path):
    first = notes(written, tmp_path)
    assert len(first) == len(cards)
    other_seed = notes(package_of(list(cards_of(TOPICS, 7))), tmp_path)
    assert first.keys() == other_seed.keys() and first != other_seed
    one_topic = notes(package_of(list(cards_of(TOPICS[:1], 0))), tmp_path)
    assert one_topic.items() < first.items(), "a topic alone has the notes that it has in the whole"


def test_equal_seeds_give_equal_bytes(cards, written):
    assert package_of(cards) == written == package_of(list(cards_of(TOPICS, 0)))


def test_what_stands_in_the_collection(cards, written, tmp_path):
    found = {fields.split("\x1f")[0]: (fields.split("\x1f"), tags.split()) for fields, tags, _ in
             notes(written, tmp_path).values()}  # fmt: skip
    assert found.keys() == {card.id for card in cards}
    for card in cards:
        fields, tags = found[card.id]
        assert fields == fields_of(card) and sorted(tags) == sorted(card.tags)
    with collection(written, tmp_path) as connection:
        (decks, kinds) = map(json.loads, connection.execute("SELECT decks, models FROM col").fetchone())
    connection.close()
    assert {"tfx::Attention from the ground up", "tfx::The block"} < {deck["name"] for deck in decks.values()}
    (kind,) = kinds.values()
    assert [field["name"] for field in kind["flds"]] == list(FIELDS)
    assert str(number_of("note type")) in kinds


def test_a_newer_version_is_newer_for_anki_too(cards, tmp_path, monkeypatch):
    versions = ["0.9.0", "0.9.1", "0.10.0", "0.10.0.dev3", "1.0.0", "2"]
    assert sorted(versions, key=time_of) == versions
    before = {mod for _, _, mod in notes(package_of(cards), tmp_path).values()}
    monkeypatch.setattr(package, "__version__", "99.0.0")
    after = {mod for _, _, mod in notes(package_of(cards), tmp_path).values()}
    assert len(before) == len(after) == 1 and max(before) < max(after)


def test_both_sides_of_the_kinds_of_cards(cards):
    by_id = {card.id: dict(zip(FIELDS, fields_of(card), strict=True)) for card in cards}
    choice = by_id["softmax-attention/which-axis"]
    assert choice["Question"].startswith("<p>The scores have shape (B, H, T, S).") and "<ol><li>" in choice["Question"]
    assert choice["Answer"] == "<p><b>3: S: each query&#x27;s weights sum to 1 over the keys</b></p>"
    assert "<li>2 (softmax over the queries): Then queries would compete" in choice["Why"]
    assert choice["See"] == "tfx explain softmax-attention --step the_axis"
    (open_card,) = [card for card in cards if card.asked.item.kind == "open" and card.topic is TOPICS[0]]
    said = by_id[open_card.id]
    assert all(point.split("(")[0][:30] in said["Answer"] for point in open_card.asked.item.key_points)
    assert "<li>" not in said["Question"], "the points of an open question are its answer"


def test_text_of_a_card_is_text_and_formulas_keep_their_lines():
    assert html_of("a < b\nand c\n\n  x = 1\n    y = 2\n\nlast") == (
        "<p>a &lt; b and c</p><pre>x = 1\n  y = 2</pre><p>last</p>"
    )


def test_anki_itself_imports_it_twice_with_the_same_number_of_notes(cards, written, tmp_path, monkeypatch):
    pytest.importorskip("anki")
    from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

    mine = Collection(str(tmp_path / "mine.anki2"))

    def imported(data: bytes):
        path = tmp_path / "cards.apkg"
        path.write_bytes(data)
        options = ImportAnkiPackageOptions(merge_notetypes=True, with_scheduling=False)
        log = mine.import_anki_package(ImportAnkiPackageRequest(package_path=str(path), options=options)).log
        return len(log.new), len(log.updated), len(log.duplicate), mine.note_count(), mine.card_count()

    part = package_of([card for card in cards if card.topic is TOPICS[1]])
    few, every = sum(card.topic is TOPICS[1] for card in cards), len(cards)
    assert imported(part) == (few, 0, 0, few, few)
    assert imported(written) == (every - few, 0, few, every, every)
    assert imported(written) == (0, 0, every, every, every)
    assert len(mine.find_notes("tag:topic::rms-norm")) == few
    monkeypatch.setattr(package, "__version__", "99.0.0")
    assert imported(package_of(list(cards_of(TOPICS, 7))))[1:] == (every, 0, every, every), "a newer one is taken"
    mine.close()


def test_without_genanki_the_command_says_how_to_get_it(tfx, monkeypatch):
    monkeypatch.setitem(sys.modules, "genanki", None)
    ran = tfx("export", "anki", "softmax")
    assert (ran.code, ran.out) == (3, "")
    assert one_sentence(ran) == (
        'tfx: an Anki package needs genanki, which is not installed.\n     Install it: pip install "tfx-learn[anki]"\n'
    )
    assert not list(Path().iterdir())
