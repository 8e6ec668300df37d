"""The index of systems tells the truth: every object is there, every test is there, nothing is without a reason."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from lessons.course import topics
from tfx.errors import BadInput
from tfx.lab import experiments
from tfx.systems import FILES, STATUSES, find_systems, groups, rows_of, systems

ROOT = Path(__file__).resolve().parent.parent
ROWS = systems()
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def test_all_that_the_sources_name_is_here_and_all_that_can_be_built_works():
    named = rows_of("systems.toml")
    assert len(named) == 380 and len(groups()) == 25
    assert len(ROWS) == sum(len(rows_of(name)) for name in FILES)
    counts = Counter(row.status for row in named)
    assert counts["works"] + counts["partly"] >= 235 + 72
    assert counts["explained"] <= 73


def test_no_name_stands_for_two_systems():
    names = [name for row in ROWS for name in {name.lower() for name in (row.name, *row.aliases)}]
    assert [name for name, times in Counter(names).items() if times > 1] == []


@every_row
def test_every_object_of_a_row_can_be_imported(row):
    for place in row.where:
        module, _, name = place.partition(":")
        found = importlib.import_module(module)
        assert not name or hasattr(found, name), place


@every_row
def test_every_test_of_a_row_is_a_file(row):
    for test in row.test:
        assert (ROOT / test).is_file(), test


@every_row
def test_a_row_says_what_its_status_asks_for(row):
    assert row.status in STATUSES and row.what and row.group
    assert row.what.isascii() and row.why.isascii() and len(row.what) <= 120
    if row.status == "explained":
        assert row.why and not row.where and not row.test
    else:
        assert row.where and row.test
        assert row.why or row.status == "works", "say which mechanism runs"
    if row.status == "works":
        assert not row.why, "what works needs no excuse"
    if row.status == "partly":
        assert re.search(r"\b(not|no|nothing|nor)\b|out of reach|only", row.why), "say what does not run"


def test_equal_objects_have_equal_verdicts():
    """Tasks learned on the same toy work alike, unless the name of a row asks for more and its `why` says what."""
    for toy in ("labelled_sequences:LabelledSequences", "series:Series", "lookup:Lookup", "translation:Translation"):
        rows = [row for row in ROWS if row.where and row.where[0].endswith(toy)]
        assert len(rows) > 1, toy
        for row in rows:
            assert row.status == "works" or "; " in row.why or ", " in row.why, row.name
            assert "made-up" not in row.why and "toy texts" not in row.why, "made-up data take nothing away"


def test_commands_in_a_reason_find_one_row():
    for row in ROWS:
        if "tfx systems " in row.why:
            (named,) = find_systems(row.why.split("tfx systems ")[1])
            assert named.status != "explained" and named is not row


def test_lessons_and_experiments_are_pointed_to():
    assert sum(bool(row.lesson) for row in ROWS) >= 15 and sum(bool(row.experiment) for row in ROWS) >= 10


def test_the_lessons_and_experiments_of_rows_are_there():
    known = {topic.name for topic in topics()}
    for row in ROWS:
        assert not row.lesson or row.lesson in known, row
        assert not row.experiment or row.experiment in experiments(), row


@pytest.mark.parametrize(
    ("asked", "found"),
    [("rope", "RoPE"), ("Rotary position embedding", "RoPE"), ("scaled dot product attention", None)],
)
def test_a_system_is_found_however_it_is_written(asked, found):
    (row,) = find_systems(asked)
    assert found is None or row.name == found


def test_a_group_and_a_part_of_a_name_find_several():
    assert {row.group for row in find_systems("positional schemes")} == {"Positional schemes"}
    assert len(find_systems("sparse")) > 2


def test_a_name_that_is_not_there_gets_a_near_one():
    with pytest.raises(BadInput, match='Did you mean "Longformer"'):
        find_systems("longfromer")
