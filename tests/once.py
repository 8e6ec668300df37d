"""Work that many tests look at, done once in a run of the tests.

The processes of one run share its results in a folder of that run (tests/conftest.py); where there is none, each does
the work itself.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


def once(name: str, work: Callable[[], Result]) -> Result:
    """What `work` returns, or what it returned to another process under this name."""
    shared = os.environ.get("TFX_TESTS_SHARE")
    if not shared:
        return work()
    kept = Path(shared) / f"{name}.pickle"
    if kept.exists():
        found: Result = pickle.loads(kept.read_bytes())
        return found
    result = work()
    kept.parent.mkdir(exist_ok=True)
    written = kept.with_suffix(f".{os.getpid()}")
    written.write_bytes(pickle.dumps(result))
    written.replace(kept)
    return result
