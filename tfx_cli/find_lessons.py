"""Gives the lessons one import name, `lessons`, in a checkout and in an installed wheel.

A checkout keeps them beside the `tfx` folder; the wheel carries them inside it, as `tfx/_lessons`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import tfx
from tfx.errors import EnvironmentProblem


def ensure_lessons() -> None:
    """Makes `import lessons` work.  Raises EnvironmentProblem when the course files are missing."""
    if "lessons" in sys.modules:
        return
    package = Path(tfx.__file__).resolve().parent
    for folder in (package.parent / "lessons", package / "_lessons"):
        if (folder / "course.toml").is_file():
            spec = importlib.util.spec_from_file_location(
                "lessons", folder / "__init__.py", submodule_search_locations=[str(folder)]
            )
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules["lessons"] = module
            spec.loader.exec_module(module)
            return
    raise EnvironmentProblem(
        "the lessons are missing from this installation.", "Install its wheel again, or run from a checkout."
    )
