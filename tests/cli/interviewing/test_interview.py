"""What an interview asks, what follows a thin answer, and what its report puts first."""

from __future__ import annotations

import random

import pytest

from lessons.course import find_topic, topics
from lessons.quiz import all_items
from tests.cli.interviewing.learners import always_wrong_about, answered, held, right, wrong
from tfx.errors import BadInput
from tfx_cli.interviewing.interview import DEEPEST, Interview, InterviewWish
from tfx_cli.interviewing.parts import MINUTES, follows_up, part_of
from tfx_cli.interviewing.report import MOST_A_DAY, plan_days, report, weak_topics
from tfx_cli.interviewing.strength import KNOWN, Strength, needs, strengths, weakest_first

ITEMS = all_items()
SPOKEN = [topic.name for topic in topics() if any(part_of(item) and item.topic == topic.name for item in ITEMS)]
TWENTY = random.Random(7).sample(SPOKEN, 20)


# What is asked


def test_an_interview_of_half_an_hour_has_every_part_and_no_topic_twice():
    interview = Interview(InterviewWish(), {}, 1)
    parts = [slot.part for slot in interview.planned]
    assert set(parts) == set(MINUTES) and parts[: len(MINUTES)] == list(MINUTES)
    assert sum(slot.minutes for slot in interview.planned) <= 30
    assert len({slot.topic for slot in interview.planned}) == len(interview.planned)


def test_every_part_is_what_its_name_says():
    kinds = {part: {item.kind for item in ITEMS if part_of(item) == part} for part in MINUTES}
    assert kinds == {
        "theory": {"open"},
        "shapes": {"shape"},
        "estimate": {"estimate"},
        "what breaks if": {"choice", "several", "number"},
        "derivation": {"open"},
        "code": {"open"},
    }
    assert all(len([item for item in ITEMS if part_of(item) == part]) >= 8 for part in MINUTES)


@pytest.mark.parametrize("minutes", [1, 10, 30, 60])
def test_the_time_bounds_the_plan_and_longer_interviews_ask_more(minutes):
    planned = Interview(InterviewWish(minutes=minutes), {}, 3).planned
    assert planned and (sum(slot.minutes for slot in planned) <= minutes or len(planned) == 1)
    assert len(planned) <= len(Interview(InterviewWish(minutes=minutes * 2), {}, 3).planned)


def test_no_question_begins_when_the_time_is_over():
    interview = Interview(InterviewWish(minutes=20), {}, 1)
    assert interview.next(19.9) is not None and interview.next(20.0) is None
    assert interview.length > interview.asked_so_far


