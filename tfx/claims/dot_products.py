"""Claims about scores: how far dot products spread, what the scale is for, and where a softmax saturates."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.data.toys.tasks import find_task
from tfx.gradcheck.mistakes.ops.basics.softmax import maximum_not_subtracted
from tfx.lab.attention.saturation import cross_entropy_gradient, squared_error_gradient
from tfx.lab.attention.vectors import Flaws, dot_products
from tfx.measure.estimates import variance_with_error
from tfx.measure.sharpness import jacobian_norm
from tfx.measure.token_spread import entropy_share
from tfx.measure.verdicts import agree, at_least, at_most, exactly, near, within
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward, softmax_jacobian
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.train.toys import examine, learn_toy, make_model

SECTION = "Dot products, scaling, softmax"

VASWANI = "Vaswani et al. 2017, section 3.2.1"
WIDTH, PAIRS = 64, 20_000


def spread(trial: Trial, part: int, flaws: Flaws) -> tuple[float, float]:
    """Variance of q.k over d_k, and its standard error."""
    products = dot_products(trial.generator(part), flaws, PAIRS, 1, WIDTH, np)
    variance, error = variance_with_error(products)
    return variance / WIDTH, error / WIDTH


@claim(
    "C001", "The product of a query and a key has variance d_k.", verdict="holds when", experiment="scaling",
    where="D2:143 D2:150 D2:252 D2:285 D0:3315 D3:47", paper=VASWANI + ", footnote 4",
    why="coordinates have mean 0 and variance 1, and neither those of one vector nor those of query and key depend on "
    "each other; a common mean m gives d_k (1 + 2 m^2), a correlation r gives d_k (1 + r^2), rank R gives d_k^2 / R.",
)  # fmt: skip
def variance_of_a_score(trial: Trial) -> Evidence:
    variance, error = spread(trial, 0, Flaws())
    yield supports(near("independent", "variance / d_k of independent coordinates", 1.0, variance, error))
    for part, (id, words, law, flaws) in enumerate(
        (
            ("mean", "with mean 0.5", 1.5, Flaws(mean=0.5)),
            ("correlation", "with correlation 0.5 of query and key", 1.25, Flaws(correlation=0.5)),
            ("rank", "of rank 4 of 64", 16.0, Flaws(rank=4)),
        ),
        start=1,
    ):
        variance, error = spread(trial, part, flaws)
        yield contradicts(near(id, f"the same {words}", law, variance, error))


class Learnt(NamedTuple):
    """Of a head of width 64 that learns to reverse: entropy of its weights, as a share, and variance of its scores in a
    row, both before and after; its share of right answers."""

    entropy: tuple[float, float]
    variance: tuple[float, float]
    right: float


@functools.lru_cache(maxsize=8)
def learnt(trial: Trial, scale: float | None) -> Learnt:
    """scale: None for 1/sqrt(d_k)."""
    task = replace(find_task("reverse"), length=6)
    seed = int(trial.generator(5).integers(2**31))
    attention: Any = {"d_head": WIDTH, "scale": scale}
    model: Any = make_model(task, seed, n_heads=1, attention=attention)
    rows = task.draw(100, trial.generator(6), held_out=True)

    def look() -> tuple[float, float]:
        attention = model.forward(rows.ids)[1].blocks[0].attention.attention
        scores = attention.q @ attention.k.swapaxes(-1, -2) * attention.scale
        return float(entropy_share(attention.weights).mean()), float(scores.var(axis=-1).mean())

    with blas_threads(1):
        before = look()
        learn_toy(task, 80 if trial.quick else 300, seed, 0.01, batch=32, model=model, held_out=10)
        entropies, variances = zip(before, look(), strict=True)
        return Learnt(entropies, variances, examine(model, rows).accuracy)


@claim(
    "C002", "Dividing by sqrt(d_k) brings the variance of the scores back to one and keeps them well conditioned.",
    verdict="holds when", where="D2:158 D2:160 D2:285 D0:3315 D0:3415 D3:48", experiment="scaling", paper=VASWANI,
    why="it describes the layer before training: after it the same scaled scores give sharp weights, and no bound "
    "stops them.",
)  # fmt: skip
def scaled_variance(trial: Trial) -> Evidence:
    raw, scaled = (scores_of_a_layer(trial, scaled) for scaled in (False, True))
    yield supports(within("scaled", "variance of the scaled scores of 8 heads of 64 at the start", 1.0, scaled, SPREAD))
    yield within("raw", "... and without the scale, in units of d_k", 1.0, raw / 64, SPREAD)
    grown = learnt(trial, None)
    yield contradicts(
        at_least("grown", "variance of the scaled scores of a row after 80 steps of training", 2.0, grown.variance[1])
    )


#: Six standard errors.  Of a token, x^T M x with 64 directions has the variance 2 / 64 of its square; 64 queries, 64
#: keys and 8 heads leave sqrt(2 * 2 / 64 / 64 / 8) of it, and the random maps about a third as much.
SPREAD = 6 * 0.013


def scores_of_a_layer(trial: Trial, scaled: bool) -> float:
    """Variance of the scores of 64 normalised tokens of width 512 in a fresh layer of 8 heads."""
    layer = MultiHeadAttention(512, 8, trial.generator(7))
    x, _ = layer_norm_forward(trial.generator(8).standard_normal((1, 64, 512)), np.ones(512), np.zeros(512))
    cache = layer.forward(x.astype("float32"))[1].attention
    scores = cache.q @ cache.k.swapaxes(-1, -2)
    return float(scores.var()) / (64 if scaled else 1)


@claim(
    "C004", "Saturation makes the derivative of a softmax vanish.", verdict="holds when", experiment="saturation",
    where="D0:313 D0:3410 D1:503 D2:156 D2:462 D3:47", paper=VASWANI,
    why="the row is already close to one key alone; on the way there the derivative first grows, so raw scores at "
    "d_k = 16 have a larger one than scaled scores.",
)  # fmt: skip
def derivative_vanishes(trial: Trial) -> Evidence:
    saturated, _ = softmax_forward(np.array([40.0, 0.0, 0.0, 0.0]))
    norm = float(jacobian_norm(saturated))
    yield supports(at_most("saturated", "norm of the Jacobian where one key leads by 40", 1e-12, norm))
    scores = trial.generator(9).standard_normal((400, 64))
    raw, scaled = (float(jacobian_norm(softmax_forward(scores * size)[0]).mean()) for size in (4.0, 1.0))
    yield contradicts(at_least("grows", "the same of raw rows at d_k = 16 over that of scaled rows", 1.2, raw / scaled))


@claim(
    "C005", "Without the scale all earlier gradients become almost zero and the parameters hardly move.",
    verdict="does not hold", where="D2:464 D2:466 D0:3410 D0:199", experiment="additive-vs-dot", paper=VASWANI,
    why="at the start the unscaled layer has the larger gradients, at W_Q and at W_V. Unscaled models do learn more "
    "slowly here, and the cause was not isolated: it is not that gradients are small.",
)  # fmt: skip
def unscaled_gradients(trial: Trial) -> Evidence:
    scaled, raw = (gradients(trial, scale) for scale in (0.125, 1.0))
    yield contradicts(at_least("query", "gradient at W_Q without the scale over that with it", 2.0, raw[0] / scaled[0]))
    yield contradicts(at_least("value", "the same at W_V", 1.0, raw[1] / scaled[1]))
    slower = learnt(trial, None).right - learnt(trial, 1.0).right
    yield at_least("slower", "right answers with the scale less those without, after as many steps", 0.1, slower)


def gradients(trial: Trial, scale: float) -> tuple[float, float]:
    """Norms at W_Q and W_V of one head on 64 tokens of width 64, for a random gradient of variance 1."""
    rng = trial.generator(10)
    x, dout = rng.standard_normal((2, 64, WIDTH))
    w_q, w_k, w_v = rng.standard_normal((3, WIDTH, WIDTH)) / 8
    _, cache = self_attention_forward(x, w_q, w_k, w_v, scale=scale)
    grads = self_attention_backward(dout, cache)
    return float(np.linalg.norm(grads.dw_q)), float(np.linalg.norm(grads.dw_v))


@claim(
    "C006", "The Jacobian of a softmax has y_i (1 - y_i) on its diagonal and -y_i y_j elsewhere.", verdict="holds",
    where="D2:427 D2:440 D2:451", experiment="saturation", paper="Bridle 1990",
    why="by differences of the function, row by row; each row sums to 0, and the library's backward is the same "
    "matrix.",
)  # fmt: skip
def jacobian(trial: Trial) -> Evidence:
    z = trial.generator(11).standard_normal(7)
    y, _ = softmax_forward(z)
    law = np.where(np.eye(7, dtype=bool), y * (1 - y), -np.outer(y, y))
    slopes = np.stack(
        [(softmax_forward(z + step)[0] - softmax_forward(z - step)[0]) / 2e-6 for step in 1e-6 * np.eye(7)], axis=1
    )
    yield supports(agree("differences", "the formula against central differences", slopes, law, to=1e-8))
    _, cache = softmax_forward(np.tile(z, (7, 1)))
    yield supports(agree("backward", "... and against the library's backward", softmax_backward(np.eye(7), cache), law))
    yield agree("sums", "rows of its matrix sum to 0", softmax_jacobian(y).sum(axis=1), 0.0, to=1e-15)


@claim(
    "C007", "The largest weight of softmax([a, a, 2a]) soon comes close to one as a grows.", verdict="holds",
    where="D2:165 D2:173", experiment="saturation",
    why="it is 1 / (1 + 2 e^-a). Written without subtracting the maximum it overflows in float64 near a = 355.",
)  # fmt: skip
def top_weight(trial: Trial) -> Evidence:
    def top(a: float) -> float:
        return float(softmax_forward(np.array([a, a, 2 * a]))[0][2])

    sizes = (0.0, 1.0, 5.0, 10.0, 15.0)
    closed = [1 / (1 + 2 * math.exp(-a)) for a in sizes]
    yield supports(at_least("soon", "largest weight at a = 5.3", 0.99, top(5.3)))
    yield supports(agree("closed", "weights against 1 / (1 + 2 e^-a)", [top(a) for a in sizes], closed))
    finite = [bool(np.isfinite(maximum_not_subtracted(np.array([a, a, 2 * a]))).all()) for a in (354.0, 356.0)]
    yield exactly("overflow", "finite without the maximum at a = 354, and at 356", "yes, no", words(finite))


def words(finite: list[bool]) -> str:
    return ", ".join("yes" if each else "no" for each in finite)


@claim(
    "C008", "A softmax saturates when its inputs are large.", verdict="holds when", where="D2:154 D2:456",
    experiment="saturation",
    why="their gaps are large: only gaps count, and large inputs that are equal give equal weights.",
)  # fmt: skip
def large_inputs(trial: Trial) -> Evidence:
    z = trial.generator(12).standard_normal(5)
    yield supports(at_least("gaps", "largest weight of 1000 z", 0.99, float(softmax_forward(1000 * z)[0].max())))
    equal, _ = softmax_forward(np.full(5, 1e8))
    yield contradicts(agree("equal", "weights of five equal inputs of 1e8, less 1/5", equal, 0.2))
    moved = softmax_forward(z + 2.0**20)[0] - softmax_forward(z)[0]
    yield agree("shift", "weights when 2^20 is added to all inputs, less those before", moved, 0.0, to=1e-9)


@claim(
    "C009", "Where a softmax is saturated its gradients vanish, whatever it is used for.", verdict="does not hold",
    where="D2:464", experiment="saturation", paper="Bridle 1990",
    why="under cross-entropy the logarithm undoes the softmax: the gradient is p - y, and stays near sqrt(2) for a "
    "sure answer that is wrong. Under a squared error of the weights it does vanish.",
)  # fmt: skip
def every_gradient(trial: Trial) -> Evidence:
    logits = np.array([20.0, 0.0, 0.0])
    pull, faded = (float(np.linalg.norm(g(logits, 2))) for g in (cross_entropy_gradient, squared_error_gradient))
    yield contradicts(within("cross-entropy", "gradient for a wrong label, cross-entropy", math.sqrt(2), pull, 1e-6))
    yield at_most("squared", "the same for a squared error", 1e-6, faded)
