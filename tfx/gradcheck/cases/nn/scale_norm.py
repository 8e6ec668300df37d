"""Cases of tfx/nn/scale_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case
from tfx.gradcheck.cases.nn.normalisation import norm_layer
from tfx.nn.scale_norm import ScaleNorm

CASES: tuple[Case, ...] = (Case(ScaleNorm, "random length", partial(norm_layer, make=ScaleNorm)),)
