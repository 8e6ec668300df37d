"""Is tfx itself whole: versions, who owns its names, the lessons and the shipped models."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tfx.errors import TfxError
from tfx_cli.diagnosis.finding import Finding

LIBRARIES = ("numpy", "typer", "rich", "matplotlib", "plotille", "platformdirs", "fsrs")


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
    """The lessons are there and the course file can be read."""
    from tfx_cli.find_lessons import ensure_lessons

    try:
        ensure_lessons()
    except TfxError as error:
        yield Finding("course", "lessons", error.message, "problem", error.hint)
        return
    import lessons

    yield Finding("course", "lessons", str(Path(lessons.__file__ or ".").parent))


def models() -> Iterator[Finding]:
    """The trained models that explain uses: there, and whole."""
    from tfx.shipped import load as shipped

    for name in shipped.NAMES:
        try:
            model = shipped.load(name).model
        except TfxError as error:
            again = "Install again, or in a checkout: make weights"
            yield Finding("models", name, error.message, "problem", again)
        else:
            yield Finding("models", name, f"{model.n_parameters} parameters")
