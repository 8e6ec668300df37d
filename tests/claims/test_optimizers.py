"""What changes each verdict about optimizers, and what is true of these measurements alone."""

import numpy as np
import pytest

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.optimizers import shrunk
from tfx.lab.training.optimizer_steps import rebuilt_error
from tfx.optim import Adam

PLACE, STEPS = "tfx.claims.optimizers", "tfx.lab.training.optimizer_steps"

BREAKS = {
    "C235": {f"{PLACE}.Linear": lambda original: lambda a, b, rng, dtype: original(a, b, rng, dtype="float32")},
    "C236": {"tfx.lab.training.loss_scaling.to_half": instead(lambda x: np.asarray(x, dtype="float32"))},
    "C237": {f"{STEPS}.AdamW": lambda _: lambda model, weight_decay, decays: Adam(model, l2=weight_decay)},
    "C239": {f"{STEPS}.Lion": lambda original: lambda model: original(model, beta1=0.0)},
    "C240": {f"{PLACE}.state_numbers": lambda original: lambda name: original("Adam")},
    "C241": {f"{PLACE}.kept_shapes": instead(lambda shape: {"squares": shape})},
}


def test_decay_alone_shrinks_by_the_rate():
    assert shrunk(Trial(0), True, 1.0) == pytest.approx(1 - (1 - 0.005 * 0.1) ** 400, rel=0.2)


def test_squares_of_one_row_are_rebuilt():
    assert rebuilt_error(np.arange(1.0, 6.0)[None, :]) < 1e-12
