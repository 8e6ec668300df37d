"""What people type finds the row they mean, or says that it is not here; never something else."""

from __future__ import annotations

import tomllib

import pytest

from tests.import_graph import ROOT
from tfx.errors import UnknownName
from tfx.systems import find_systems, names_of, systems
from tfx.systems.search import spelling

ASKED = tomllib.loads((ROOT / "tests" / "asked_systems.toml").read_text(encoding="utf-8"))
HERE = {typed: name for typed, name in ASKED["one"].items() if name}
NOT_HERE = [typed for typed, name in ASKED["one"].items() if not name]


def test_the_list_is_long_enough_to_mean_something():
    assert len(ASKED["one"]) >= 150 and len(NOT_HERE) >= 8


@pytest.mark.parametrize("typed", HERE)
def test_what_is_typed_finds_one_row_first_or_alone(typed):
    assert [row.name for row in find_systems(typed)] == [HERE[typed]]


@pytest.mark.parametrize("typed", HERE)
def test_capitals_blanks_and_hyphens_change_nothing(typed):
    for other in (typed.upper(), f"  {typed}  ", typed.replace("-", " "), typed.replace(" ", "-")):
        assert [row.name for row in find_systems(other)] == [HERE[typed]], other


@pytest.mark.parametrize("typed", NOT_HERE)
def test_what_is_not_here_finds_nothing_and_suggests_nothing(typed):
    with pytest.raises(UnknownName) as refused:
        find_systems(typed)
    assert refused.value.guess == ""


@pytest.mark.parametrize("typed", ASKED["several"])
def test_a_word_of_many_names_finds_them_all(typed):
    found = {row.name for row in find_systems(typed)}
    assert set(ASKED["several"][typed]) <= found and len(found) < 60


@pytest.mark.parametrize(
    ("typed", "never"),
    [
        ("top-p", "Stopping rules"),
        ("dpo", "Added positions"),
        ("pings", "Stopping rules"),
        ("nel", "Kernelised attention"),
    ],
)
def test_no_word_is_found_across_a_boundary_or_in_the_middle(typed, never):
    try:
        found = [row.name for row in find_systems(typed)]
    except UnknownName:
        found = []
    assert never not in found


@pytest.mark.parametrize("row", systems(), ids=lambda row: row.name)
def test_every_name_and_alias_finds_its_row_alone(row):
    for name in names_of(row):
        assert find_systems(name) == (row,), name


def test_no_two_rows_share_a_spelling():
    owners: dict[str, set[str]] = {}
    for row in systems():
        for name in names_of(row):
            owners.setdefault(spelling(name), set()).add(row.name)
    assert not {name: rows for name, rows in owners.items() if len(rows) > 1}


def test_british_and_american_spellings_are_one():
    assert spelling("Normalisation") == spelling("normalization") and spelling("modelling") == spelling("modeling")
    assert spelling("behaviour") == spelling("behavior") != spelling("behave")


def test_a_slip_gets_the_near_name():
    with pytest.raises(UnknownName, match='Did you mean "Longformer"'):
        find_systems("longfromer")


@pytest.mark.parametrize("typed", ["", "   ", "-", "?"])
def test_nothing_finds_nothing(typed):
    with pytest.raises(UnknownName):
        find_systems(typed)
