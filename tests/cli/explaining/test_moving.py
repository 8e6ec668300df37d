"""Moving about in a walkthrough, with real keys: on and back, to a step, the code, the details, the keys, and out."""

from __future__ import annotations

import sys

import pytest

from tests.cli.explaining.walked import walking
from tests.cli.pseudo_terminal import CLEAR, COLOR, Terminal, command
from tfx_cli.learner.state import open_to_read

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

KEYS_80 = "  Enter next   g go to   s change   c code   d details   ? keys   q leave "
BACK_80 = "  Enter next  b back  g go to  s change  c code  d details  ? keys  q leave "
LEFT = b"come back: "


def last_words(terminal) -> str:
    """Presses q; the command that comes back."""
    seen = terminal.press(b"q", b"come back: ")
    while b"\n" not in seen.rpartition(b"come back: ")[2]:
        seen += terminal.press(b"", b"\n")
    return seen.rpartition(b"come back: ")[2].decode().strip()


def test_the_first_screen(tmp_path):
    with walking(tmp_path, "counting") as terminal:
        assert terminal.screen(b"") == [
            "1/4  Words first" + " " * 52 + "How to count",
            "",
            '  The text is "one two", the size 4, the kind plain, the seed 0.',
            "",
            KEYS_80,
        ]
        assert last_words(terminal) == "tfx explain counting --from the_words"
        assert terminal.exit_code() == 0


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (24, 40), (15, 60)])
def test_the_first_screen_of_attention_shows_title_and_first_sentence_at_its_top(tmp_path, rows, columns):
    with Terminal(tmp_path, command("explain attention --no-predict"), rows, columns, **COLOR) as terminal:
        screen = terminal.screen(b"")
        assert screen[0].startswith("1/") and not screen[1] and screen[2].startswith("  ")
        for _ in range(3):
            screen = terminal.screen(b"\r")  # which fits, or this says so
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_a_question_is_asked_by_default_and_what_follows_waits(tmp_path):
    with walking(tmp_path, "counting", "--from", "a_guess") as terminal:
        asked = terminal.screen(b"", b"  > ")
        assert asked == [
            "2/4  A guess" + " " * 56 + "How to count",
            "",
            "  Before the question.",
            "",
            "  predict   Twice the size?",
            "  Type a number, or Enter alone to see the answer.",
            "  > ",
        ]
        below = terminal.screen(b"-8\r")
        places = [line for line in below if line.startswith(("  code ", "            "))]
        assert len(places) == 3 and places[0].startswith("  code      tfx/ops/basics/softmax.py:")
        verdict = "  Not quite, you said -8.  The answer is 8.  Add it up."
        assert below[1:-2] == [verdict, "", "  It is 8, counted.", "", "  1 check holds, worst 0", *places]
        assert below[-2:] == ["", BACK_80]
        terminal.screen(b"b")
        again = terminal.screen(b"\r")
        assert "  > -8" in again and "  Not quite, you said -8.  The answer is 8.  Add it up." in again
        assert "  Type a number, or Enter alone to see the answer." not in again
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_no_predict_reads(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--from", "2") as terminal:
        screen = terminal.screen(b"")
        assert "  predict   Twice the size?" in screen and "  answer:   8.  Add it up." in screen
        assert last_words(terminal) == "tfx explain counting --no-predict --from a_guess"
        assert terminal.exit_code() == 0


def test_enter_goes_to_the_end_and_b_back_to_the_start(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--from", "much") as terminal:
        assert terminal.screen(b"")[0].startswith("3/4  Only when there is much")
        last = terminal.screen(b"\r")
        assert last[0].startswith("4/4  Rows") and last[-1] == BACK_80.replace("Enter next", "Enter ends")
        for number in (3, 2, 1):
            screen = terminal.screen(b"b")
            assert screen[0].startswith(f"{number}/4"), "b goes before the step that --from named, too"
        assert screen[-1] == KEYS_80
        assert b"\n" not in terminal.press(b"b", b"q leave "), "there is nothing before the first"
        for _ in range(3):
            terminal.screen(b"\r")
        terminal.press(b"\r", b"")
        assert terminal.exit_code() == 0


@pytest.mark.parametrize("typed", [b"4\r", b"the_rows\r", b"The-Rows\r", b" the rows \r"])
def test_g_goes_to_a_step_by_number_or_name(tmp_path, typed):
    with walking(tmp_path, "counting", "--no-predict") as terminal:
        terminal.screen(b"")
        assert terminal.press(b"g", b" > ").endswith(b"  go to (number or name, ? lists) > ")
        assert terminal.screen(typed)[0].startswith("4/4  Rows, and more rows")
        assert last_words(terminal) == "tfx explain counting --no-predict --from the_rows"
        assert terminal.exit_code() == 0


def test_g_lists_the_steps_and_says_the_nearest_name_to_what_is_none(tmp_path):
    with walking(tmp_path, "counting", "--no-predict") as terminal:
        terminal.screen(b"")
        terminal.press(b"g", b" > ")
        listed = terminal.screen(b"\r", b"go to (number or name, ? lists) > ")
        assert listed[1:] == [
            "   1 the_words  Words first",
            "   2 a_guess    A guess",
            "   3 much       Only when there is much",
            "   4 the_rows   Rows, and more rows",
            "  You are at 1.  Enter alone stays here.",
            "  go to (number or name, ? lists) > ",
        ]
        for typed, said in (
            ("the_row", '  No step is called "the_row". Did you mean "the_rows"?  ? lists them.'),
            ("9", "  There are 4 steps here, so there is no step 9.  ? lists them."),
            ("0", "  There are 4 steps here, so there is no step 0.  ? lists them."),
            ("-1", '  No step is called "-1".  ? lists them.'),
            ("\u00b2", '  No step is called "\u00b2".  ? lists them.'),
        ):
            assert said in terminal.screen(f"{typed}\r".encode(), b"lists) > "), typed
        terminal.screen(b"?\r", b"lists) > ")
        assert terminal.screen(b"\r")[0].startswith("1/4"), "Enter alone stays"
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_d_shows_every_row_and_every_check_until_it_is_pressed_again(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--from", "the_rows") as terminal:
        short = terminal.screen(b"")
        assert "  3 more rows: d shows them" in short and not any(line.startswith("  row1") for line in short)
        whole = terminal.screen(b"d")
        assert [line[:6] for line in whole if line.startswith("  row")] == ["  row1", "  row2", "  row3", "  row4"]
        assert not any("d shows" in line for line in whole)
        terminal.screen(b"b")
        assert "  PASS  it doubles                          measured 8, as expected" in terminal.screen(b"b")
        terminal.screen(b"\r")
        terminal.screen(b"\r")
        assert terminal.screen(b"d") == short
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_c_shows_the_short_form_then_the_source_then_neither(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--from", "a_guess", rows=60) as terminal:
        before = terminal.screen(b"")
        assert any("tfx/ops/basics/softmax.py:" in line for line in before)
        short = terminal.screen(b"c")
        start = short.index("    def softmax(x):")
        assert short[start : start + 3] == [
            "    def softmax(x):",
            "        exps = np.exp(x - x.max(-1, keepdims=True))  # (T, S), the largest: 1",
            "        return exps / exps.sum(-1, keepdims=True)  # each row sums to 1",
        ]
        assert short[start + 3].startswith("  equal to the library's to ") and "e-1" in short[start + 3]
        text = "\n".join(short[start:])
        assert "tfx/ops/basics/softmax.py:" in text and "softmax_forward (c again)" in " ".join(text.split())
        assert "    def short_one(x: float) -> float:" in short, "what is short itself is shown as it is"
        assert "long_one: no short form, it has 11 lines (c again)" in " ".join(text.split())
        assert "total = 0.0" not in text
        source = terminal.screen(b"c")
        assert "    def softmax_forward(x: Array, axis: int = -1, overwrite: bool = False) ->" in source
        assert "    ... tuple[Array, SoftmaxCache]:" in source, "a long line goes on between words, with a mark"
        assert all(len(line) <= 80 for line in source) and "        total = 0.0" in source
        assert "        ... eighty columns, so it goes on below itself" in source
        assert "equal to the library's" not in "\n".join(source)
        assert terminal.screen(b"c") == before
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_the_code_starts_at_its_top_once_the_step_was_read(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--from", "a_guess") as terminal:
        terminal.screen(b"")
        terminal.screen(b"c")
        source = terminal.screen(b"c")
        assert source[0].startswith("  code      tfx/ops/basics/softmax.py:") and "-- more: Enter" in source[-1]
        assert source[2:4][source[2] == "    @in_float32"].startswith("    def softmax_forward(")
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_a_step_without_code_says_so(tmp_path):
    with walking(tmp_path, "counting") as terminal:
        terminal.screen(b"")
        assert terminal.screen(b"c")[2] == "  This step shows no code."
        assert "This step shows no code." not in "\n".join(terminal.screen(b"d"))
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_code_shows_both_from_the_start(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--code", "--from", "a_guess", rows=70) as terminal:
        both = "\n".join(terminal.screen(b""))
        assert both.index("def softmax(x):") < both.index("equal to the library's") < both.index("def softmax_forward(")
        assert both.count("def short_one(") == 1 and "(c again)" not in both
        assert last_words(terminal) == "tfx explain counting --no-predict --code --from a_guess"
        assert terminal.exit_code() == 0


@pytest.mark.parametrize("key", [b"?", b"h"])
def test_one_screen_explains_the_keys(tmp_path, key):
    with walking(tmp_path, "counting") as terminal:
        before = terminal.screen(b"")
        assert terminal.screen(key, b"back to the step ") == [
            "Keys",
            "",
            "  Enter  the next screen, or the answer to a question",
            "  b      back",
            "  g      go to a step, by its number or name",
            "  s      change a setting, the text or the seed, and see this step again",
            "  d      details: every row and every check; again: without",
            "  c      the code in a few lines; again: the library's; again: without",
            "  q      leave, with the command that comes back here",
            "  ?      this page",
            "",
            "  Where a number is asked for, type the letter and Enter.",
            "",
            "  Enter goes back to the step ",
        ]
        assert terminal.screen(b"\r") == before
        terminal.press(b"q", LEFT)
        assert terminal.exit_code() == 0


def test_a_letter_in_the_place_of_an_answer_is_a_key(tmp_path):
    with walking(tmp_path, "counting", "--from", "a_guess") as terminal:
        terminal.press(b"", b"  > ")
        assert terminal.screen(b"?\r", b"back to the step ")[0] == "Keys"
        terminal.press(b"\r", b"  > ")
        terminal.press(b"d\r", b"  > ")
        terminal.press(b"g\r", b"lists) > ")
        terminal.screen(b"1\r")
        terminal.press(b"\r", b"  > ")
        assert terminal.screen(b"B\r")[0].startswith("1/4")
        terminal.press(b"\r", b"  > ")
        seen = terminal.press(b"q\r", b"--from a_guess")
        assert b"tfx explain counting --details --from a_guess" in seen
        assert terminal.exit_code() == 0


def test_one_step_alone_stays_under_the_command_and_g_leads_into_the_walk(tmp_path):
    with walking(tmp_path, "counting", "--step", "the_words") as terminal:
        assert CLEAR not in terminal.press(b"", b"the seed 0.\r\n")
        assert terminal.exit_code() == 0
    with walking(tmp_path, "counting", "--step", "a_guess") as terminal:
        terminal.press(b"", b"  > ")
        terminal.press(b"g\r", b"lists) > ")
        assert terminal.screen(b"much\r")[-1] == BACK_80
        assert last_words(terminal) == "tfx explain counting --from much"
        assert terminal.exit_code() == 0


@pytest.mark.parametrize(
    "keys", [[b"\x04"], [b"g", b"\x04"], [b"s", b"\x04"], [b"\r", b"\x04"], [b"?", b"\x04", b"\x04"]]
)
def test_control_d_leaves_quietly_everywhere(tmp_path, keys):
    with walking(tmp_path, "counting") as terminal:
        terminal.screen(b"")
        for key in keys[:-1]:
            terminal.press(key, b"> " if key in b"gs\r" else b"back to the step " if key == b"?" else b"q leave ")
        shown = terminal.press(keys[-1], b"come back: ")
        assert b"Traceback" not in shown and b"tfx: " not in shown
        assert terminal.exit_code() == 0


@pytest.mark.parametrize("keys", [[], [b"g"], [b"s"], [b"\r"], [b"?"]])
def test_control_c_stops_everywhere(tmp_path, keys):
    with walking(tmp_path, "counting") as terminal:
        terminal.screen(b"")
        for key in keys:
            terminal.press(key, b"> " if key in b"gs\r" else b"back to the step ")
        terminal.interrupt()
        terminal.press(b"", b"  come back: tfx explain counting --from ")
        assert terminal.exit_code() == 130


@pytest.mark.parametrize("key", [b"g", b"s"])
@pytest.mark.parametrize("typed", [b"q\r", b" Q \r"])
def test_q_leaves_where_a_step_or_a_change_is_asked_for_too(tmp_path, key, typed):
    with walking(tmp_path, "counting", "--no-predict") as terminal:
        terminal.screen(b"")
        terminal.press(key, b"lists) > ")
        left = terminal.press(typed, b"--from the_words").split(b"\n")
        assert b"  come back: tfx explain counting --no-predict --from the_words" in [
            line.strip(b"\r") for line in left
        ]
        assert not any(b"change is" in line or b"No step" in line for line in left)
        assert terminal.exit_code() == 0


def test_c_goes_to_the_code_from_any_screenful_and_what_was_jumped_over_is_not_seen(tmp_path):
    with walking(tmp_path, "counting", "--no-predict", "--from", "a_guess", rows=9) as terminal:
        assert "-- more: Enter" in terminal.screen(b"")[-1]
        short = terminal.screen(b"c")
        assert "    def softmax(x):" in short, "and not what stands at the top of the step"
        assert terminal.screen(b"b")[0].startswith("2/4  A guess")
        shown = terminal.screen(b"c")
        while "-- more" in shown[-1]:
            shown = terminal.screen(b"\r")
        assert last_words(terminal) == "tfx explain counting --no-predict --from a_guess"
        assert terminal.exit_code() == 0
    assert seen_steps(tmp_path) == []
    with walking(tmp_path, "counting", "--no-predict", "--from", "a_guess", rows=9) as terminal:
        shown = terminal.screen(b"")
        while "-- more" in shown[-1]:
            shown = terminal.screen(b"\r")
        assert last_words(terminal) == "tfx explain counting --no-predict --from a_guess"
        assert terminal.exit_code() == 0
    assert seen_steps(tmp_path) == ["a_guess"]


def test_c_waits_for_a_question_and_says_so(tmp_path):
    with walking(tmp_path, "counting", "--from", "a_guess", rows=30) as terminal:
        terminal.press(b"", b"  > ")
        asked = terminal.screen(b"c\r", b"  > ")
        assert asked[2] == "  The code stands below, behind the question."
        assert "    def softmax(x):" in terminal.screen(b"\r")
        assert last_words(terminal) == "tfx explain counting --from a_guess"
        assert terminal.exit_code() == 0


def seen_steps(home) -> list[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TFX_HOME", str(home))
        with open_to_read() as state:
            return [one.step for one in state.seen()]


def test_a_byte_that_is_no_text_is_no_crash(tmp_path):
    with walking(tmp_path, "counting", "--from", "a_guess") as terminal:
        terminal.press(b"", b"  > ")
        assert "  Please answer with a number" in "".join(terminal.screen(b"\xff\xfe\r", b"answer.\r\n"))
        terminal.press(b"g\r", b"lists) > ")
        terminal.press(b"\xff\r", b"lists) > ")
        terminal.press(b"\x04", LEFT)
        assert terminal.exit_code() == 0


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"PYTHONIOENCODING": "ascii"}])
def test_narrow_plain_terminals_show_every_key_within_their_width(tmp_path, variables):
    with walking(tmp_path, "counting", "--no-predict", "--from", "much", columns=40, **variables) as terminal:
        lines = terminal.screen(b"")
        assert lines[-1] == "  Enter next b g s c d ? keys q leave " and len(lines[-1]) < 40
        assert lines[-5:-2] == ["3/4  Only when there is much", "", "  There are 4."]
        if "PYTHONIOENCODING" not in variables:
            assert b"\x1b" not in terminal.press(b"d", b"q leave ")
        keys = terminal.screen(b"?", b"back to the step ")
        assert max(map(len, keys)) <= 40 and len(keys) <= 24
        terminal.press(b"\r", b"q leave ")
        terminal.press(b"g", b"lists) > ")
        listed = terminal.screen(b"?\r", b"lists) > ")
        assert max(map(len, listed)) <= 40
        terminal.press(b"\r", b"q leave ")
        terminal.press(b"s", b"lists) > ")
        listed = terminal.screen(b"?\r", b"lists) > ")
        assert max(map(len, listed)) <= 40
        terminal.press(b"\x04", LEFT)
        assert terminal.exit_code() == 0
