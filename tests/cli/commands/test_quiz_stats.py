"""`tfx quiz --stats`: what is weakest and what to type next, for the whole course and for one topic."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime

import pytest

from lessons.course import find_topic
from lessons.quiz_ids import item_ids
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.state import open_to_write
from tfx_cli.quizzing.stats import days_in_a_row

ITEMS = len(item_ids(find_topic("scaling-variance")))


def write_answers(*given: tuple[str, bool]) -> None:
    with open_to_write() as state:
        for item, correct in given:
            grade = 3 if correct else 1
            state.record_answer(Answer(item, 0, "1", correct, float(correct), grade, "", datetime.now(UTC), None))


def test_stats_end_with_the_weakest_topic_its_share_and_the_command(tfx):
    write_answers(("scaling-variance/std-of-score", False), ("scaling-variance/scale-factor", True),
                  ("scaling-variance/std-of-score", False), ("softmax-attention/weight-of-three", True))  # fmt: skip
    page = tfx("quiz", "--stats").out
    assert page.endswith(
        "\n  weakest    scaling-variance, 33% right (1 of 3 answers)\n  next       tfx explain scaling-variance\n"
    )
    told = json.loads(tfx("quiz", "--stats", "--json").out)
    assert told["weakest"] == {"topic": "scaling-variance", "answers": 3, "right": 1, "share": 1 / 3}
    assert told["next"] == "tfx explain scaling-variance"
    lines = tfx("quiz", "--stats", "--plain").out.splitlines()
    assert lines[-2:] == ["weakest\tscaling-variance\t3\t1", "next\ttfx explain scaling-variance"]


def test_of_two_equally_weak_topics_that_with_more_answers_is_named(tfx):
    write_answers(*[("softmax-attention/weight-of-three", False)], *[("scaling-variance/std-of-score", False)] * 2)
    assert json.loads(tfx("quiz", "--stats", "--json").out)["weakest"]["topic"] == "scaling-variance"


def test_when_all_is_right_it_is_to_be_said_aloud(tfx):
    write_answers(("scaling-variance/std-of-score", True))
    assert tfx("quiz", "--stats").out.endswith("100% right (1 of 1 answer)\n  next       tfx quiz --interview\n")


def test_stats_with_a_topic_count_that_topic_alone(tfx):
    write_answers(("scaling-variance/std-of-score", False), ("scaling-variance/scale-factor", True),
                  ("softmax-attention/weight-of-three", True), ("old-topic/gone", True))  # fmt: skip
    for name in ("scaling-variance", "sqrt-dk", find_topic("scaling-variance").number):
        told = json.loads(tfx("quiz", name, "--stats", "--json").out)
        assert (told["items"], told["seen"], told["answers"], told["right"]) == (ITEMS, 2, 2, 1), name
        assert told["topics"] == [{"topic": "scaling-variance", "items": ITEMS, "seen": 2, "answers": 2, "right": 1}]
    assert json.loads(tfx("quiz", "--stats", "--json").out)["answers"] == 4
    page = tfx("quiz", "scaling-variance", "--stats").out
    assert page.startswith(f"  answered   2 answers on 2 of {ITEMS} questions, 50% right\n")
    assert "weakest" not in page and page.endswith("\n  next       tfx explain scaling-variance\n")
    fresh = tfx("quiz", "rms-norm", "--stats").out
    assert fresh.startswith("  answered   0 answers on 0 of ") and fresh.endswith("  next       tfx quiz rms-norm\n")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="no time zones of POSIX")
@pytest.mark.parametrize("zone", ["UTC", "UTC-14", "UTC+25", "Nonsense/Zone", ":", ""])
def test_days_are_counted_in_any_zone_and_in_what_is_none(tfx, monkeypatch, zone):
    write_answers(("softmax-attention/which-axis", True))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        ran = tfx("quiz", "--stats", "--json")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert ran.code == 0 and not ran.err and json.loads(ran.out)["days"] == 1, ran


def test_days_in_a_row_end_today_or_yesterday_also_where_there_is_no_yesterday():
    march = [date(2026, 3, day) for day in range(1, 6)]
    assert days_in_a_row({march[0], march[2], march[3]}, march[3]) == 2
    assert days_in_a_row({march[2], march[3]}, march[4]) == 2 and days_in_a_row({march[1]}, march[4]) == 0
    assert days_in_a_row(set(), date.min) == 0 and days_in_a_row({date.min}, date.min) == 1
