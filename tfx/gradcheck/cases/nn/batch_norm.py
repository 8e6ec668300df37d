"""Cases of tfx/nn/batch_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case
from tfx.gradcheck.cases.nn.normalisation import batch_norm_layer
from tfx.nn.batch_norm import BatchNorm

CASES: tuple[Case, ...] = (
    Case(BatchNorm, "training, padding", partial(batch_norm_layer, make=BatchNorm, training=True)),
    Case(BatchNorm, "evaluation", partial(batch_norm_layer, make=BatchNorm, training=False)),
)
