"""tokenizer-families: tokens, cuts and costs are found another way, and every check can fail."""

from __future__ import annotations

import math
import re

import pytest

import lessons.sequences.tokenizer_families.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

run_of = runs_of(topic)


class Changed:
    """A tokenizer with one answer changed."""

    def __init__(self, kind, **changed):
        self.kind, self.changed = kind, changed

    def __getattr__(self, name):
        return self.changed.get(name, getattr(self.kind, name))

    def __len__(self):
        return len(self.kind)


def with_kind(name, **changed):
    def spoil(run, patch, by):
        run.kinds = run.kinds | {name: Changed(run.kinds[name], **changed)}

    return spoil


def other_cut(run, patch, by):
    patch.setattr(topic.Unigram, "score", lambda self, ids: -99.0 * by)


def same_ids(run, patch, by):
    run.kinds = run.kinds | {"BPE": Changed(run.kinds["BPE"], decode=lambda ids: run.text)}


class TestTokenizerFamilies(TopicTests):
    lesson, steps = topic, 7
    seeds = (0,)
    changed = [
        asked("vocabulary=300", text="na\u00efve caf\u00e9, 3 x 4!"), asked("vocabulary=800", text="a"),
        asked(text="zzz " * 20),
    ]  # fmt: skip
    changed_seeds = (0,)
    refused = ["vocabulary=299", "vocabulary=801"]
    spoilt = {
        "characters": Spoilt("one_word", with_kind("characters", encode=lambda text: [1]), no_nan="tokens are counted"),
        "bytes": Spoilt("whole_text", with_kind("bytes", decode=lambda ids: "?"), no_nan="texts are compared"),
        "bytes: of BPE": Spoilt("whole_text", with_kind("BPE over bytes", decode=str), no_nan="texts are compared"),
        "known": Spoilt(
            "whole_text",
            result(topic, "measure", lambda found, by: found._replace(unknown_tokens=1)),
            no_nan="tokens are counted",
        ),
        "best": Spoilt("unigram", other_cut),
        "shorter": Spoilt("sizes", of_run("lengths", lambda lengths, by: [(100, 2.0), (200, 2.1 * by)])),
        "pays": Spoilt(
            "consequences",
            instead(topic, "OTHER_LANGUAGE", lambda by: "what is attention"),
            no_nan="tokens are counted",
        ),
        "swapped": Spoilt("consequences", same_ids, no_nan="texts are compared"),
    }


def test_tokens_and_pairs_are_those_of_the_text():
    run = run_of(text="an unexplainable word")
    word, whole = (tables(records_of(step, run))[0].rows for step in (topic.one_word, topic.whole_text))
    assert [row["n"] for row in word[:2]] == [13, 13] and word[0]["pieces"] == "u n e x p l a i n a b l e"
    for row in word[2:]:
        assert "".join(row["pieces"].replace("##", "").split()).strip("_") == "unexplainable"
        assert row["n"] == len(row["pieces"].split())
    assert [row["pairs"] for row in whole] == [row["n"] ** 2 for row in whole] and whole[1]["n"] == 21
    times = 21 / whole[4]["n"]
    assert sentences(records_of(topic.whole_text, run))[1].endswith(
        f"Bytes take {times:.1f} times the tokens of WordPiece here, and {times**2:.1f} times the pairs."
    )


def test_the_likeliest_cut_is_the_best_of_all_cuts():
    run = run_of(text="encoder")
    kind = run.kinds["unigram"]
    score, marked = dict(kind.scores), "\u2581encoder"
    every = {(): 0.0}
    done = []
    while every:
        (cut, total), *rest = every.items()
        at = sum(map(len, cut))
        every = dict(rest)
        for end in range(at + 1, len(marked) + 1):
            if (piece := marked[at:end]) in score:
                target = (*cut, piece), total + score[piece]
                done.append(target[1]) if end == len(marked) else every.update([target])
    done.sort(reverse=True)
    shown = records_of(topic.unigram, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert [row["log"] for row in tables(shown)[0].rows] == pytest.approx(done[:3])
    assert asked.answer == pytest.approx(math.exp(done[0] - done[1]))


def test_the_price_of_a_size_is_the_square_of_the_length():
    run = run_of()
    shown = records_of(topic.sizes, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    rows = tables(shown)[0].rows
    for row in rows:
        bpe = topic.BPE.train(run.corpus, row["size"])
        tokens, words = sum(len(bpe.encode(text)) for text in run.corpus), len(" ".join(run.corpus).split())
        assert row["fertility"] == pytest.approx(tokens / words) and row["table"] == row["size"] * 512
    assert asked.answer == pytest.approx((rows[-1]["fertility"] / rows[0]["fertility"]) ** 2) == rows[-1]["pairs"]
    assert asked.prompt == (
        f"From 100 to 800 tokens in the vocabulary: {rows[0]['fertility']:.2f} tokens a word become "
        f"{rows[-1]['fertility']:.2f}. By what are the pairs multiplied?"
    )


def test_another_language_is_counted():
    run = run_of()
    kind = run.kinds["BPE over bytes"]
    german = len(kind.encode(topic.OTHER_LANGUAGE)) / len(topic.OTHER_LANGUAGE)
    own = sum(len(kind.encode(t)) for t in run.corpus) / len("".join(run.corpus))
    assert sentences(records_of(topic.consequences, run))[1].endswith(
        f"{german:.2f} tokens a character of German, against {own:.2f} of English."
    )


def test_the_logarithms_that_are_added_by_hand_add_up_to_what_the_table_says():
    shown = records_of(topic.unigram, run_of())
    parts, total = re.match(r"By hand: (.*) = (-[0-9.]+)\. ", sentences(shown)[1]).groups()
    added = sum(float(part) for part in parts.split())
    assert f"{added:.3f}" == total and f"{added:.2f}" == f"{tables(shown)[0].rows[0]['log']:.2f}"
