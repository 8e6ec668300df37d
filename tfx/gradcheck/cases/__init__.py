"""The cases.  Those of tfx/ops/basics/softmax.py stand in cases/ops/basics/softmax.py, and so on for all of tfx: a file
with

    CASES      for each backward and layer of that module, the inputs that put it to the test

that is found by itself.  Files without it hold what their neighbours share.
"""

from __future__ import annotations

from tfx.gradcheck.case import Case
from tfx.gradcheck.discovery import found_in

#: Operations first, then other ways to attend, layers (nn.), what tunes them (tuning.), and whole models (models.).
ROOMS = ("ops", "efficient", "nn", "tuning", "models")


def __getattr__(name: str) -> tuple[Case, ...]:
    """CASES imports the whole library, so it is made when it is asked for: a case alone imports what it tests."""
    if name == "CASES":
        return found_in(__name__, ROOMS, "CASES")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
