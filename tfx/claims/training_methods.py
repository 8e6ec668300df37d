"""Claims about what is done to training: dropout, skipped layers, initialisation, teacher forcing; and about what makes
it unstable."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.lab.training import batch_size, dropout, warmup
from tfx.lab.training.warmup import HALF_WAY, POST
from tfx.measure.estimates import distance_in_se, mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, exactly, within
from tfx.models import DecoderOnly
from tfx.nn.init import find_initialisation
from tfx.nn.stochastic_depth import LayerDropStack, StochasticDepth
from tfx.ops.basics.linear import linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.params import Layer

SECTION = "Training and optimisation"


@functools.lru_cache(maxsize=16)
def losses_of(trial: Trial, rate: float, ample: bool) -> tuple[float, float]:
    """Training and test loss of two networks of the experiment `dropout`, a mean."""
    settings = replace(dropout.Settings(), steps=200)
    found = np.mean([dropout.trained(settings, rate, ample, (trial.seed, n)) for n in range(2)], axis=0)
    return float(found[0]), float(found[1])


@claim(
    "C242", "Dropout regularises.", where="D0:1310 D1:572", verdict="holds when",
    why="the network would over-fit: then the loss on new data falls. With ample data it has nothing to give. It keeps "
    "the mean of a signal and makes it noisier.",
    experiment="dropout", paper="Srivastava et al. 2014",
)  # fmt: skip
def dropout_regularises(trial: Trial) -> Evidence:
    few = losses_of(trial, 0.0, False)[1] - losses_of(trial, 0.7, False)[1]
    yield supports(at_least("few", "what 0.7 takes off the test loss of 200 points, in nats", 0.3, few))
    ample = losses_of(trial, 0.0, True)[1] - losses_of(trial, 0.7, True)[1]
    yield contradicts(at_most("ample", "... with new points at every step, as a share of that", 0.25, ample / few))
    found = dropout.signal(20_000, 0.1, trial.generator(1))
    yield at_most(
        "mean", "mean of 1 behind dropout 0.1: off, in standard errors", 5, abs(found["mean"] - 1) / found["mean_se"]
    )
    yield within("variance", "its variance, of 1 before", 11 / 9, found["variance"], 5 * found["variance_se"])


class Doubling(Layer):
    """A block that doubles what it reads, to count who ran."""

    def forward(self, x: np.ndarray, mask: Any = None, rng: Any = None) -> tuple[np.ndarray, None]:
        return 2 * x, None


@claim(
    "C244", "DropPath and LayerDrop skip whole layers at random.", where="D0:1311 D1:707", verdict="holds",
    why="DropPath leaves a branch out for each sample and scales the others, so that the mean stays; LayerDrop leaves "
    "a block out for a whole batch and computes nothing.",
    experiment="", paper="Huang et al. 2016; Fan et al. 2020",
)  # fmt: skip
def skipped_layers(trial: Trial) -> Evidence:
    path = StochasticDepth(0.2)
    kept, _ = path.forward(np.ones((20_000, 1, 1)), trial.generator(1))
    mean, error = mean_with_error(kept)
    yield supports(
        at_most(
            "mean", "mean of a branch of 1 at rate 0.2: off, in standard errors", 5.0, distance_in_se(mean, 1.0, error)
        )
    )
    yield supports(within("skipped", "share of samples that skip it", 0.2, float((kept == 0).mean()), 0.02))
    stack, rng = LayerDropStack([Doubling() for _ in range(10)], 0.2), trial.generator(2)
    ran = [math.log2(float(stack.forward(np.ones(1), rng=rng)[0][0])) for _ in range(500)]
    yield supports(within("layers", "blocks of 10 that run under LayerDrop 0.2, mean", 8.0, float(np.mean(ran)), 0.3))


def spread_after(trial: Trial, init: Any, activation: str = "identity", depth: int = 30, width: int = 128) -> float:
    """log10 of the root mean square of a signal of 1 behind so many layers."""
    rng = trial.generator(3)
    x = rng.standard_normal((32, width))
    for _ in range(depth):
        x, _ = linear_forward(x, find_initialisation(init)(rng, width, width, "float64"))
        x, _ = ACTIVATIONS[activation][0](x)
    return math.log10(float(np.sqrt((x * x).mean())))


def normal_of(std: float) -> Callable[..., np.ndarray]:
    return lambda rng, rows, columns, dtype: std * rng.standard_normal((rows, columns))


@claim(
    "C245", "Xavier initialisation keeps signals from vanishing or exploding.", where="D0:1350 D0:1351",
    verdict="holds when",
    why="the layers are about linear, tanh included, which loses slowly. A ReLU halves the mean square each time; He's "
    "initialisation makes up for that.",
    paper="Glorot and Bengio 2010, section 4.2; He et al. 2015, section 2.2",
)  # fmt: skip
def xavier(trial: Trial) -> Evidence:
    linear = spread_after(trial, "xavier_normal")
    yield supports(within("linear", "log10 of a signal behind 30 linear layers", 0.0, linear, 1.0))
    tanh = spread_after(trial, "xavier_normal", "tanh")
    yield supports(at_least("tanh", "... of tanh", -1.5, tanh))
    yield contradicts(at_most("relu", "... of relu", -3.0, spread_after(trial, "xavier_normal", "relu")))
    yield within("he", "... of relu with He's", 0.0, spread_after(trial, "he_normal", "relu"), 1.5)
    yield at_most(
        "small", "linear, standard deviation 0.01 for all weights", -10.0, spread_after(trial, normal_of(0.01))
    )
    yield at_least("large", "... 0.2", 8.0, spread_after(trial, normal_of(0.2)))


not_measurable(
    "C246", "Starting with short sequences can help.", where="D0:1370 D0:1384", section=SECTION,
    why="a short sequence costs less, which is sure; whether the end is better depends on the task, and `can` is "
    "contradicted by nothing.",
    experiment="curriculum",
)  # fmt: skip


not_measurable(
    "C249", "Focal loss is useful above all for large vocabularies.", where="D0:1432", section=SECTION,
    why="a statement about what pays at scale. It was designed for detection of objects among easy background.",
    paper="Lin et al. 2017",
)  # fmt: skip


@claim(
    "C251", "Teacher forcing lets a model be trained on all places at once.", where="D2:389 D0:1577", verdict="holds",
    why="the decoder attends: with the true tokens given, one masked pass gives what as many passes as tokens give.",
    experiment="sequential-steps", paper="Vaswani et al. 2017, section 3.1",
)  # fmt: skip
def teacher_forcing(trial: Trial) -> Evidence:
    model = DecoderOnly(11, 16, 2, 32, 2, seed=trial.seed, dtype="float64")
    ids = trial.generator(5).integers(11, size=(2, 12))
    at_once, _ = model.forward(ids)
    one_by_one = np.stack([model.forward(ids[:, : t + 1])[0][:, -1] for t in range(12)], axis=1)
    yield supports(agree("equal", "logits of one pass and of twelve", at_once, one_by_one, to=1e-10))
    yield supports(exactly("chain", "products in a row that 64 tokens add to 16", 0, added(trial, "Transformer reads")))


def added(trial: Trial, way: str) -> int:
    """Products that wait for each other: with 64 tokens, less those with 16."""
    row = next(row for row in trial.rows("sequential-steps", lengths=(4, 16, 64)) if row["way"] == way)
    return int(row["n_64"] - row["n_16"])


@claim(
    "C252", "Teacher forcing lets a recurrent decoder be trained on all places at once.", where="D0:2898",
    verdict="does not hold",
    why="the true tokens are known, but each hidden state waits for the one before it. Only choosing a token is saved.",
    experiment="sequential-steps", paper="Vaswani et al. 2017, section 1",
)  # fmt: skip
def teacher_forcing_recurrent(trial: Trial) -> Evidence:
    yield contradicts(exactly("rnn", "products in a row that 64 given tokens add to 16", 48, added(trial, "RNN layer")))
    yield exactly("attention", "... in an attention layer", 0, added(trial, "attention layer"))


@functools.lru_cache(maxsize=8)
def copied(trial: Trial, layers: int) -> float:
    """The share of symbols that a post-LN model of so many layers copies after 50 steps at a rate of 0.03."""
    settings = warmup.Settings(layers=layers, steps=50)
    return float(np.mean([warmup.trained(settings, POST, 0.03, 0, (trial.seed, n))[0] for n in range(2)]))


@claim(
    "C254", "Transformers converge alike at all sizes.", where="D0:4013", verdict="does not hold",
    why="a rate that suits a small model can break a deeper one: post-LN, without warm-up, learns with one layer, not "
    "with six.",
    experiment="warmup", paper="Xiong et al. 2020",
)  # fmt: skip
def all_sizes(trial: Trial) -> Evidence:
    yield contradicts(at_most("deep", "share of symbols that 6 layers copy", HALF_WAY, copied(trial, 6)))
    yield at_least("shallow", "... 1 layer, same rate and steps", 0.9, copied(trial, 1))


@claim(
    "C255", "Instability comes from over-fitting with small batches.", where="D1:642", verdict="does not hold",
    why="a rate that is too high diverges on data that never repeats, with a large batch as well; and a network that "
    "over-fits does so smoothly.",
    experiment="batch-size", paper="Xiong et al. 2020",
)  # fmt: skip
def instability(trial: Trial) -> Evidence:
    settings = batch_size.Settings(limit=300)
    thrown = batch_size.steps_to(settings, 1024, 12.8, (trial.seed, 0))
    yield contradicts(exactly("large", "steps with batch 1024, new points, rate 12.8; 301 is never", 301.0, thrown))
    small = batch_size.steps_to(settings, 8, 0.1, (trial.seed, 0))
    yield at_most("small", "... with batch 8 and rate 0.1", 300.0, small)
    training, test = losses_of(trial, 0.0, False)
    yield at_most("smooth", "training loss of a network that over-fits, in nats", 0.1, training)
    yield at_least("over-fits", "its test loss", 1.5, test)
