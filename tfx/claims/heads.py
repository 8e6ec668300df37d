"""Claims about several heads: what they cost, what they do together, and what is lost without some of them."""

from __future__ import annotations

import functools

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.lab.attention.head_pruning import CHEAP, MORE, NEEDED, SPARED, halves, least_missed, values, whole
from tfx.lab.attention.two_sources import (
    FIRST,
    OFFSETS,
    TwoSourcesModel,
    learn_two_sources,
    most_with_one_head,
    share_of_pairs,
)
from tfx.measure import counting
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, smallest
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.multi_head import MultiHeadCache

SECTION = "Multi-head attention"

VASWANI = "Vaswani et al. 2017, section 3.2.2"
MICHEL = "Michel et al. 2019, Are Sixteen Heads Really Better than One?, section 3"
#: Tokens and width where costs are counted.
N, D = 64, 32
#: The task of two past tokens: different tokens, width, tokens in a text, steps.
TOKENS, WIDTH, LENGTH, STEPS = 8, 16, 16, 200
#: The share of pairs of tokens that one head can name at most.
MOST_OF_ONE = most_with_one_head(TOKENS)


def attention(n_heads: int, seed: int = 0, width: int = D) -> MultiHeadAttention:
    return MultiHeadAttention(width, n_heads, np.random.default_rng(seed), dtype="float64")


def multiply_adds(n_heads: int) -> int:
    """Of a layer with so many heads: its four maps, scores and weighted sums."""
    return counting.total_matmul_flops((*counting.projections(N, D), *counting.attention_core(N, D, n_heads))) // 2


def stored_weights(n_heads: int) -> int:
    """Numbers in the weights that a layer with so many heads keeps for its backward pass."""
    _, cache = attention(n_heads).forward(np.ones((1, N, D)))
    return int(cache.attention.weights.size)


@functools.lru_cache(maxsize=8)
def trained(seed: int, n_heads: int) -> TwoSourcesModel:
    """A model of one attention layer that names the tokens one and three back."""
    with blas_threads(1):
        return learn_two_sources(TOKENS, WIDTH, n_heads, LENGTH, STEPS, seed)


def texts(trial: Trial) -> np.ndarray:
    return trial.generator(1).integers(TOKENS, size=(100, LENGTH))


def named(trial: Trial, n_heads: int) -> float:
    """The share of pairs of past tokens that so many heads name."""
    return share_of_pairs(trained(trial.seed, n_heads), texts(trial))


def outputs(layer: MultiHeadAttention, cache: MultiHeadCache) -> list[np.ndarray]:
    """What each head brings: its outputs through its own rows of W_o."""
    rows = layer.output.w.value.reshape(layer.n_heads, -1, layer.output.w.shape[1])
    heads = cache.attention.weights @ cache.attention.v  # (B, H, T, D)
    return [heads[:, head] @ rows[head] for head in range(layer.n_heads)]


@claim(
    "C061", "More heads raise what attention can do, and what it takes of memory and compute.", verdict="holds when",
    where="D1:576", experiment="rank-bottleneck", paper=VASWANI,
    why="memory means the weights that are stored, n^2 for each head, and the softmax over them. At one width "
    "parameters and multiply-adds are the same for any number, and each head gets narrower.",
)  # fmt: skip
def more_heads(trial: Trial) -> Evidence:
    yield supports(
        exactly("stored", "stored weights of 8 heads over those of 1", 8.0, stored_weights(8) / stored_weights(1))
    )
    owned = attention(8).n_parameters / attention(1).n_parameters
    yield contradicts(exactly("parameters", "parameters of 8 heads over those of 1", 1.0, owned))
    yield contradicts(
        exactly("work", "multiply-adds of 8 heads over those of 1", 1.0, multiply_adds(8) / multiply_adds(1))
    )


@claim(
    "C062", "With several heads a position uses several others at once and does not blend them.", verdict="holds",
    where="D1:576 D0:235 D0:3930 D2:372 D4:62", experiment="rank-bottleneck", paper=VASWANI,
    why="one softmax makes one weighted sum, from which a linear read-out names at most (V + 1) / (2 V) of ordered "
    "pairs; two heads learn to name nearly all. A feed-forward network after it can undo some of the blending.",
)  # fmt: skip
def several_sources(trial: Trial) -> Evidence:
    two = "share of pairs of past tokens that 2 heads name, above (V + 1) / (2 V)"
    yield supports(at_least("two", two, MOST_OF_ONE, named(trial, 2)))
    yield supports(at_most("one", "... and that 1 head names, at most that", MOST_OF_ONE, named(trial, 1)))


