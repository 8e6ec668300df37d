"""A topic says which exercises it has: files are called as they are, and the last step gives them."""

from __future__ import annotations

import subprocess
import sys

from lessons.course import find_topic, lesson_of, topics
from lessons.exercise_names import derivation_names, exercise_names, listed
from lessons.practice.derive.derivation import derivation_topic, derivations
from lessons.practice.exercise import of_the_course, topic_of
from lessons.request import Request
from lessons.walk import Walk, walk


def test_names_of_files_are_those_of_the_exercises_of_each_topic():
    for topic in topics():
        own = [name for name, exercise in of_the_course().items() if topic_of(exercise) == topic]
        assert list(exercise_names(topic)) == own
        derived = [name for name, derivation in derivations().items() if derivation_topic(derivation) == topic]
        assert list(derivation_names(topic)) == derived


def test_the_last_step_of_a_lesson_says_what_to_derive_too():
    topic = find_topic("layernorm")
    steps = walk(topic, Request(None, 0, lesson_of(topic).settings()))
    assert steps[len(steps) - 1].to_write[-1] == "tfx practice derive layer-norm"


def test_a_list_has_the_name_and_the_title_that_each_exercise_has():
    assert {one.name: one.title for one in of_the_course().values()} == {o.name: o.title for o in listed().values()}
    assert list(listed()) == [one.name for one in of_the_course().values()]


def test_what_tab_completes_is_found_without_reading_an_exercise():
    code = (
        "import sys\nfrom tfx_cli.commands.practice import complete_word\n"
        "print(*complete_word('adam'), *complete_word('hin'), 'numpy' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "adam adam-bias hint False\n"


def test_one_exercise_is_read_without_the_others():
    code = (
        "import sys\nfrom lessons.practice.exercise import find_exercise\nfind_exercise('softmax')\n"
        "print(*sorted(name.rpartition('.')[2] for name in sys.modules if '.exercises.' in name))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "softmax softmax_mistakes\n"


def test_only_the_last_step_of_a_lesson_says_what_to_write():
    topic = find_topic("softmax-attention")
    request = Request(None, 0, lesson_of(topic).settings())
    steps = walk(topic, request)
    shown = [steps[0], steps[len(steps) - 1]]
    assert [step.to_write for step in shown] == [(), ("tfx practice start softmax",)]
    without = Walk(lesson_of(topic), request, lambda link, step: link)
    assert without[len(without) - 1].to_write == ()
