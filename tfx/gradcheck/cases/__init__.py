"""The cases.  Those of tfx/ops/basics/softmax.py stand in cases/ops/basics/softmax.py, and so on for all of tfx: a file
with

    CASES      for each backward and layer of that module, the inputs that put it to the test

that is found by itself.  Files without it hold what their neighbours share.
"""

from __future__ import annotations

from tfx.gradcheck.case import Case
from tfx.gradcheck.discovery import modules_in

ROOMS = ("ops", "efficient", "nn", "tuning", "models")
#: Operations first, wherever they stand, then layers (nn.), what tunes them (tuning.), and whole models (models.).
_KINDS = ("", "nn", "tuning", "models")


def __getattr__(name: str) -> tuple[Case, ...]:
    """CASES imports the whole library, so it is made when it is asked for: a case alone imports what it tests."""
    if name == "CASES":
        found = [case for module in modules_in(__name__, ROOMS) for case in getattr(module, "CASES", ())]
        return tuple(sorted(found, key=lambda case: _KINDS.index(case.op.rpartition(".")[0])))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
