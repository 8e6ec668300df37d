"""`tfx` alone says where you are, what is due and what to type next."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lessons.course import modules, topics
from lessons.quiz import all_items, topic_items
from tests.cli.running import LAUNCH, environment, one_sentence
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.path import next_topic
from tfx_cli.learner.progress import record_seen
from tfx_cli.learner.state import open_to_write
from tfx_cli.learner.state_file import state_path
from tfx_cli.quizzing.next_step import next_step
from tfx_cli.render.pages import dashboard as page


def answered(days_ago: float, seconds: float | None, *ids: str, correct: bool = False, wrong: str = "") -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    with open_to_write() as state:
        for item in ids:
            grade = 3 if correct else 1
            state.record_answer(Answer(item, 0, "1", correct, float(correct), grade, wrong, at, seconds))


def see(*names: str) -> None:
    """All steps of these topics are seen; what their steps are called does not matter here."""
    for name in names:
        record_seen(name, "only", ("only",))


def see_all() -> None:
    see(*(topic.name for topic in topics()))


def lines_of_modules(done: set[str]) -> list[page.Progress]:
    """What the page of a reader at the start of the course says of its modules."""
    every = [
        page.Progress(module.title, sum(topic.name in done for topic in module.topics), len(module.topics))
        for module in modules()
    ]
    return page.nearby(every, modules()[0].title)


def following(tfx) -> dict[str, str]:
    """The advice `next`; the same line is on every face."""
    advice = json.loads(tfx("--json").out)["advice"][0]
    assert advice.pop("label") == "next"
    assert "\t".join(["next", *(advice[key] for key in ("text", "command", "reason"))]) in tfx("--plain").out
    assert f"  next   {advice['text']}" in tfx().out and advice["command"] in tfx().out
    return advice


def test_a_fresh_reader_is_led_to_the_first_topic_and_nothing_is_created(tfx):
    ran = tfx()
    assert ran.code == 0 and ran.err == ""
    for module in lines_of_modules(set()):
        count = f"0 of {module.topics} topic{'s' if module.topics > 1 else ''} "
        (line,) = [line for line in ran.out.splitlines() if module.title in line]
        assert count in line and line.endswith("   [------------------]")
    assert f"nothing; {len(all_items())} new questions" in ran.out
    first = topics()[0]
    assert following(tfx) == {
        "text": first.title, "command": f"tfx explain {first.name}", "reason": "the course starts here"
    }  # fmt: skip
    assert not state_path().parent.exists()


def test_the_whole_first_screen(tfx):
    counts = {topic.name for topic in topics()[:2]}
    see(*counts)
    after = next(topic for topic in topics()[2:] if topic.after and set(topic.after) <= counts)
    others = next(topic for topic in topics()[2:] if set(topic.after) <= counts)
    assert after == others, "the course begins with topics that build on each other"
    builds_on = " and ".join(topic.title for topic in topics()[:2] if topic.name in after.after)
    lines = lines_of_modules(counts)
    column = max(len(line.title) for line in lines) + 3
    wide = max(len(line.count) for line in lines)
    new = f"nothing; {len(all_items())} new questions"
    room = max(map(len, (after.title, new, "Why divide by sqrt(d_k)?"))) + 4
    assert tfx().out.splitlines() == [
        "tfx  Transformers, explained by measurement",
        "",
        *(
            f"  {line.title.ljust(column)}{line.count.ljust(wide)}   "
            f"[{('#' * (18 * line.explained // line.topics)).ljust(18, '-')}]"
            for line in lines
        ),
        f"  next   {after.title.ljust(room)}tfx explain {after.name}",
        f"         builds on {builds_on}, which you have seen",
        "  skip   you know it already?",  # the command does not fit beside it
        f"         tfx quiz {after.name} --test-out",
        f"  due    {new.ljust(room)}tfx quiz",
        f"  try    {'Why divide by sqrt(d_k)?'.ljust(room)}tfx experiment scaling",
        "",
        "  map: tfx explain      all experiments: tfx experiment      help: tfx -h",
    ]


def test_progress_counts_topics_that_are_done_and_the_next_one_has_its_prerequisites(tfx):
    first = topics()[0]
    record_seen(first.name, "a", ("a", "b", "c"))
    told = json.loads(tfx("--json").out)
    assert told["schema_version"] == 1
    assert sum(module["explained"] for module in told["modules"]) == 0
    assert following(tfx)["reason"] == "seen 1 of 3 steps so far"
    see(first.name)
    told = json.loads(tfx("--json").out)
    assert sum(module["explained"] for module in told["modules"]) == 1
    after = next(topic for topic in topics()[1:] if set(topic.after) <= {first.name})
    assert following(tfx) == {
        "text": after.title, "command": f"tfx explain {after.name}",
        "reason": f"builds on {first.title}, which you have seen",
    }  # fmt: skip


def test_a_topic_that_needs_no_other_says_so(tfx):
    see(*(topic.name for topic in topics() if topic.name != "notation"))
    assert following(tfx)["reason"] == "needs no other topic first"


STD, SCALE = "scaling-variance/std-of-score", "scaling-variance/scale-factor"


def test_what_was_wrong_in_the_quiz_comes_before_what_is_new_and_says_why(tfx):
    answered(1, None, STD, STD, wrong="variance for deviation")
    assert following(tfx) == {
        "text": "Why divide by sqrt(d_k)",
        "command": "tfx explain scaling-variance --step the_sum",
        "reason": "you took variance for deviation twice; step the_sum clears it up",
    }


@pytest.mark.parametrize(
    ("misconception", "times", "words"),
    [
        ("sum for average", 1, "you took sum for average once"),
        ("mask after softmax", 3, "3 times in your answers: mask after softmax"),
        ("a value is for its own token", 1, "once in your answers: a value is for its own token"),
        ("same distribution for q and k", 2, "twice in your answers: same distribution for q and k"),
    ],
)
def test_the_reason_is_a_sentence_for_every_kind_of_name(tfx, misconception, times, words):
    answered(1, None, *[STD] * times, wrong=misconception)
    assert following(tfx)["reason"] == f"{words}; step the_sum clears it up"


def test_a_recent_mistake_counts_more_than_an_old_one_and_the_commonest_wins(tfx):
    answered(9, None, *[STD] * 2, wrong="variance for deviation")
    answered(5, None, *["softmax-attention/x"] * 20, correct=True)
    answered(1, None, SCALE, wrong="scaling normalises the row")
    assert "scaling normalises the row" in following(tfx)["reason"], "one of today against two of twenty answers ago"
    answered(0.5, None, STD, wrong="variance for deviation")
    assert following(tfx)["reason"] == "you took variance for deviation 3 times; step the_sum clears it up"


def test_a_mistake_is_settled_by_a_right_answer_or_by_seeing_the_step(tfx):
    start = {
        "text": topics()[0].title,
        "command": f"tfx explain {topics()[0].name}",
        "reason": "the course starts here",
    }
    answered(2, None, STD, wrong="variance for deviation")
    answered(1, None, STD, correct=True)
    assert following(tfx) == start
    answered(0.5, None, SCALE, wrong="scale forgotten")
    steps = ("the_sum", "the_division", "more")
    record_seen("scaling-variance", "the_sum", steps)
    assert following(tfx)["command"] == "tfx explain scaling-variance --step the_division", (
        "another step settles nothing"
    )
    record_seen("scaling-variance", "the_division", steps)
    assert following(tfx) == start


def test_a_mistake_made_after_its_step_was_seen_counts_again(tfx):
    record_seen("scaling-variance", "the_sum", ("the_sum", "more"))
    answered(-0.001, None, STD, wrong="variance for deviation")
    assert following(tfx)["command"] == "tfx explain scaling-variance --step the_sum"


def test_only_the_last_fifty_answers_are_looked_at(tfx):
    answered(9, None, STD, wrong="variance for deviation")
    right = [item.id for item in all_items() if item.id != STD][:49]
    answered(5, None, *right, correct=True)
    assert "variance for deviation" in following(tfx)["reason"]
    answered(4, None, right[0], correct=True)
    assert following(tfx)["reason"] == "49 cards are due, and what is not asked again is forgotten first"


def test_the_next_topic_is_the_first_whose_prerequisites_are_done():
    first = topics()[0]
    course = [replace(first, name=name, after=after) for name, after in (("a", ("z",)), ("b", ()), ("c", ("b",)))]
    assert next_topic(course, set()).name == "b"
    assert next_topic(course, {"b"}).name == "c"
    assert next_topic(course, {"b", "c"}).name == "a", "what needs a topic that is not there comes last"
    assert next_topic(course, {"a", "b", "c"}) is None


def test_a_mistake_in_an_item_that_is_gone_leads_nowhere(tfx):
    answered(1, None, "old-topic/removed", "scaling-variance/removed", wrong="variance for deviation")
    assert following(tfx)["reason"] == "the course starts here"


def test_when_all_is_seen_the_weakest_topic_is_named_with_its_share(tfx):
    see_all()
    assert "[##################]" in tfx().out
    assert following(tfx) == {
        "text": "Answer questions", "command": "tfx quiz",
        "reason": "every topic is seen, and no question is answered yet",
    }  # fmt: skip
    softmax = [item.id for item in all_items() if item.topic == "softmax-attention"][:4]
    answered(3, None, *softmax, correct=True)
    answered(2, None, *[STD] * 6)
    answered(1, None, STD, correct=True)
    assert following(tfx) == {
        "text": "Why divide by sqrt(d_k)", "command": "tfx explain scaling-variance",
        "reason": "your weakest topic, 14% right (1 of 7 answers)",
    }  # fmt: skip
    answered(-0.001, None, SCALE, wrong="scale for shift")
    assert following(tfx) == {
        "text": "Why divide by sqrt(d_k)", "command": "tfx explain scaling-variance --step the_division",
        "reason": "your weakest topic, 12% right (1 of 8 answers): "
        "you took scale for shift once; step the_division clears it up",
    }  # fmt: skip


def test_when_all_is_seen_and_known_it_is_to_be_said_aloud(tfx):
    see_all()
    answered(3, None, *[STD] * 4, correct=True)
    assert following(tfx) == {
        "text": "Say it aloud", "command": "tfx quiz --interview",
        "reason": "every topic is seen; the weakest, Why divide by sqrt(d_k), is at 100% right (4 of 4 answers)",
    }  # fmt: skip


def test_due_cards_are_counted_with_the_time_this_reader_takes(tfx):
    ids = [item.id for item in all_items()[:7]]
    answered(1, 60.0, *ids)
    assert "7 cards, about 7 minutes" in tfx().out
    told = json.loads(tfx("--json").out)
    assert (told["due"], told["minutes"], told["new"]) == (7, 7, len(all_items()) - 7)


def test_a_topic_that_was_begun_is_read_on_before_the_course_goes_on(tfx):
    """Of those whose prerequisites are done the one that was begun last; it is not offered to be skipped."""
    free = [topic for topic in topics() if not topic.after]
    record_seen(free[2].name, "a", ("a", "b"))
    record_seen(free[1].name, "a", ("a", "b", "c"))
    locked = next(topic for topic in topics() if free[0].name in topic.after)
    record_seen(locked.name, "a", ("a", "b"))
    assert following(tfx) == {
        "text": free[1].title, "command": f"tfx explain {free[1].name}", "reason": "seen 1 of 3 steps so far"
    }  # fmt: skip
    assert "skip" not in [line["label"] for line in json.loads(tfx("--json").out)["advice"]]


@pytest.mark.parametrize("place", range(20))
def test_somebody_who_is_always_wrong_about_a_topic_is_led_to_it_first(place):
    """20 topics, spread over the course; whatever else was answered is right."""
    weak = topics()[place * len(topics()) // 20]
    now, log = datetime.now(UTC), []
    for topic in (topics()[0], weak, topics()[-1]):
        for item in topic_items(topic)[:9]:
            wrong = f"mistake in {item.id}" if topic is weak else ""
            log.append(Answer(item.id, 0, "1", not wrong, float(not wrong), 1 if wrong else 3, wrong, now, None))
    found = next_step(topics(), {}, log, [], waiting=99)
    assert found.topic is weak and found.command.startswith(f"tfx explain {weak.name}")


@pytest.mark.parametrize(
    ("here", "shown"),
    [
        (0, ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "7 modules after"]),
        (6, ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "7 modules after"]),
        (7, ["6 modules before", "m6", "m7", "m8", "m9", "m10", "m11", "2 modules after"]),
        (9, ["7 modules before", "m7", "m8", "m9", "m10", "m11", "m12", "m13"]),
        (13, ["7 modules before", "m7", "m8", "m9", "m10", "m11", "m12", "m13"]),
    ],
)
def test_of_a_long_course_the_modules_around_the_next_step_are_shown_and_the_others_counted(here, shown):
    modules = [page.Progress(f"m{number}", number, 20) for number in range(14)]
    lines = page.nearby(modules, f"m{here}")
    assert [line.title for line in lines] == shown
    assert sum(line.explained for line in lines) == sum(range(14)) and sum(line.topics for line in lines) == 280
    assert page.nearby(modules[:8], "m3") == modules[:8]


def test_a_card_of_an_item_that_is_gone_is_not_due(tfx):
    answered(1, 60.0, "old-topic/removed")
    assert json.loads(tfx("--json").out)["due"] == 0


def test_the_plain_face_is_tab_separated(tfx):
    lines = [line.split("\t") for line in tfx("--plain").out.splitlines()]
    assert [line[0] for line in lines] == [*["module"] * len(modules()), "due", "new", "next", "skip", "due", "try"]


@pytest.mark.parametrize("columns", ["20", "40", "60", "80"])
def test_it_fits_the_terminal(tfx, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    answered(1, None, STD, STD, wrong="variance for deviation")
    ran = tfx()
    commands = [line for line in ran.out.splitlines() if "tfx " in line]
    assert len(commands) >= 5
    words = " ".join(ran.out.split())
    assert "you took variance for deviation twice; step the_sum clears it up" in words
    rest = [line for line in ran.out.splitlines() if "tfx explain scaling" not in line]
    assert max(map(len, ran.out.splitlines() if int(columns) >= 60 else rest)) <= max(int(columns), 40)


def test_options_before_a_command_are_not_silently_ignored(tfx):
    ran = tfx("--json", "quiz", "--stats")
    assert ran.code == 2 and "after the command" in one_sentence(ran)


@pytest.mark.parametrize("words", [(), ("quiz", "--stats")])
def test_looking_imports_no_numpy_and_no_fsrs(tmp_path, words):
    code = LAUNCH.replace("sys.exit(main())", "code = main(); assert not {'numpy', 'fsrs', 'rich'} & set(sys.modules)")
    done = subprocess.run(
        [sys.executable, "-c", code + "; sys.exit(code)", *words],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
