"""The quiz bank has no mechanical fault, and the linter finds every fault that it is there for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from lessons.course import topics
from lessons.decks import DECKS
from lessons.quiz import Mistake, all_items, topic_items
from tests.quiz.linter import findings
from tests.quiz.linter.conventions import CONVENTIONS, unstated_conventions
from tests.quiz.linter.drawings import ONE_ANSWER, SEEDS, faults_of_drawings
from tests.quiz.linter.options import faults_of_options
from tests.quiz.made_up_items import WHY, choice, computed, item, several

#: drawings of each item in every run of the tests; the others are looked at by `make test-all`
FEW = 25

# -- the bank ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawings", [FEW, pytest.param(SEEDS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("topic", [*topics(), *DECKS], ids=lambda topic: topic.name)
def test_no_item_of_the_topic_has_a_fault(topic, drawings):
    found = findings(topic_items(topic), drawings)
    assert not found, "\n" + "\n".join(map(str, found))


def test_only_items_of_the_bank_may_have_one_answer():
    assert set(ONE_ANSWER) <= {one.id for one in all_items()}


def rules(found) -> list[str]:
    return [one.rule for one in found]


# -- options ----------------------------------------------------------------------------------------------------------

GOOD = choice("Rows sum to 1", "Columns sum to 1", "Heads sum to 1", "Batches sum to 1")


def test_a_good_item_has_no_finding():
    assert findings([GOOD, computed("sound"), several(2, 3)]) == []


@pytest.mark.parametrize(
    ("faulty", "rule", "says"),
    [
        (
            choice("Rows sum to 1 over the keys that are seen", "Rows sum to 2", "Rows sum to 3"),
            "longest",
            'the right option "Rows sum to 1 over the keys that are seen" has 41 letters and no other more than 13',
        ),
        (
            choice("Rows", "Columns of the matrix", "Heads of the whole layer"),
            "shortest",
            "has 4 letters and no other less",
        ),
        (
            choice("Yes, it does", "No, not here", "No, nowhere", "No, not yet"),
            "odd-one-out",
            "alone in starting with yes",
        ),
        (
            choice("No weight at all", "One weight", "Two weights", "Ten weights"),
            "odd-one-out",
            "alone in starting with yes",
        ),
        (
            choice("It need not point there", "It points to it", "It points away", "It points up"),
            "odd-one-out",
            "careful",
        ),
        (
            choice("It sums: e cancels", "It grows by one", "It falls by one", "It stays as is"),
            "odd-one-out",
            "a reason",
        ),
        (
            choice("Keys sum to 1", "Keys: they rest", "Heads: they rest", "Rows: they rest"),
            "odd-one-out",
            "in not giving a",
        ),
        (
            choice("About 12 of them", "Most of the rest", "A few of the keys", "None of the keys"),
            "odd-one-out",
            "a number",
        ),
        (
            choice("Rows (not heads)", "Heads of a layer", "Keys of a head", "Words of a text"),
            "odd-one-out",
            "parenthesis",
        ),
        (
            choice("Rows sum to 1", "they become NaN", "Heads sum to 1"),
            "filler",
            'option "they become NaN" is a filler',
        ),
        (choice("Rows sum to 1", "It depends on the learning rate", "Heads sum to 1"), "filler", "put a mistake there"),
        (choice("Nothing strange happened", "Heads sum to 1", "Keys sum to 1"), "filler", "is a filler"),
        (choice("Rows sum to 1", "All of the above", "Heads sum to 1"), "filler", "is a filler"),
        (choice("Rows sum to 1", "The keys", "Keys"), "twins", 'options "The keys" and "Keys" say the same'),
        (choice("Rows sum to 1", "heads sum to 1", "Keys sum to 1"), "not-parallel", "starts with a capital"),
        (choice("Rows sum to 1", "Heads sum to 1.", "Keys sum to 1"), "not-parallel", "ends with a full stop"),
        (choice("Because rows sum", "Heads sum to 1", "Because keys sum"), "not-parallel", 'starts with "Because"'),
        (several(2, 3, prompt="Which of these holds?"), "mark-all-said", 'end the stem with "Mark all."'),
        (item("order", steps=("Multiply", "Then add", "Divide")), "ordinal", 'step "Then add" tells its place'),
    ],
)
def test_an_option_that_gives_itself_away_is_found(faulty, rule, says):
    found = [str(one) for one in faults_of_options(faulty) if one.rule == rule]
    assert [one for one in found if says in one and one.startswith("topic faulty, item faulty/one: ")], found


@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        (25, (20, 10, 10), ["longest"]),  # by a quarter, and five letters
        (24, (20, 10, 10), []),  # by a fifth: no more than that is allowed
        (14, (10, 10, 10), []),  # by two fifths, but by four letters only
        (9, (20, 20, 20), ["shortest"]),
        (10, (20, 20, 20), []),  # half as long
        (4, (11, 11, 11), []),  # seven letters
    ],
)
def test_how_far_a_right_option_may_stick_out(right, wrong, found):
    lengths = choice("R" * right, *("ABC"[n] * length for n, length in enumerate(wrong)))
    assert rules(faults_of_options(lengths)) == found


def test_a_mistake_in_the_order_that_is_told_as_another_is_found():
    near, far = Mistake(3, 2, "last before second", WHY), Mistake(3, 1, "last before first", WHY)
    steps = item("order", steps=("Compare", "Normalise", "Average"), mistakes=(near, far))
    (found,) = faults_of_options(steps)
    assert str(found) == (
        'topic faulty, item faulty/one: who puts step 3 before step 1 is told "last before second" and not '
        '"last before first"; write it before the other [other-mistake]'
    )
    assert list(faults_of_options(replace(steps, mistakes=(far, near)))) == []


@pytest.mark.parametrize("why", ["No.", "That is wrong.", "Heads sum to 1"])
def test_a_why_that_says_nothing_is_found(why):
    wrong = replace(GOOD.options[2], why=why)
    (found,) = faults_of_options(replace(GOOD, options=(*GOOD.options[:2], wrong)))
    assert str(found) == (
        f'topic faulty, item faulty/one: the why of option "Heads sum to 1" is "{why}"; '
        "say in a sentence what is true instead [empty-why]"
    )


def test_a_misconception_is_a_phrase_in_lower_case_and_stands_once_in_a_choice():
    named = replace(
        GOOD, options=(GOOD.options[0], replace(GOOD.options[1], misconception="Heads sum up."), GOOD.options[2])
    )
    assert rules(faults_of_options(named)) == ["misconception-name"]
    twice = replace(GOOD, options=(*GOOD.options[:2], replace(GOOD.options[2], misconception="mistake 0")))
    assert rules(faults_of_options(twice)) == ["same-mistake"]


def test_what_an_item_speaks_of_is_no_filler():
    speaks = choice("0.2 for each", "NaN for each", "1 for each", prompt="All scores are 1000: what does exp do?")
    assert "filler" not in rules(faults_of_options(speaks))


# -- drawings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faulty", "rule", "says"),
    [
        (computed("coinciding"), "same-value", 'the mistakes "four for two" and "squared" give the same number in '),
        (computed("right_by_mistake"), "mistake-is-right", 'the mistake "squared" gives the right answer in '),
        (computed("never_drawn"), "never-named", 'the mistake "negative count" is named in none of 200 drawings; '),
        (computed("hiding", "How many are {n} of them?"), "hidden-value", "has another answer in another drawing"),
        (computed("unused"), "unused-value", 'the value "colour" of unused is in neither prompt nor explain'),
        (computed("constant"), "one-answer", "the answer is 2 in 200 of 200 drawings; draw numbers that make it vary"),
        (computed("same_question"), "one-question", "asks the same question in every drawing"),
        (
            computed("sound", "What is twice twice {n}?"),
            "said-twice",
            '"twice twice" stands there; {answer} brings its unit',
        ),
        (
            computed("same_shape", "{t} and {s}?", "shape"),
            "same-value",
            'the mistakes "keys as rows" and "transposed" give',
        ),
    ],
)
def test_a_fault_of_the_drawings_is_found(faulty, rule, says):
    (found,) = [one for one in faults_of_drawings(faulty) if one.rule == rule]
    assert says in str(found) and str(found).startswith("topic faulty, item faulty/one: ")


def test_sound_drawings_have_no_finding():
    assert [
        *faults_of_drawings(computed("sound")),
        *faults_of_drawings(computed("sound_shape", "{t}, {s}", "shape")),
    ] == []


def test_a_constant_answer_needs_its_reason_and_a_reason_needs_a_constant_answer():
    (id,) = ONE_ANSWER
    assert rules(faults_of_drawings(computed("constant", id=id))) == []
    assert rules(faults_of_drawings(computed("sound", id=id))) == ["one-answer"]


# -- conventions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", CONVENTIONS, ids=lambda row: row.name)
def test_a_stem_that_does_not_state_its_convention_is_found(row):
    faulty = computed("sound", row.faulty + " {n}")
    assert f"convention:{row.name}" in rules(unstated_conventions(faulty))
    assert f"convention:{row.name}" not in rules(unstated_conventions(computed("sound", row.mended + " {n}")))
    by_words = rules(unstated_conventions(choice("Rows", "Heads", "Keys", prompt=row.faulty)))
    assert (f"convention:{row.name}" in by_words) == row.everywhere


def test_a_mended_stem_states_all_its_conventions():
    for row in CONVENTIONS:
        assert rules(unstated_conventions(computed("sound", row.mended + " {n}"))) == [], row.name


def test_the_unit_of_an_answer_counts_as_said():
    (found,) = unstated_conventions(computed("in_bytes", "What do {n} numbers take?"))
    assert str(found) == (
        f'topic faulty, item faulty/one: the answer to "What do {_drawn()} numbers take? ..." depends on a convention '
        "that the stem does not state; say the dtype of the numbers (float32, ...) [convention:dtype]"
    )


def _drawn() -> object:
    from lessons.grading import draw

    return draw(computed("in_bytes"), 0).values["n"]


def test_an_author_can_ask_about_one_topic():
    ran = subprocess.run(
        [sys.executable, "-m", "tests.quiz.linter", "scaling"], capture_output=True, text=True, check=False, timeout=120
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "0 findings\n", "")
