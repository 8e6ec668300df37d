"""Seeded damage of an installation, one file at a time: doctor never says "well" when a command fails because of it.

In a copy of the checkout, where a damaged file breaks nobody's tests.  The whole campaign is marked slow.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.cli.damage import damaged, text_damage
from tests.cli.running import ROOT, environment
from tfx_cli.learner.answers import Answer
from tfx_cli.learner.state import open_to_write

#: another one: DOCTOR_SEED=7 pytest -m slow tests/cli/commands/test_doctor_damage.py
SEED = int(os.environ.get("DOCTOR_SEED", "20262"))

#: seconds of work that one installation may take
LONGEST = 120

#: In one process, doctor and, where all is well, the commands: how each ended, and what it said.
EXAMINE = """
import io, json, sys
sys.path.insert(0, sys.argv[1])
lines = json.loads(sys.argv[2])
real, sys.argv = sys.stdout, ["tfx"]
from tfx_cli.__main__ import main
ended = {}
for line in lines:
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()
    code = main(line.split())
    ended[line] = [code, (sys.stdout.getvalue() if line == "doctor --json" else "") + sys.stderr.getvalue()]
    if line == "doctor --json" and code:
        break
real.write(json.dumps(ended))
"""


class Place(NamedTuple):
    """A copy of the checkout, and a folder for the reader's data."""

    root: Path
    home: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    root, home = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("home")
    for part in ("tfx", "tfx_cli", "lessons"):
        shutil.copytree(ROOT / part, root / part)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TFX_HOME", str(home))
        with open_to_write() as state:
            for n in range(60):
                state.record_answer(Answer(f"softmax-attention/{n % 9}", n, "1", True, 1.0, 3, "", start, 2.0))
                start += timedelta(hours=1)
    return Place(root, home)


def examine(place: Place, home: Path, topic: str, **variables: str) -> dict[str, list]:
    quiz, experiment = f"quiz {topic} --count 99 --answers -", "experiment saturation --quick --json"
    lines = ["doctor --json", "", "explain", f"explain {topic} --plain", quiz, "quiz --stats", "generate --max-new 2",
             experiment, "systems rope"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", EXAMINE, str(place.root), json.dumps(lines)],
        cwd=place.root, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST)),
        env=environment(home, PYTHONDONTWRITEBYTECODE="1", PYTHONPATH="", **variables),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def untruth(ended: dict[str, list]) -> list[str]:
    """What is wrong: doctor breaks, or says "well" before a command that fails."""
    code, said = ended["doctor --json"]
    if code not in (0, 3) or "should not happen" in said or "Traceback" in said:
        return [f"doctor: {code} {said[-300:]}"]
    if code == 3:
        told = [one for one in json.loads(said)["findings"] if one["state"] == "problem"]
        vague = [one for one in told if one["name"] == "check" or not one["action"] or not one["value"]]
        return [f"doctor breaks itself: {one}" for one in vague]
    return [f"well, but tfx {line}: {code} {said[-300:]}" for line, (code, said) in ended.items()
            if code or " is damaged" in said or "was damaged" in said]  # fmt: skip


