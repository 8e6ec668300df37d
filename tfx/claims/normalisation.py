"""Claims about what LayerNorm, BatchNorm and RMSNorm compute, and what they make insensitive to what."""

from __future__ import annotations

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.measure.verdicts import agree, at_least, at_most, exactly, within
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.rms_norm import RMSNorm
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_forward

SECTION = "Normalisation, residuals, depth"

BA = "Ba et al. 2016, Layer Normalization"
IOFFE = "Ioffe and Szegedy 2015, Batch Normalization"


def batches(trial: Trial) -> dict[tuple[str, float], dict[str, float]]:
    """The rows of layernorm-vs-batchnorm, by what changes and how much."""
    rows = trial.rows("layernorm-vs-batchnorm", sizes=(1, 4, 32), padding=(0.5,), tokens=64, draws=40)
    return {(row["what"], row["amount"]): row for row in rows}


def bare(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The printed formula, with nothing added to the deviation."""
    with np.errstate(invalid="ignore"):
        return np.asarray(gamma * (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) + beta)


@claim(
    "C114", "LayerNorm is gamma (x - mean) / deviation + beta.", verdict="holds when", where="D0:899", paper=BA,
    why="the token is not constant: then the deviation is 0, and the bare formula gives 0 / 0. Code adds a small eps.",
)  # fmt: skip
def formula(trial: Trial) -> Evidence:
    rng = trial.generator(0)
    x, gamma, beta = rng.standard_normal((5, 8)), *rng.standard_normal((2, 8))
    yield supports(
        agree("formula", "layer less the formula, eps = 0", layer_norm_forward(x, gamma, beta, eps=0.0)[0],
              bare(x, gamma, beta))
    )  # fmt: skip
    constant = np.full((1, 8), 0.25)
    lost = int((~np.isfinite(bare(constant, gamma, beta))).sum())
    yield contradicts(exactly("constant", "numbers of 8 that the formula loses for a constant token", 8, lost))
    with_eps, _ = layer_norm_forward(constant, gamma, beta)
    yield agree("eps", "... which with eps become beta", with_eps[0], beta)


@claim(
    "C115", "LayerNorm depends neither on the other samples nor on the size of the batch.", verdict="holds",
    where="D0:914 D0:931 D2:59 D2:352 D2:353 D3:149", experiment="layernorm-vs-batchnorm", paper=BA + ", section 3",
    why="its statistics are those of one token. BatchNorm's output changes with all of these in training.",
)  # fmt: skip
def alone(trial: Trial) -> Evidence:
    rows = batches(trial)
    changed = [row["layer"] for row in rows.values()]
    yield supports(agree("layer-norm", "change of a token by batch size, padding, another token", changed))
    batch = rows["tokens in the batch", 4]["training"]
    yield at_least("batch-norm", "the same of BatchNorm in batches of 4, in training", 0.1, batch)


@claim(
    "C116", "BatchNorm is unstable in generation, because batches may have one sample.", verdict="does not hold",
    where="D3:140 D3:141", experiment="layernorm-vs-batchnorm", paper=IOFFE + ", algorithm 2",
    why="in evaluation it uses stored statistics, whatever the batch. Training is where one sample gives nothing.",
)  # fmt: skip
def one_sample(trial: Trial) -> Evidence:
    row = batches(trial)["tokens in the batch", 1]
    yield contradicts(at_most("evaluation", "change of a token alone in its batch, in evaluation", 1e-12,
                              row["evaluation"]))  # fmt: skip
    yield within("training", "... in training, as a share of its size: it becomes 0", 1.0, row["training"], 1e-12)


@claim(
    "C117", "Padding distorts the statistics of BatchNorm.", verdict="holds when", where="D2:352",
    experiment="layernorm-vs-batchnorm", paper=IOFFE + ", algorithm 1",
    why="it is training, and no mask leaves the padding out. Half of a batch of zeros changes the rest by the root of "
    "2 less 1.",
)  # fmt: skip
def padding(trial: Trial) -> Evidence:
    row = batches(trial)["share of padding", 0.5]
    yield supports(within("zeros", "change of real tokens when half is zeros", 2**0.5 - 1, row["training"], 0.05))
    yield contradicts(at_most("mask", "... with a mask", 1e-12, row["masked"]))


def largest_weight(x: np.ndarray, maps: np.ndarray, normed: bool = True, scale: float = 1.0) -> float:
    """Median over queries of the largest attention weight; scale: of the query map."""
    read = layer_norm_forward(x)[0] if normed else x
    _, cache = attention_forward(read @ maps[0] * scale, read @ maps[1], read)
    return float(np.median(cache.weights.max(axis=-1)))


@claim(
    "C120", "LayerNorm keeps attention from becoming extreme.", verdict="holds when", where="D0:937 D0:962 D0:964",
    why="what would make it extreme is the size of the tokens. Query and key maps can still grow, and then one key "
    "gets nearly all.",
    paper="Zhai et al. 2023, Stabilizing Transformer Training by Preventing Attention Entropy Collapse",
)  # fmt: skip
def extreme(trial: Trial) -> Evidence:
    rng = trial.generator(1)
    x, maps = rng.standard_normal((64, 32)), rng.standard_normal((2, 32, 32)) / 32**0.5
    same = largest_weight(x, maps)
    far = abs(largest_weight(100 * x, maps) - same)
    yield supports(at_most("tokens", "what tokens 100 times as large change in the median largest weight", 1e-3, far))
    yield at_least("bare", "the median largest weight of such tokens without LayerNorm", 0.9,
                   largest_weight(100 * x, maps, normed=False))  # fmt: skip
    grown = largest_weight(x, maps, scale=16.0)
    yield contradicts(at_least("maps", "... with it, and a query map 16 times as large", 0.9, grown))


@claim(
    "C121", "LayerNorm makes training less sensitive to the scale of weights and to the rate.", verdict="holds when",
    where="D0:923 D0:924", paper=BA + ", section 5.1",
    why="the weights feed the norm: then their scale changes no output. It changes their gradient, which falls as "
    "they grow, so that the right rate still depends on it.",
)  # fmt: skip
def scale_of_weights(trial: Trial) -> Evidence:
    rng = trial.generator(2)
    x, w, dy = rng.standard_normal((6, 8)), rng.standard_normal((8, 16)), rng.standard_normal((6, 16))
    (small, kept), (large, kept_large) = (layer_norm_forward(x @ (w * factor), eps=0.0) for factor in (1.0, 100.0))
    yield supports(agree("output", "change of the output when the weights are 100 times as large", large, small))
    gradients = [np.linalg.norm(x.T @ layer_norm_backward(dy, cache)[0]) for cache in (kept, kept_large)]
    ratio = float(gradients[1] / gradients[0])
    yield contradicts(within("gradient", "their gradient then, over what it was", 0.01, ratio, 1e-6))


not_measurable(
    "C122", "LayerNorm works by reducing internal covariate shift.", where="D0:976 D2:343", section=SECTION,
    why="why a norm helps is argued about: the shift can be measured (tfx/measure/covariate_shift.py), but putting it "
    "back did no harm to BatchNorm, and no toy decides it for LayerNorm.",
    paper="Santurkar et al. 2018, How Does Batch Normalization Help Optimization?",
)  # fmt: skip


@claim(
    "C124", "RMSNorm is LayerNorm without centring.", verdict="holds", where="D0:992",
    why="of centred tokens it gives the same. It has no offset, and a shift of the input changes its output.",
    paper="Zhang and Sennrich 2019, Root Mean Square Layer Normalization",
)  # fmt: skip
def no_centring(trial: Trial) -> Evidence:
    x = trial.generator(3).standard_normal((5, 16))
    centred = x - x.mean(axis=-1, keepdims=True)
    wanted = layer_norm_forward(x)[0]
    yield supports(agree("centred", "RMSNorm of centred tokens less LayerNorm", rms_norm_forward(centred)[0], wanted))
    moved = abs(rms_norm_forward(x + 1.0)[0] - rms_norm_forward(x)[0]).max()
    yield supports(at_least("shift", "what a shift of 1 changes in RMSNorm's output", 0.1, float(moved)))
    yield agree("no-shift", "... and in LayerNorm's", layer_norm_forward(x + 1.0)[0], wanted)
    yield exactly("half", "its parameters over LayerNorm's", 0.5, RMSNorm(16).n_parameters / LayerNorm(16).n_parameters)
