"""attention-shapes: what is said of words, sentences and other steps is so for other sentences, too."""

from __future__ import annotations

import lessons.attention.shapes.lesson as topic
from tests.lessons.steps import records_of, request_for, sentences, tables

TOPIC = "attention-shapes"


def run_of(*pairs: str) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs))


def test_words_that_are_cut_alike_are_not_called_equal():
    """ "computers" and "computing" both stand as "comput.." above their column."""

    def last_of_the_row(text):
        run = topic.Run(request_for(TOPIC, text=text))
        return next(said for said in sentences(records_of(topic.rows_and_columns, run)) if said.startswith("Row "))

    said = "Equal words have equal vectors (until positions come), so equal rows and columns."
    assert said not in last_of_the_row("computers computing") and said in last_of_the_row("computers see computers")


def test_the_scores_that_go_into_the_softmax_are_the_divided_ones():
    made = {row["name"]: row["made"] for row in tables(records_of(topic.one_head, run_of()))[0].rows}
    assert made["scores"] == "Q K^T / sqrt(D)"


def test_a_longer_other_sentence_is_not_quoted_as_if_it_were_whole():
    for other, quoted in (("le chat noir dort", "le chat noir dort"), ("a b c d e", "a b c d ...")):
        (shown,) = tables(records_of(topic.across, run_of(f"other={other}")))
        assert shown.title == f'Queries from your 6 tokens, X; keys and values from "{quoted}", Y'
