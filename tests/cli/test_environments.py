"""Every command runs in every kind of terminal, and `--json` stays one valid document in all of them.

One process per environment runs all the commands: its streams get the encoding that the environment asks for, which
is what a reader's terminal would get, and NumPy is imported once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import environment

#: what a reader types, and the exit code
COMMANDS: dict[str, int] = {
    "": 0,
    "-h": 0,
    "--version": 0,
    "explain": 0,
    "explain -h": 0,
    "explain attention": 0,
    "explain attention --plain": 0,
    "explain scaling-variance --step 2 --code": 0,
    "experiment": 0,
    "experiment saturation --quick": 0,
    "experiment masking --quick --plain": 0,
    "quiz --stats": 0,
    "quiz -h": 0,
    "export markdown softmax-jacobian --force": 0,
    "generate --max-new 3": 0,
    "generate --beams 2 --max-new 3 --plain": 0,
    "gradcheck softmax": 0,
    "gradcheck softmax --plain": 0,
    "train -h": 0,
    "train copy --steps 2": 1,
    "doctor": 0,
    "doctor --plain": 0,
    "experiment scalling": 2,
    "explain --seed x": 2,
}

#: commands with one JSON document on stdout
DOCUMENTS: dict[str, int] = {
    "explain --json": 0,
    "explain attention --json": 0,
    "experiment --json": 0,
    "experiment scaling --quick --json": 0,
    "experiment saturation --quick --json": 0,
    "experiment masking --quick --json": 0,
    "quiz --stats --json": 0,
    "generate --max-new 3 --json": 0,
    "gradcheck softmax --json": 0,
    "train copy --steps 2 --json": 1,
    "doctor --json": 0,
}

#: encoding, width and colour do not depend on each other, so one process tries one of each
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "ascii, dumb terminal": {"PYTHONIOENCODING": "ascii", "TERM": "dumb"},
    "cp1252, 40 columns": {"PYTHONIOENCODING": "cp1252", "COLUMNS": "40", "TERM": "xterm"},
    "C locale, no colour": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "NO_COLOR": "1",
        "TERM": "xterm-256color",
        "FORCE_COLOR": "1",
    },
    "forced colour": {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "20"},
}

#: runs each command line with fresh streams of this process's own encoding and reports how it ended
RUN_ALL = """
import io, json, sys
sys.argv[0] = "tfx"
from tfx_cli.__main__ import main
real, encoding = (sys.stdout, sys.stderr), sys.stdout.encoding
ended = {}
for line in json.loads(sys.argv[1]):
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), one.encoding, one.errors, newline="") for one in real)
    code = main(line.split())
    streams = []
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        streams.append(stream.buffer.getvalue().decode(encoding))
    ended[line] = [code, *streams]
sys.stdout, sys.stderr = real
sys.stdout.write(json.dumps({"encoding": encoding, "ended": ended}))
"""


def rarely(name: str) -> Any:
    """Only by `make test-all`: each costs eight seconds."""
    return pytest.param(name, marks=pytest.mark.slow)


def run_all(lines: dict[str, int], folder: Path, variables: dict[str, str]) -> dict[str, Any]:
    """Runs the command lines in one process; returns {"encoding": ..., "ended": {line: [code, out, err]}}."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(list(lines))],
        cwd=folder,
        env=environment(folder / "home", **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [name if name == "cp1252, 40 columns" else rarely(name) for name in ENVIRONMENTS])
def test_every_command_runs(name, tmp_path):
    variables = ENVIRONMENTS[name]
    told = run_all(COMMANDS, tmp_path, variables)
    if name == "C locale, no colour":
        assert told["encoding"].lower() != "utf-8"
    elif name != "forced colour":
        assert told["encoding"] == name.partition(",")[0]
    for line, expected in COMMANDS.items():
        code, out, err = told["ended"][line]
        assert code == expected, (line, code, out[-500:], err)
        assert "Traceback" not in out + err, (line, out, err)
        assert out.strip() or expected == 2, f"tfx {line} says nothing"
        if name != "forced colour":
            assert "\x1b" not in out + err, (line, out)


def test_forced_colour_does_colour(tmp_path):
    told = run_all({"experiment saturation --quick": 0}, tmp_path, ENVIRONMENTS["forced colour"])
    assert "\x1b[" in told["ended"]["experiment saturation --quick"][1]


@pytest.mark.parametrize("name", ["forced colour", rarely("ascii, dumb terminal")])
def test_json_is_one_ascii_document_without_escapes_or_nan(name, tmp_path):
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    told = run_all(DOCUMENTS, tmp_path, ENVIRONMENTS[name])
    for line, expected in DOCUMENTS.items():
        code, out, err = told["ended"][line]
        assert code == expected, (line, code, err)
        assert "\x1b" not in out and out.isascii(), line
        document = json.loads(out, parse_constant=refuse)
        assert document["schema_version"] == 1, line
    assert {path.name for path in tmp_path.iterdir()} <= {"home"}, "--json leaves nothing in the reader's folder"