def test_equal_seeds_ask_equal_questions_and_others_do_not():
    plans = [[slot.asked.prompt for slot in Interview(InterviewWish(), {}, seed).planned] for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


def test_a_level_asks_up_to_it_topics_ask_only_them_and_a_count_bounds_the_main_questions():
    levels = {slot.asked.item.level for slot in Interview(InterviewWish(60, level=1), {}, 1).planned}
    assert levels == {1}
    names = ("multi-head", "estimates")
    slots = Interview(InterviewWish(90, topics=names), {}, 1).planned
    assert slots and all(slot.topic == "multi-head" or slot.part == "estimate" for slot in slots)
    assert len(Interview(InterviewWish(90, count=3), {}, 1).planned) == 3


def test_topics_without_a_question_and_unknown_ones_are_told():
    with pytest.raises(BadInput, match="interview has no interview question up to level 1"):
        Interview(InterviewWish(level=1, topics=("interview",)), {}, 1)
    with pytest.raises(BadInput, match="multi-hed"):
        Interview(InterviewWish(topics=("multi-hed",)), {}, 1)


def test_what_is_known_least_is_asked_about_first():
    known = {"residual": Strength("residual", 0.1, 3), "ffn": Strength("ffn", 1.0, 3)}
    first = Interview(InterviewWish(), known, 1).planned[0]
    assert (first.topic, first.part) == ("residual", "theory")


# Follow-ups


def test_a_thin_answer_is_followed_along_its_prerequisites_and_a_good_one_is_not():
    interview = Interview(InterviewWish(90, topics=("multi-head",)), {}, 1)
    slot = interview.next(0)
    assert slot is not None
    interview.judged(slot, held_verdict(slot, wrong))
    follow = interview.next(0)
    assert follow is not None and follow.part == "follow-up" and follow.after == "multi-head"
    assert follow.topic in find_topic("multi-head").after and follows_up(follow.asked.item)
    interview.judged(follow, held_verdict(follow, right))
    then = interview.next(0)
    assert then is not None and then.part != "follow-up"


def held_verdict(slot, learner):
    from lessons.grading import grade

    return grade(slot.asked, learner(slot.asked))


def test_follow_ups_go_no_deeper_than_two_and_repeat_no_question():
    interview, log = held(InterviewWish(60), wrong)
    depths = [one.slot.depth for one in interview.judged_so_far]
    assert max(depths) == DEEPEST and len({answer.item for answer in log}) == len(log)
    for before, after in zip(interview.judged_so_far, interview.judged_so_far[1:], strict=False):
        if after.slot.depth:
            assert after.slot.after == before.slot.topic and after.slot.depth == before.slot.depth + 1


def test_the_weakest_prerequisite_is_asked_about_first():
    after = find_topic("attention-scaled-dot-product").after
    weak = after[-1]
    known = {name: Strength(name, 0.2 if name == weak else 0.9, 2) for name in after}
    interview = Interview(InterviewWish(60, topics=("attention-scaled-dot-product",)), known, 1)
    slot = interview.next(0)
    assert slot is not None
    interview.judged(slot, held_verdict(slot, wrong))
    follow = interview.next(0)
    assert follow is not None and follow.topic == weak


# The report


@pytest.mark.parametrize("topic", TWENTY)
def test_a_learner_who_is_always_wrong_about_one_topic_gets_it_first_in_the_plan(topic):
    others = [name for name in SPOKEN if name != topic]
    random.Random(topic).shuffle(others)
    asked_for = (*others[:3], topic)
    wish = InterviewWish(minutes=120, topics=asked_for, count=12)
    interview, log = held(wish, always_wrong_about(topic))
    told = report(interview, strengths(log, ITEMS), topics(), 30.0, days=5)
    assert told.plan[0].topic == told.weak[0].topic == told.rows[0].topic == topic
    assert [weak.topic for weak in told.weak] == [topic]
    assert told.plan[0].commands[0] == f"tfx explain {topic}"


@pytest.mark.parametrize("topic", TWENTY)
def test_so_does_one_whose_history_says_it_and_it_is_asked_about_again(topic):
    learner = always_wrong_about(topic)
    others = [item for item in ITEMS if item.explained_by != topic]
    random.Random(topic).shuffle(others)
    own = [item for item in ITEMS if item.explained_by == topic][:5]
    log = [answered(item, learner) for item in [*others[:10], *own, *others[10:20]]]
    known = strengths(log, ITEMS)
    interview, more = held(InterviewWish(count=4), learner, known=known)
    assert topic in {one.slot.topic for one in interview.judged_so_far}
    told = report(interview, strengths(log + more, ITEMS), topics(), 30.0, days=5)
    assert told.plan[0].topic == told.weak[0].topic == topic


def test_a_shaky_prerequisite_comes_before_what_builds_on_it_even_if_that_is_weaker():
    known = {
        "multi-head": Strength("multi-head", 0.0, 3),
        "attention-qkv": Strength("attention-qkv", 0.4, 2),
        "vit": Strength("vit", 0.3, 1),
        "residual": Strength("residual", KNOWN, 4),
    }
    assert [one.topic for one in weakest_first(known, topics())] == ["attention-qkv", "multi-head", "vit"]
    known["attention-qkv"] = Strength("attention-qkv", 0.6, 2)
    assert [one.topic for one in weakest_first(known, topics())] == ["multi-head", "vit", "attention-qkv"]
    weak = {one.topic: one for one in weak_topics(known, topics())}
    assert weak["attention-qkv"].why == "60% of 2 answers; multi-head and 1 more build on it"
    assert weak["multi-head"].below == ("attention-qkv",) and weak["vit"].why == "30% of 1 answer"


def test_what_a_topic_builds_on_is_followed_to_its_end():
    below = needs(topics())
    assert set(find_topic("multi-head").after) < below["multi-head"]
    assert all(below[name] <= below["multi-head"] for name in below["multi-head"])
    assert all(name not in below[name] for name in below)


def test_only_the_latest_answer_to_a_question_counts():
    item = next(item for item in ITEMS if item.topic == "ffn" and item.kind == "choice")
    log = [answered(item, wrong), answered(item, wrong), answered(item, right)]
    assert strengths(log, ITEMS)["ffn"] == Strength("ffn", 1.0, 1)


def test_an_estimate_speaks_for_the_topic_that_explains_it():
    item = next(item for item in ITEMS if item.kind == "estimate")
    assert strengths([answered(item, wrong)], ITEMS)[item.about].share == 0.0


# The plan


@pytest.mark.parametrize("days", [1, 2, 5, 30])
def test_the_plan_fills_the_days_in_order_and_ends_with_a_rehearsal(days):
    names = [topic.name for topic in topics()][:8]
    known = {name: Strength(name, 0.1, 1) for name in names}
    weak = weak_topics(known, topics())
    plan, later = plan_days(weak, known, topics(), topics(), days)
    assert [task.day for task in plan] == sorted(task.day for task in plan)
    assert plan[-1].topic is None and plan[-1].day == days
    assert max(task.day for task in plan) == days
    planned = [task.topic for task in plan if task.topic in names]
    assert planned + list(later) == [one.topic for one in weak]
    assert all(sum(task.day == day for task in plan) <= MOST_A_DAY + 1 for day in range(1, days + 1))
    new = [task.topic for task in plan if task.why == "not answered yet"]
    assert not set(new) & set(names) and bool(new) == (days == 30)


def test_who_knows_everything_gets_what_was_never_asked():
    interview, log = held(InterviewWish(), right)
    told = report(interview, strengths(log, ITEMS), topics(), 29.0, days=3)
    assert told.weak == () and told.right == told.answered > 5
    assert [task.why for task in told.plan] == ["not answered yet"] * 2 + ["everything once more, with the clock"]
