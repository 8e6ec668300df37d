"""What changes each verdict of the section on training, its first half: rates, batches, precision, optimizers."""

import functools

from tests.lab.breaking import instead
from tfx.optim import clip_by_norm
from tfx.schedule import constant, noam

PLACE = "tfx.claims.training_steps"

NO_CORRECTION = {"tfx.lab.training.warmup.Adam": lambda original: functools.partial(original, bias_correction=False)}
#: A network that copies as much however it is trained.
ALIKE = {f"{PLACE}.copied": instead(lambda *settings, **more: 0.95)}


def signal_of_a_sum(original):
    return lambda trial, batch: {**original(trial, batch), "signal": batch * original(trial, batch)["signal"]}


def added_up(loss, split):
    """The parts' gradients, without weights."""
    return lambda model, batch, rng: [loss(model, part, rng) for part in split(batch)]


def same_noise(original):
    return lambda trial, batch: {**original(trial, batch), "noise": original(trial, 16)["noise"]}


BREAKS = {
    "C219": {f"{PLACE}.inverse_square_root": instead(lambda step, warmup, factor: noam(step, 512, warmup))},
    "C220": {f"{PLACE}.noam": instead(lambda step, width, warmup: constant(step, 0.001))},
    "C221": ALIKE,
    "C222": NO_CORRECTION,
    "C224": {f"{PLACE}.warmup_cosine": lambda original: lambda step, peak, *rest: original(step, peak, *rest) ** 2},
    "C229": {f"{PLACE}.noise": signal_of_a_sum},
    "C230": {f"{PLACE}.noise": same_noise},
    "C231": {"tfx.lab.training.accumulation.accumulated": instead(added_up)},
    "C232": {
        "tfx.lab.training.label_smoothing.trained": lambda o: lambda settings, share, seed: o(settings, 0.0, seed)
    },
    "C234": {f"{PLACE}.clip_by_value": instead(clip_by_norm)},
}
