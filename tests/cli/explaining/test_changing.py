"""`s`: another setting, text or seed, and the same step again."""

from __future__ import annotations

import sys

import pytest

from lessons.course import find_topic
from lessons.request import Request
from tests.cli.conftest import COURSE, LESSON
from tests.cli.explaining.walked import walking
from tests.lessons.made_up import made_up_course
from tfx.errors import BadInput
from tfx_cli.explaining.changing import changed_request

windows = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
PROMPT = b"  change (name=value, ? lists) > "
ASKED = b"lists) > "


def first_words(lines: list[str]) -> str:
    return next(line for line in lines if line.startswith("  The text is"))


@windows
@pytest.mark.parametrize(
    ("typed", "shown", "command"),
    [
        ("size=7", '"one two", the size 7, the kind plain, the seed 0', "--set size=7"),
        ("--set size=7", '"one two", the size 7, the kind plain, the seed 0', "--set size=7"),
        (" Size = 7 ".replace("S", "s"), '"one two", the size 7, the kind plain, the seed 0', "--set size=7"),
        ("kind=odd size=9", '"one two", the size 9, the kind odd, the seed 0', "--set size=9 --set kind=odd"),
        ("seed=3", '"one two", the size 4, the kind plain, the seed 3', "--seed 3"),
        (
            "text=the dog's day",
            '"the dog\'s day", the size 4, the kind plain, the seed 0',
            "--text 'the dog'\"'\"'s day'",
        ),
        ('text="the dog"', '"the dog", the size 4, the kind plain, the seed 0', "--text 'the dog'"),
        ("seed=2 text=a=1 b=2", '"a=1 b=2", the size 4, the kind plain, the seed 2', "--text 'a=1 b=2' --seed 2"),
    ],
)
def test_a_change_shows_the_same_step_again_and_is_part_of_the_command(tmp_path, typed, shown, command):
    with walking(tmp_path, "counting", "--no-predict") as terminal:
        terminal.screen(b"")
        assert terminal.press(b"s", ASKED).endswith(PROMPT)
        screen = terminal.screen(f"{typed}\r".encode())
        assert screen[0].startswith("1/4  Words first") and first_words(screen) == f"  The text is {shown}."
        seen = terminal.press(b"q", b"--from the_words").decode()
        assert f"tfx explain counting {command} --no-predict --from the_words" in seen
        assert terminal.exit_code() == 0


