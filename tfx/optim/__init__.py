"""Optimisers over one flat parameter vector, and gradient clipping: one idea per file.

`optimizer.step(learning_rate)` reads `parameters.grad` and changes `parameters.value` in place.  All running averages
are vectors of the same length, so that a step is a handful of array operations however many tensors the model has.
"""

from tfx.optim.adafactor import Adafactor
from tfx.optim.adagrad import Adagrad
from tfx.optim.adam import Adam
from tfx.optim.adamw import AdamW, decays_everything, decays_matrices
from tfx.optim.clipping import clip_by_norm, clip_by_value, global_norm
from tfx.optim.grouped import (
    GroupedOptimizer,
    depth_of,
    gradual_unfreezing,
    layerwise_decay,
    product_of,
)
from tfx.optim.lion import Lion
from tfx.optim.mixed_precision import LossScale, MixedPrecision
from tfx.optim.optimizer import Optimizer
from tfx.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "GroupedOptimizer",
    "Lion",
    "LossScale",
    "MixedPrecision",
    "Optimizer",
    "clip_by_norm",
    "clip_by_value",
    "decays_everything",
    "decays_matrices",
    "depth_of",
    "global_norm",
    "gradual_unfreezing",
    "layerwise_decay",
    "product_of",
]