@claim(
    "C063", "Taking heads away consistently hurts.", verdict="does not hold", where="D0:267 D0:3965",
    experiment="head-pruning", paper=MICHEL,
    why="of the eight heads of a trained model one can go at next to no loss, and half of them with little, when the "
    "least missed goes next. A layer without heads does hurt.",
)  # fmt: skip
def taking_heads(trial: Trial) -> Evidence:
    rows = trial.rows("head-pruning")
    yield contradicts(
        at_most("least", "share of answers lost without the least missed head", SPARED, largest(least_missed(rows)))
    )
    yield at_most("layer", "share right without any head of a layer", NEEDED, largest(values(rows, "layer_out")))


@claim(
    "C064", "Heads that others can stand in for are cheap to prune.", verdict="holds", where="D1:716",
    experiment="head-pruning", paper=MICHEL,
    why="half of eight heads went with little loss and no further training, when the least missed went next. The other "
    "way round half of them take most answers with them.",
)  # fmt: skip
def cheap_to_prune(trial: Trial) -> Evidence:
    rows = trial.rows("head-pruning")
    half, other = halves(rows)
    yield supports(at_most("half", "share of answers lost without half of the heads", CHEAP, whole(rows) - half))
    yield at_least("order", "what is right more than with the most missed gone", MORE, half - other)


@claim(
    "C065", "With d_k = d_model / h several heads cost what one of full width costs.", verdict="holds",
    where="D0:224 D0:3960", paper=VASWANI,
    why="in parameters and multiply-adds. The weights to store are n^2 for each head.",
)  # fmt: skip
def level_cost(trial: Trial) -> Evidence:
    heads = (1, 2, 4, 8, 16)
    owned = {attention(n).n_parameters for n in heads}
    yield supports(
        exactly(
            "parameters", "how many parameters 1 to 16 heads of one width have", str({4 * D * D + 4 * D}), str(owned)
        )
    )
    work = {multiply_adds(n) for n in heads}
    yield supports(exactly("work", "different numbers of multiply-adds of 1 to 16 heads", 1, len(work)))
    yield exactly("stored", "stored weights of 16 heads over those of 1", 16.0, stored_weights(16) / stored_weights(1))


@claim(
    "C066", "Multi-head attention joins its heads and maps them by W_o.", verdict="holds",
    where="D0:229 D0:3086 D0:3914 D1:199 D2:197 D3:67", paper=VASWANI,
    why="that is the same as a sum of heads, each through its own rows of W_o.",
)  # fmt: skip
def joined(trial: Trial) -> Evidence:
    layer, x = attention(4, trial.seed), trial.generator(2).standard_normal((2, 9, D))
    y, cache = layer.forward(x)
    merged = np.concatenate(list(np.moveaxis(cache.attention.weights @ cache.attention.v, 1, 0)), axis=-1)
    offset = layer.parameters()["output.b"].value
    yield supports(agree("joined", "the layer less [heads] W_o", y, merged @ layer.output.w.value + offset))
    yield agree("sum", "... less the sum of what each head brings", y, sum(outputs(layer, cache)) + offset)


@claim(
    "C067", "Heads specialise: in syntax, in meaning, in position.", verdict="holds when", experiment="head-pruning",
    where="D0:236 D0:252 D0:272 D0:3942 D1:201 D1:727 D2:205 D2:371 D3:62 D4:62",
    paper="Voita et al. 2019, Analyzing Multi-Head Self-Attention",
    why="the task has as many jobs as there are heads: of two heads each takes one of two offsets. Nothing forces it: "
    "of eight heads of another model most are not missed. Syntax and meaning are not measured here.",
)  # fmt: skip
def specialise(trial: Trial) -> Evidence:
    offsets = best_offsets(trained(trial.seed, 2), texts(trial))
    yield supports(exactly("jobs", "how far back the two heads look", str(sorted(OFFSETS)), str(sorted(offsets))))
    spared = np.mean(np.array(values(trial.rows("head-pruning"), "lost")) <= 0.02)
    yield contradicts(
        at_least("spared", "share of heads of a trained model without which 2% at most is lost", 0.25, float(spared))
    )


