"""`tfx explain`: steps, predictions, source, lessons, files and exit codes, on a course of one topic."""

from __future__ import annotations

import json

import pytest

from tfx.records import Question
from tfx_cli.explaining.predict import verdict

pytestmark = pytest.mark.usefixtures("doubling")


def test_every_step_shows_its_number_title_records_and_code_place(tfx):
    ran = tfx("explain", "doubling", "--text", "hello")
    assert ran.code == 0 and ran.err == ""
    for words in ("1/3  The numbers", "2/3  The product", "3/3  The table", "You said: hello.", "Look at z."):
        assert words in ran.out
    assert "tfx/ops/basics/softmax.py:" in ran.out and "softmax_forward" in ran.out
    assert "def softmax_forward" not in ran.out


def test_an_alias_leads_to_the_topic(tfx):
    assert "1/3  The numbers" in tfx("explain", "twice").out


def test_one_step_alone(tfx):
    ran = tfx("explain", "doubling", "--step", "3")
    assert "3/3  The table" in ran.out and "1/3" not in ran.out


def test_a_step_beyond_the_last_names_how_many_there_are(tfx):
    ran = tfx("explain", "doubling", "--step", "4")
    assert ran.code == 2 and "3 steps" in ran.err


def test_code_prints_the_source_that_ran(tfx):
    out = tfx("explain", "doubling", "--step", "1", "--code").out
    assert "def softmax_forward(" in out and "return" in out


def test_a_failing_check_exits_1_and_says_fail(tfx):
    ran = tfx("explain", "doubling", "--set", "factor=3")
    assert ran.code == 1
    assert "FAIL  21 doubles to 42" in ran.out and "measured 63, expected 42" in ran.out


def test_a_step_without_the_failing_check_exits_0(tfx):
    assert tfx("explain", "doubling", "--set", "factor=3", "--step", "1").code == 0


def test_set_help_lists_the_settings_with_defaults(tfx):
    ran = tfx("explain", "doubling", "--set", "help")
    assert ran.code == 0 and "factor" in ran.out and "default 2" in ran.out and "1/3" not in ran.out


def test_set_help_is_for_programs_and_screen_readers_too(tfx):
    (factor,) = json.loads(tfx("explain", "doubling", "--set", "help", "--json").out)["settings"]
    assert (factor["name"], factor["default"]) == ("factor", "2") and "from -100 to 100" in factor["allowed"]
    line = tfx("explain", "doubling", "--set", "help", "--plain").out
    assert line.startswith("factor\twhat 21 is multiplied by; a number from -100 to 100") and line.count("\n") == 1


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_text_is_bad_input(tfx, text):
    ran = tfx("explain", "doubling", "--text", text)
    assert ran.code == 2 and "empty" in ran.err and ran.out == ""


def test_control_characters_in_the_text_do_not_reach_the_terminal(tfx):
    ran = tfx("explain", "doubling", "--text", "a\x1b[31mb")
    assert "\x1b" not in ran.out and "a?[31mb" in ran.out


def test_predict_without_a_terminal_gives_question_then_answer_then_the_rest(tfx):
    out = tfx("explain", "doubling", "--predict", "--step", "2").out
    places = [out.index(words) for words in ("Before the question", "What is 21", "answer:", "42.  Add", "It is 42")]
    assert places == sorted(places)


def test_predict_and_json_exclude_each_other(tfx):
    assert tfx("explain", "doubling", "--predict", "--json").code == 2


def test_a_prediction_on_a_terminal_hides_the_answer_until_it_is_given(tfx, monkeypatch, capsys):
    shown_before = []

    def answer(prompt: str) -> str:
        shown_before.append(capsys.readouterr().out)
        return "40"

    monkeypatch.setattr("tfx_cli.terminal.console.interactive", lambda: True)
    monkeypatch.setattr("builtins.input", answer)
    ran = tfx("explain", "doubling", "--predict", "--step", "2")
    assert "What is 21" in shown_before[0] and "42" not in shown_before[0]
    assert "you said 40" in ran.out and "It is 42" in ran.out


