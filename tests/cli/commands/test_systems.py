"""`tfx systems` shows the index, a group or one system, with every face."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import one_sentence, run
from tfx.systems import systems
from tfx_cli.render.pages import systems as page


def test_without_a_name_the_groups_are_counted(tmp_path):
    ran = run("systems", home=tmp_path)
    assert ran.code == 0, ran
    assert f"{len(systems())} systems" in ran.out and "Positional schemes" in ran.out and "tfx systems rope" in ran.out


def test_a_system_is_shown_with_its_place_and_its_test(tmp_path):
    ran = run("systems", "RoPE", home=tmp_path)
    assert ran.code == 0, ran
    assert "tfx.ops.positions.rotary:rotary_forward" in ran.out and "tests/ops/positions/test_rotary.py" in ran.out
    assert "Su et al. 2021" in ran.out


def test_json_gives_every_row_with_its_fields(tmp_path):
    ran = run("systems", "--json", home=tmp_path)
    told = json.loads(ran.out)
    assert ran.code == 0 and told["schema_version"] == 1
    assert len(told["rows"]) == len(systems())
    assert {"name", "status", "where", "test", "paper"} <= told["rows"][0].keys()


def test_rows_can_be_chosen_by_how_far_they_go(tmp_path):
    told = json.loads(run("systems", "--status", "explained", "--json", home=tmp_path).out)
    assert told["rows"] and {row["status"] for row in told["rows"]} == {"explained"}
    assert all(row["why"] for row in told["rows"])


def test_plain_lines_are_one_system_each(tmp_path):
    lines = run("systems", "Optimisers", "--plain", home=tmp_path).out.splitlines()
    assert any(line.split("\t")[1:3] == ["Lion", "works"] for line in lines)


def test_an_unknown_name_is_refused_with_a_near_one(tmp_path):
    ran = run("systems", "longfromer", home=tmp_path)
    assert ran.code == 2
    assert 'Did you mean "Longformer"?' in ran.err and "tfx systems" in ran.err


def test_the_page_fits_forty_columns(tmp_path):
    ran = run("systems", "RoPE", home=tmp_path, COLUMNS="40")
    assert ran.code == 0
    assert max(len(line) for line in ran.out.splitlines() if ":" not in line and "/" not in line) <= 40


def test_a_name_of_several_words_needs_no_quotes(tmp_path):
    quoted, plain = (
        run("systems", *words, home=tmp_path) for words in (["Positional schemes"], ["positional", "schemes"])
    )
    assert quoted.code == plain.code == 0
    assert quoted.out == plain.out
    assert "18 systems: 15 work, 2 partly, 1 explained" in plain.out


def test_capitals_do_not_hide_the_near_name(tmp_path):
    assert 'Did you mean "RoPE"?' in run("systems", "ropee", home=tmp_path).err


def test_a_group_without_any_that_go_just_as_far_says_so(tmp_path):
    ran = run("systems", "Optimisers", "--status", "explained", home=tmp_path)
    assert ran.code == 0
    assert ran.out == "no system there goes just as far\n"


@pytest.mark.parametrize("words", [(), ("optimisers",), ("--status", "partly"), ("sparse",)])
def test_no_line_is_wider_than_the_terminal(words, tmp_path):
    ran = run("systems", *words, home=tmp_path, COLUMNS="80")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_source_is_shown_and_the_row_says_how(tmp_path):
    row = run("systems", "rope", home=tmp_path).out
    assert "tfx systems rope --code" in row
    ran = run("systems", "rope", "--code", home=tmp_path)
    assert ran.code == 0 and "def rotary_forward(" in ran.out and "class Rotary" in ran.out
    assert "# tfx/ops/positions/rotary.py:" in ran.out
    told = json.loads(run("systems", "rope", "--code", "--json", home=tmp_path).out)
    assert [source["where"].split()[-1] for source in told["sources"]] == ["rotary_forward", "Rotary"]


def test_every_row_that_runs_here_can_show_its_source():
    for system in systems():
        assert len(list(page.sources_of(system))) == len(system.where)
        assert all(text.strip() for _, text in page.sources_of(system))


def test_what_is_not_here_says_so_and_has_no_source(tmp_path):
    ran = run("systems", "mamba", home=tmp_path)
    assert ran.code == 0 and "it does not run here" in ran.out and "--code" not in ran.out
    ran = run("systems", "mamba", "--code", home=tmp_path)
    assert ran.code == 2 and "nothing of Mamba runs here" in one_sentence(ran)
    assert "one system at a time" in one_sentence(run("systems", "norm", "--code", home=tmp_path))


def test_tests_are_named_only_where_they_can_be_opened(monkeypatch, tmp_path):
    (rope,) = (system for system in systems() if system.name == "RoPE")
    assert "test" in page.all_about(rope)
    monkeypatch.setattr(page, "ROOT", tmp_path)
    assert "test" not in page.all_about(rope)


def test_a_row_leads_to_its_lesson_and_its_experiment(tmp_path):
    out = run("systems", "saturation", home=tmp_path).out
    assert "tfx explain softmax-jacobian" in out and "tfx experiment saturation" in out
