"""The bank of mistakes: every entry is wrong where it says so, can be found by name, and teaches something."""

import doctest
import re

import numpy as np
import pytest

from tfx.errors import BadInput
from tfx.gradcheck import CASES, all_mistakes, find_mistake, mistakes, mistakes_of, run_control
from tfx.gradcheck.discovery import modules_in
from tfx.gradcheck.mistake import WRITTEN_IN, sentences, wrong_backward, wrong_forward

ALL = all_mistakes()
FORWARDS = [mistake for mistake in ALL if mistake.wrong_forward is not None]
by_id = pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.id)


@by_id
def test_either_the_forward_or_the_backward_is_wrong(mistake):
    assert (mistake.wrong_forward is None) != (mistake.wrong_backward is None)


@by_id
def test_names_are_slugs_and_reasons_are_sentences(mistake):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mistake.name)
    for words in (mistake.why, mistake.hint):
        assert words.isascii() and words[-1] in ".?!" and len(words.split()) >= 6 and "  " not in words
    assert mistake.says.isascii() and mistake.says[-1] not in ".?!"


def test_ids_are_unique_and_no_sentence_is_used_twice_for_one_operation():
    assert len({mistake.id for mistake in ALL}) == len(ALL)
    assert len({(mistake.op, mistake.hint) for mistake in ALL}) == len(ALL)
    assert len({(mistake.op, mistake.why) for mistake in ALL}) == len(ALL)


def test_every_mistake_belongs_to_an_operation_of_the_checker_and_every_operation_has_one():
    assert {mistake.op for mistake in ALL} == {case.op for case in CASES if "." not in case.op}


def test_a_mistake_stands_in_the_room_of_its_operation():
    rooms = {case.op: case.target.__module__ for case in CASES}
    for room in mistakes.ROOMS:
        for module in modules_in(mistakes.__name__, (room,)):
            for mistake in WRITTEN_IN.get(module.__name__, ()):
                assert rooms[mistake.op].startswith(f"tfx.{room}."), mistake.id


def test_the_name_of_a_wrong_function_is_that_of_its_mistake():
    for module in modules_in(mistakes.__name__, mistakes.ROOMS):
        for mistake in WRITTEN_IN.get(module.__name__, ()):
            name = mistake.name.replace("-", "_")
            assert hasattr(module, f"{mistake.op}_{name}") or hasattr(module, name), mistake.id


@pytest.mark.parametrize("mistake", FORWARDS, ids=lambda mistake: mistake.id)
def test_a_wrong_forward_differs_from_the_right_one(mistake):
    problem = mistake.problem(np.random.default_rng(0))
    right, _ = problem.forward(**problem.inputs, **problem.fixed)
    wrong = mistake.wrong_forward(**problem.inputs, **problem.fixed)
    assert np.isfinite(right).all() and wrong.shape == right.shape
    assert not np.allclose(wrong, right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mistake", [one for one in ALL if one not in FORWARDS], ids=lambda mistake: mistake.id)
def test_a_wrong_backward_is_caught(mistake):
    found = run_control(mistake)
    assert found.caught and found.report.verdict == "differ"


def documented(text):
    def forgets_the_sum(dy, cache):
        return dy

    forgets_the_sum.__doc__ = text
    return forgets_the_sum


def test_a_mistake_is_read_from_the_docstring_of_the_wrong_function():
    text = """The sum
    is forgotten.

    Why: Here: a reason that takes
    two lines.
    Hint: How many terms are there?  Count.
    """
    assert sentences(documented(text)) == (
        "the sum is forgotten",
        "Here: a reason that takes two lines.",
        "How many terms are there? Count.",
    )
    detailed = text.replace("Why:", "More for those who read on: y = x.\n\n    Why:")
    assert sentences(documented(detailed)) == sentences(documented(text))


@pytest.mark.parametrize(
    ("first", "says"),
    [
        ("A step.", "a step"),
        ("Q is lost.", "Q is lost"),
        ("dK = dS Q.", "dK = dS Q"),
        ("LayerNorm's way.", "LayerNorm's way"),
        ("Beta is lost.", "beta is lost"),
    ],
)
def test_a_sentence_goes_on_in_a_table_where_names_keep_their_letters(first, says):
    assert sentences(documented(f"{first}\n\n    Why: It is.\n    Hint: Look."))[0] == says


@pytest.mark.parametrize(
    "text",
    [
        None,
        "The sum is forgotten.",
        "The sum is forgotten.\n\n    Why: Sums are dull.\n    ",
        "The sum is forgotten.\n\n    Hint: Count the terms.\n    ",
        "The sum is forgotten.\n\n    Hint: Count the terms.\n    Why: Sums are dull.\n    ",
        "Why: Sums are dull.\n    Hint: Count the terms.\n    ",
    ],
)
def test_a_docstring_without_why_or_hint_is_refused_with_the_name_of_the_function(text):
    for mark in (wrong_backward, wrong_forward):
        with pytest.raises(ValueError, match=r"test_bank\.forgets_the_sum: its docstring has to say .* \"Hint: ..."):
            mark(ALL[0].problem)(documented(text))


def test_mistakes_are_found_by_operation_and_by_name():
    assert next(mistake.name for mistake in mistakes_of("softmax")) == "inner-sum-missing"
    assert find_mistake("softmax/inner-sum-missing").says == "the inner sum is missing"


@pytest.mark.parametrize(
    ("look", "asked", "nearest"),
    [
        (mistakes_of, "sofmax", "softmax"),
        (find_mistake, "softmax/inner-sum-mising", "softmax/inner-sum-missing"),
        (find_mistake, "softmax", "softmax/"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(look, asked, nearest):
    with pytest.raises(BadInput, match=f'Did you mean "{nearest}'):
        look(asked)


def test_a_mistake_of_the_forward_has_no_backward_to_check():
    with pytest.raises(ValueError, match="mistake of the forward"):
        FORWARDS[0].build(np.random.default_rng(0))


def test_the_examples_of_the_documentation_do_what_they_say():
    failed, tried = doctest.testmod(mistakes)
    assert tried == 3 and failed == 0