@windows
def test_enter_alone_lists_what_can_be_changed_with_its_present_value(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--set", "size=6") as terminal:
        before = terminal.screen(b"")
        terminal.press(b"s", ASKED)
        assert terminal.screen(b"\r", ASKED)[1:] == [
            "  size=6        how many rows there are; a whole number from 1 to 30",
            "  kind=plain    which kind of counting; plain or odd",
            "  text=one two  the sentence; it takes the rest of the line",
            "  seed=0        everything random follows from it; a whole number",
            "  Enter alone leaves all as it is.",
            PROMPT.decode(),
        ]
        assert terminal.screen(b"\r") == before
        terminal.press(b"q", b"come back")
        assert terminal.exit_code() == 0


@windows
def test_a_bad_value_is_told_and_asked_again_and_the_old_walk_stays(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--from", "much") as terminal:
        before = terminal.screen(b"")
        terminal.press(b"s", ASKED)
        for typed, said in (
            ("size=99", "  Size must be from 1 to 30, but is 99.  Try: size=30"),
            ("size=x", '  Size needs a whole number, but got "x".  Enter alone lists what can be changed.'),
            (
                "siez=3",
                '  No setting is called "siez". Did you mean "size"?  Enter alone lists what can be\n  changed.',
            ),
            ("nothing", '  A change is name=value, not "nothing".  Enter alone lists what can be changed.'),
            (
                "seed=-1",
                '  Seed needs a whole number from 0 up, but got "-1".  Enter alone lists what can be\n  changed.',
            ),
            ("seed=", '  Seed needs a whole number from 0 up, but got "".  Enter alone lists what can be\n  changed.'),
            (
                "text=",
                "  The text is empty, so there is nothing to explain.  Enter alone lists what can be\n  changed.",
            ),
            ("text=too long", "  This text is too long to count.  Enter alone lists what can be changed."),
            ("size=13", "  Thirteen cannot be shown.  Try: size=12"),
        ):
            told = "\n".join(terminal.screen(f"{typed}\r".encode(), ASKED)[1:-1])
            assert " ".join(told.split()) == " ".join(said.split()), typed
        terminal.press(b"\r", ASKED)
        assert terminal.screen(b"\r") == before
        terminal.press(b"q", b"tfx explain counting --no-predict --from much")
        assert terminal.exit_code() == 0


@windows
def test_a_step_that_is_no_longer_there_gives_way_to_the_nearest_before_it(tmp_path):
    with walking(tmp_path, "counting", "--from", "much") as terminal:
        terminal.screen(b"")
        terminal.press(b"s", ASKED)
        asked = terminal.screen(b"size=2\r", b"  > ")
        assert asked[0].startswith("2/3  A guess")
        assert asked[2] == "  There is no step much now; this is the nearest before it."
        terminal.screen(b"\r")
        assert terminal.screen(b"\r")[0].startswith("3/3  Rows")
        assert "There is no step" not in "\n".join(terminal.screen(b"b"))
        terminal.press(b"q", b"tfx explain counting --set size=2 --from a_guess")
        assert terminal.exit_code() == 0


@windows
def test_a_question_whose_answer_changed_is_asked_again(tmp_path):
    with walking(tmp_path, "counting", "--from", "a_guess") as terminal:
        terminal.press(b"", b"  > ")
        terminal.screen(b"8\r")
        terminal.press(b"s", ASKED)
        terminal.press(b"kind=odd\r", b"Right: 8")
        terminal.press(b"s", ASKED)
        terminal.screen(b"size=5\r", b"  > ")
        assert "  Right: 10.  Add it up." in terminal.screen(b"10\r")
        terminal.press(b"q", b"come back")
        assert terminal.exit_code() == 0


@windows
def test_a_topic_with_nothing_to_change_still_has_its_seed_and_says_that_it_reads_no_text(tmp_path):
    with walking(tmp_path, "mute") as terminal:
        terminal.screen(b"")
        terminal.press(b"s", ASKED)
        listed = terminal.screen(b"?\r", ASKED)
        assert listed[1] == "  seed=0  everything random follows from it; a whole number" and "text" not in listed[2]
        told = " ".join(" ".join(terminal.screen(b"text=a cat\r", ASKED)).split())
        assert "Text changes nothing here: mute works on numbers, not on a sentence." in told
        assert "  The seed is 4." in terminal.screen(b"seed=4\r")
        terminal.press(b"q", b"tfx explain mute --seed 4 --from nothing")
        assert terminal.exit_code() == 0


@windows
def test_a_check_that_failed_after_a_change_counts(tmp_path):
    from tests.cli.explaining.walked import script
    from tests.cli.pseudo_terminal import COLOR, Terminal

    whole, failing = 'it doubles", 2 * run.size', 'it doubles", 8'
    words = script(tmp_path, ["explain", "counting", "--no-predict", "--from", "a_guess"])
    words = words.replace(": LESSON,", f": LESSON.replace({whole!r}, {failing!r}),")
    for keys, code in ((b"", 0), (b"size=5\r", 1)):
        with Terminal(tmp_path, words, **COLOR) as terminal:
            terminal.screen(b"")
            if keys:
                terminal.press(b"s", ASKED)
                assert "FAIL  it doubles" in "\n".join(terminal.screen(keys))
            terminal.press(b"q", b"come back")
            assert terminal.exit_code() == code


@pytest.fixture
def topic(tmp_path):
    with made_up_course(tmp_path / "course", COURSE, {"numbers/doubling": LESSON}):
        yield find_topic("doubling")


def test_the_same_syntax_as_set_and_several_at_once(topic):
    from lessons.course import lesson_of

    request = Request(None, 0, lesson_of(topic).settings())
    new = changed_request(topic, request, "--set factor=-3 seed=5 text= a  b ")
    assert (new.settings.factor, new.seed, new.text) == (-3.0, 5, "a  b")
    assert changed_request(topic, request, "factor=2.5").settings.factor == 2.5
    assert request.settings.factor == 2.0, "the old request is as it was"
    with pytest.raises(BadInput, match="a change is name=value"):
        changed_request(topic, request, "factor 3")
    with pytest.raises(BadInput, match='no setting is called "mytext"'):
        changed_request(topic, request, "mytext=3")
