"""attention-qkv on the reader's own words, and its predictions once more from what stands on the screen."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest

import lessons.attention.qkv.lesson as qkv
from lessons.attention.qkv.lesson import Run
from tests.lessons.steps import failed, records_of, request_for, sentences, steps_of
from tfx.errors import BadInput
from tfx.records import Matrix, Question

TOPIC = "attention-qkv"


def run_of(*pairs, text=None):
    return Run(request_for(TOPIC, *pairs, text=text))


def test_every_prediction_has_a_second_opinion():
    run = run_of("edit=3", text="one fine robot slept")

    def asked(step):
        (question,) = (record for record in records_of(step, run) if isinstance(record, Question))
        return question

    counted = asked(qkv.three_maps)
    assert counted.prompt == "C = 4, D = 2: how many numbers are in W_Q, W_K and W_V together?"
    assert counted.answer == sum(1 for _ in itertools.product(range(3), range(4), range(2)))
    edited = asked(qkv.who_responds)
    p, q, k = (records_of(qkv.who_responds, run), run.q, run.k)
    assert edited.prompt == "One value is edited. How many of the 4 rows of weights change?" and edited.answer == 0
    e = np.exp([q[2] @ key / math.sqrt(2) for key in k])
    assert sentences(p)[-1].endswith(f'"robot" gives {e[2] / e.sum():.3f} of its weight to itself.')
    mirrored = asked(qkv.symmetric_scores)
    score = sum(a * b for a, b in zip(q[0], q[3], strict=True))
    assert mirrored.prompt == f'The tied score of "one" for "slept" is {score:.3g}. And of "slept" for "one"?'
    assert mirrored.answer == pytest.approx(score)
    rank = asked(qkv.the_limit)
    assert rank.prompt == "W_Q and W_K are 4 x 2 and random here. What is the rank of M?"
    minors = list(itertools.combinations(range(4), 3))
    product = run.w_q @ run.w_k.T
    assert all(abs(np.linalg.det(product[np.ix_(rows, cols)])) < 1e-12 for rows in minors for cols in minors)
    assert rank.answer == 2 and abs(np.linalg.det(product[:2, :2])) > 1e-6


def test_the_reader_s_own_words_are_used_as_many_as_fit():
    run = run_of(text="The cat sat on the mat, and slept!")
    assert run.words == ("the", "cat", "sat", "on", "the", "mat") and (run.x[0] == run.x[4]).all()
    x = next(record for record in records_of(qkv.three_maps, run) if isinstance(record, Matrix))
    assert (x.name, x.rows) == ("X, a random vector for each word (the first 6 of your 8 words)", run.words)
    few = next(record for record in records_of(qkv.three_maps, run_of(text="go on")) if isinstance(record, Matrix))
    assert (few.name, few.rows) == ("X, a random vector for each word", ("go", "on"))
    assert not failed(steps_of(TOPIC, "edit=6", text="The cat sat on the mat, and slept!", seed=3))


@pytest.mark.parametrize(
    ("pairs", "text", "message", "hint"),
    [
        ([], "it it", 'every word is "it"; this lesson needs two different ones.', "Try: --text 'ann calls bob now'"),
        (["edit=5"], None, "edit must be from 1 to 4, one of the words here, but is 5.", "Try: --set edit=4"),
        (["edit=3"], "go on", "edit must be from 1 to 2, one of the words here, but is 3.", "Try: --set edit=2"),
    ],
)
def test_what_the_words_do_not_allow_gets_a_sentence_and_what_to_type(pairs, text, message, hint):
    with pytest.raises(BadInput) as refusal:
        run_of(*pairs, text=text)
    assert (refusal.value.message, refusal.value.hint) == (message, hint)


def test_words_that_are_cut_alike_are_different_words():
    assert run_of(text="computers computing").words == ("comput..", "comput..")
    with pytest.raises(BadInput) as refused:
        run_of(text="no no no no no no yes")
    assert refused.value.message == 'every word of the first 6 is "no"; this lesson needs two different ones.'


@pytest.mark.parametrize("seed", range(20))
def test_the_mirrored_score_can_be_answered_with_the_digits_on_the_screen(seed):
    (asked,) = (
        r for r in records_of(qkv.symmetric_scores, Run(request_for(TOPIC, seed=seed))) if isinstance(r, Question)
    )
    written = float(re.search(r"is (\S+)\. And of", asked.prompt).group(1))
    assert abs(written - asked.answer) <= asked.tolerance * abs(asked.answer)