def best_offsets(model: TwoSourcesModel, ids: np.ndarray) -> list[int]:
    """How far back each head looks most, on average over the places that have all offsets."""
    weights = model.forward(ids)[1].attention.attention.weights.mean(axis=0)  # (H, T, T)
    return [
        int(np.argmax([np.diagonal(head, -back)[FIRST - back :].mean() for back in range(FIRST + 1)]))
        for head in weights
    ]


@claim(
    "C069", "The heads of a layer act like an ensemble.", verdict="holds when", where="D0:237 D0:3931 D2:205",
    experiment="head-pruning",
    why="it means that one of them can be missed. Members of an ensemble would each answer alone: here single heads "
    "are trained to be added, and the weakest alone answers little.",
)  # fmt: skip
def ensemble(trial: Trial) -> Evidence:
    rows = trial.rows("head-pruning")
    yield supports(
        at_most("missed", "share of answers lost without the least missed head", SPARED, largest(least_missed(rows)))
    )
    yield contradicts(
        at_most("alone", "share right with the weakest alone in its layer", 0.7, smallest(values(rows, "alone")))
    )
    yield at_least("whole", "share right with all of them", 0.95, whole(rows))


not_measurable(
    "C070", "Eight to sixteen heads are the sweet spot.", where="D0:3966", section=SECTION,
    why="it depends on width, length and task, and needs training at scale: the original's own sweep at width 512 is "
    "nearly flat from 4 to 16. `tfx experiment rank-bottleneck` shows one task at which too few fail, and too many.",
    paper="Vaswani et al. 2017, section 6.2, table 3 (A)",
)  # fmt: skip


@claim(
    "C071", "Heads do not depend on each other, so they run side by side.", verdict="holds",
    where="D0:3953 D0:3955 D0:3172",
    why="in another order, with their rows of W_o, they give the same; and what one brings does not change with the "
    "others.",
)  # fmt: skip
def independent(trial: Trial) -> Evidence:
    layer, x = attention(4, trial.seed), trial.generator(3).standard_normal((2, 9, D))
    y, cache = layer.forward(x)
    before = outputs(layer, cache)
    order = np.array([2, 0, 3, 1])
    for part in (layer.query, layer.key, layer.value):
        part.w.value = part.w.value.reshape(D, 4, -1)[:, order].reshape(D, D)
    layer.output.w.value = layer.output.w.value.reshape(4, -1, D)[order].reshape(D, D)
    yield supports(agree("order", "the layer less itself with its heads in another order", layer.forward(x)[0], y))
    layer.query.w.value[:, D // 4 :] *= -3.0
    after = outputs(layer, layer.forward(x)[1])
    yield supports(
        agree("others", "what a head brings, less that with other queries in the others", after[0], before[2])
    )
    yield at_least(
        "changed", "... and what another one brings then changes by", 0.01, float(abs(after[1] - before[0]).max())
    )


@claim(
    "C072", "Eight heads of width 64 describe both sizes of the original Transformer.", verdict="does not hold",
    where="D0:3217 D0:3218", paper="Vaswani et al. 2017, table 3",
    why="they do describe the base model, of width 512. The big one has width 1024 and 16 heads; eight would be 128 "
    "wide.",
)  # fmt: skip
def both_sizes(trial: Trial) -> Evidence:
    yield contradicts(exactly("big", "width of each of 8 heads at width 1024", 128, attention(8, width=1024).d_head))
    yield exactly("base", "... at width 512", 64, attention(8, width=512).d_head)
    yield exactly("sixteen", "width of each of 16 heads at width 1024", 64, attention(16, width=1024).d_head)


@claim(
    "C074", "Several heads ease bottlenecks on long inputs.", verdict="holds when", where="D0:263",
    experiment="rank-bottleneck",
    paper="Bhojanapalli et al. 2020, Low-Rank Bottleneck in Multi-head Attention Models, theorem 1",
    why="each is wide enough to point at its source: h heads are h look-ups. At one width more of them are narrower, "
    "and heads of width 1 do no better on 16 tokens than a single head.",
)  # fmt: skip
def bottlenecks(trial: Trial) -> Evidence:
    one, two, many = (named(trial, n_heads) for n_heads in (1, 2, WIDTH))
    yield supports(at_least("two", "pairs that 2 heads name more than 1 head", 0.25, two - one))
    yield contradicts(
        at_least("many", f"pairs that 2 heads name more than {WIDTH} of the same width in all", 0.25, two - many)
    )
