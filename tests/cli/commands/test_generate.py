"""`tfx generate` goes on with a text and accounts for every token."""

from __future__ import annotations

import json
import math

import pytest

from tests.cli.running import one_sentence, run


def told(*words: str, home) -> dict:
    ran = run("generate", *words, "--json", home=home)
    assert ran.code == 0 and not ran.err, ran
    return json.loads(ran.out)


def test_the_text_is_made_of_the_tokens_in_the_table_and_their_logarithms_add_up(tmp_path):
    document = told("--prompt", "The list is", "--max-new", "6", home=tmp_path)
    assert document["prompt_tokens"] == ["the", "list", "is"]
    assert len(document["rows"]) == 6 and document["reason"] == "length"
    assert "".join(row["token"].removeprefix("##") for row in document["rows"]) == document["text"].replace(" ", "")
    total = sum(math.log(row["probability"]) for row in document["rows"])
    assert total == pytest.approx(document["log_probability"], abs=1e-9)
    assert document["checks"][0]["holds"] and document["checks"][0]["measured"] == pytest.approx(total)


def test_characters_that_the_model_does_not_know_are_named_once(tmp_path):
    ran = run("generate", "--prompt", "the \U0001f600 list \u2603\u2603", "--max-new", "2", "--plain", home=tmp_path)
    assert "text\tUnknown to this model, which reads <unk> in place of each: \U0001f600 \u2603" in ran.out.splitlines()
    assert "Unknown" not in run("generate", "--prompt", "the list", "--max-new", "2", "--plain", home=tmp_path).out


def test_the_prompt_is_shown_as_it_was_typed_and_as_it_was_read_where_that_differs(tmp_path):
    typed = run("generate", "--prompt", "Hello, World!\n It's \U0001f600", "--max-new", "1", "--plain", home=tmp_path)
    lines = typed.out.splitlines()
    assert lines[:2] == ["text\tprompt Hello, World! It's \U0001f600", "text\tread as hello , world ! it ' s <unk>"]
    same = run("generate", "--prompt", "the list is ", "--max-new", "1", "--plain", home=tmp_path).out.splitlines()
    assert same[0] == "text\tprompt the list is" and same[1].startswith("text\twritten ")


def test_equal_seeds_give_equal_documents_and_another_seed_another_text(tmp_path):
    one, two, other = (told("--max-new", "8", "--seed", seed, home=tmp_path) for seed in ("4", "4", "5"))
    for document in (one, two, other):
        assert document.pop("elapsed_s") > 0
    assert one == two
    assert one["text"] != other["text"]


def test_temperature_0_always_takes_the_most_likely_token(tmp_path):
    document = told("--temperature", "0", "--max-new", "5", home=tmp_path)
    assert all(row["token"] == row["likeliest"] and row["rank"] == row["kept"] == 1 for row in document["rows"])
    assert document["text"] == told("--top-k", "1", "--max-new", "5", home=tmp_path)["text"]


def test_top_k_and_top_p_leave_as_many_choices_as_they_say(tmp_path):
    rows = told("--top-k", "3", "--max-new", "6", home=tmp_path)["rows"]
    assert all(row["kept"] == 3 and row["rank"] <= 3 and row["drawn_with"] > row["probability"] for row in rows)
    rows = told("--top-p", "0.5", "--max-new", "6", home=tmp_path)["rows"]
    assert all(row["drawn_with"] <= 2 * row["probability"] + 1e-12 for row in rows)


def test_beams_are_told_best_first_and_end_where_the_model_ends(tmp_path):
    document = told("--beams", "4", "--max-new", "8", home=tmp_path)
    scores = [row["score"] for row in document["beams"]]
    assert scores == sorted(scores, reverse=True) and len(scores) == 4
    assert document["beams"][0]["text"] == document["text"] and document["reason"] == "end"
    for row in document["beams"]:
        assert row["score"] == pytest.approx(row["log_probability"] / ((5 + row["tokens"]) / 6) ** 0.6)
    assert document["beams"][0]["log_probability"] == pytest.approx(document["log_probability"], abs=1e-9)
    assert document["rows"][0]["drawn_with"] is None


def test_one_beam_says_what_temperature_0_says(tmp_path):
    greedy, beam = (told(*words, home=tmp_path)["text"] for words in (("--temperature", "0"), ("--beams", "1")))
    assert greedy == beam


def test_the_page_and_the_plain_lines_say_how_it_was_done(tmp_path):
    page = run("generate", "--temperature", "0.7", "--top-k", "40", "--max-new", "3", home=tmp_path)
    assert page.code == 0
    assert "Drawn at temperature 0.7 from the 40 most likely tokens." in page.out
    assert "PASS" in page.out and "another: --seed 1" in page.out
    plain = run("generate", "--beams", "2", "--max-new", "8", "--plain", home=tmp_path).out.splitlines()
    assert "text\tSearched with 2 beams. Ended: the model ended its paragraph." in plain
    assert len([line for line in plain if line.startswith("row\t")]) == 2 + 7  # two beams, seven tokens


def test_a_text_may_outgrow_what_the_model_can_see(tmp_path):
    document = told("--prompt", "the list is " * 42, "--max-new", "5", "--top-k", "5", home=tmp_path)
    assert len(document["prompt_tokens"]) == 126
    assert document["checks"][0]["holds"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--prompt", "  "), "the prompt is empty"),
        (("--top-k", "5000"), "not 5000"),
        (("--top-k", "0"), "not 0"),
        (("--top-p", "0"), "above 0 and up to 1"),
        (("--top-p", "1.5"), "not 1.5"),
        (("--temperature", "-1"), "must be at least 0, not -1"),
        (("--temperature", "nan"), "must be at least 0, not nan"),
        (("--beams", "100000"), "not in the range 1<=x<=200"),
        (("--temperature", "nan"), "not nan"),
        (("--beams", "2", "--top-p", "0.5"), "--beams searches and draws nothing"),
        (("--beams", "0"), "--beams"),
        (("--max-new", "0"), "--max-new"),
        (("--json", "--plain"), "exclude each other"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(tmp_path, words, says):
    ran = run("generate", *words, home=tmp_path)
    assert ran.code == 2 and says in one_sentence(ran)


def test_a_search_shows_no_columns_that_only_drawing_fills(tmp_path):
    drawn, searched = (run("generate", "--max-new", "3", *words, home=tmp_path).out for words in ((), ("--beams", "2")))
    assert "drawn with" in drawn and "choices" in drawn
    assert "drawn with" not in searched and "choices" not in searched
