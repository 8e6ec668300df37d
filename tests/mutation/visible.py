"""Does a reader see the mistake?  What commands print with it, beside what they print without it.

A mutant that no test notices and that changes nothing here is set apart from the survivors: it may be equivalent.
Clocks tick evenly (tests/screens/running.py); lines that differ from run to run all the same are left out.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from tests.mutation.reach import users_of

#: Printed between what two commands said; and the stdin of a command stands behind this.
BETWEEN, STDIN = "\x1e", " << "


def commands_for(room: str, path: Path) -> list[str]:
    """Every topic at two seeds, every listing, some experiments (the recorded screens have seen them all); for a file
    that only some topics and experiments use, all of those."""
    from lessons.course import topics as all_topics
    from tfx.bench import benchmarks

    users = users_of(room, path)
    found = []
    for topic in users.topics:
        found += [f"explain {topic} --seed {seed}{face}" for seed in (0, 7) for face in ("", " --json")]
        found += [f"explain {topic} --set help", f"explain {topic} --details --code", f"explain {topic} --plain"]
        answers = "\\n".join("1234512345")
        found += [f"quiz {topic} --seed {seed} --answers - --json{STDIN}{answers}" for seed in (0, 7)]
        found += [f"quiz {topic} --sheet 20 --key --seed 3"]
    if room == "lessons":
        return found
    listings = ["", "explain", "experiment", "bench", "quiz --stats", "systems", "gradcheck softmax", "doctor"]
    helps = [
        "--help",
        *(
            f"{word} --help"
            for word in ["explain", "experiment", "quiz", "export", "train", "generate", "bench", "systems"]
        ),
    ]
    wrong = ["explain sofmax", "experiment scalling", "explain softmax --set x=1", "quiz nothing", "explian"]
    some = users.experiments if room in ("lab", "measure", "bench") else users.experiments[::10]
    measured = [f"experiment {name} --quick{face}" for name in some for face in ("", " --json", " --set help")]
    if room == "lab":
        return [*measured, "experiment", *found]
    measured += [f"bench {name} --set help" for name in benchmarks() if name != "ladder"]
    if room == "bench":
        measured += [f"bench {name} --quick" for name in benchmarks() if name != "ladder"]
        measured += ["bench ladder softmax --quick"]
    if room in ("measure", "bench"):
        return [*measured, "experiment", "bench", *found]
    topics = [topic.name for topic in all_topics()]
    narrow = [f"explain {topic} @40" for topic in topics[:3]] + ["explain @40", "experiment scaling --quick @40"]
    return [*listings, *helps, *wrong, *narrow, *found, *measured]


def outputs(commands: Iterable[str]) -> Iterator[str]:
    """What each prints, errors and exit code too, in an empty folder and with a reader who is new here."""
    from tests.screens.even_clocks import even_clocks
    from tfx_cli.__main__ import main

    for command in commands:
        words, _, typed = command.partition(STDIN)
        words, narrow, width = words.partition(" @")
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with tempfile.TemporaryDirectory() as home:
            names = {"TFX_HOME": home, "COLUMNS": width if narrow else "100", "TERM": "dumb"}
            given = io.StringIO(typed.encode().decode("unicode_escape"))
            here = os.getcwd()
            with mock.patch.dict(os.environ, names), mock.patch("sys.stdin", given), even_clocks():
                os.chdir(home)
                try:
                    with redirect_stdout(out), redirect_stderr(out):
                        code: Any = main(shlex.split(words))
                except BaseException as error:
                    code = f"{type(error).__name__}: {error}"
                finally:
                    os.chdir(here)
            out.flush()
            yield f"{out.buffer.getvalue().decode('utf-8', 'replace')}\n{code}".replace(home, "HOME")


def all_outputs(commands: Iterable[str]) -> str:
    return BETWEEN.join(outputs(commands))


class Seen:
    """What the commands print in the copy as it is, from two runs."""

    def __init__(self, commands: list[str], once: str, again: str) -> None:
        self.commands = commands
        self.right, other = once.split(BETWEEN), again.split(BETWEEN)
        assert len(self.right) == len(other) == len(commands), "a command ended the process"
        self.steady = [
            [here == there for here, there in zip(*map(comparable, pair), strict=False)]
            if len(comparable(pair[0])) == len(comparable(pair[1]))
            else None
            for pair in zip(self.right, other, strict=True)
        ]

    def first_difference(self, printed: str) -> str:
        """The first command that prints something else, or ""."""
        found = printed.split(BETWEEN)
        if len(found) != len(self.commands):
            return f"the process ended after {len(found)} commands"
        for command, right, have, steady in zip(self.commands, self.right, found, self.steady, strict=True):
            if steady is None:
                continue
            lines, others = comparable(right), comparable(have)
            if len(lines) != len(others):
                return command or "tfx"
            if any(same and a != b for same, a, b in zip(steady, lines, others, strict=True)):
                return command or "tfx"
        return ""


def comparable(text: str) -> list[str]:
    """Lines; JSON in one line is cut at its commas.  Seconds that every page ends with go."""
    text = re.sub(r'"elapsed_s": [^,}]+', '"elapsed_s": 0', text)
    return [piece for line in text.splitlines() for piece in (line.split(", ") if len(line) > 400 else [line])]