def other_array(data: bytes, draw: random.Random) -> bytes:
    """A file of weights that is whole, with one array of other numbers, another shape or another name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(sorted(entries))
    array = np.lib.format.read_array(io.BytesIO(entries.pop(name)))
    kind = draw.randrange(5)
    if kind == 0 and array.dtype.kind == "f":
        array.flat[draw.randrange(array.size)] = draw.choice([np.nan, np.inf, -np.inf])
    elif kind == 1:
        array = array.reshape(-1)[: max(array.size // 2, 1)]
    elif kind == 2:
        name = "x" + name
    elif kind == 3:
        array = array.astype(draw.choice(["int8", "float16", "complex128"]))
    if kind != 4:
        written = io.BytesIO()
        np.lib.format.write_array(written, array)
        entries[name] = written.getvalue()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return whole.getvalue()


def course_files() -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / "lessons").rglob("*.toml"))


def topic_files(name: str) -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / "lessons").rglob(name))


KINDS: dict[str, Callable[[random.Random], tuple[Path, Callable[[bytes, random.Random], bytes]]]] = {
    "course": lambda draw: (Path("lessons/course.toml"), text_damage),
    "quiz": lambda draw: (draw.choice(course_files()), text_damage),
    "lesson": lambda draw: (draw.choice(topic_files("lesson.py")), text_damage),
    "numbers": lambda draw: (draw.choice(topic_files("numbers.py")), text_damage),
    "systems": lambda draw: (Path(draw.choice(["tfx/systems/systems.toml", "tfx/systems/asked.toml"])), text_damage),
    "weights": lambda draw: (weights(draw), damaged),
    "arrays": lambda draw: (weights(draw), other_array),
}


def weights(draw: random.Random) -> Path:
    return Path("tfx/shipped/weights") / draw.choice(["language.npz", "plain.npz", "pointing.npz"])


def topic_of(path: Path) -> str:
    """The topic whose folder it is in, else one that reads everything."""
    from lessons.course import topics

    return next((topic.name for topic in topics() if str(path).startswith(f"lessons/{topic.folder}/")), "attention")


def file_damage(place: Place, draw: random.Random) -> list[str]:
    """Damages one file of the installation, looks, and mends it."""
    kind = draw.choice(sorted(KINDS))
    path, way = KINDS[kind](draw)
    target = place.root / path
    whole = target.read_bytes()
    how = draw.randrange(12)
    if how == 0:
        target.unlink()
    elif how == 1:
        target.unlink()
        target.symlink_to("nowhere")
    elif how == 2:
        target.unlink()
        target.mkdir()
    else:
        changed = way(whole, draw)
        if changed == whole:
            return []
        target.write_bytes(changed)
        os.utime(target, (draw.randrange(10**9), draw.randrange(10**9)))  # a compiled file must not stand in for it
    try:
        return [f"{path} ({kind}, {how}): {one}" for one in untruth(examine(place, place.home, topic_of(path)))]
    finally:
        if target.is_dir() and not target.is_symlink():
            target.rmdir()
        else:
            target.unlink(missing_ok=True)
        shutil.copy2(ROOT / path, target)


def home_damage(place: Place, draw: random.Random, folder: Path) -> list[str]:
    """Damages the reader's folder, or names an odd one, and looks."""
    home = folder / f"home-{draw.randrange(10**9)}"
    shutil.copytree(place.home, home)
    state, variables = home / "state.sqlite3", {}
    kind = draw.choice(["bytes", "bytes", "gone", "link", "folder", "journal", "lock", "trained", "unfinished", "name"])
    if kind == "bytes":
        state.write_bytes(damaged(state.read_bytes(), draw))
    elif kind in ("gone", "link", "folder"):
        state.unlink()
        if kind != "gone":
            state.symlink_to("nowhere") if kind == "link" else state.mkdir()
    elif kind == "journal":
        (home / "state.sqlite3-journal").write_bytes(draw.randbytes(2000))
    elif kind == "lock":
        (home / "repair.lock").mkdir()
        state.write_bytes(damaged(state.read_bytes(), draw))
    elif kind in ("trained", "unfinished"):
        shutil.rmtree(home / kind, ignore_errors=True)
        (home / kind).write_bytes(b"in the way")
    else:
        (home / "file").write_bytes(b"")
        (home / "loop").symlink_to(home / "loop")
        odd = ["~nobody-of-that-name", "$HOME", "", " ", f"{home}/file", f"{home}/file/x", f"{home}/loop", "/dev/null",
               "/proc/x", f"{home}/" + "x" * 300, f"{home}/\x01\u202e", "~"]  # fmt: skip
        variables = {"TFX_HOME": draw.choice(odd), "HOME": str(home)}
    found = untruth(examine(place, home, "softmax", **variables))
    return [f"home ({kind}, {variables}): {one}" for one in found]


def check_installations(place: Place, folder: Path, count: int) -> None:
    found = []
    for number in range(count):
        draw = random.Random(f"{SEED} {number}")
        wrong = home_damage(place, draw, folder) if number % 4 == 3 else file_damage(place, draw)
        found += [f"{number}: {one}" for one in wrong]
    assert not found, "\n".join(found)


def test_the_copy_is_well(place):
    ended = examine(place, place.home, "attention")
    assert not untruth(ended) and len(ended) == 9 and all(code == 0 for code, _ in ended.values()), ended


def test_a_few_damaged_installations(place, tmp_path):
    check_installations(place, tmp_path, 2)


@pytest.mark.slow
def test_two_hundred_damaged_installations(place, tmp_path):
    check_installations(place, tmp_path, 200)
