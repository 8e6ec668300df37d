"""A step counts when its end came on a terminal where somebody sits, at once, and in no other way."""

from __future__ import annotations

import sys

import pytest

from tests.cli.pseudo_terminal import COLOR, Terminal, command
from tests.cli.running import run
from tfx_cli.learner.progress import Progress, progress
from tfx_cli.learner.state import open_to_read

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def reached(tmp_path, monkeypatch):
    """How far each topic is, as another process sees it now."""
    monkeypatch.setenv("TFX_HOME", str(tmp_path))

    def read() -> dict[str, Progress]:
        with open_to_read() as state:
            return dict(progress(state))

    return read


def test_each_step_counts_as_soon_as_its_end_is_on_the_screen_and_the_last_makes_the_topic_done(tmp_path, reached):
    terminal = Terminal(tmp_path, command("explain rms-norm --no-predict"), rows=200, **COLOR)
    terminal.press(b"", b"q leave ")
    first = reached()["rms-norm"]
    assert first.seen == 1 and not first.done
    for count in range(2, first.steps + 1):
        assert not reached()["rms-norm"].done
        terminal.press(b"\r", b"q leave ")
        assert reached()["rms-norm"].seen == count
    assert reached()["rms-norm"] == Progress(first.steps, first.steps, done=True), "before it is left"
    terminal.press(b"b", b"q leave ")
    terminal.press(b"q", b"come back: ")
    assert terminal.exit_code() == 0
    assert reached()["rms-norm"].seen == first.steps, "what is seen twice counts once"


def test_a_tall_step_counts_when_its_last_screenful_is_shown(tmp_path, reached):
    terminal = Terminal(tmp_path, command("explain attention --step scores --no-predict"), rows=12, **COLOR)
    screen = terminal.screen(b"")
    assert "-- more: Enter" in screen[-1] and reached() == {}
    while "-- more: Enter" in screen[-1]:
        assert reached() == {}
        screen = terminal.screen(b"\r")
    assert reached()["attention-scaled-dot-product"].seen == 1
    terminal.press(b"q", b"come back: ")
    terminal.exit_code()


def test_one_step_by_name_counts_as_that_step_of_the_whole_walk(tmp_path, reached):
    terminal = Terminal(tmp_path, command("explain scaling-variance --step the_sum --no-predict"), rows=200, **COLOR)
    terminal.press(b"", b"what if")
    assert terminal.exit_code() == 0
    found = reached()["scaling-variance"]
    assert found.seen == 1 and found.steps > 3
    with open_to_read() as state:
        assert [(seen.topic, seen.step) for seen in state.seen()] == [("scaling-variance", "the_sum")]


@pytest.mark.parametrize("words", ["", "--json", "--plain", "--html page.html", "--lesson", "--plot a.png"])
def test_a_pipe_and_what_is_written_for_others_count_nothing(tmp_path, reached, words):
    assert run("explain", "rms-norm", *words.split(), home=tmp_path).code == 0
    assert reached() == {} and not (tmp_path / "state.sqlite3").exists()


@pytest.mark.parametrize("words", ["--plain", "--json", "--lesson"])
def test_nor_do_they_in_a_terminal(tmp_path, reached, words):
    terminal = Terminal(tmp_path, command(f"explain rms-norm --step 1 {words}"), rows=200, **COLOR)
    terminal.press(b"", b"rms_norm")
    if words == "--lesson":
        terminal.press(b"\r", b"")
    assert terminal.exit_code() == 0
    assert reached() == {}


@pytest.mark.parametrize("words", ["--html page.html", "--plot a.png"])
def test_nor_does_a_walk_that_saves_a_page_or_a_picture(tmp_path, reached, words):
    script = f"import os; os.chdir({str(tmp_path)!r}); " + command(f"explain rms-norm --no-predict {words}")
    terminal = Terminal(tmp_path, script, rows=200, **COLOR)
    terminal.press(b"", b"q leave ")
    terminal.press(b"q", b"saved: ")
    assert terminal.exit_code() == 0
    assert reached() == {}
