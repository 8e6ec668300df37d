"""Watch mode on a real pseudo-terminal: save, verdict, hint, pass, next, quit, and again."""

from __future__ import annotations

import os
import signal
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
        assert first[2].startswith("tfx-practice/softmax.py was made for you, in")
        assert first[-1] == "  h hint   s skip   l list   x anew   q quit "
        assert first[-2].endswith(f"{before}/{len(exercises())}   tfx-practice/softmax.py")
        save(NAIVE)
        wrong = terminal.screen(b"", KEYS)
        assert wrong[2].startswith("Not yet (not finite): p[0, 0] is nan")
        assert "This mistake has a name: the maximum is not subtracted first." in wrong
        assert "n next" not in wrong[-1]
        hinted = terminal.screen(b"h", KEYS)
        assert any(line.startswith("hint 1 of 3: Along which axis") for line in hinted)
        Path("tfx-practice/rope.py").write_text("of another exercise", encoding="utf-8")
        listed = terminal.screen(b"nl", KEYS)
        assert [line.split()[:3] for line in listed if line.startswith(">")] == [[">", "pending", "softmax"]]
        save(right())
        checked = terminal.press(b"", KEYS)
        assert checked.count(b"Checking softmax ...") == 1 and b"\x1b]8;;file:///" in checked
        passed = terminal.screen(b"h", KEYS)
        assert passed[2].startswith("Right: the largest score cancels")
        assert passed[-1] == "  n next   a answer   l list   x anew   q quit "
        assert passed[-2].endswith(f"{before + 1}/{len(exercises())}   tfx-practice/softmax.py")
        assert terminal.screen(b"n", KEYS)[0] == f"{following.title} ({following.name})"
        terminal.press(b"q", b"go on   tfx practice")
        assert terminal.exit_code() == 0
    assert Path(f"tfx-practice/{following.name}.py").exists()
    with Terminal(folder, command("practice"), **COLOR) as terminal:
        again = terminal.screen(b"", KEYS)
        assert again[0] == f"{following.title} ({following.name})"
        assert again[2] == f"Not yet (stub): {following.function_name} is still empty: nothing is returned."
        terminal.press(b"\x03", b"go on   tfx practice")
        assert terminal.exit_code() == 0


def test_several_saves_are_one_run_and_keys_that_are_pressed_meanwhile_count_for_nothing(folder):
    slow = "import time\n\ndef softmax(x, axis=-1):\n    time.sleep(0.05)\n    return x\n"
    with Terminal(folder, command("practice softmax"), **COLOR) as terminal:
        terminal.screen(b"", KEYS)
        for text in ("import", "import os", slow):
            save(text)
        seen = terminal.press(b"", b"Checking softmax ...")
        seen += terminal.press(b"qlx", KEYS)
        assert seen.count(b"Checking softmax ...") == 1 and b"Not yet (" in seen
        assert terminal.screen(b"h", KEYS)[-1].endswith("q quit ")
        terminal.press(b"q", b"go on   tfx practice")
        assert terminal.exit_code() == 0


def test_the_list_takes_up_any_exercise_and_that_one_is_gone_on_with(folder):
    with Terminal(folder, command("practice"), columns=80, **COLOR) as terminal:
        terminal.screen(b"", KEYS)
        terminal.screen(b"l", KEYS)
        terminal.press(b"/", b"Esc all ")
        for key in (b"r", b"o", b"p", b"e"):
            terminal.press(key, b"Esc all ")
        assert any(line.startswith("> new      rope ") for line in terminal.screen(b"\n", KEYS))
        assert terminal.screen(b"\n", KEYS)[0] == "Rotary positions (RoPE) (rope)"
        terminal.resize(12)
        assert terminal.screen(b"", KEYS)[0] == "Rotary positions (RoPE) (rope)"
        terminal.press(b"q", b"go on   tfx practice")
        assert terminal.exit_code() == 0
    with Terminal(folder, command("practice"), **COLOR) as terminal:
        assert terminal.screen(b"", KEYS)[0] == "Rotary positions (RoPE) (rope)"
        terminal.interrupt(signal.SIGTERM)
        terminal.exit_code()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_gets_a_sentence_and_the_terminal_back(folder):
    (folder / "tfx-practice").mkdir(mode=0o500)
    with Terminal(folder, command("practice"), **COLOR) as terminal:
        assert b'tfx: cannot write "tfx-practice/' in terminal.press(b"", b"Choose another path.")
        assert terminal.exit_code() == 2


def test_a_file_in_the_place_of_the_folder_gets_a_sentence_and_the_terminal_back(folder):
    (folder / "tfx-practice").write_text("mine", encoding="utf-8")
    with Terminal(folder, command("practice"), **COLOR) as terminal:
        assert b'tfx: cannot write "tfx-practice' in terminal.press(b"", b"Choose another path.")
        assert terminal.exit_code() == 3


def test_a_screen_of_40_columns_without_colour_fits(folder):
    with Terminal(folder, command("practice"), columns=40, TERM="dumb") as terminal:
        seen = terminal.press(b"", KEYS)
        Path("tfx-practice/softmax.py").write_text("def softmax(x, axis=-1):\n    print(1)\n    return 7\n")
        seen += terminal.press(b"", KEYS) + terminal.press(b"h", KEYS) + terminal.press(b"l", KEYS)
        assert b"\x1b" not in seen and b"Not yet (" in seen and b"hint 1 of 3:" in seen
        lines = seen.decode().replace("\r", "").split("\n")
        assert all(len(line) <= 40 or str(folder) in line for line in lines), lines
        terminal.press(b"q", b"go on   tfx practice")
        assert terminal.exit_code() == 0


def test_in_pytorch_the_same_is_watched_in_a_folder_of_its_own(folder):
    pytest.importorskip("torch")
    with Terminal(folder, command("practice softmax --framework torch"), **COLOR) as terminal:
        first = terminal.screen(b"", KEYS)
        assert first[2].startswith("tfx-practice/torch/softmax.py was made for you, in")
        Path("tfx-practice/torch/softmax.py").write_text(CUT, encoding="utf-8")
        wrong = " ".join(terminal.screen(b"", KEYS)[2:])
        assert wrong.startswith("Not yet (gradient): the numbers are right, and no graph hangs on p")
        Path("tfx-practice/torch/softmax.py").write_text(CUT.replace(".detach()", ""), encoding="utf-8")
        passed = terminal.screen(b"", KEYS)
        assert passed[2].startswith("Right: ") and "n next" in passed[-1]
        terminal.press(b"q", b"go on   tfx practice --framework torch")
        assert terminal.exit_code() == 0
