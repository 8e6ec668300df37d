"""tokenizer-bpe: pairs and symbols are counted another way, a file of one's own is learned from, checks can fail."""

from __future__ import annotations

import math

import pytest

import lessons.sequences.tokenizer_bpe.lesson as topic
from lessons.coverage import questions
from tests.lessons.steps import checks, failed, failed_in, records_of, request_for, sentences, steps_of, tables
from tfx.errors import BadInput
from tfx.records import Question, Said

TOPIC = "tokenizer-bpe"


def run_of(*pairs: str, text: str | None = None) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs, text=text))


@pytest.mark.parametrize("pairs", [[], ["words=20", "merges=5"], ["words=5000", "merges=300"]])
@pytest.mark.parametrize("text", [None, "attention", "a"])
def test_every_check_holds(pairs, text):
    steps = steps_of(TOPIC, *pairs, text=text, seed=len(pairs))
    assert len(steps) == 7 and not failed(steps)
    assert set(checks(steps)) >= {*SPOILT} - {"pieces", "back"}


def test_a_text_of_ones_own_is_learned_from(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("aaa " * 30 + "\u03a9\u0416", encoding="utf-8")
    shown = steps_of(TOPIC, f"text_file={file}", text="aaaa")
    assert not failed(shown)
    assert tables(shown[0].records)[0].title == "31 words of your file"
    file.write_text("too short", encoding="utf-8")
    with pytest.raises(BadInput, match="2 words of letters; 20 are needed"):
        steps_of(TOPIC, f"text_file={file}")


def test_a_word_with_a_new_letter_is_not_said_to_come_back():
    shown = sentences(records_of(topic.a_new_word, run_of(text="na1ve")))
    assert "It has a letter that the text did not hold; see the next part." in shown[1]


def longer(run, by):
    run.learned = [merge._replace(symbols=merge.symbols + by) for merge in run.learned]


def more_often(run, by):
    run.learned = [merge._replace(times=merge.times + by * n) for n, merge in enumerate(run.learned)]


def other_merges(run, by):
    run.learned = [run.learned[0]._replace(pair=("x", "y")), *run.learned[1:]]


class Other:
    """The library's tokenizer, with one answer changed."""

    def __init__(self, bpe, **changed):
        self.bpe, self.changed = bpe, changed

    def __getattr__(self, name):
        return self.changed.get(name, getattr(self.bpe, name))


def other_pieces(run, by):
    run.bpe = Other(run.bpe, encode=lambda word: run.learned and [1, 2, 3], decode=lambda ids: run.new[0])


def other_text(run, by):
    run.bpe = Other(run.bpe, decode=lambda ids: "retentiom")


def letter_known(run, by):
    run.bpe = Other(run.bpe, unknown="nothing is")


def fewer(run, by):
    run.bpe = Other(run.bpe, encode=lambda word: [1])


#: check -> its step, and how it is spoilt.
SPOILT = {
    "shrinks": ("neighbours", longer),
    "falling": ("merging", more_often),
    "library": ("merging", other_merges),
    "pieces": ("a_new_word", other_pieces),
    "back": ("a_new_word", other_text),
    "letter": ("the_unknown", letter_known),
    "bytes": ("the_unknown", None),
    "least": ("not_the_best", fewer),
}


@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong(id, monkeypatch):
    step, spoil = SPOILT[id]
    run = run_of()
    assert not failed_in(getattr(topic, step), run)
    if spoil is None:
        monkeypatch.setattr(topic.ByteLevelBPE, "decode", lambda self, ids: "?")
    else:
        spoil(run, 40)
    assert failed_in(getattr(topic, step), run) == {id}


@pytest.mark.parametrize(("id", "spoil"), [("shrinks", longer), ("falling", more_often)])
def test_a_check_does_not_hold_of_what_is_no_number(id, spoil):
    run = run_of()
    spoil(run, math.nan)
    assert id in failed_in(getattr(topic, SPOILT[id][0]), run)


def test_pairs_and_symbols_are_those_of_the_text():
    run = run_of("words=60")
    text = " ".join(run.text) + " "
    shown = records_of(topic.neighbours, run)
    for row in tables(shown)[0].rows:
        assert row["count"] == text.count(row["pair"].replace(" ", "").replace("_", " "))
    (asked,) = (r for r in shown if isinstance(r, Question))
    pair = tables(shown)[0].rows[0]["pair"].replace(" ", "").replace("_", " ")
    assert asked.answer == len(text.replace(pair, "#")) and asked.tolerance == 0
    assert asked.prompt == f"The text had {len(text):,} symbols. How many after this merge?"


def test_the_first_screen_counts_letters_and_words():
    run = run_of()
    letters, words = tables(records_of(topic.the_gap, run))[0].rows
    assert (words["all"], words["different"]) == (200, len(set(run.text)))
    assert (letters["all"], letters["different"]) == (len("".join(run.text)), len(set("".join(run.text))))
    known = set(run.text[:100])
    new = 100 * sum(word not in known for word in run.text[100:]) / 100
    assert words["new"] == pytest.approx(new)
    said = sentences(records_of(topic.the_gap, run))[1]
    assert said.startswith(
        f"Letters: a tiny vocabulary, and long texts. Words: short texts, but {new:.0f}% of the words in the second "
        "half did not occur in the first, and a new word has no id."
    )


def test_the_new_word_is_cut_as_its_screen_says():
    shown = records_of(topic.a_new_word, run_of())
    assert tables(shown)[0].rows[-1]["word"] == "re t en tion_"
    assert sentences(shown) == [
        'To cut "retention" (it does not stand in the text that was learned from), apply the merges in the order in '
        "which they were learned, wherever they fit.",
        "4 tokens for 9 letters and the end. Joined, the tokens are the word again. Given merges enough, a word that "
        "is frequent in the text becomes one token.",
    ]


def test_what_greedy_merges_waste_is_counted():
    run = run_of()
    said = next(r for r in records_of(topic.not_the_best, run) if isinstance(r, Said))
    assert said.truth.endswith('such as "order": or de r _ in place of or d er_.') and "order" in {
        word for question in questions() for word in question.ask.rstrip(".?").split()
    }
    none = next(r for r in records_of(topic.not_the_best, run_of("words=20", "merges=5")) if isinstance(r, Said))
    assert none.truth.startswith("Not always. Here, though, none of ")
