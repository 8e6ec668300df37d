"""Claims about feed-forward networks: what they compute, what they store, and what their width is worth."""

from __future__ import annotations

import functools
import math

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.data.toys.expressions import Expressions
from tfx.lab.block.ffn_memory import as_memory, directions, planted
from tfx.lab.scale.published_sizes import PUBLISHED, Sizes
from tfx.measure.power_laws import fit_log_rule, fit_loss_law
from tfx.measure.verdicts import agree, at_most, exactly, within
from tfx.nn.feed_forward import FeedForward
from tfx.nn.init import xavier_uniform
from tfx.ops.basics.linear import linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.train.toys import ToyRun, make_model

SECTION = "Feed-forward and parameters"

GEVA = "Geva et al. 2021, Transformer Feed-Forward Layers Are Key-Value Memories"


def network(trial: Trial, width: int, d_ff: int, activation: str = "relu", bias: bool = True) -> FeedForward:
    return FeedForward(width, d_ff, trial.generator(width, d_ff), activation, "float64", bias)


def ratio_of(name: str) -> float:
    """d_ff over d_model of a published model."""
    sizes: Sizes = next(model.sizes for model in PUBLISHED if model.name == name)
    return sizes.inner / sizes.width


@claim(
    "C128", "The feed-forward networks hold about two thirds of the parameters.", verdict="holds when",
    where="D0:1049 D0:1108", experiment="parameter-budget", paper=GEVA,
    why="blocks have one attention, d_ff is four times d_model, and the embedding is small beside the blocks. Not so "
    "of decoder blocks with cross-attention, nor of small models with a large vocabulary.",
)  # fmt: skip
def two_thirds(trial: Trial) -> Evidence:
    share = {row["what"]: row["feed_forward"] for row in trial.rows("parameter-budget", width=128, ratios=(2.0,))}
    for id, what in (("encoder", "encoder block, d_ff = 4 d"), ("large", "GPT-3")):
        yield supports(within(id, f"feed-forward share: {what}", 2 / 3, share[what], 0.01))
    for id, what in (("decoder", "decoder block, d_ff = 4 d"), ("small", "GPT-2 small"), ("base", "Transformer, base")):
        yield contradicts(at_most(id, f"feed-forward share: {what}", 0.51, share[what]))


@claim(
    "C129", "The inner width d_ff is four times d_model.", verdict="holds when", where="D0:1015 D0:3094 D1:325 D2:36",
    experiment="parameter-budget", paper="Shazeer 2020, GLU Variants Improve Transformer, section 3",
    why="the network is plain, as in the original and in GPT. A gated one has three maps and takes about 8/3, which "
    "keeps the parameters; T5-11B takes 64.",
)  # fmt: skip
def four_times(trial: Trial) -> Evidence:
    for id, name in (("original", "Transformer, base"), ("gpt", "GPT-3")):
        yield supports(exactly(id, f"d_ff over d_model: {name}", 4.0, ratio_of(name)))
    yield contradicts(within("gated", "d_ff over d_model: LLaMA-7B", 8 / 3, ratio_of("LLaMA-7B"), 0.05))
    plain, gated = network(trial, 48, 192), network(trial, 48, 128, "swiglu")
    yield within("same", "parameters of a gated network at 8/3 over a plain one at 4", 1.0,
                 gated.n_parameters / plain.n_parameters, 0.01)  # fmt: skip


@claim(
    "C130", "A feed-forward network has 2 d_model d_ff parameters.", verdict="holds when", where="D0:1999",
    why="it has no offsets and no gate. Offsets add d_ff + d_model.",
)  # fmt: skip
def parameters(trial: Trial) -> Evidence:
    bare, whole = (network(trial, 512, 2048, bias=bias).n_parameters for bias in (False, True))
    yield supports(exactly("maps", "parameters without offsets, 512 and 2,048 wide", 2 * 512 * 2048, bare))
    yield contradicts(exactly("offsets", "what offsets add", 512 + 2048, whole - bare))


@claim(
    "C131", "The feed-forward network treats each position alike and on its own.", verdict="holds",
    where="D0:1023 D0:1025 D1:218 D2:409 D4:50", paper="Vaswani et al. 2017, section 3.3",
    why="one set of weights for all, and nothing passes between positions.",
)  # fmt: skip
def by_position(trial: Trial) -> Evidence:
    layer, rng = network(trial, 8, 32), trial.generator(0)
    x = rng.standard_normal((1, 6, 8))
    y, _ = layer.forward(x)
    changed = x.copy()
    changed[0, 2] += 1.0
    moved = abs(layer.forward(changed)[0] - y).max(axis=-1)[0]
    yield supports(exactly("own", "positions that move when one changes", 1, int((moved > 1e-12).sum())))
    order = rng.permutation(6)
    yield supports(agree("alike", "outputs of exchanged positions less exchanged outputs",
                         layer.forward(x[:, order])[0], y[:, order]))  # fmt: skip


