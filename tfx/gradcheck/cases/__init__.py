"""The cases, family by family.  A family is one module here with

    CASES      for each backward and layer of the family, the inputs that put it to the test
    CONTROLS   backwards with a known mistake, each a classic, which the checker has to fail (may be left out)

and is found by itself: adding a family means adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil

from tfx.gradcheck.case import Case, Control

_FAMILIES = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]

_FOUND = [case for family in _FAMILIES for case in getattr(family, "CASES", ())]
#: Operations first, then layers (nn.), what tunes them (tuning.), and whole models (models.).
_ROOMS = ("ops", "nn", "tuning", "models")
CASES: tuple[Case, ...] = tuple(
    sorted(_FOUND, key=lambda case: _ROOMS.index(case.op.split(".")[0] if "." in case.op else "ops"))
)
CONTROLS: tuple[Control, ...] = tuple(control for family in _FAMILIES for control in getattr(family, "CONTROLS", ()))
