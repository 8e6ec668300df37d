"""notation: the page is true of its arrays, every check can fail, and no formula of the module leaves the page."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
import pytest

import lessons.attention.notation.lesson as topic
from lessons.attention.notation.letters import ARRAYS, BORROWED, EVERYWHERE, PAGE, ROWS, SIZES
from lessons.course import find_topic, topics
from tests.lessons.letters import NOTATION, second_meanings, topics_of, unknown
from tests.lessons.spoiling import Spoilt, TopicTests
from tests.lessons.steps import all_text, records_of, request_for, steps_of, tables
from tfx.records import Question, Said
from tfx.shapes import LETTERS

TOPIC = "notation"


def run_of(seed: int = 0) -> topic.Run:
    return topic.Run(request_for(TOPIC, seed=seed))


def turned(*names):
    def spoil(run, patch, by):
        for name in names:
            run.arrays[name] = run.arrays[name][..., None]

    return spoil


def narrower_queries(run, patch, by):
    run.arrays["q"] = run.arrays["q"][1:]


def gradient_of_other_shape(run, patch, by):
    run.dk = run.dk.T


def other_query(run, patch, by):
    run.arrays["q"] = by * run.arrays["q"]


def attends_where(allowed):
    def spoil(run, patch, by, right=topic.attend_forward):
        def wrong(scores, v, mask=None):
            out, cache = right(scores, v, None if mask is None else allowed(mask))
            return (out if mask is None or by == by else by * out), cache

        patch.setattr(topic, "attend_forward", wrong)

    return spoil


class TestNotation(TopicTests):
    lesson, steps = topic, 11
    seeds = range(5)
    spoilt = {
        "custom": Spoilt("sizes", narrower_queries, no_nan="shapes"),
        "shapes": Spoilt("arrays", turned("W_O"), no_nan="shapes"),
        "row-shapes": Spoilt("one_row", turned("s", "J"), no_nan="shapes"),
        "gradient-shapes": Spoilt("one_row", gradient_of_other_shape, no_nan="shapes"),
        "dot": Spoilt("signs", other_query),
        "mask": Spoilt("conventions", attends_where(lambda mask: mask[:, ::-1]), nan_also={"inverted"}),
        "inverted": Spoilt("conventions", attends_where(lambda mask: np.arange(5) < 4), nan_also={"mask"}),
    }


def test_the_sizes_are_those_of_the_library_and_all_different():
    assert [sign.letter for sign in SIZES] == [*"BTSCHD", "Dv"] == list(topic.HERE)
    assert len(set(topic.HERE.values())) == len(topic.HERE)
    for sign in SIZES[:-1]:
        assert sign.means.startswith(LETTERS[sign.letter])


def test_the_shapes_of_the_page_are_those_of_the_letters():
    b, t, s, c, h, d, dv = topic.HERE.values()
    wanted = {
        "X": (t, c), "Y": (s, c), "W_Q": (c, d), "W_V": (c, dv), "W_O": (h * dv, c), "Q": (t, d), "K": (s, d),
        "V": (s, dv), "scores": (t, s), "P": (t, s), "O": (t, dv), "q": (d,), "k": (d,), "v": (dv,), "s": (s,),
        "p": (s,), "o": (dv,), "dO": (t, dv), "dP": (t, s), "dscores": (t, s), "ds": (s,), "J": (s, s),
    }  # fmt: skip
    listed = [row for step in (topic.arrays, topic.one_row) for row in tables(records_of(step, run_of()))[0].rows]
    shown = {row["sign"].split(", ")[0]: row["here"] for row in listed}
    assert shown.pop("W_Q") == str(wanted.pop("W_Q")) and shown.pop("L") == "number" and b not in (t, s)
    assert shown == {name: str(shape) for name, shape in wanted.items()}


def test_the_head_of_the_page_is_attention_written_out():
    run = run_of()
    a = run.arrays
    e = np.exp(a["scores"])
    assert a["scores"] == pytest.approx((a["X"] @ a["W_Q"]) @ (a["Y"] @ a["W_K"]).T / math.sqrt(6))
    assert a["P"] == pytest.approx(e / e.sum(axis=1, keepdims=True)) and a["O"] == pytest.approx(a["P"] @ a["V"])
    p, dp = a["P"], a["dO"] @ a["V"].T
    assert a["dscores"] == pytest.approx(p * (dp - (dp * p).sum(axis=1, keepdims=True)))
    assert run.dq == pytest.approx(a["dscores"] @ a["K"] / math.sqrt(6)) and a["ds"] == pytest.approx(
        a["J"].T @ a["dp"]
    )


def test_what_is_asked_and_said_is_computed():
    (asked,) = (r for r in records_of(topic.sizes, run_of()) if isinstance(r, Question))
    assert asked.answer == sum(1 for _ in range(3) for _ in range(5)) and asked.tolerance == 0
    assert asked.prompt == "How many scores has one head with T = 3 and S = 5?"
    run = run_of()
    p, v = np.exp(run.arrays["scores"])[:, :-1], run.arrays["V"]
    moved = abs(v[-1] - (p / p.sum(axis=1, keepdims=True)) @ v[:-1]).max()
    (said,) = (r for r in records_of(topic.conventions, run) if isinstance(r, Said))
    assert said.truth == (
        f"Inverted, this one lets every query see key 5 alone; the output moves by up to {moved:.2f}, and nothing "
        "warns you."
    )


# The formulas of the course: tests/lessons/test_course.py walks through all of them

HOME, AWAY = find_topic("attention"), find_topic("alibi")


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("S = Q K^T / sqrt(D)", "(T, D) x (D, S) -> (T, S)"),
        ("S[i, j] = -inf where the mask says no", ""),
        ("S = Q Q^T     S^T = (Q Q^T)^T", ""),
        ("raw scores = Q K^T", "(n, d) x (d, n) -> (n, n)"),
        ("logits = h E^T", "(n, C) x (C, V) -> (n, V)"),
        ("p = softmax(s)", "(M) -> (M)"),
        ("O = P V   so   H = O", ""),
    ],
)
def test_a_letter_with_a_second_meaning_is_seen(text, shapes):
    assert second_meanings(text, shapes)


@pytest.mark.parametrize("text", ["w_i = exp(s_i)", "G = P V", "O = P V G", "dG = P^T dO", "u = q . k", "N = 3 tokens"])
def test_a_letter_that_is_not_on_the_page_is_seen(text):
    assert len(unknown(text, HOME)) == 1


@pytest.mark.parametrize(
    "text",
    ["h_t = tanh(x_t W_x + h_{t-1} W_h)", "dp_i/ds_j = p_i (delta_ij - p_j)", "L = -log p_target", "dW_Q = X^T dQ"],
)
def test_letters_of_the_page_are_known_with_their_indices(text):
    assert not unknown(text, HOME) and not second_meanings(text, "")


@pytest.mark.parametrize("text", ["c_t = f(x)", "w_i = 2", "y = gamma x", "z_t = x_t", "r = 1", "e = x"])
def test_a_letter_of_another_topic_is_seen(text):
    assert len(unknown(text, AWAY)) == 1


def test_no_letter_means_two_things_in_one_topic():
    assert not twice([letter for sign in EVERYWHERE for letter in sign.letters])
    for one in topics():
        assert not twice([letter for sign in BORROWED if one in topics_of(sign) for letter in sign.letters])


def twice(letters):
    return [letter for letter, times in Counter(letters).items() if times > 1]


@pytest.mark.parametrize("sign", PAGE, ids=lambda sign: f"{sign.letter}-{sign.topic}")
def test_every_letter_has_a_topic_that_explains_it(sign):
    assert sign.means and sign.papers and NOTATION not in {one.name for one in topics_of(sign)}


@pytest.mark.parametrize("sign", [*SIZES, *ARRAYS, *ROWS], ids=lambda sign: sign.letter)
def test_every_letter_of_attention_is_used_in_the_topic_that_the_page_names(sign):
    text = all_text(steps_of(find_topic(sign.topic).name))
    for name in sign.letters:
        assert re.search(rf"(?<![A-Za-z_]){re.escape(name)}(?![A-Za-z])", text), f"{name} in {sign.topic}"
