"""What a round asks first, and that it does not ask a topic in one block."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from lessons.course import topics
from lessons.quiz import all_items
from tfx_cli.learner.path import nearness
from tfx_cli.learner.progress import Progress, record_seen
from tfx_cli.learner.scheduling import pick
from tfx_cli.learner.state import open_to_write
from tfx_cli.quizzing.mixing import by_turns, in_turn, mixed
from tfx_cli.quizzing.round import Wish, items_for, questions_for

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
READ = Progress(1, 1, True)


def asked(due: dict[str, datetime], reached: dict[str, Progress], count: int = 10) -> list:
    """What a round picks, without the drawing of its numbers."""
    near = nearness(topics(), reached)
    return mixed(pick(by_turns(all_items(), due, near), due, NOW, count, only_due=False, ahead=False), due, NOW)


def test_a_round_does_not_ask_the_same_topic_twice_in_a_row_while_another_is_left():
    items = asked({}, {})
    left = Counter(item.topic for item in items)
    for one, following in pairwise(items):
        left[one.topic] -= 1
        if one.topic == following.topic:
            assert not [topic for topic, more in left.items() if more and topic != one.topic]
    assert len({item.topic for item in items[:3]}) == 3


def test_what_is_due_comes_first_mixed_and_then_what_is_new_mixed():
    softmax = [item.id for item in all_items() if item.topic == "softmax-attention"][:3]
    shapes = [item.id for item in all_items() if item.topic == "attention-shapes"][:2]
    waits = {item: NOW - timedelta(hours=9 - place) for place, item in enumerate([*softmax, *shapes])}
    items = asked(waits, {"softmax-attention": READ, "attention-shapes": READ})
    assert [item.id for item in items[:5]] == [softmax[0], shapes[0], softmax[1], shapes[1], softmax[2]]
    assert not {item.id for item in items[5:]} & set(waits)


def test_new_questions_come_from_what_was_read_then_from_what_can_be_begun():
    reached = {"sequences-order": READ, "scaling-variance": Progress(2, 9)}
    read = [item for item in asked({}, reached, count=999) if item.topic in reached]
    items = asked({}, reached, count=len(read) + 6)
    assert [item.topic in reached for item in items] != [True] * len(read) + [False] * 6, "the topics are mixed"
    assert Counter(item.topic for item in items if item.topic in reached) == Counter(item.topic for item in read)
    ready = {topic.name for topic in topics() if set(topic.after) <= {"sequences-order"}}
    assert {item.explained_by for item in items} <= ready | set(reached)
    assert {item.topic for item in asked({}, reached, count=6)} == set(reached)


def test_what_is_far_is_asked_only_when_nothing_nearer_is_left():
    items = asked({}, {}, count=999)
    near = {topic.name for topic in topics() if not topic.after}
    nearer = asked({}, {}, count=sum(item.topic in near for item in all_items()))
    assert {item.topic for item in nearer} == near
    assert sorted(item.id for item in items) == sorted(item.id for item in all_items())


def test_the_reader_of_a_history_is_asked_by_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TFX_HOME", str(tmp_path))
    record_seen("softmax-attention", "only", ("only",))
    wish = Wish(count=4)
    with open_to_write() as state:
        assert {one.item.topic for one in questions_for(state, wish, items_for(wish), 1)} == {"softmax-attention"}


def test_topics_take_turns_in_their_own_order():
    items = list(all_items())
    turned = in_turn(items)
    assert sorted(item.id for item in turned) == sorted(item.id for item in items)
    for topic in topics():
        assert [i.id for i in turned if i.topic == topic.name] == [i.id for i in items if i.topic == topic.name]
    assert [item.topic for item in turned[: len(topics())]] == [topic.name for topic in topics()]
