"""Over the whole bank no strategy of a test-taker pays, and one that pays is found."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from lessons.quiz import Option, all_items
from tests.quiz.linter.strategies import STRATEGIES, Strategy, marking_all, of_choices, of_several, strategies_that_pay
from tests.quiz.made_up_items import WHY, choice, item, several


def test_no_strategy_pays_over_the_whole_bank():
    found = strategies_that_pay(all_items())
    assert not found, "\n" + "\n".join(map(str, found))


def test_the_share_of_right_answers_that_are_longest_is_near_chance():
    """The figure itself, so that a reader of the tests sees it: at most the bound, and not so few as to be a tell."""
    choices = [one for one in all_items() if one.kind == "choice"]
    longest = of_choices(STRATEGIES[0], choices)
    assert STRATEGIES[0].name == "the longest option"
    assert longest.chance - 2 * longest.deviation <= longest.points <= longest.bound, str(longest)


LONG = choice("The rows of weights sum to 1", "Columns sum to 1", "Heads sum to 1", "Keys sum to 1")
PAYING = {
    "the longest option": LONG,
    "the shortest option": choice("Rows", "Columns of it", "Heads of the layer", "Keys of a head"),
    "the most careful option": choice("It can move", "It moves on", "It moves up", "It is fixed"),
    "the option without absolute words": choice("It moves on", "It only moves", "It never moves", "It always moves"),
    "the option that gives a reason": choice("Rows, because e^0 is 1", "Columns", "Heads", "Keys"),
    "the option without a reason": choice("Rows of it", "Keys: they do", "Heads: they do", "All: they do"),
    "the option with most words of the stem": choice(
        "The score of a key",
        "A mean",
        "A sum",
        "A root",
        prompt="What does the query compare, and which score has a key?",
    ),
    "the option most like the others": choice("Query rows sum", "Key rows", "Query heads", "Words sum"),
}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
def test_a_strategy_that_pays_is_found_and_names_the_items(strategy):
    bank = [replace(PAYING[strategy.name], id=f"faulty/{n}") for n in range(12)]
    says = [
        one.says for one in strategies_that_pay(bank) if one.says.startswith(strategy.name + " of choice items gets ")
    ]
    assert len(says) == 1 and "100% right, where chance is 25% and the bound 50%" in says[0]
    assert "faulty/0, faulty/1" in says[0] and says[0].endswith("and 4 more")


def test_marking_the_longest_half_is_found():
    options = tuple(Option("A long right option", correct=True) for _ in range(2))
    options += tuple(Option("Short", misconception="m", why=WHY) for _ in range(3))
    bank = [item("several", options, id=f"faulty/{n}") for n in range(9)]
    assert any(
        one.says.startswith("the longest option of several items gets 100%") for one in strategies_that_pay(bank)
    )


def test_chance_of_a_several_item_is_that_of_brute_force():
    """Over all ways in which 3 of 7 options can be the right ones, for a strategy that marks the first three."""
    points = []
    for right in combinations(range(7), 3):
        options = tuple(Option(f"{n}", correct=n in right) for n in range(7))
        score = of_several(Strategy("first", lambda _, option: -int(option.text), ""), [item("several", options)])
        points.append(score.points)
    mean = sum(points) / len(points)
    assert score.chance == pytest.approx(mean)
    assert score.deviation**2 == pytest.approx(sum((p - mean) ** 2 for p in points) / len(points))


def test_the_scatter_of_a_choice_is_that_of_brute_force():
    """The right option may be any of four, two of which appeal alike."""
    texts = ("aaaa", "bbbb", "c", "d")
    scores = [
        of_choices(STRATEGIES[0], [item("choice", tuple(Option(text, correct=text == right) for text in texts))])
        for right in texts
    ]
    points = [score.points for score in scores]
    assert points == [0.5, 0.5, 0, 0] and scores[0].chance == 0.25
    assert scores[0].deviation ** 2 == pytest.approx(sum((p - 0.25) ** 2 for p in points) / 4)


@pytest.mark.parametrize(
    ("right", "wrong", "share"), [(2, 3, "half"), (3, 3, "half"), (4, 2, "two thirds"), (1, 2, "a third")]
)
def test_a_share_of_right_options_that_is_worth_knowing_is_found(right, wrong, share):
    bank = [several(right, wrong, id=f"faulty/{n}") for n in range(6)]
    says = [one.says for one in strategies_that_pay(bank) if one.rule == "mark-a-share"]
    assert any(
        one.startswith(f"{share} of the options are right in 6 of 6 several items, so that marking {share}")
        for one in says
    )


def test_marking_all_and_marking_none_are_found():
    generous = [several(5, 1, id=f"faulty/{n}") for n in range(6)]
    assert any(
        "so that marking all is a strategy; make more of them wrong" in one.says
        for one in strategies_that_pay(generous)
    )
    mean = [several(1, 5, id=f"faulty/{n}") for n in range(6)]
    assert any(
        "so that marking none is a strategy; make more of them right" in one.says for one in strategies_that_pay(mean)
    )
    assert not marking_all([several(1, 4), several(4, 1)]).pays


def test_few_items_say_nothing():
    assert strategies_that_pay([LONG] * 3 + [several(2, 3)] * 3) == []
