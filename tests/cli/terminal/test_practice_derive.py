"""A derivation on a real pseudo-terminal: a slip, a hint, a pass, leave, and again."""

from __future__ import annotations

import sys

import pytest

from tests.cli.pseudo_terminal import COLOR, Terminal, command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

ASKED = b"\n> "


def test_a_session_from_the_first_slip_to_a_pass_and_back(tmp_path):
    with Terminal(tmp_path, command("practice derive softmax"), **COLOR) as terminal:
        first = terminal.press(b"", ASKED).decode()
        assert first.startswith("Backward through softmax (softmax)\r\n")
        assert first.endswith(
            "\r\nType dS = formula, or a helper first: * is entry by entry, @ of matrices.\r\n"
            "Or: ? (all signs), hint, show, quit\r\n> "
        )
        wrong = terminal.press(b"dS = P*(1 - P)*dP\n", ASKED).decode()
        assert "This slip has a name: the cross terms are missing.\r\n" in wrong
        assert "hint 1 of 3: Move one score" in terminal.press(b"hint\n", ASKED).decode()
        typo = terminal.press("c = sum(dP\u00b7P\n".encode(), ASKED).decode()
        assert "\r\n  c = sum(dP\u00b7P\r\n              ^\r\nCannot be read: the ( at place 8" in typo
        again = terminal.press(b"\x1b[A)\n", ASKED).decode()
        assert "c is a helper: (N, 1).\r\n" in again, "the arrow key brings the last line back"
        terminal.press(b"quit\n", b"go on   tfx practice derive softmax")
        assert terminal.exit_code() == 0
    with Terminal(tmp_path, command("practice derive softmax"), **COLOR) as terminal:
        assert "kept from before\r\n  c = sum(dP\u00b7P)\r\n" in terminal.press(b"", ASKED).decode()
        passed = terminal.press(b"dS = P*(dP - c)\n", ASKED).decode()
        assert "dS holds: the gradient of the loss for S.\r\nAll of it holds: " in passed
        terminal.press(b"\x04", b"go on   tfx practice derive softmax-jacobian")
        assert terminal.exit_code() == 0


def test_a_screen_of_40_columns_without_colour_fits_and_has_no_escape_sequence(tmp_path):
    with Terminal(tmp_path, command("practice derive softmax"), columns=40, TERM="dumb") as terminal:
        seen = terminal.press(b"", ASKED) + terminal.press(b"dS = dP*P\n", ASKED) + terminal.press(b"?\n", ASKED)
        assert b"\x1b" not in seen
        lines = seen.decode().replace("\r", "").split("\n")
        assert all(len(line) <= 40 or "tfx" in line for line in lines), lines
        terminal.interrupt()
        assert terminal.exit_code() == 0