@claim(
    "C132", "The feed-forward network can be read as a memory of keys and values.", verdict="holds",
    where="D0:1055", experiment="ffn-memory", paper=GEVA + ", section 2",
    why="its output is a sum over hidden units, each with a key and a value: an identity. That a trained unit holds "
    "one fact is another statement.",
)  # fmt: skip
def as_a_memory(trial: Trial) -> Evidence:
    rng = trial.generator(1)
    layer = network(trial, 64, 96)
    memory, x = as_memory(layer), rng.standard_normal((10, 64))
    slots = sum(memory.coefficients(x)[:, unit, None] * memory.values[unit] for unit in range(96))
    yield supports(agree("sum", "the layer less the sum over its units", layer.forward(x)[0], slots + memory.offset))
    keys, values = directions(2, 64, rng), directions(2, 64, rng)
    taught = planted(memory, keys, values - memory.read(keys), 0.5)
    yield supports(agree("planted", "what two planted units say at their keys, less their values",
                         taught.read(keys), values))  # fmt: skip
    kept = taught._replace(**{part: getattr(taught, part)[:-1] for part in ("keys", "thresholds", "values")})
    yield agree("deleted", "without the last unit, less what was said before", kept.read(keys[1]), memory.read(keys[1]))


@claim(
    "C140", "GELU is smoother than ReLU, and better for language.", verdict="holds when", where="D0:1016 D0:1090",
    why="smoother alone is meant: ReLU's slope jumps at 0. A small language model trained here for a short while ends "
    "at the same loss with both, within a twentieth; what it gains at scale is not measured.",
    paper="Hendrycks and Gimpel 2016, Gaussian Error Linear Units",
)  # fmt: skip
def smoother(trial: Trial) -> Evidence:
    jumps = {name: slope_jump(name) for name in ("relu", "gelu")}
    yield supports(at_most("gelu", "what GELU's slope changes across 0, over 0.002", 0.01, jumps["gelu"]))
    yield within("relu", "... and ReLU's", 1.0, jumps["relu"], 1e-9)
    gelu, relu = (language_loss(trial, name) for name in ("gelu", "relu"))
    words = "loss of a small language model with GELU, less with ReLU, as a share"
    yield contradicts(at_most("language", words + ", from 0", 0.05, abs(gelu / relu - 1)))


def slope_jump(activation: str) -> float:
    """Of the activation, from 0.001 below 0 to 0.001 above."""
    forward, backward = ACTIVATIONS[activation]
    x = np.array([-1e-3, 1e-3])
    below, above = backward(np.ones(2), forward(x)[1])
    return float(above - below)


@functools.lru_cache(maxsize=16)
def language_loss(trial: Trial, activation: str) -> float:
    """Mean loss of the last steps, in nats; the same seed and batches for every activation."""
    toy, steps, seed = Expressions(max_operators=2), 50 if trial.quick else 400, int(trial.generator(3).integers(2**31))
    model = make_model(toy, seed, activation=activation, max_len=toy.length)
    losses = [record.loss for record in ToyRun(toy, model, steps, seed, batch=32).train()]
    return float(np.mean(losses[-steps // 4 :]))


@functools.lru_cache(maxsize=64)
def unexplained(trial: Trial, d_ff: int, activation: str = "relu", width: int = 8, teachers: int = 4) -> float:
    """Share of a random teacher's variance that a network of that width leaves, on points that it was not fitted to.

    The teacher is a network of 8 * width units; the first map is random, the second the least squares."""
    left = []
    for number in range(teachers):
        rng = trial.generator(2, number)
        x = rng.standard_normal((3000, width))
        teacher = FeedForward(width, 8 * width, rng, "relu", "float64")
        y, _ = teacher.forward(x)
        first, thresholds = xavier_uniform(rng, width, d_ff, "float64"), rng.standard_normal(d_ff)
        hidden, _ = linear_forward(x, first, thresholds)
        hidden = hidden if activation == "none" else ACTIVATIONS[activation][0](hidden)[0]
        hidden = np.hstack([hidden, np.ones((len(x), 1))])
        second, *_ = np.linalg.lstsq(hidden[:2000], y[:2000], rcond=1e-3)
        away = y[2000:] - hidden[2000:] @ second
        left.append(float((away**2).sum() / ((y[2000:] - y[2000:].mean(axis=0)) ** 2).sum()))
    return float(np.mean(left))


@claim(
    "C141", "Widening before narrowing makes the network express more.", verdict="holds",
    where="D0:1029 D2:36 D4:55",
    why="a random teacher is fitted better the wider the hidden layer is; with no activation between the maps width "
    "adds nothing. Only the second map is fitted here.",
)  # fmt: skip
def width_helps(trial: Trial) -> Evidence:
    narrow, wide = unexplained(trial, 8), unexplained(trial, 64)
    yield supports(at_most("wide", "variance left by 8 times the width, over that by 1 time", 0.5, wide / narrow))
    linear = unexplained(trial, 64, "none") / unexplained(trial, 16, "none")
    yield within("linear", "the same without an activation, 8 times over 2 times", 1.0, linear, 0.02)


@claim(
    "C142", "Performance grows like the logarithm of the number of parameters.", verdict="does not hold",
    where="D0:2025", paper="Kaplan et al. 2020, Scaling Laws for Neural Language Models",
    why="a power law fits the loss of these networks better, and a logarithm that is followed further makes a loss "
    "negative.",
)  # fmt: skip
def not_a_logarithm(trial: Trial) -> Evidence:
    units = np.array([8, 16, 32, 64, 128, 256])
    sizes, losses = units * 16.0, np.array([unexplained(trial, int(d_ff)) for d_ff in units])
    rule, law = fit_log_rule(sizes, losses), fit_loss_law(sizes, losses)
    yield contradicts(at_most("negative", "what the logarithm says of 100 times as many parameters", 0.0,
                              float(rule.at(100 * sizes[-1]))))  # fmt: skip
    off, power_off = (math.sqrt(float(((fit.at(sizes) - losses) ** 2).mean())) for fit in (rule, law))
    yield at_most("power", "error of the power law over the logarithm's", 1.0, power_off / off)
