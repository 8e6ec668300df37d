"""Cases of tfx/nn/rms_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case
from tfx.gradcheck.cases.nn.normalisation import norm_layer
from tfx.nn.rms_norm import RMSNorm

CASES: tuple[Case, ...] = (Case(RMSNorm, "random gain", partial(norm_layer, make=RMSNorm)),)
