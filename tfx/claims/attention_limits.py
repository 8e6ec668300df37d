"""Claims about what attention can express, what it is made of, and where its numbers end."""

from __future__ import annotations

import math

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.claims.dot_products import VASWANI, learnt
from tfx.gradcheck.mistakes.ops.basics.softmax import maximum_not_subtracted
from tfx.lab.attention.softmax_limits import overflow_limit
from tfx.measure.crossing import first_failure
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, within
from tfx.models import Encoder
from tfx.ops.attention.scaled_dot_product import attention_scores
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.ops.basics.softmax import softmax_forward

SECTION = "Dot products, scaling, softmax"


@claim(
    "C017", "Attention is, mostly, linear; it is the feed-forward network that is not.", verdict="holds when",
    where="D0:1037 D2:417",
    why="the weights are held fixed. They are made from the input as well, and then attention is far from linear.",
)  # fmt: skip
def linear(trial: Trial) -> Evidence:
    rng = trial.generator(6)
    x, y = rng.standard_normal((2, 8, 6))
    maps = rng.standard_normal((3, 6, 6)) / math.sqrt(6)
    _, cache = self_attention_forward(x, *maps)

    def frozen(z: np.ndarray) -> np.ndarray:
        return np.asarray(cache.weights @ (z @ maps[2]))

    def whole(z: np.ndarray) -> np.ndarray:
        return np.asarray(self_attention_forward(z, *maps)[0])

    yield supports(
        agree("frozen", "f(x + y) - f(x) - f(y) with the weights of x", frozen(x + y) - frozen(x), frozen(y))
    )
    off = np.linalg.norm(whole(x + y) - whole(x) - whole(y)) / np.linalg.norm(whole(x + y))
    yield contradicts(at_least("whole", "the same with weights of their own, as a share of f(x + y)", 0.1, float(off)))


@claim(
    "C019", "Dot-product attention can express similarity of the dot-product kind alone.", verdict="holds when",
    where="D0:3615", experiment="qk-symmetry",
    why="there are no projections, or one for both. With two, the score is x A y for any matrix A of rank d_k, and "
    "need not be alike in both directions: its limit is the rank.",
)  # fmt: skip
def kinds_of_scores(trial: Trial) -> Evidence:
    rng = trial.generator(7)
    x, (left, right) = rng.standard_normal((64, 64)), rng.standard_normal((2, 64, 8))
    tied, free = (attention_scores(x @ left, x @ other, 0.01)[0] for other in (left, right))
    yield supports(agree("one", "with one projection, scores less those the other way round", tied, tied.T, to=1e-9))
    off = float(np.sqrt(((free - free.T) ** 2).sum() / (free**2).sum()))
    yield contradicts(at_least("directed", "with two, how unlike scores are in both directions", 0.5, off))
    wanted = 0.01 * x @ (left @ right.T) @ x.T
    yield agree("any", "they are x A y for a given A of rank 8", free, wanted, to=1e-9)
    yield exactly("rank", "rank of the scores of 64 tokens at d_k = 8", 8, int(np.linalg.matrix_rank(free)))


@claim(
    "C020", "Attention is a kernel method over its inputs.", verdict="holds when", where="D1:678",
    experiment="attention-as-kernel", paper="Tsai et al. 2019, Transformer Dissection",
    why="a kernel smoother is meant, which it is exactly. Its kernel exp(q.k / sqrt(d_k)) is symmetric and positive, "
    "as a kernel of Mercer must be, where W_Q = W_K and not in general.",
)  # fmt: skip
def kernel_method(trial: Trial) -> Evidence:
    rows = {row["matrices"]: row for row in trial.rows("attention-as-kernel", draws=50)}
    smoother = largest(row["smoother"] for row in rows.values())
    yield supports(at_most("smoother", "attention less the smoother of Nadaraya and Watson", 1e-12, smoother))
    yield contradicts(at_least("asymmetry", "asymmetry of the kernel with two matrices", 0.5, rows["two"]["asymmetry"]))
    yield at_most("one", "... with one", 1e-12, rows["one"]["most_asymmetry"])
    yield at_least("positive", "smallest eigenvalue with one, as a share of the largest", -1e-12, rows["one"]["least"])


@claim(
    "C024", "Numerical stability needs care where scores are extreme.", verdict="holds", where="D0:3458 D0:988",
    experiment="saturation",
    why="exp overflows above 709.8 in float64, 88.7 in float32 and 11.1 in float16; with the row's maximum subtracted "
    "first, nothing does.",
)  # fmt: skip
def stability(trial: Trial) -> Evidence:
    limits = {name: overflow_limit(np.dtype(name)) for name in ("float64", "float32", "float16")}
    for name, limit in limits.items():

        def fails(z: float, name: str = name) -> bool:
            return not bool(np.isfinite(maximum_not_subtracted(np.array([z, 0.0], dtype=name))).all())

        yield supports(
            within(
                name,
                f"the score from which a softmax without it fails in {name}",
                limit,
                first_failure(fails, 2000.0),
                0.01 * limit,
            )
        )
    yield agree(
        "ours",
        "sum of the library's weights at scores of a million",
        softmax_forward(np.array([1e6, 0.0, -1e6]))[0].sum(),
        1.0,
    )


@claim(
    "C026", "Queries, keys and values are separate linear projections of the input embeddings.", verdict="holds when",
    where="D0:3166 D1:505 D1:507", paper=VASWANI.replace("3.2.1", "3.2.2"),
    why="it is the first layer. Every other one projects what the layer below has made of them.",
)  # fmt: skip
def projections_of(trial: Trial) -> Evidence:
    model = Encoder(11, d_model=8, n_heads=1, d_ff=16, n_layers=2, norm_place="post", seed=1, dtype="float64")
    ids = trial.generator(10).integers(0, 11, (1, 6))
    embedded, _ = model.input.forward(ids)
    _, cache = model.forward(ids)
    for block, kept, decides in zip(model.stack.blocks, cache.blocks, (supports, contradicts), strict=True):
        layer, attention = block.attention, kept.attention.attention
        off = [
            abs(embedded @ part.w.value + part.b.value - made[:, 0]).max()
            for part, made in ((layer.query, attention.q), (layer.key, attention.k), (layer.value, attention.v))
        ]
        if decides is supports:
            yield supports(
                at_most("first", "q, k, v of layer 1 less projections of the embeddings", 1e-12, float(max(off)))
            )
        else:
            yield contradicts(at_least("second", "the same in layer 2", 1e-3, float(min(off))))


@claim(
    "C027", "Scaling prevents saturation.", verdict="holds when", where="D0:1608", experiment="scaling",
    paper="Zhai et al. 2023, Stabilizing Transformer Training by Preventing Attention Entropy Collapse",
    why="before training, where the scores of every width then have variance 1. Training may let them grow again.",
)  # fmt: skip
def prevents_saturation(trial: Trial) -> Evidence:
    rows = trial.rows("scaling", d_k=(4, 64, 512), pairs=2000, budget=400_000)
    yield supports(
        at_least(
            "fresh",
            "least entropy of scaled rows, d_k from 4 to 512, as a share",
            0.7,
            min(row["entropy_scaled"] for row in rows),
        )
    )
    yield at_most("raw", "the same without the scale, at d_k = 512", 0.5, rows[-1]["entropy_raw"])
    before, after = learnt(trial, None).entropy
    yield contradicts(
        at_most("trained", "entropy of a scaled head after training over that before", 0.8, after / before)
    )
