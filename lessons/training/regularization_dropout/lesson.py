"""Dropout, residual dropout, stochastic depth and LayerDrop: what is left out, where, and when it helps."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, near, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training import dropout as lab
from tfx.lab.training.layer_drop import Cut, cut_in_half
from tfx.measure.estimates import mean_with_error
from tfx.nn.dropout import Dropout
from tfx.nn.stochastic_depth import LayerDropStack, StochasticDepth
from tfx.ops.basics.dropout import dropout_backward, dropout_forward, dropout_mask
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.basics.stochastic_depth import layers_left_after_pruning, linear_decay_rates

DRAWS, BASE, DEEP, LAYERS, LAST = 40_000, 6, 12, 6, 0.2
HEAVY = 0.5  # of the network that is held back


@dataclass(frozen=True)
class Settings:
    rate: float = setting(0.1, 0.05, 0.4, "share of the numbers that are dropped")
    sublayers: int = setting(12, 4, 48, "residual steps, one behind the other")


class Run:
    def __init__(self, request: Request) -> None:
        self.rate, self.sublayers, self.seed = request.settings.rate, request.settings.sublayers, request.seed

    @cached_property
    def fitted(self) -> dict[tuple[str, float], tuple[float, float]]:
        """Loss on the points learnt from, and on new ones."""
        settings, seed = lab.Settings(steps=200), (self.seed, 0)
        with blas_threads(1):
            kinds = [("few", 0.0), ("few", self.rate), ("few", HEAVY), ("ample", 0.0), ("ample", HEAVY)]
            return {(data, rate): lab.trained(settings, rate, data == "ample", seed) for data, rate in kinds}

    @cached_property
    def cut(self) -> dict[float, Cut]:
        with blas_threads(1):
            return {rate: cut_in_half(rate, (self.seed, 0), LAYERS) for rate in (0.0, LAST)}


lesson = Lesson(Run, Settings)


@lesson.step("Some numbers are set to 0, the others grow")
def set_to_zero(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 2.0, -0.5, 1.5])
    masks = dropout_mask((1000, x.size), run.rate, rng)
    m = masks[(masks == 0).any(axis=1)][0]
    y, cache = dropout_forward(x, m)
    many, _ = dropout_forward(np.ones(DRAWS), dropout_mask((DRAWS,), run.rate, rng))
    yield "A network that may lean on each of its numbers learns its examples by heart. Dropout makes them unreliable: in training each is set to 0 by a draw of its own, anew in each pass, so that none can count on a certain partner."
    yield formula("y = x * mask        mask: 0 with probability rate, else 1 / (1 - rate)")
    yield question(f"rate = {run.rate:g}. By what is a number multiplied that stays?", 1 / (1 - run.rate), f"1 / {1 - run.rate:g}: the mean stays, {1 - run.rate:g} * {1 / (1 - run.rate):.3f} = 1.")  # fmt: skip
    yield matrix("a draw that drops some", np.stack([x, m, y]), "row, number", ("x", "mask", "y"))
    yield "So nothing has to change at inference: dropout is switched off, and the mean is the one of training. A number that was dropped gets no gradient."
    yield near("mean", f"mean of {DRAWS:,} numbers that were 1", 1.0, *mean_with_error(many))
    yield agree("gradient", "gradient of 1 that goes back, and the mask", dropout_backward(np.ones_like(x), cache), m)
    yield exactly("off", "numbers that dropout changes at inference", 0, int((Dropout(run.rate).forward(x)[0] != x).sum()))  # fmt: skip


@lesson.step("The mean stays, the variance grows")
def noisier(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = [lab.signal(DRAWS, rate, rng) for rate in (0.0, run.rate, 0.7)]
    one = rows[1]
    yield "What dropout adds is noise. The larger a number, the more it loses or gains."
    yield formula("Var(y) = Var(x) + rate / (1 - rate) E[x * x]")
    yield question(f"x has mean 1 and variance 1, so E[x * x] = 2. Its variance behind rate {run.rate:g}?", one["variance_law"], f"1 + {run.rate:g} / {1 - run.rate:g} * 2.")  # fmt: skip
    yield table(f"{DRAWS:,} numbers of mean 1 and variance 1", rows, rate="rate :3", mean="mean :4", variance="variance :4", variance_law="by formula :4")  # fmt: skip
    yield "So what counts variances, as BatchNorm does, sees other ones in training than later. LayerNorm computes its own in each pass."
    yield near("variance", "variance behind dropout", one["variance_law"], one["variance"], one["variance_se"])
    yield near("heavy", "... at the largest rate", rows[2]["variance_law"], rows[2]["variance"], rows[2]["variance_se"])


@lesson.step("When it helps: few data against ample data")
def when(run: Run) -> Iterator[Shown]:
    rows: list[dict[str, Any]] = [{"data": data, "rate": rate, "known": known, "new": new, "gap": new - known} for (data, rate), (known, new) in run.fitted.items()]  # fmt: skip
    none, _, heavy, ample, ample_heavy = rows
    yield "Small networks learn 200 points, a fifth of them labelled wrong, again and again; or see new points at each step."
    yield table("loss in nats, after 200 updates", rows, data="data", rate="rate :2", known="the 200 :3", new="new points :3", gap="gap :3")  # fmt: skip
    yield f"With few points rate {HEAVY:g} takes {none['new'] - heavy['new']:.2f} nats off the loss on new ones. With ample data it takes {ample['new'] - ample_heavy['new']:.2f}."
    yield Said("Dropout regularises.", "true with conditions", "Where a network would over-fit. Large language models often pre-train with little or none.", "C242")  # fmt: skip
    yield at_least("gap", "few points: the gap narrows by", 0.2, none["gap"] - heavy["gap"])
    yield at_most("ample", "ample data: gain, of the gain with few", 0.4, (ample["new"] - ample_heavy["new"]) / max(none["new"] - heavy["new"], 1e-9))  # fmt: skip
    yield Try("tfx experiment dropout")


@lesson.step("Where: the sub-layer's output, before it is added")
def residual(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, n = np.ones(DRAWS), run.sublayers
    drop, stream, silent = Dropout(run.rate), np.ones(DRAWS), np.ones(DRAWS)
    for _ in range(n):
        silent = silent + drop.forward(np.zeros(DRAWS), rng)[0]
        stream = drop.forward(stream, rng)[0]
    alive, law = float((stream != 0).mean()), (1 - run.rate) ** n
    yield "Residual dropout (2017) drops numbers of a sub-layer's output, before it is added to the stream. The skip path itself is left alone."
    yield formula("x + dropout(f(x))        f: attention or FFN")
    yield formula("dropout(x + f(x))        not so: the stream itself is dropped")
    yield question(f"{n} sub-layers, rate {run.rate:g}. The second way: which share of the numbers of x gets through?", law, f"{1 - run.rate:g}^{n}.")  # fmt: skip
    yield f"Drawn, with f = 0: {alive:.3f} get through when the stream is dropped, and 1 with residual dropout, at any depth."
    yield "Three more places. On the sum of embedding and position (2017). On the hidden units of the FFN, inside the sub-layer. On the attention weights P, inside too."
    yield exactly("skip", "f = 0, residual dropout: numbers of x that change", 0, int((silent != x).sum()))
    yield near("stream", "share that gets through on a dropped stream", law, alive, (law * (1 - law) / DRAWS) ** 0.5)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 5.4")


@lesson.step("On attention weights a row no longer sums to 1")
def on_weights(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    p, _ = softmax_forward(np.array([[1.0, 2.0, 0.0, 1.5]]))
    rows, _ = dropout_forward(np.repeat(p, DRAWS, axis=0), dropout_mask((DRAWS, 4), run.rate, rng))
    sums = rows.sum(axis=1)
    example = rows[np.flatnonzero((rows[:, 0] == 0) & ((rows == 0).sum(axis=1) == 1))[0]]
    yield "Dropout of P hides a key from a query for one pass. It comes after the softmax, so what is left is not normalised again."
    yield matrix("one row of P, and a draw that hides key 1", np.stack([p[0], example]), "row, key", ("P", "dropped"))  # fmt: skip
    yield question("The sum of the dropped row?", example.sum(), f"(1 - {p[0, 0]:.3f}) / {1 - run.rate:g}.")
    yield f"Over many draws the sum is {sums.mean():.3f} on average; single rows lie between {sums.min():.2f} and {sums.max():.2f}."
    yield Said("The 2017 paper describes dropout on attention weights.", "false", "It names sub-layer outputs and the sums of embedding and position. The released code has one more rate, for the weights.")  # fmt: skip
    yield near("sum", "mean sum of a dropped row", 1.0, *mean_with_error(sums))
    yield agree("row", "what is left of a row, over 1 - rate", example[1:], p[0, 1:] / (1 - run.rate))


@lesson.step("Stochastic depth: whole branches")
def branches(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rates = linear_decay_rates(DEEP, LAST)
    kept = np.array([StochasticDepth(rate).forward(np.ones((2000, 1, 1)), rng)[0].ravel() for rate in rates])
    ran, law = (kept != 0).sum(axis=0), DEEP - sum(rates)
    yield "Drop a whole branch f for a sample, and its block is the identity for it: each step trains a shallower network. Also called drop path."
    yield formula("y = x + mask f(x)        mask: one number for each sample and branch")
    yield f"Early blocks carry what all others build on, so the rate grows in a straight line with depth, here from {rates[0]:.3f} to {LAST:g} over {DEEP} blocks."
    yield question("How many of these blocks run for a sample, on average?", law, f"{DEEP} - {LAST:g} * (1 + 2 + ... + {DEEP}) / {DEEP}.")  # fmt: skip
    yield f"Drawn: {ran.mean():.2f}. What runs grows by 1 / (1 - rate), so that the mean stays; the paper shrinks branches at inference instead."
    yield near("ran", "blocks that run, mean", law, *mean_with_error(ran))
    yield near("branch", "mean of the last branch of 1", 1.0, *mean_with_error(kept[-1]))
    yield Source("Huang et al.", 2016, "Deep Networks with Stochastic Depth", "equations 2 and 4")


@lesson.step("LayerDrop: train once, cut later")
def layer_drop(run: Run) -> Iterator[Shown]:
    none, some = run.cut[0.0], run.cut[LAST]
    left = layers_left_after_pruning(LAYERS, 0.5)
    rows = [{"rate": rate, "whole": cut.whole, "cut": cut.cut} for rate, cut in run.cut.items()]
    yield "LayerDrop leaves out a whole layer for a whole batch: one draw a layer. It is not computed, and nothing is rescaled. No layer can count on the one below, so the network can be cut without training again."
    yield question(f"{LAYERS} layers, every other one is taken away. How many are left?", len(left), f"Layers {', '.join(str(i + 1) for i in left)}.", 0)  # fmt: skip
    yield table(f"small networks of {LAYERS} residual blocks, 10 classes, share of new points right", rows, rate="LayerDrop :2", whole="all blocks :3", cut="every other :3")  # fmt: skip
    yield f"Cut, the usual one falls to {none.cut:.0%}; the one trained with rate {LAST:g} keeps {some.cut:.0%}. The paper cuts Transformers."
    yield at_least("survives", "by how much LayerDrop is better when cut", 0.2, some.cut - none.cut)
    yield at_most("costs", "what it costs the whole network", 0.1, none.whole - some.whole)
    yield LayerDropStack
    yield Source("Fan, Grave and Joulin", 2020, "Reducing Transformer Depth on Demand with Structured Dropout", "section 3.2")  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Dropout sets numbers to 0 in training and multiplies the others by 1 / (1 - rate), so the mean stays and inference just switches it off. It breaks up partnerships and narrows over-fitting; with ample data it gives little."
    yield "In a Transformer: on sub-layer outputs before they are added (residual dropout, the skip path stays whole), on embedding plus position, often on attention weights and in the FFN. Stochastic depth drops branches for a sample, LayerDrop whole layers for a batch, and such a model can be cut without training again."
    yield Try("tfx quiz regularization-dropout")
