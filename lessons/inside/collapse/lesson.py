"""Attention collapse: three things that share a name, how each is measured, and what prevents it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.lab.block.attention_collapse import through_attention
from tfx.measure.sharpness import entropy_share, jacobian_norm
from tfx.measure.token_spread import rank_residual, through_model
from tfx.models import Encoder
from tfx.ops.attention.scaled_dot_product import attention_forward, attention_scores
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.norms.rms_norm import rms_norm_forward

#: Stacks of random attention over which is averaged; keys and width of the rows whose entropy is measured.
STACKS, KEYS, D = 10, 32, 16
TWO = np.array([[3.0, 1.0], [1.0, 3.0]])
FACTORS = (1, 4, 16, 64)
#: What is less is taken for this: rounding comes near.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Settings:
    depth: int = setting(8, 6, 16, "layers")
    tokens: int = setting(8, 4, 32, "tokens that attend to each other")


class Run:
    def __init__(self, request: Request) -> None:
        self.depth, self.tokens, self.seed = request.settings.depth, request.settings.tokens, request.seed

    def left(self, residual: bool) -> np.ndarray:
        """(depth + 1,): what differs between tokens, before the first layer and after each; geometric mean of stacks."""
        found = [through_attention(self.depth, residual, self.tokens, seed=(self.seed, i)) for i in range(STACKS)]
        return np.asarray(np.exp(np.log(np.maximum(found, ROUNDING)).mean(axis=0)))

    @cached_property
    def alone(self) -> np.ndarray:
        return self.left(residual=False)

    @cached_property
    def carried(self) -> np.ndarray:
        return self.left(residual=True)

    @cached_property
    def whole(self) -> np.ndarray:
        """(depth,): the same of what enters each block of an untrained encoder, pre-LN, with networks."""
        model = Encoder(50, 16, 2, 64, self.depth, max_len=self.tokens, seed=self.seed, dtype="float64")
        ids = np.random.default_rng(self.seed).permutation(50)[: self.tokens]
        return through_model(model.forward(ids[None])[1])[0]


lesson = Lesson(Run, Settings)


@lesson.step("Three things share a name")
def three_senses(run: Run) -> Iterator[Shown]:
    rows = [
        {"name": "rank collapse", "what": "vectors of all tokens become the same", "sign": "difference from their mean -> 0"},
        {"name": "entropy collapse", "what": "each row looks at one key (or at all)", "sign": "entropy of the rows -> 0 (or log S)"},
        {"name": "heads alike", "what": "heads of a layer look at the same", "sign": "distance of heads -> 0"},
    ]  # fmt: skip
    yield "People say that attention collapses, and mean different things:"
    yield table("one word, three troubles", rows, name="name", what="what happens", sign="sign")
    yield "The first comes from averaging, layer after layer, without any training. The second comes in training, when scores grow. The third wastes heads."
    yield question(f"A row over S = {KEYS} keys looks at all alike. Its entropy, in nats?", math.log(KEYS), f"ln {KEYS}; with all weight on one key it is 0.")  # fmt: skip
    yield exactly("ends", "entropy as a share of log S: even row, one key", "1, 0", ", ".join(f"{abs(float(entropy_share(row))):.0f}" for row in (np.full(KEYS, 1 / KEYS), np.eye(KEYS)[0])))  # fmt: skip
    yield See("head-diversity-pruning", "alike")


@lesson.step("Rank collapse: what differs, by hand")
def by_hand(run: Run) -> Iterator[Shown]:
    even, _ = attention_forward(np.zeros((2, 2)), np.zeros((2, 2)), TWO)
    left = float(rank_residual(TWO))
    yield "Take two tokens, (3, 1) and (1, 3). Their mean is (2, 2); one differs from it by (1, -1), the other by (-1, 1). How large is that, beside the tokens?"
    yield formula("left = |X - mean| / |X|", "1: nothing in common; 0: all tokens equal, rank one")
    yield question("What is left for these two? Squares of all numbers: 4 for the differences, 20 for X.", left, "sqrt(4 / 20).")  # fmt: skip
    yield f"One layer of attention with even weights gives each token the mean: ({even[0, 0]:g}, {even[0, 1]:g}) twice. Nothing is left, and no later layer can tell them apart."
    yield "Real weights are not even. But they are positive and sum to 1, so each output is an average of values, and lies between them."
    yield agree("left", "what is left of the two", left, math.sqrt(0.2))
    yield agree("even", "what is left after even weights", float(rank_residual(even)))
    yield rank_residual


@lesson.step("Layer after layer of attention alone")
def layers(run: Run) -> Iterator[Shown]:
    alone, carried = run.alone, run.carried
    at = sorted({0, 1, 2, 4, run.depth})
    rows = [{"layer": n, "alone": alone[n], "carried": carried[n]} for n in at]
    yield f"{run.tokens} random tokens, layers of attention with random maps, {STACKS} stacks:"
    yield table(f"what is left, geometric mean; {ROUNDING:g} is rounding", rows, layer="after layer", alone="attention alone :2", carried="with residual :2")  # fmt: skip
    yield question("Alone: by which factor do layers 3 and 4 shrink it together?", alone[4] / alone[2], "Row 4 over row 2.")  # fmt: skip
    yield "Attention alone makes all tokens the same within a few layers. A residual connection carries each token past the average: the difference falls slowly."
    yield at_most("collapses", f"attention alone, after layer {run.depth}: log10 of what is left", -3.0, float(np.log10(alone[-1])))  # fmt: skip
    yield at_least("stays", "with residual connections", 0.01, float(carried[-1]))
    yield through_attention
    yield Try("tfx experiment attention-collapse")


@lesson.step("Why so fast: doubly exponential")
def why_so_fast(run: Run) -> Iterator[Shown]:
    logs = np.log10(run.alone)
    falls = -np.diff(logs)[:4]
    rows = [{"layer": n, "left": run.alone[n], "fall": fall} for n, fall in enumerate(falls, start=1)]
    first = run.alone[1] / run.alone[0]
    yield "Were it exponential, each layer would fall by the same in decades (log10):"
    yield table("attention alone", rows, layer="layer", left="left after it :2", fall="fall in decades :2")
    yield question(f"{run.alone[0]:.3f} at first, 4 layers of factor {first:.3f}: what is left?", run.alone[0] * first**4, f"{run.alone[0]:.3f} * {first:.3f}^4.")  # fmt: skip
    yield f"Measured: {run.alone[4]:.2g}. Nearly equal tokens get nearly equal weights, so the next average takes a larger power of what is left: without residual connections and networks it falls doubly exponentially, as Dong et al. prove."
    yield at_least("faster", "the fall of layer 4 over that of layer 1", 2.0, float(falls[3] / falls[0]))
    yield at_most("below", "left after 4 layers, over the same factor each time", 0.5, float(run.alone[4] / (run.alone[0] * first**4)))  # fmt: skip
    yield Source("Dong et al.", 2021, "Attention is Not All You Need: Pure Attention Loses Rank Doubly Exponentially with Depth")  # fmt: skip


@lesson.step("A whole model keeps tokens apart")
def whole_model(run: Run) -> Iterator[Shown]:
    rows = [{"layer": n, "alone": run.alone[n], "whole": run.whole[n]} for n in sorted({0, 1, 2, 4, run.depth - 1})]
    yield f"An untrained pre-LN encoder of {run.depth} whole blocks:"
    yield table("what is left", rows, layer="after", alone="attention alone :2", whole="whole blocks :2")
    yield question("Whole blocks: last row over first?", run.whole[-1] / run.whole[0], "Of the last column.")  # fmt: skip
    yield "Residual connections do most of it. Networks help: they bend each token by itself. A norm alone does not."
    yield Said("A Transformer relies on self-attention alone.", "false", "Attention alone makes all tokens the same.", "C111")  # fmt: skip
    yield at_least("apart", "whole blocks: left before the last, over the start", 0.25, float(run.whole[-1] / run.whole[0]))  # fmt: skip


@lesson.step("Entropy collapse, and a norm on queries and keys")
def entropy_collapse(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    q, k = rng.standard_normal((KEYS, D)), rng.standard_normal((KEYS, D))
    rows = []
    for factor in FACTORS:
        plain = softmax_forward(attention_scores(factor * q, k, 1 / math.sqrt(D))[0])[0]
        unit = [rms_norm_forward(x, eps=0.0)[0] for x in (factor * q, k)]
        normed = softmax_forward(attention_scores(unit[0], unit[1], 1 / math.sqrt(D))[0])[0]
        rows.append({"factor": factor, "plain": float(entropy_share(plain).mean()), "grad": float(jacobian_norm(plain).mean()), "normed": float(entropy_share(normed).mean())})  # fmt: skip
    cosine = max(abs(unit[0] @ unit[1].T).max() / D, 0.0)
    yield "In training W_Q and W_K may grow, and scores with them; rows come near to one key, and training gets unstable. Queries times a factor:"
    yield table(f"{KEYS} keys, D = {D}; entropy as a share of log S", rows, factor="factor", plain="entropy :2", grad="Jacobian :2", normed="with QK-norm :2")  # fmt: skip
    yield "QK-norm: queries and keys are normalised before they meet. Their size does not count:"
    yield formula("|q . k| / sqrt(D) <= sqrt(D)        |q| = |k| = sqrt(D)")
    yield question("D = 64: the largest score with this norm, gain 1?", math.sqrt(64), "sqrt(64): q and k in the same direction.")  # fmt: skip
    yield at_most("plain", f"entropy at factor {FACTORS[-1]}, over that at 1", 0.2, rows[-1]["plain"] / rows[0]["plain"])  # fmt: skip
    yield agree("normed", "entropy with QK-norm, at each factor", [row["normed"] for row in rows], rows[0]["normed"])
    yield at_most("cosine", "largest score with QK-norm, over sqrt(D)", 1.0, float(cosine))
    yield Source("Henry et al.", 2020, "Query-Key Normalization for Transformers")


@lesson.step("What prevents which")
def remedies(run: Run) -> Iterator[Shown]:
    rows = [
        {"sense": "rank collapse", "what": "residual connections, feed-forward networks"},
        {"sense": "entropy collapse", "what": "QK-norm, spectral norm of the maps, soft cap, warm-up"},
        {"sense": "heads alike", "what": "dropout of whole heads, a penalty on likeness"},
    ]
    yield table("what helps", rows, sense="against", what="remedy")
    yield "Spectral norm: a map is divided by how much it can stretch a vector. A soft cap bends large scores down. A head that finds one word must be sharp."
    yield Said("Attention collapse means that all heads look at one position.", "too strong", "Sharp rows and alike heads are two things; a third is about vectors.")  # fmt: skip
    yield Said("LayerNorm keeps attention from becoming extreme.", "true with conditions", "Query and key maps can still grow.", "C120")  # fmt: skip
    yield question("16 heads, each dropped with chance 0.25: how many stay, on average?", 16 * 0.75, "16 * 0.75.", 0)  # fmt: skip
    yield at_most("alone", "what attention alone leaves, over what a residual leaves", 0.01, float(run.alone[-1] / run.carried[-1]))  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Several effects share the name. Rank collapse: token vectors converge, since attention averages; without residual connections and feed-forward networks they tend to rank one doubly exponentially with depth. Entropy collapse: rows become one-hot as scores grow, or stay uniform. Heads collapse when they become alike."
    yield "Residual connections and networks prevent the first; QK-norm or spectral normalisation keep scores, and so entropy, in range; head dropout or a disagreement loss keep heads apart."
    yield Source("Zhai et al.", 2023, "Stabilizing Transformer Training by Preventing Attention Entropy Collapse")
    yield Try("tfx quiz attention-collapse")
