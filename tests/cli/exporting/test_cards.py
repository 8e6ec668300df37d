"""Cards: an id that stays, three different drawings of what is computed, and tags by which they are found."""

from __future__ import annotations

import pytest

from lessons.course import find_topic, topics
from lessons.decks import DECKS
from lessons.grading import ask, grade
from lessons.quiz import all_items, topic_items
from tfx_cli.exporting.cards import VARIANTS, cards_of, wrong_answers

TOPIC = find_topic("softmax-attention")
CARDS = list(cards_of([TOPIC], 0))
ESTIMATES = list(cards_of([*DECKS], 0))


def test_every_question_has_a_card_and_a_computed_one_three_that_read_differently():
    for item in topic_items(TOPIC):
        own = [card for card in CARDS if card.asked.item.id == item.id]
        assert [card.variant for card in own] == ([1, 2, 3] if item.compute else [0])
        assert len({card.asked.prompt for card in own}) == len(own)
    assert len({card.id for card in CARDS}) == len(CARDS)
    assert CARDS[0].id == "softmax-attention/which-axis" and "softmax-attention/row-sums#2" not in CARDS[0].tags


@pytest.mark.slow
def test_every_computed_question_of_the_course_has_three_variants_or_all_that_can_be_drawn():
    of: dict[str, int] = {}
    for card in cards_of([*topics(), *DECKS], 0):
        of[card.asked.item.id] = of.get(card.asked.item.id, 0) + 1
    for item in all_items():
        if item.compute and of[item.id] < VARIANTS:
            assert len({ask(item, seed).prompt for seed in range(300)}) == of[item.id], "no more than that can be drawn"


def test_the_same_seed_draws_the_same_cards_and_another_seed_others_with_the_same_ids():
    again, other = list(cards_of([TOPIC], 0)), list(cards_of([TOPIC], 1))
    assert again == CARDS
    assert [card.id for card in other] == [card.id for card in CARDS]
    assert [card.asked.prompt for card in other] != [card.asked.prompt for card in CARDS]


def test_the_tags_name_topic_module_level_and_questions_without_a_blank():
    assert CARDS[0].tags == [
        "tfx",
        "module::attention-from-the-ground-up",
        "topic::softmax-attention",
        "level::1",
        "item::softmax-attention/which-axis",
        *(f"question::{question}" for question in CARDS[0].asked.item.questions),
    ]
    assert ESTIMATES[0].tags[:3] == ["tfx", "module::estimates", "topic::estimates"]
    every = [tag for card in cards_of(topics()[:12], 0) for tag in card.tags]
    assert not [tag for tag in every if " " in tag or not tag.isascii()]


def test_what_a_card_calls_wrong_is_wrong_and_for_the_reason_that_it_gives():
    checked = 0
    for card in [*CARDS, *ESTIMATES[:30]]:
        for given, misconception, why in wrong_answers(card.asked):
            assert misconception and why
            if given:
                verdict = grade(card.asked, given)
                assert not verdict.correct and verdict.misconception == misconception, (card.id, given)
                checked += 1
    assert checked > 20
