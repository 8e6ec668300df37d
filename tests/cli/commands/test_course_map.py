"""`tfx explain` alone: modules and topics with numbers, minutes, other names, and what the reader has seen of them."""

from __future__ import annotations

import json

import pytest

from lessons.course import find_topic, modules, topics
from tests.cli.running import one_sentence
from tests.lessons.made_up import made_up_course
from tfx.errors import BadInput
from tfx_cli.learner.progress import record_seen
from tfx_cli.learner.state_file import state_path

COURSE = """
[[module]]
number = 3
title = "Numbers"
about = "Counting."
folder = "numbers"
topics = [
  { name = "doubling", folder = "doubling", title = "Doubling", level = 1, minutes = 3, questions = [], aliases = ["twice", "times-two"] },
  { name = "halving", folder = "halving", title = "Halving and what is left over", level = 1, minutes = 12, questions = [], after = ["doubling"], aliases = [] },
  { name = "squaring", folder = "squaring", title = "Squaring", level = 2, minutes = 5, questions = [], after = ["doubling"], aliases = ["square"] },
]

[[module]]
number = 7
title = "Words"
about = "Naming."
folder = "words"
topics = [
  { name = "naming", folder = "naming", title = "Naming", level = 1, minutes = 2, questions = [], after = [], aliases = [] },
]
"""  # noqa: E501 a topic stands on one line

MAP = """\
The course

3  Numbers
   Counting.  1 of 3 topics done, 20 minutes in all.
   [x] 3.1  Doubling                         3 min  read
            doubling, or twice, times-two
   [-] 3.2  Halving and what is left over   12 min  seen 3 of 11
            halving
   [ ] 3.3  Squaring                         5 min  new
            squaring, or square

7  Words
   Naming.  0 of 1 topic done, 2 minutes in all.
   [ ] 7.1  Naming                           2 min  new
            naming

a topic:  tfx explain 3.2   or by name: tfx explain halving
to read:  tfx explain 3.2 --lesson
"""

NARROW = """\
The course

3  Numbers
   Counting.  1 of 3 topics done, 20
   minutes in all.
   [x] 3.1  Doubling
            3 min, read
            doubling
            or twice, times-two
   [-] 3.2  Halving and what is left
            over
            12 min, seen 3 of 11
            halving
   [ ] 3.3  Squaring
            5 min, new
            squaring, or square

7  Words
   Naming.  0 of 1 topic done, 2 minutes
   in all.
   [ ] 7.1  Naming
            2 min, new
            naming

"""


@pytest.fixture
def course(tmp_path):
    with made_up_course(tmp_path / "course", COURSE, {}):
        yield


@pytest.fixture
def reader(course, tfx):
    """One topic is done, of another three steps were seen."""
    for step in ("a", "b"):
        record_seen("doubling", step, ("a", "b"))
    for step in "abc":
        record_seen("halving", step, tuple("abcdefghijk"))
    return tfx


def test_the_whole_map(reader):
    ran = reader("explain")
    assert (ran.code, ran.out, ran.err) == (0, MAP, "")
    assert ran.out.isascii()


