"""tokenizer-bpe: pairs and symbols are counted another way, a file of one's own is learned from, checks can fail."""

from __future__ import annotations

import pytest

import lessons.sequences.tokenizer_bpe.lesson as topic
from lessons.coverage import questions
from tests.lessons.spoiling import Spoilt, TopicTests, asked, runs_of
from tests.lessons.steps import failed, records_of, sentences, steps_of, tables
from tfx.errors import BadInput
from tfx.records import Question, Said

TOPIC = "tokenizer-bpe"
run_of = runs_of(topic)


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


def longer(run, patch, by):
    run.learned = [merge._replace(symbols=merge.symbols + by) for merge in run.learned]


def more_often(run, patch, by):
    run.learned = [merge._replace(times=merge.times + by * n) for n, merge in enumerate(run.learned)]


def other_merges(run, patch, by):
    run.learned = [run.learned[0]._replace(pair=("x", "y")), *run.learned[1:]]


class Other:
    """The library's tokenizer, with one answer changed."""

    def __init__(self, bpe, **changed):
        self.bpe, self.changed = bpe, changed

    def __getattr__(self, name):
        return self.changed.get(name, getattr(self.bpe, name))


def other_pieces(run, patch, by):
    run.bpe = Other(run.bpe, encode=lambda word: run.learned and [1, 2, 3], decode=lambda ids: run.new[0])


def other_text(run, patch, by):
    run.bpe = Other(run.bpe, decode=lambda ids: "retentiom")


def letter_known(run, patch, by):
    run.bpe = Other(run.bpe, unknown="nothing is")


def other_bytes(run, patch, by):
    patch.setattr(topic.ByteLevelBPE, "decode", lambda self, ids: "?")


def fewer(run, patch, by):
    run.bpe = Other(run.bpe, encode=lambda word: [1])


class TestTokenizerBpe(TopicTests):
    lesson, steps = topic, 7
    changed = [
        asked(*pairs, text=text, seed=len(pairs))
        for pairs in ((), ("words=20", "merges=5"), ("words=5000", "merges=300"))
        for text in (None, "attention", "a")
    ]
    seeds = (0,)
    sometimes = ("pieces", "back")
    refused = ["words=19", "words=5001", "merges=4", "merges=301"]
    by = 40
    spoilt = {
        "shrinks": Spoilt("neighbours", longer),
        "falling": Spoilt("merging", more_often),
        "library": Spoilt("merging", other_merges, no_nan="symbols are compared"),
        "pieces": Spoilt("a_new_word", other_pieces, no_nan="symbols are compared"),
        "back": Spoilt("a_new_word", other_text, no_nan="symbols are compared"),
        "letter": Spoilt("the_unknown", letter_known, no_nan="symbols are compared"),
        "bytes": Spoilt("the_unknown", other_bytes, no_nan="symbols are compared"),
        "least": Spoilt("not_the_best", fewer, no_nan="symbols are compared"),
    }


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
    assert said.truth.endswith('such as "order": BPE makes or de r _, where or d er_ would do.') and "order" in {
        word for question in questions() for word in question.ask.rstrip(".?").split()
    }
    none = next(r for r in records_of(topic.not_the_best, run_of("words=20", "merges=5")) if isinstance(r, Said))
    assert none.truth.startswith("Not always. Here, though, none of ")
