"""architecture-families: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.architectures.families.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.errors import BadInput
from tfx.records import Formula, Question

run_of = runs_of(topic)


def questions(records) -> list[float]:
    return [record.answer for record in records if isinstance(record, Question)]


def blind(name):
    """The last output does not move with the first word any more."""

    def spoil(run, patch, by):
        run.pictures[name][-1, 0] = False

    return spoil


def gap(name, **changed):
    def spoil(run, patch, by):
        values = {key: value if by == by else by for key, value in changed.items()}
        run.gaps[name] = run.gaps[name]._replace(**values)

    return spoil


def more_parameters(run, patch, by):
    layer = run.decoder.stack.blocks[0]
    patch.setattr(type(layer), "n_parameters", property(lambda self: 3281 if self is layer else 3280))


def fewer_norms(run, patch, by):
    patch.setattr(type(run.both.decoder.blocks[0]), "n_parameters", property(lambda self: 4399))


def barred(n):
    """The last word sees nothing, so that both stacks change."""
    return np.tri(n, dtype=bool) & (np.arange(n) < n - 1)[:, None]


COUNTED = "a whole number, counted"
MASK = "a mask is true or false"


class TestFamilies(TopicTests):
    lesson, steps = topic, 9
    changed = [
        asked("layers=2", "source=1", "symbols=3", text="we read the very same book that they read"),
        asked("layers=8", "source=3", "symbols=10", text="one two three four"),
    ]
    refused = ["layers=1", "layers=9", "source=0", "source=4", "symbols=2", "symbols=11"]
    spoilt = {
        "same-block": Spoilt("three_questions", more_parameters, no_nan=COUNTED),
        "picture-encoder": Spoilt("who_sees", blind("encoder"), no_nan=MASK),
        "picture-decoder": Spoilt("who_sees", blind("decoder"), no_nan=MASK),
        "picture-both": Spoilt("who_sees", blind("both"), no_nan=MASK),
        "by-hand": Spoilt("by_hand", output(topic, "attend_forward", lambda y, by: y * (1 + (by - 1) * 1e-9))),
        "last-of-one": Spoilt("by_hand", instead(topic, "causal_mask", lambda by: barred), no_nan=MASK),
        "last-of-more": Spoilt(
            "by_hand", instead(topic, "causal_mask", lambda by: lambda n: np.ones((n, n), bool)), no_nan=MASK
        ),
        "attention-layers": Spoilt(
            "parameters",
            result(topic, "count", lambda c, by: c._replace(attention=c.attention * 37 // 36)),
            no_nan=COUNTED,
        ),
        "more": Spoilt("parameters", fewer_norms, no_nan=COUNTED),
        "hidden": Spoilt(
            "objectives",
            result(
                topic,
                "mask_tokens",
                lambda found, by: found._replace(chosen=found.chosen & (np.arange(found.chosen.shape[1]) < 100)),
            ),
            no_nan=COUNTED,
        ),
        "restored": Spoilt("objectives", result(topic, "restore_spans", lambda ids, by: ids[::-1]), no_nan="words"),
        "free": Spoilt("the_gap", gap("no mask", after=0.94)),
        "left": Spoilt("the_gap", gap("causal mask", before=0.94)),
        "right": Spoilt("the_gap", gap("causal mask", after=0.28)),
        "prefix": Spoilt("since", blind("prefix"), no_nan=MASK),
    }


def test_the_pictures_follow_the_rule_of_each_family():
    run = run_of("source=2")
    rows = tables(records_of(topic.who_sees, run))[0].rows
    assert [row["word"] for row in rows] == ["the", "cat", "sat", "on", "the", "mat"]
    for out, row in enumerate(rows, start=1):
        seen = {
            "encoder": [True] * 6,
            "decoder": [word <= out for word in range(1, 7)],
            "both": [word <= 2 or (out > 2 and word <= out) for word in range(1, 7)],
        }
        for family, marks in seen.items():
            assert row[family] == " ".join("#" if mark else "." for mark in marks)
    assert questions(records_of(topic.who_sees, run)) == [6 + 5 + 4 + 3 + 2 + 1]


def test_the_row_by_hand_is_a_softmax_of_what_is_visible():
    shown = records_of(topic.by_hand, run_of())
    first = sentences(shown)[0]
    scores = [float(number) for number in first.split("scores ")[1].split(" for")[0].split(", ")]
    e = [math.exp(score) for score in scores]
    full, causal = tables(shown)[0].rows
    assert [full[f"w{i}"] for i in (1, 2, 3)] == pytest.approx([part / sum(e) for part in e])
    assert [causal[f"w{i}"] for i in (1, 2, 3)] == pytest.approx([e[0] / (e[0] + e[1]), e[1] / (e[0] + e[1]), 0])
    assert questions(shown) == pytest.approx([e[0] / (e[0] + e[1])])


def test_the_last_word_moves_only_where_others_moved_before_it():
    run = run_of()
    tri = np.tri(6, dtype=bool)
    apart = [
        np.abs(run.encoder.encode(run.ids)[0] - run.encoder.encode(run.ids, mask=tri)[0])[0, at].max() for at in (0, -1)
    ]
    told = sentences(records_of(topic.by_hand, run))[1]
    assert told == (
        "Same weights of the model, two masks, two results: word 1 of your sentence moves by up to "
        f"{apart[0]:.2f}. The last word may see all in both. In a stack of one block it gets the same vector; after 3 "
        f"blocks it differs by {apart[1]:.2f}, as it has heard from words that saw less."
    )  # fmt: skip


def test_published_sizes_are_counted_by_hand():
    shown = records_of(topic.parameters, run_of())
    rows = {row["name"]: row for row in tables(shown)[0].rows}
    c, f = 768, 3072
    assert rows["BERT-base"]["attention"] == pytest.approx(12 * 4 * (c * c + c) / 1e6)
    assert rows["BERT-base"]["ff"] == pytest.approx(12 * (2 * c * f + c + f) / 1e6)
    assert rows["GPT-2 small"]["embedding"] == pytest.approx((50257 + 1024) * c / 1e6)
    assert rows["T5-base"]["attention"] == pytest.approx(36 * 4 * c * c / 1e6)
    assert rows["GPT-2 small"]["total"] == pytest.approx(124.439808) and rows["BERT-large"]["total"] < 340
    assert questions(shown) == [36] and rows["T5-base"]["blocks"] == "12 + 12"
    assert 1.5 < rows["T5-base"]["total"] / rows["BERT-base"]["total"] < 2.5, "about twice"
    assert sentences(shown) == [
        "The encoder-decoder is the one with another block: a decoder block that reads a source has an attention and a "
        "norm more (here 4,400 numbers against 3,280).",
        "At equal depth and width an encoder-decoder has about twice the parameters of one stack, but a token passes "
        "one stack only. BERT-large has 0.34 billion; families are no sizes.",
    ]


def test_what_goes_in_and_what_comes_out_is_the_text():
    words = ["the", "cat", "sat", "on", "the", "mat"]
    for seed in range(5):
        shown = records_of(topic.objectives, run_of(), seed)
        masked, following, spans = (
            record.text.split("   ")[-1].strip().split("  ->  ") for record in shown if isinstance(record, Formula)
        )
        hidden = masked[0].split()
        (at,) = (place for place, word in enumerate(hidden) if word == "[MASK]")
        assert [*hidden[:at], masked[1], *hidden[at + 1 :]] == words
        assert following == [" ".join(words[:-1]), " ".join(words[1:])]
        run = spans[1].removeprefix("<1> ").removesuffix(" <2>")
        assert spans[0].replace("<1>", run).split() == words
        assert questions(shown) == [30]


def test_the_gaps_are_filled_once_more():
    run = run_of()
    rows = tables(records_of(topic.the_gap, run))[0].rows
    for row, causal in zip(rows, (False, True), strict=True):
        assert [row["before"], row["after"]] == [
            100 * share for share in topic.filled(causal, 6, topic.STEPS, topic.ASKED, 0)
        ]
    shown = records_of(topic.the_gap, run)
    assert questions(shown) == pytest.approx([100 / 6])
    assert sentences(shown)[1].startswith("Over all gaps a causal reader is right in 58% at most, on average.")


def test_a_prefix_mask_gives_the_picture_of_two_stacks_with_fewer_numbers():
    run = run_of("layers=2", "source=2")
    told = sentences(records_of(topic.since, run))[1]
    assert (
        f"from 2 blocks instead of 2 + 2: {run.encoder.n_parameters:,} numbers, not {run.both.n_parameters:,}" in told
    )
    assert "here 2 words" in told and "in 36 of 36 pairs" in told
    assert run.encoder.n_parameters == 2 * 3280 + 6 * 16 + 2 * 16, "two blocks, a table, and the norm at the end"


def test_a_longer_sentence_is_cut_and_a_shorter_one_refused():
    assert run_of(text="one two three four five six seven eight").words == (
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
    )
    with pytest.raises(BadInput):
        run_of(text="one two three")


def test_why_an_answer_is_right_is_told_in_whole_sentences():
    run = run_of()
    told = {
        step: [r.explanation for r in records_of(getattr(topic, step), run) if isinstance(r, Question)]
        for step in ASKING
    }
    assert told == ASKING


ASKING = {
    "three_questions": ["The same block under another mask; a mask has none."],
    "who_sees": ["1 + 2 + ... + 6."],
    "parameters": ["12 in the encoder, 2 * 12 in the decoder."],
    "objectives": ["0.15 * 200; GPT at 199, all that have a next token."],
    "the_gap": ["It cannot see the partner, so it guesses: 1 in 6."],
}
