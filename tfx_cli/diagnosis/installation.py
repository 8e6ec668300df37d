"""Is tfx itself whole: versions, who owns its names, the lessons and the shipped models."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx.errors import EnvironmentProblem, TfxError
from tfx_cli.diagnosis.finding import Finding

if TYPE_CHECKING:
    from lessons.course import Topic

LIBRARIES = ("numpy", "typer", "rich", "matplotlib", "plotille", "platformdirs", "fsrs")
#: In a checkout nobody knows whether a lesson is as it was.  All are read; so many are run, those changed last first: a
#: file that was damaged has been written since, and running the whole course would take a minute.
MOST_RUN = 4


def versions() -> Iterator[Finding]:
    """Python, tfx and the libraries it needs."""
    import tfx

    yield Finding("versions", "tfx", f"{tfx.__version__} in {Path(tfx.__file__).resolve().parent}")
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("versions", "python", python)
    for name in LIBRARIES:
        try:
            yield Finding("versions", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("versions", name, "missing", "problem", f"{sys.executable} -m pip install {name}")


def ownership() -> Iterator[Finding]:
    """Who else claims the names `tfx`: TensorFlow Extended has the same import package and the same command."""
    owners = sorted(set(importlib.metadata.packages_distributions().get("tfx", [])) | {"tfx-learn"})
    strangers = [owner for owner in owners if owner.lower().replace("_", "-") != "tfx-learn"]
    if strangers:
        yield Finding(
            "ownership", "import tfx", f"also owned by: {', '.join(strangers)}", "problem",
            "Two distributions overwrite each other's files here; give tfx-learn an environment of its own.",
        )  # fmt: skip
    else:
        yield Finding("ownership", "import tfx", "tfx-learn alone")
    command = shutil.which("tfx")
    here = Path(sys.executable).parent
    if command is None:
        value, action = "not on PATH", f"Type {here / 'tfx'}, or activate the environment."
        yield Finding("ownership", "command tfx", value, "note", action)
    elif Path(command).parent.resolve() != here.resolve():
        action = f"That one belongs to another environment; this one is {here / 'tfx'}"
        yield Finding("ownership", "command tfx", command, "note", action)
    else:
        yield Finding("ownership", "command tfx", command)


def course() -> Iterator[Finding]:
    """The lessons are there, and all that the commands read of them: every topic's lesson, questions and numbers."""
    from tfx_cli.find_lessons import ensure_lessons

    again = "Install tfx again, or in a checkout: git status lessons"
    try:
        ensure_lessons()
        import lessons
        from lessons.course import topics
        from lessons.decks import DECKS

        found = topics()
    except TfxError as error:
        yield Finding("course", "lessons", error.message, "problem", error.hint or again)
        return
    except Exception as error:
        yield Finding("course", "lessons", f"{type(error).__name__}: {error}", "problem", again)
        return
    run = [] if installed_files() else sorted(found, key=last_change, reverse=True)[:MOST_RUN]
    told = f"; the {len(run)} changed last were run" if run else ""
    yield Finding("course", "lessons", f"{len(found)} topics in {Path(lessons.__file__ or '.').parent}{told}")
    for topic in (*found, *DECKS):
        try:
            read_topic(topic, topic in run, is_deck=topic in DECKS)
        except Exception as error:
            what = error.message if isinstance(error, TfxError) else f"{type(error).__name__}: {error}"
            yield Finding("course", topic.name, what, "problem", again)


def last_change(topic: Topic) -> float:
    """When a file of the topic was written, in seconds."""
    return max((path.stat().st_mtime for path in topic.path.iterdir() if path.is_file()), default=0.0)


def read_topic(topic: Topic, runs: bool, is_deck: bool = False) -> None:
    """Reads the lesson, which a deck has not, and asks every question once.  Raises whatever is wrong with them.

    runs: every step, too."""
    from lessons.course import lesson_of
    from lessons.grading import ask
    from lessons.quiz import topic_items
    from lessons.quiz_ids import item_ids

    settings = None if is_deck else lesson_of(topic).settings()
    if runs:
        run_steps(topic, settings)
    items = topic_items(topic)
    if not items:
        raise EnvironmentProblem(f"{topic.path / 'quiz.toml'}: no question can be read")
    for item in items:
        ask(item, 0)
    if set(item_ids(topic)) != {item.id for item in items}:
        raise EnvironmentProblem(f"{topic.path / 'quiz.toml'}: an id does not stand in a line of its own")


def run_steps(topic: Topic, settings: Any) -> None:
    """Raises what a step raises, with its file and line, and EnvironmentProblem for a check that fails."""
    from lessons.course import BadCourseFile, place_of
    from lessons.request import Request
    from lessons.walk import walk

    name = "its first lines"
    try:
        steps = walk(topic, Request(None, 0, settings, False))
        for name, step in zip(steps.names, steps, strict=True):
            for check in step.checks:
                if not check.holds:
                    raise EnvironmentProblem(f"{topic.path / 'lesson.py'}: at {name} a check fails: {check.statement}")
    except TfxError:
        raise
    except Exception as error:
        place = place_of(error, topic.path / "lesson.py")
        raise BadCourseFile(f"{place}: at {name} {type(error).__name__}: {error}") from error


def systems() -> Iterator[Finding]:
    """The index of systems can be read."""
    from tfx import systems as index

    try:
        yield Finding("systems", "index", f"{len(index.systems())} systems")
    except TfxError as error:
        yield Finding("systems", "index", error.message, "problem", error.hint)


@cache
def installed_files() -> list[importlib.metadata.PackagePath]:
    """Those that run here and of which the installation knows the bytes; a checkout keeps no such list."""
    import tfx

    try:
        files = importlib.metadata.files("tfx-learn") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    runs = Path(tfx.__file__).resolve()
    if not any(file.name == runs.name and Path(str(file.locate())).resolve() == runs for file in files):
        return []  # another copy is imported, as after an editable installation
    return [file for file in files if file.hash is not None and file.suffix in (".py", ".toml", ".npz", ".txt")]


def unchanged() -> Iterator[Finding]:
    """Every file that was installed still has the bytes that it had."""
    kept = installed_files()
    wrong = [file for file in kept if not is_as_installed(file)]
    if wrong:
        what = f"{len(wrong)} of {len(kept)} are not as installed: {wrong[0]}"
        yield Finding("versions", "files", what, "problem", "Install the wheel of tfx-learn again.")
    elif kept:
        yield Finding("versions", "files", f"{len(kept)} as installed")


def is_as_installed(file: importlib.metadata.PackagePath) -> bool:
    """Whether the hash in the list of the installation is that of the file."""
    assert file.hash is not None
    try:
        digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()  # type: ignore[attr-defined]
    except (OSError, ValueError):
        return False
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value


def models() -> Iterator[Finding]:
    """The trained models that explain uses: there, and whole."""
    from tfx.shipped import load as shipped

    for name in shipped.NAMES:
        try:
            model = shipped.load(name).model
        except Exception as error:
            again = "Install again, or in a checkout: make weights"
            what = error.message if isinstance(error, TfxError) else f"{type(error).__name__}: {error}"
            yield Finding("models", name, what, "problem", again)
        else:
            yield Finding("models", name, f"{model.n_parameters} parameters")
