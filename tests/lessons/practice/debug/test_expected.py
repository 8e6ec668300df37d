"""What is said of a right answer is true of the right program, row by row, and no longer true with a bug in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from lessons.practice.debug.program import LEAST, planted, programs
from lessons.practice.debug.proving import answers, right_answers

Rows = Mapping[str, Any]


def none_is_ten_times_another(rows: Rows) -> bool:
    return 0 < max(rows.values()) < 10 * min(rows.values())


def all_nothing(rows: Rows) -> bool:
    return all(value == "no" if isinstance(value, str) else abs(value) < LEAST for value in rows.values())


def falls(by: float) -> Callable[[Rows], bool]:
    def holds(rows: Rows) -> bool:
        losses = [value for row, value in rows.items() if row.startswith("loss ")]
        return all(np.diff(losses) < 0) and losses[-1] * by < losses[0]

    return holds


def adam_loss(rows: Rows) -> bool:
    return falls(1000)(rows) and rows["loss after 100 steps"] * 1000 < rows["loss after 0 steps"]


def decoder_gradients(rows: Rows) -> bool:
    return none_is_ten_times_another(rows) and max(rows.values()) < 1


def moves(rows: Rows) -> bool:
    later, *others = rows.values()
    return later < LEAST and min(others) > 0.01


def decoder_loss(rows: Rows) -> bool:
    least = rows["even guesses"] / 100
    return max(rows["loss at step 50"], rows["loss at step 100"]) < least and rows["right on new texts"] > 0.95


def labels_loss(rows: Rows) -> bool:
    over = rows["loss after 59 steps"] / rows["what first letters cost"]
    return 1 < over < 1.1 and rows["right on the next letter"] == 1


def labels_gradients(rows: Rows) -> bool:
    whole, at_labels, at_padding = rows.values()
    return at_padding < LEAST and abs(whole - at_labels) < LEAST and whole < 1


def labels_samples(rows: Rows) -> bool:
    text = rows["text"]
    return (rows["labels"], rows["inputs"]) == (text, "^" + text[:-1]) and all(
        abs(rows[row] - 1) < LEAST for row in ("perplexity of who knows", "right share of who knows")
    )


def between(*names: str) -> Callable[[Rows], bool]:
    """Nearer to all keys alike than to one key, and below it by a twentieth."""

    def holds(rows: Rows) -> bool:
        return all(0.5 < rows[name] / rows["all keys alike"] < 0.95 for name in names)

    return holds


def adam_gradients(rows: Rows) -> bool:
    whole, parts, clipped, small = rows.values()
    return bool(np.allclose([parts / whole, clipped, small], [1, 1, 1e-3]))


def adam_samples(rows: Rows) -> bool:
    rates = [rows[f"rate at step {step}"] for step in (10, 55, 100)]
    as_long = [value for row, value in rows.items() if row.startswith(("first step", "20th step"))]
    middle = 0.5 < rates[1] < 0.55 and 0 < rates[2] < 0.01
    first = abs(rows["rate at step 1"] - 0.1) < LEAST and rates[0] == 1
    return middle and first and bool(np.allclose(as_long, 0.1)) and rows["step 19 after the only one"] < 0.02


def positions_samples(rows: Rows) -> bool:
    slope = [rows["bias 1 back, head 1"], rows["bias 5 back, head 1"], rows["bias 5 back, head 4"]]
    alike = 0 < rows["places 10 and 50 alike"] < rows["places 10 and 11 alike"]
    apart = rows["the nearest two places"] > 0.5 and rows["lengths of places differ by"] < LEAST
    biases = [-0.25, -1.25, -1.25 / 64, 0, 0]
    own = [rows["bias of the token itself"], rows["bias 3 ahead, head 1"]]
    long = rows["letter over place, in length"] > 1 and rows["last pair, 63 places on"] < 0.1
    return alike and apart and long and rows["the largest number"] <= 1 and bool(np.allclose([*slope, *own], biases))


def sampler_entropy(rows: Rows) -> bool:
    logits, alike = rows["what the logits say"], rows["all alike"]
    same = abs(rows["temperature 1"] - logits) < 0.01 and 0.98 * alike < rows["temperature 5.0"] <= alike
    return same and all(0 < rows[row] < 0.9 * logits for row in ("temperature 0.3", "most 3", "share 0.6"))


def sampler_samples(rows: Rows) -> bool:
    kinds = [rows[row] for row in ("all", "most 3", "most 1", "share 0.5", "temperature 0")]
    text, other = rows["a text"], rows["without the cache"]
    ends = len(text.split()) < 3 + 8 and rows["letters in the other"] == 18 and rows["END written in them"] == 0
    drawn = kinds == ["0 1 2 3 4 5 6", "4 5 6", "6", "5 6", "6"] and 0.25 < rows["letter 6 has"] < 0.5
    return text == other and ends and drawn


#: of the questions whose rows are not all 0: what their sentence says
SAID: dict[tuple[str, str], Callable[[Rows], bool]] = {
    ("adam", "loss"): adam_loss, ("adam", "gradients"): adam_gradients, ("adam", "samples"): adam_samples,
    ("attention", "loss"): falls(100), ("attention", "gradients"): none_is_ten_times_another,
    ("attention", "entropy"): between("head 1", "head 2"),
    ("block", "loss"): falls(10), ("block", "gradients"): none_is_ten_times_another,
    ("decoder", "loss"): decoder_loss, ("decoder", "gradients"): decoder_gradients,
    ("decoder", "entropy"): between("layer 1", "layer 2"), ("decoder", "causality"): moves,
    ("decoder", "samples"): lambda rows: rows["labels"][:-1] == rows["inputs"][1:],
    ("labels", "loss"): labels_loss, ("labels", "gradients"): labels_gradients, ("labels", "samples"): labels_samples,
    ("positions", "samples"): positions_samples, ("sampler", "entropy"): sampler_entropy,
    ("sampler", "samples"): sampler_samples, ("sampler", "causality"): moves,
}  # fmt: skip
BY_EYE = {("batches", "samples")}


def holds(program: str, question: str, rows: Rows) -> bool:
    return bool(SAID.get((program, question), all_nothing)(rows))


@pytest.mark.parametrize(  # the decoder is trained for many of its bugs
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "decoder" else name for name in programs()]
)
def test_every_sentence_holds_for_the_right_program_and_not_with_a_bug_that_shows_there(name):
    program = programs()[name]
    told = [question for question in program.questions if question != "shapes" and (name, question) not in BY_EYE]
    for question in told:
        assert holds(name, question, right_answers(program, question)), question
        assert "all 0" in program.expected(question) or "by 0" in program.expected(question) or (name, question) in SAID
    for bug in program.bugs:
        if bug.symptom and bug.symptom.question in told:
            got = answers(program, planted(program.source, [bug]), bug.symptom.question)
            assert not got or not holds(name, bug.symptom.question, got), f"{bug.id} fits what is said"