def test_what_cannot_be_read_is_asked_again(tfx, monkeypatch):
    typed = iter(["eight", "21 * 2"])
    monkeypatch.setattr("tfx_cli.terminal.console.interactive", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    out = " ".join(tfx("explain", "doubling", "--predict", "--step", "2").out.split())
    assert "Please answer with a number" in out and "Enter alone shows the answer." in out and "Right: 42." in out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("42", "Right"),
        ("41.995", "Right"),
        ("84/2", "Right"),
        ("42.5", "Not quite"),
        ("-42", "Not quite"),
        ("", "The answer"),
    ],
)
def test_the_verdict_on_a_prediction(given, words):
    assert verdict(Question("?", 42.0, 0.01, "Because."), given).startswith(words)


def test_json_is_one_document_with_steps_checks_and_time(tfx):
    ran = tfx("explain", "doubling", "--json", "--text", "hi", "--seed", "7", "--code")
    document = json.loads(ran.out)
    assert ran.code == 0
    assert list(document) == [
        "schema_version", "name", "seed", "params", "text", "untrained", "steps", "checks", "elapsed_s",
    ]  # fmt: skip
    assert document["params"] == {"factor": 2.0} and document["seed"] == 7 and document["text"] == "hi"
    assert [step["number"] for step in document["steps"]] == [1, 2, 3]
    kinds = [record["kind"] for record in document["steps"][0]["records"]]
    assert kinds == ["text", "formula", "matrix", "code"]
    code = document["steps"][0]["records"][-1]
    assert code["place"].startswith("tfx/ops/basics/softmax.py:") and "\ndef softmax_forward(" in "\n" + code["source"]
    check = {"id": "double", "statement": "21 doubles to 42", "expected": 42.0, "measured": 42.0}
    assert document["checks"] == [{**check, "tolerance": 0.0, "holds": True}]


def test_plain_is_one_record_a_line(tfx):
    lines = tfx("explain", "doubling", "--plain").out.splitlines()
    assert lines[0].split("\t") == ["step", "1/3", "The numbers"]
    assert "row\tS\tb\t6.00000\t8.00000\t10.0000" in lines
    assert "check\tPASS\tdouble\t21 doubles to 42\t42.0000\t42.0000\t0" in lines
    assert all(line.split("\t")[0] for line in lines)


def test_the_lesson_is_the_same_text_as_one_page(tfx):
    page, steps = (tfx("explain", "doubling", *flags).out for flags in (["--lesson"], []))
    assert page.startswith("Doubling\n\nThe numbers\n")
    numbered = [line for line in steps.splitlines() if line.strip()]
    heads = {"1/3  The numbers": "The numbers", "2/3  The product": "The product", "3/3  The table": "The table"}
    assert [heads.get(line, line) for line in numbered] == [line for line in page.splitlines()[1:] if line.strip()]


