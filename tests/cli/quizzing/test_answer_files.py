"""Files of answers as other systems write them, and what is no answer at all."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.running import LAUNCH, Ran, environment, one_sentence, run

ASK = ("quiz", "scaling-variance", "--count", "2", "--seed", "1", "--plain", "--answers")


def asked(data: bytes, tmp_path, stdin: bool = False) -> Ran:
    """One round on a fresh history."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (tmp_path / "a.txt").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *ASK, "-" if stdin else str(tmp_path / "a.txt")],
        cwd=tmp_path, env=environment(home), input=data if stdin else b"", capture_output=True, timeout=60,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("stdin", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_utf8_is_read_with_and_without_a_mark(encoding, line_break, stdin, tmp_path):
    ran = asked(line_break.join(["1", ""]).encode(encoding), tmp_path, stdin)
    assert ran.code in (0, 1) and "1 of 2 questions had no answer" in ran.err, ran


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_told(encoding, tmp_path):
    ran = asked("1\n2\n".encode(encoding), tmp_path)
    assert ran.code == 2 and "is not UTF-8 text but UTF-16, as PowerShell writes it.\n     Save it as UTF-8." in ran.err


def test_input_without_an_end_is_not_read_to_the_end(tmp_path):
    ran = run(*ASK, "/dev/zero", home=tmp_path)
    assert ran.code == 2 and '"/dev/zero" holds more than 1000000 bytes' in one_sentence(ran)
    ran = asked(b"1\n" * 600_000, tmp_path, stdin=True)
    assert ran.code == 2 and "stdin holds more than 1000000 bytes" in one_sentence(ran)


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_only_a_line_feed_begins_an_answer(character, tmp_path):
    ran = asked(f"1{character}2\n".encode(), tmp_path)
    assert "answers were left over" not in ran.err and ran.code == 2, ran
    assert character not in ran.err and "answer 1" in one_sentence(ran)


def test_deep_json_and_odd_json_are_one_sentence(tmp_path):
    for text in ('{"a":' * 100_000, '{"id": ' + "[" * 100_000, '{"id": 1}', '{"id": "x", "answer": {}}', "{", '{"id"}'):
        ran = asked(text.encode(), tmp_path)
        assert ran.code == 2 and one_sentence(ran).startswith("tfx: line 1 "), text[:20]


def test_what_a_file_says_commands_no_terminal(tmp_path):
    for text in ("\x1b]0;title\x07", json.dumps({"id": "\x1b[2J\u202e", "answer": "1"})):
        ran = asked(text.encode(), tmp_path)
        assert ran.code == 2 and "\x1b" not in ran.err and "\u202e" not in ran.err
