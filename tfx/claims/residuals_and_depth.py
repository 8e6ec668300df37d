"""Claims about where norms stand, what residual connections keep, and what becomes of deep stacks."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.lab.block.norm_placement import of_place, power
from tfx.lab.block.norm_stability import MARGIN, N_SYMBOLS, Settings, loss_at_the_end
from tfx.measure.verdicts import agree, at_least, at_most, between, within
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.feed_forward import FeedForward

SECTION = "Normalisation, residuals, depth"

XIONG = "Xiong et al. 2020, On Layer Normalization in the Transformer Architecture"
#: Blocks in the shallow stacks and in the deep ones.
SHALLOW, DEEP = 2, 24
#: Random stacks, half of them in a quick trial.
PLACEMENT = {"depths": (SHALLOW, DEEP), "width": 16, "tokens": 8, "draws": 12}


def placed(trial: Trial, place: str, final_norm: bool = True) -> list[Mapping[str, Any]]:
    """The rows of norm-placement for one place: a shallow stack and a deep one."""
    return of_place(trial.rows("norm-placement", **PLACEMENT, final_norm=final_norm), place)


@functools.lru_cache(maxsize=16)
def trained_loss(trial: Trial, norm_place: str) -> float:
    """The loss of six blocks after a short training at a large rate without a warm-up."""
    settings = Settings(steps=40 if trial.quick else 100)
    return loss_at_the_end(settings, norm_place, max(settings.rates), 0.0, int(trial.generator(0).integers(2**31)))


@claim(
    "C106", "In the original Transformer every sub-layer gives LayerNorm(x + Sublayer(x)).", verdict="holds",
    where="D0:61 D0:3098 D0:4006 D1:228 D0:1475", experiment="norm-placement",
    why="that is post-LN: the stream has size 1 behind every sub-layer, at any depth.",
    paper="Vaswani et al. 2017, section 3.1",
)  # fmt: skip
def original_block(trial: Trial) -> Evidence:
    rng = trial.generator(1)
    block = EncoderBlock(BlockSettings(16, 4, 64, norm_place="post", dtype="float64"), rng)
    x = rng.standard_normal((1, 6, 16))
    y, _ = block.forward(x)
    middle, _ = block.norm1.forward(x + block.attention.forward(x)[0])
    by_hand, _ = block.norm2.forward(middle + block.feed_forward.forward(middle)[0])
    yield supports(agree("post", "post-LN block less LayerNorm(x + Sublayer(x)), twice", y, by_hand))
    deep = placed(trial, "post-LN")[-1]["size"]
    yield supports(within("size", f"size of the stream behind {DEEP} blocks", 1.0, deep, 1e-3))


@claim(
    "C107", "Post-norm is x + LayerNorm(Sublayer(x)).", verdict="does not hold", where="D0:944",
    experiment="norm-placement", paper="Liu et al. 2022, Swin Transformer V2, section 3.2",
    why="that is a third form. It does not normalise the stream, which grows like the root of 1 + 2L, and the "
    "gradients of its first blocks explode with depth.",
)  # fmt: skip
def third_form(trial: Trial) -> Evidence:
    third, post = placed(trial, "third form")[-1], placed(trial, "post-LN")[-1]
    law = math.sqrt(1 + 2 * DEEP)
    yield contradicts(at_least("size", f"size of its stream behind {DEEP} blocks", law / 2, third["size"]))
    yield within("post-size", "... and of post-LN's", 1.0, post["size"], 1e-3)
    yield at_least("explodes", "its first block's gradient over its last block's", law, third["first"] / third["last"])


@claim(
    "C108", "Pre-LN has better gradients than post-LN and trains more stably.", verdict="holds",
    where="D0:956 D0:1342 D0:1344 D1:603 D4:24 D4:26 D4:27", experiment="norm-stability", paper=XIONG + ", theorem 1",
    why="with depth the last gradients shrink in pre-LN and stay in post-LN, and at a large rate without a warm-up "
    "post-LN hardly learns. At a tenth of the rate, or with a warm-up, both learn.",
)  # fmt: skip
def pre_and_post(trial: Trial) -> Evidence:
    pre, post = placed(trial, "pre-LN"), placed(trial, "post-LN")
    gap = trained_loss(trial, "post") - trained_loss(trial, "pre")
    yield supports(at_least("learns", "loss of post-LN above pre-LN's, six blocks at rate 0.01, nats", MARGIN, gap))
    yield supports(within("pre-falls", "pre-LN's last gradient goes like depth to the power", -0.5, power(pre), 0.2))
    stays = post[-1]["last"] / post[0]["last"]
    yield between("post-stays", f"post-LN's last gradient, {DEEP} blocks over {SHALLOW}", 0.5, 2.0, stays)


not_measurable(
    "C109", "Post-norm can be more expressive.", where="D0:955", section=SECTION,
    why="it is said of final scores after long training at scale, which no toy ranks.",
)  # fmt: skip


@claim(
    "C110", "Residual connections keep gradients flowing in deep stacks.", verdict="holds",
    where="D0:1588 D1:515 D1:611 D2:58 D2:342 D3:162 D0:3100", experiment="gradient-flow",
    why="past layers that halve a gradient a residual connection leaves it whole: each branch adds to it. It does not "
    "hold gradients at 1.",
    paper="He et al. 2016, Identity Mappings in Deep Residual Networks, equation 5",
)  # fmt: skip
def residuals_keep(trial: Trial) -> Evidence:
    rows = trial.rows("gradient-flow", gains=(0.5, 1.0), depth=20, draws=8)
    left = {row["way"]: row["log_norm"] for row in rows if row["gain"] == 0.5}
    yield supports(at_least("with", "log10 of a gradient past 20 layers of gain 0.5", -1.0, left["tanh, residual"]))
    yield at_most("without", "... and without residual connections", -3.0, left["tanh"])


@claim(
    "C111", "A Transformer relies on self-attention alone.", verdict="does not hold", where="D1:469 D2:15",
    experiment="attention-collapse", paper="Dong et al. 2021, Attention is not all you need",
    why="layers of attention alone make all tokens the same; residual connections and feed-forward networks keep them "
    "apart.",
)  # fmt: skip
def attention_alone(trial: Trial) -> Evidence:
    last = trial.rows("attention-collapse", draws=16)[-1]
    alone = "log10 of what differs between tokens after 8 layers of attention alone"
    yield contradicts(at_most("alone", alone, -3.0, last["alone"]))
    yield at_least("residual", "... with residual connections", -1.0, last["residual"])


@claim(
    "C112", "Transformers avoid vanishing gradients.", verdict="does not hold", where="D0:3190 D0:3996",
    experiment="norm-placement", paper="Noci et al. 2022, Signal Propagation in Transformers",
    why="in deep post-LN stacks tokens become alike, and the gradients of queries and keys vanish. Pre-LN slows it.",
)  # fmt: skip
def query_gradients(trial: Trial) -> Evidence:
    post, pre = (placed(trial, place) for place in ("post-LN", "pre-LN"))
    fall, slower = (math.log10(rows[-1]["query"] / rows[0]["query"]) for rows in (post, pre))
    words = f"last block's query gradient in post-LN, {DEEP} blocks over {SHALLOW}, log10"
    yield contradicts(at_most("post", words, -2.0, fall))
    yield at_least("pre", "what pre-LN loses less, log10", 0.5, slower - fall)


@claim(
    "C119", "LayerNorm keeps activations in a steady range.", verdict="holds when", experiment="norm-placement",
    where="D0:968 D2:59 D2:343", paper=XIONG + ", section 3",
    why="it stands behind the sum, as in post-LN, or its own output is meant. In pre-LN the stream itself grows with "
    "depth.",
)  # fmt: skip
def steady(trial: Trial) -> Evidence:
    post, pre = (placed(trial, place)[-1]["size"] for place in ("post-LN", "pre-LN"))
    yield supports(within("post", f"size of post-LN's stream behind {DEEP} blocks", 1.0, post, 1e-3))
    yield contradicts(at_least("pre", "... and of pre-LN's", 2.0, pre))


@claim(
    "C125", "Norms and residual connections together make very deep models trainable.", verdict="holds when",
    where="D0:161 D0:936 D1:611", experiment="norm-stability", paper=XIONG + ", section 4",
    why="the norm stands in front of the sub-layer, or the rate is small or warms up first: six post-LN blocks have "
    "both, and at rate 0.01 without a warm-up they stay near the loss of a guess.",
)  # fmt: skip
def deep_and_trainable(trial: Trial) -> Evidence:
    guess = math.log(N_SYMBOLS)
    gain, post = (guess - trained_loss(trial, place) for place in ("pre", "post"))
    yield supports(at_least("pre", "what six pre-LN blocks are below the loss of a guess, nats", 2 * MARGIN, gain))
    yield contradicts(at_most("post", "... and six post-LN blocks", 2 * MARGIN, post))


@claim(
    "C126", "A pre-LN stack needs no norm behind its last block.", verdict="does not hold",
    where="D1:363 D1:383", experiment="norm-placement", paper=XIONG + ", section 3",
    why="its stream grows with depth and would reach the output layer so; the norm also divides the gradients of the "
    "blocks by that size.",
)  # fmt: skip
def no_norm_at_the_end(trial: Trial) -> Evidence:
    without, given = (placed(trial, "pre-LN", final_norm) for final_norm in (False, True))
    yield contradicts(at_least("size", f"size of what {DEEP} blocks give the output", 2.0, without[-1]["size"]))
    ratio = without[-1]["last"] / given[-1]["last"]
    yield between("divides", "last gradient without it over with it, by that size", 0.5, 2.0, ratio / given[-1]["size"])


@claim(
    "C127", "The feed-forward network itself improves the flow of gradients.", verdict="holds when",
    where="D0:1079 D0:1083", experiment="gradient-flow",
    why="it stands beside a residual connection: then its branch adds to the gradient. On its own it takes from it.",
)  # fmt: skip
def feed_forward_gradients(trial: Trial) -> Evidence:
    kept, alone = (np.mean([through_networks(trial.generator(n), skip) for n in range(8)]) for skip in (True, False))
    words = "log10 of a gradient past 12 networks, with residual connections"
    yield supports(between("with", words, 0.0, 2.0, float(kept)))
    yield contradicts(at_most("alone", "... and without", -1.0, float(alone)))


def through_networks(rng: np.random.Generator, residual: bool, depth: int = 12, width: int = 32) -> float:
    """log10 of what a chain of feed-forward networks leaves of a gradient of norm 1."""
    x, dx = rng.standard_normal((2, 1, width))
    dx /= np.sqrt((dx * dx).sum())
    caches = []
    for _ in range(depth):
        layer = FeedForward(width, 4 * width, rng, "relu", dtype="float64")
        f, cache = layer.forward(x)
        x = x + f if residual else f
        caches.append((layer, cache))
    for layer, cache in reversed(caches):
        through = layer.backward(dx, cache)
        dx = dx + through if residual else through  # x = x + f
    return math.log10(math.sqrt(float((dx * dx).sum())))