def test_the_lesson_fits_a_narrow_terminal(tfx, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    out = tfx("explain", "doubling", "--lesson").out
    prose = [line for line in out.splitlines() if "tfx " not in line and "tfx/" not in line]
    assert max(map(len, prose)) <= 40


def test_a_page_to_read_asks_nothing(tfx):
    assert tfx("explain", "doubling", "--lesson", "--predict").code == 2


def test_one_step_alone_by_its_name(tfx):
    by_name, by_number = (tfx("explain", "doubling", "--step", step) for step in ("the_table", "3"))
    assert by_name == by_number and by_name.code == 0
    assert tfx("explain", "doubling", "--step", "The-Table").out == by_name.out


def test_a_misspelt_step_gets_the_nearest_name(tfx):
    ran = tfx("explain", "doubling", "--step", "the_tabel")
    assert ran.code == 2 and 'Did you mean "the_table"?' in ran.err


def test_what_comes_before_a_step_that_fails_is_shown(tfx):
    ran = tfx("explain", "doubling", "--set", "factor=13")
    assert ran.code == 3 and "thirteen" in ran.err
    assert "1/3  The numbers" in ran.out and "2/3  The product" in ran.out and "It is 273." in ran.out


def test_a_step_that_is_not_asked_for_is_not_run(tfx):
    assert tfx("explain", "doubling", "--set", "factor=13", "--step", "1").code == 0


def test_suggestions_carry_the_readers_input_along(tfx):
    out = tfx("explain", "doubling", "--text", "my own", "--seed", "3", "--set", "factor=5").out
    assert "tfx explain doubling --step the_numbers --text 'my own' --seed 3 --set factor=3" in out
    assert "tfx experiment scaling --seed 3 --set mean=0.5" in out
    assert (
        "The table\n" in out and "tfx explain doubling --step the_table --text 'my own' --seed 3 --set factor=5" in out
    )


def test_sayings_and_sources_are_shown(tfx):
    out = tfx("explain", "doubling", "--step", "2").out
    assert 'said      "Twice a number is larger."' in out
    assert "Too strong: Twice a negative number is smaller. (C999)" in out
    assert 'source    Euclid -300, "Elements", book VII' in out
    plain = tfx("explain", "doubling", "--step", "2", "--plain").out
    assert "said\tTwice a number is larger.\ttoo strong\tTwice a negative number is smaller.\tC999\n" in plain
    assert "see also\tThe table\ttfx explain doubling --step the_table\n" in plain


def test_an_option_without_a_use_here_is_said(tfx):
    ran = tfx("explain", "doubling", "--untrained")
    assert ran.code == 0
    assert ran.err == "tfx: --untrained changes nothing here: doubling runs no trained model.\n"


def test_a_plot_and_a_page_are_saved_and_named(tfx, tmp_path):
    ran = tfx("explain", "doubling", "--plot", "a.png", "--html", "a.html")
    assert "plot saved: a.png" in ran.out and "file saved: a.html" in ran.out
    assert (tmp_path / "here" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "The product" in (tmp_path / "here" / "a.html").read_text(encoding="utf-8")


def test_a_plot_of_a_step_without_pictures_is_refused(tfx):
    ran = tfx("explain", "doubling", "--step", "2", "--plot", "a.png")
    assert ran.code == 2 and "no matrix or curve" in ran.err


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("--text", "foo"), "--text needs a topic", 'Try: tfx explain attention --text "foo"   See all: tfx explain'),
        (("--step", "2"), "--step needs a topic", "Try: tfx explain attention --step ...   See all: tfx explain"),
        (("--from", "2"), "--from needs a topic", "Try: tfx explain attention --from ...   See all: tfx explain"),
        (("--set", "help"), "--set needs a topic", "Try: tfx explain attention --set ...   See all: tfx explain"),
    ],
)
def test_an_option_without_a_topic_says_what_to_do(tfx, words, message, hint):
    ran = tfx("explain", *words)
    assert ran.code == 2 and ran.out == ""
    assert ran.err == f"tfx: {message}, and none was named.\n     {hint}\n"


@pytest.mark.parametrize("words", [("doubling", "--text", "the", "cat", "sat"), ("doubling", "--text", "the", "cat")])
def test_a_sentence_without_quotes_is_told_to_get_them(tfx, words):
    ran = tfx("explain", *words)
    sentence = " ".join(words[2:])
    assert ran.code == 2 and ran.err == (
        f'tfx: --text takes one text, so a sentence needs quotes.\n     Try: tfx explain doubling --text "{sentence}"\n'
    )


def test_from_starts_at_a_step_and_the_rest_follows(tfx):
    out = tfx("explain", "doubling", "--from", "the_product").out
    assert out.startswith("2/3  The product\n") and "3/3  The table" in out and "1/3" not in out
    assert tfx("explain", "doubling", "--from", "2").out == out
    ran = tfx("explain", "doubling", "--from", "the_prodcut")
    assert ran.code == 2 and 'Did you mean "the_product"?' in ran.err


def test_step_and_from_exclude_each_other(tfx):
    ran = tfx("explain", "doubling", "--step", "the_table", "--from", "2")
    assert ran.code == 2 and ran.err == (
        "tfx: --step shows one step, and --from all that follow it.\n"
        "     Leave out --step to read on, or --from to see the_table alone.\n"
    )


def test_a_pipe_asks_nothing_whatever_is_said(tfx):
    plain, asked, read = (tfx("explain", "doubling", *flags).out for flags in ([], ["--predict"], ["--no-predict"]))
    assert plain == read and sorted(asked.split()) == sorted(plain.split())