def test_the_whole_map_in_a_narrow_terminal(reader, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert reader("explain").out.startswith(NARROW)


def test_a_fresh_reader_has_no_ticks_and_looking_creates_nothing(course, tfx):
    out = tfx("explain").out
    assert out.count("[ ]") == 4 and "[x]" not in out and "[-]" not in out and "seen" not in out
    assert out.endswith(
        "\na topic:  tfx explain 3.1   or by name: tfx explain doubling\nto read:  tfx explain 3.1 --lesson\n"
    )
    assert not state_path().parent.exists()


def test_when_all_is_done_the_first_topic_is_the_example(reader):
    for name in ("halving", "squaring", "naming"):
        record_seen(name, "a", ("a",))
    out = reader("explain").out
    assert out.count("[x]") == 4 and "3 of 3 topics done" in out and "1 of 1 topic done" in out
    assert "tfx explain 3.1 --lesson" in out


def test_the_plain_map_is_one_record_a_line(reader):
    assert reader("explain", "--plain").out.splitlines() == [
        "module\t3\tNumbers\tCounting.",
        "topic\tdoubling\tDoubling\t3 min\ttwice, times-two\t3.1\tread",
        "topic\thalving\tHalving and what is left over\t12 min\t\t3.2\tseen 3 of 11",
        "topic\tsquaring\tSquaring\t5 min\tsquare\t3.3\tnew",
        "module\t7\tWords\tNaming.",
        "topic\tnaming\tNaming\t2 min\t\t7.1\tnew",
    ]


def test_the_map_as_json(reader):
    told = json.loads(reader("explain", "--json").out)
    assert [module["number"] for module in told["modules"]] == [3, 7]
    doubling, halving, squaring = told["modules"][0]["topics"]
    assert doubling == {
        "name": "doubling", "title": "Doubling", "level": 1, "minutes": 3, "after": [],
        "aliases": ["twice", "times-two"], "number": "3.1", "seen": 2, "steps": 2, "done": True,
        "state": "read", "due": 0, "exercises": [], "derivations": [],
    }  # fmt: skip
    assert [(one["seen"], one["steps"], one["done"], one["state"]) for one in (halving, squaring)] == [
        (3, 11, False, "started"), (0, None, False, "new")
    ]  # fmt: skip


def test_a_module_has_a_map_of_its_own(reader):
    out = reader("explain", "7").out
    assert out.startswith(
        "The course\n\n7  Words\n   Naming.  0 of 1 topic done, 2 minutes in all.\n   [ ] 7.1  Naming"
    )
    assert "Numbers" not in out
    assert [module["number"] for module in json.loads(reader("explain", "7", "--json").out)["modules"]] == [7]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("explain 1", "tfx: there is no module 1; the modules here are 3 and 7.\n     See all: tfx explain\n"),
        ("explain 1.2", "tfx: there is no module 1; the modules here are 3 and 7.\n     See all: tfx explain\n"),
        (
            "explain 3.4",
            "tfx: there is no topic 3.4: module 3 is Numbers, and its topics are 3.1 to 3.3.\n"
            "     See them: tfx explain 3   or all: tfx explain\n",
        ),
        (
            "explain 7.0",
            "tfx: there is no topic 7.0: module 7 is Words, and its only topic is 7.1.\n"
            "     See them: tfx explain 7   or all: tfx explain\n",
        ),
        (
            "quiz 3",
            "tfx: there is no topic 3: module 3 is Numbers, and its topics are 3.1 to 3.3.\n"
            "     See them: tfx explain 3   or all: tfx explain\n",
        ),
    ],
)
def test_a_number_that_is_not_there_is_answered_with_those_that_are(course, tfx, words, answer):
    ran = tfx(*words.split())
    assert (ran.code, ran.out, one_sentence(ran)) == (2, "", answer)


def test_a_course_of_one_module_says_so(doubling):
    with pytest.raises(BadInput, match=r"there is no module 9; the only module here is 1\."):
        find_topic("9.1")


def test_a_topic_is_found_by_its_number(tfx, doubling):
    assert tfx("explain", "1.1", "--plain").out == tfx("explain", "doubling", "--plain").out != ""


def test_every_topic_of_the_real_course_is_found_by_the_number_on_the_map_and_fits(tfx, monkeypatch):
    for topic in topics():
        assert find_topic(topic.number) is topic
    for columns in ("80", "40"):
        monkeypatch.setenv("COLUMNS", columns)
        lines = tfx("explain").out.splitlines()
        assert max(map(len, lines)) <= int(columns)
        for module in modules():
            assert f"{module.number}  {module.title}" in lines
        words = " ".join(" ".join(lines).split())
        for topic in topics():
            assert f"[ ] {topic.number} {topic.title} {topic.minutes} min" in words
            assert all(name in words for name in (topic.name, *topic.aliases))


def test_the_map_says_what_there_is_to_write(tfx):
    page = tfx("explain", "3").out
    assert "             write it: attention, attention-backward\n" in page
    assert "to write: tfx practice start NAME\n" in page
    plain = tfx("explain", "3", "--plain").out
    assert "write\tattention-scaled-dot-product\tattention-backward\n" in plain
    (module,) = json.loads(tfx("explain", "3", "--json").out)["modules"]
    assert {topic["name"]: topic["exercises"] for topic in module["topics"]}["softmax-attention"] == ["softmax"]


def test_the_map_says_what_there_is_to_derive(tfx):
    page = tfx("explain", "3").out
    assert "             derive it: softmax, softmax-jacobian\n" in page
    assert "derive:   tfx practice derive NAME\n" in page
    assert "derive\tsoftmax-jacobian\tsoftmax\n" in tfx("explain", "3", "--plain").out
    (module,) = json.loads(tfx("explain", "3", "--json").out)["modules"]
    assert {topic["name"]: topic["derivations"] for topic in module["topics"]}["scaling-variance"] == [
        "dot-product-variance"
    ]
