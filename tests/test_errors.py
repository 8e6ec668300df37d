"""A name that is not there is answered with one that is near, or with none."""

from __future__ import annotations

import pytest

from tfx.errors import UnknownName, many, nearest, unknown_name

KNOWN = [
    "ReLU",
    "LLaMA",
    "LoRA",
    "Codex",
    "BLEU",
    "GPT-J",
    "RoPE",
    "softmax",
    "scaling-variance",
    "reverse",
    "train",
    "LSTM",
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sofmax", "softmax"),
        ("Softmaxx", "softmax"),
        ("softnax", "softmax"),
        ("ropee", "RoPE"),
        ("rpoe", "RoPE"),
        ("trian", "train"),
        ("rev", "reverse"),
        ("trained", "train"),
        ("scaling_varience", "scaling-variance"),
        ("scaling variance", "scaling-variance"),
        ("gptj", "GPT-J"),
    ],
)
def test_a_slip_is_seen(typed, meant):
    assert nearest(typed, KNOWN) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "rlhf",
        "mamba",
        "claude",
        "nucleus",
        "gpt-2",
        "gpt2",
        "dora",
        "llava",
        "lore",
        "re",
        "x",
        "",
        "speculative",
        "xlstm",
    ],
)
def test_another_word_is_no_slip(typed):
    assert nearest(typed, KNOWN) == ""


def test_the_error_knows_what_was_looked_for():
    problem = unknown_name("task", "revers", ["copy", "reverse"], "tfx train")
    assert isinstance(problem, UnknownName)
    assert (problem.kind, problem.name, problem.guess) == ("task", "revers", "reverse")
    assert problem.message == 'no task is called "revers". Did you mean "reverse"?'
    assert problem.hint == "See all: tfx train" and problem.exit_code == 2


def test_one_word_and_two_words():
    assert [many(n, "word") for n in (0, 1, 2, 10_000)] == ["0 words", "1 word", "2 words", "10,000 words"]
