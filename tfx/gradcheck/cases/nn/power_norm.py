"""Cases of tfx/nn/power_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case
from tfx.gradcheck.cases.nn.normalisation import batch_norm_layer
from tfx.nn.power_norm import PowerNorm

CASES: tuple[Case, ...] = (
    Case(PowerNorm, "PN-V, padding", partial(batch_norm_layer, make=PowerNorm, training=True, batch_statistics=True)),
    Case(PowerNorm, "evaluation", partial(batch_norm_layer, make=PowerNorm, training=False)),
)
