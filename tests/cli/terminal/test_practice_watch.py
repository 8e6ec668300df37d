"""Watch mode on a real pseudo-terminal: save, verdict, hint, pass, next, quit, and again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lessons.practice.exercise import exercises
from tests.cli.commands.test_practice import NAIVE, right
from tests.cli.pseudo_terminal import COLOR, Terminal, command
from tests.lessons.practice.torch_answers import SOFTMAX
from tfx_cli.learner.state import open_to_write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

KEYS = b"q quit "

#: in PyTorch, right but for its gradient
CUT = SOFTMAX.replace("e = torch.exp(x - top)", "e = torch.exp(x - top).detach()")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(text: str) -> None:
    """As editors do that write beside the file and rename."""
    path = Path("tfx-practice/softmax.py")
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def passed_before_softmax(folder, monkeypatch) -> list[str]:
    """All exercises in front of softmax are passed -> softmax and what comes after it."""
    names = list(exercises())
    monkeypatch.setenv("TFX_HOME", str(folder))
    with open_to_write() as state:
        for name in names[: names.index("softmax")]:
            state.record_practice(name, "tried", "passed")
    return names[names.index("softmax") :]


def test_a_session_from_the_first_save_to_the_next_exercise(folder, monkeypatch):
    left = passed_before_softmax(folder, monkeypatch)
    before, following = len(exercises()) - len(left), exercises()[left[1]]
    with Terminal(folder, command("practice"), **COLOR) as terminal:
        first = terminal.screen(b"", KEYS)
        assert first[0] == "Softmax that cannot overflow (softmax)"
        assert first[2].startswith("tfx-practice/softmax.py was made for you.")
        assert first[-1] == "  h hint   s skip   l list   q quit "
        assert first[-2].endswith(f"{before}/{len(exercises())}   tfx-practice/softmax.py")
        save(NAIVE)
        wrong = terminal.screen(b"", KEYS)
        assert wrong[2].startswith("Not yet (not finite): p[0, 0] is nan")
        assert "This mistake has a name: the maximum is not subtracted first." in wrong
        assert "n next" not in wrong[-1]
        hinted = terminal.screen(b"h", KEYS)
        assert any(line.startswith("hint 1 of 3: Along which axis") for line in hinted)
        listed = terminal.screen(b"nl", KEYS)
        assert "pending after 1 try  softmax" in listed, "n does nothing before a pass"
        save(right())
        passed = terminal.screen(b"", KEYS)
        assert passed[2].startswith("Right: the largest score cancels")
        assert passed[-1] == "  h hint   n next   s skip   l list   q quit "
        assert passed[-2].endswith(f"{before + 1}/{len(exercises())}   tfx-practice/softmax.py")
        assert terminal.screen(b"n", KEYS)[0] == f"{following.title} ({following.name})"
        terminal.press(b"q", b"go on   tfx practice")
        assert terminal.exit_code() == 0
    assert Path(f"tfx-practice/{following.name}.py").exists()
    with Terminal(folder, command("practice"), **COLOR) as terminal:
        again = terminal.screen(b"", KEYS)
        assert again[0] == f"{following.title} ({following.name})"
        assert again[2] == f"Not yet (stub): {following.function_name} is still empty: nothing is returned."
        terminal.interrupt()
        assert terminal.exit_code() == 0


def test_a_screen_of_40_columns_without_colour_fits(folder):
    with Terminal(folder, command("practice"), columns=40, TERM="dumb") as terminal:
        seen = terminal.press(b"", KEYS)
        assert b"\x1b" not in seen
        lines = seen.decode().replace("\r", "").split("\n")
        assert all(len(line) <= 40 or "tfx-practice" in line for line in lines), lines
        terminal.press(b"q", b"go on   tfx practice")
        assert terminal.exit_code() == 0


def test_in_pytorch_the_same_is_watched_in_a_folder_of_its_own(folder):
    pytest.importorskip("torch")
    with Terminal(folder, command("practice --framework torch"), **COLOR) as terminal:
        first = terminal.screen(b"", KEYS)
        assert first[2].startswith("tfx-practice/torch/softmax.py was made for you.")
        Path("tfx-practice/torch/softmax.py").write_text(CUT, encoding="utf-8")
        wrong = " ".join(terminal.screen(b"", KEYS)[2:])
        assert wrong.startswith("Not yet (gradient): the numbers are right, and no graph hangs on p")
        Path("tfx-practice/torch/softmax.py").write_text(CUT.replace(".detach()", ""), encoding="utf-8")
        passed = terminal.screen(b"", KEYS)
        assert passed[2].startswith("Right: ") and "n next" in passed[-1]
        terminal.press(b"q", b"go on   tfx practice --framework torch")
        assert terminal.exit_code() == 0
