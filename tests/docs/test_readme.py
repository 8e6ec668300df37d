"""The README is run: every `$ tfx ...` of its console blocks, in an empty folder, against the lines it shows.

`...` stands for whatever the command prints there: within a line, or on a line of its own for any number of lines.
A block whose first line is ```console 2 shows commands that end with exit code 2.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.running import run

README = Path(__file__).resolve().parents[2] / "README.md"


class Example(NamedTuple):
    """A command of a console block, the exit code, and the output that the page shows (empty: none is shown)."""

    command: str
    code: int
    shown: str


def examples(page: str) -> list[Example]:
    """Every `$ tfx` command of the page with what is shown under it."""
    found = []
    for code, block in re.findall(r"^```console ?(\d*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            if command.split()[0] == "tfx":
                found.append(Example(command.strip(), int(code or 0), shown.strip("\n")))
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether the printed text is the shown one, with `...` as a wildcard and blanks at line ends ignored."""
    pieces = []
    for line in shown.splitlines():
        if line.strip() == "...":
            pieces.append(r"(?:.*\n)*?")
        else:
            pieces.append(".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"\n")
    text = "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"
    return re.fullmatch("".join(pieces), text) is not None


PAGE = README.read_text(encoding="utf-8")


@pytest.mark.parametrize("example", examples(PAGE), ids=lambda example: example.command)
def test_the_example_does_what_the_readme_shows(example, tmp_path):
    ran = run(*shlex.split(example.command)[1:], home=tmp_path)
    assert ran.code == example.code, ran
    if example.shown:
        printed = ran.out + ran.err
        assert matches(example.shown, printed), f"shown:\n{example.shown}\n\nprinted:\n{printed}"


def test_the_readme_shows_every_main_command():
    commands = {example.command.split()[1] for example in examples(PAGE) if " " in example.command}
    assert {"explain", "experiment", "quiz", "gradcheck", "train", "doctor"} <= commands


def test_the_readme_never_sends_anybody_to_the_other_tfx():
    assert not re.search(r"(pip|pipx|uv|uvx)\s[^\n`]*\btfx\b(?![-./])", PAGE), "that is TensorFlow Extended"


def test_the_page_is_plain_ascii():
    assert PAGE.isascii()


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a 1\nb 2", "a 1  \nb 2\n", True),
        ("a ...\nb 2", "a 17 s\nb 2\n", True),
        ("a\n...\nz", "a\nb\nc\nz\n", True),
        ("...\nz", "z\n", True),
        ("a\nz", "a\nb\nz\n", False),
        ("a 1", "a 2\n", False),
        ("a\n...\nz", "a\nb\n", False),
    ],
)
def test_a_wildcard_matches_what_it_should(shown, printed, same):
    assert matches(shown, printed) is same


def test_a_block_is_cut_into_its_commands():
    page = "```console 2\n$ make demo\n$ tfx nosuch\ntfx: no\n\n$ tfx other\n```\n"
    assert examples(page) == [Example("tfx nosuch", 2, "tfx: no"), Example("tfx other", 2, "")]
