"""why-not-rnn: what opens the course is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.attention.why_not_rnn.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, output, result, runs_of
from tests.lessons.steps import failed_in, records_of, sentences, tables
from tfx.lab.sequences.sequence_layers import Recurrent
from tfx.records import Check, Matrix, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def other_vector(run, patch, by):
    run.x[5] = by * run.x[5]  # the second "the"


def fewer_states(run, patch, by):
    """An RNN that made `by` times as many states."""

    class Fewer(Recurrent):
        def forward(self, x):
            h, cache = super().forward(x)
            steps = cache.time.steps
            kept = steps[: round(len(steps) / by)] if math.isfinite(by) else ()
            return h, cache._replace(time=cache.time._replace(steps=kept))

    run.rnn = Fewer(run.rnn.w_x, run.rnn.w_h)


def bent_otherwise(run, patch, by):
    patch.setattr(topic.math, "tanh", lambda z, tanh=math.tanh: by * tanh(z))


def nothing_is_named(shares, by):
    return shares * np.where(np.arange(topic.LENGTH) == 0, 0.19 * by / by, 1)


def all_is_named(by):
    return lambda *args: np.ones(topic.LENGTH) * by / by


def too_heavy(it, by):
    return it._replace(second=it.second * by, scores=it.scores + math.log(by))


class TestWhyNotRnn(TopicTests):
    lesson, steps = topic, 6
    seeds = range(5)
    changed = [
        asked(*pairs, text=text)
        for pairs in (("width=4",), ("width=128", "radius=0.1"), ("radius=1.5", "width=4"), ("width=5",))
        for text in (None, "two words", "one fine robot slept", " ".join(["a b c d"] * 16))
    ]
    changed_seeds = range(2)
    sometimes = ("same-word",)  # where a word stands twice
    refused = ["width=3", "width=129", "radius=0", "radius=1.6"]
    spoilt = {
        "same-word": Spoilt("a_row_of_vectors", other_vector),
        "by-hand": Spoilt("one_after_the_other", bent_otherwise),
        "steps": Spoilt("one_after_the_other", fewer_states),
        "near": Spoilt("one_vector", result(topic, "read_back", nothing_is_named)),
        "far": Spoilt("one_vector", instead(topic, "read_back", all_is_named), nan_also={"near"}),
        "powers": Spoilt(
            "fading", instead(topic, "gradient_by_distance", lambda by: lambda rnn, x, rng: np.ones(41) * by)
        ),
        "sum": Spoilt("all_at_once", result(topic, "find_referent", too_heavy), also={"average"}),
        "average": Spoilt("all_at_once", output(topic, "attend_forward")),
    }


@pytest.mark.parametrize("size", [1e-5, 1.0, 1e5])
def test_a_radius_that_does_not_part_the_powers_is_seen(size, monkeypatch):
    """Each of the three radii has its share in the check."""
    right = KEPT["gradient_by_distance"]
    seen = []

    def wrong(rnn, x, rng):
        seen.append(rnn)
        return right(rnn, x, rng) * np.where(np.arange(41) == 40, size, 1) if len(seen) == 2 else right(rnn, x, rng)

    monkeypatch.setattr(topic, "gradient_by_distance", wrong)
    assert failed_in(topic.fading, run_of()) == (set() if size == 1 else {"powers"})


def test_the_predicted_numbers_are_those_on_the_screen():
    (power,) = (r for r in records_of(topic.fading, run_of("radius=0.8")) if isinstance(r, Question))
    assert power.prompt == "Multiply 1 by 0.8 at each of 20 steps: what is left?"
    left = 1.0
    for _ in range(20):
        left *= 0.8
    assert power.answer == pytest.approx(left) and power.tolerance < 0.1


def test_the_sentence_counts_itself():
    shown = records_of(topic.a_row_of_vectors, run_of("width=7", text="a cat saw a cat"))
    assert sentences(shown)[1] == (
        "T = 5 words, C = 7 numbers each: X is a T x C matrix. A word is one token here; many models cut words into "
        'pieces, and then each piece is a token. "a" stands here 2 times, with the same vector each time. A vector '
        "says which word it is, not where it stands or what is around it. To read is to change that: each vector must "
        "take in something of the others."
    )
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert picture.rows == ("a", "cat", "saw", "a", "cat") and picture.focus == (0, 1, 2, 3)
    assert np.array_equal(picture.values[0], picture.values[3]) and not np.array_equal(*picture.values[:2])
    alone = records_of(topic.a_row_of_vectors, run_of(text="two words"))
    assert not any(isinstance(record, Check) for record in alone), "one word alone cannot differ from itself"
    once = sentences(alone)[1]
    assert "A word that came twice would have the same vector both times. A vector says" in once


def test_the_second_state_by_hand_is_the_network_s():
    run = run_of(seed=3)
    first = np.tanh(run.x[0] @ run.rnn.w_x)
    word, state = (run.x[1] @ run.rnn.w_x)[0], (first @ run.rnn.w_h)[0]
    assert sentences(records_of(topic.one_after_the_other, run))[1] == (
        f'By hand, number 1 after "animal": tanh({word:.3f} from the word + {state:.3f} from the state before) = '
        f"{np.tanh(word + state):.3f}. So every state waits for the one before it: 12 words, 12 steps in a row, "
        "however many cores there are. That is the first trouble."
    )


def test_what_is_named_is_told_by_its_text():
    run = run_of()
    shown = records_of(topic.one_vector, run)
    rng = generator_of(0, "one_vector")
    right = KEPT["read_back"](run.rnn, rng.standard_normal((topic.WORDS, run.width)), topic.LENGTH, rng)
    assert [(row["k"], row["right"]) for row in tables(shown)[0].rows] == [(k, 100 * right[k]) for k in topic.BACK]
    (said,) = (r for r in shown if isinstance(r, Said))
    assert said.truth == f"The one before is named right in {right[1]:.0%}; older ones fade."
    assert sentences(shown)[0] == (
        "The state has 16 numbers after 3 words and after 3,000. Are the words still in them? A test: from the last "
        "state of random sentences (24 words, 10 different) a matrix, fitted on half of 4,000, names the word k before "
        "the last."
    )
    assert sentences(shown)[1] == (
        "Guessing gives 10%: the early words are gone. This RNN is random; a trained one keeps what its task needs, "
        "but in 16 numbers."
    )


def test_the_gradients_are_powers_of_their_radius():
    """From radius 1 to another, k steps change by the k-th power and by nothing else."""
    for row in tables(records_of(topic.fading, run_of()))[0].rows:
        for name, radius in (("r0", 0.7), ("r2", 1.3)):
            power = 1.0
            for _ in range(row["k"]):
                power *= radius
            assert row[name] / row["r1"] == pytest.approx(power, rel=1e-6)


def test_what_the_pronoun_takes_home_is_the_average_of_the_row_that_is_shown():
    run = run_of()
    shown = records_of(topic.all_at_once, run)
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert picture.rows == ("it",) and picture.cols[1] == "animal" and picture.note == ""
    weights = picture.values[0]
    top, mixed = weights.max(), sum(w * x[0] for w, x in zip(weights, run.x, strict=True))
    assert sentences(shown)[1] == (
        f'By hand, number 1 of what "it" takes home: {top:.3f} * {run.x[1, 0]:.3f} from "animal" + '
        f"{mixed - top * run.x[1, 0]:.3f} from all others = {mixed:.3f}. The weights come from rules set by hand; how "
        "a network computes them is the next topic."
    )


def test_words_that_the_rules_do_not_know_are_said_to_have_random_weights():
    shown = records_of(topic.all_at_once, run_of(text=" ".join(f"word{i}" for i in range(20))))
    assert "The weights are random: no other word names a quality that this lesson knows;" in sentences(shown)[1]
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert picture.note == "The 12 largest of 20 weights." and len(picture.cols) == 12
