"""Claims about cheaper attention: what each variant saves, and what it gives up for it."""

from __future__ import annotations

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.efficient.feature_maps import find_feature_map
from tfx.efficient.linear_attention import linear_attention_forward
from tfx.efficient.linformer import linformer_forward
from tfx.efficient.longformer import longformer_attention_forward, longformer_mask
from tfx.efficient.nystrom_attention import nystrom_attention_forward
from tfx.efficient.performer import performer_forward, random_features
from tfx.lab.cost.random_features import trigonometric_features
from tfx.measure.held_memory import held_bytes
from tfx.measure.verdicts import agree, at_least, at_most, within
from tfx.ops.attention.scaled_dot_product import attention_forward

SECTION = "Efficient attention"

N, D = 256, 32


def random_heads(trial: Trial, n: int = N, d: int = D, size: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries, keys and values: (n, d) each, normal, queries and keys times `size`."""
    q, k, v = trial.generator(n, d).standard_normal((3, n, d))
    return size * q, size * k, v


def smooth_heads(trial: Trial) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that change little from one to the next: random walks, scaled to the size of normal rows."""
    walks = np.cumsum(trial.generator(1).standard_normal((3, N, D)), axis=1)
    q, k, v = walks / walks.std(axis=(1, 2), keepdims=True)
    return q, k, v


def error_of(found: np.ndarray, heads: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    """How far an output is from exact attention, as a share of its size."""
    exact, _ = attention_forward(*heads)
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@claim(
    "C177", "Linformer is linear in length, because attention has low rank.", where="D0:1790 D0:1927 D4:42",
    verdict="holds when", why="the number of mixed keys is fixed and the weights really have low rank; random data "
    "do not.",
    experiment="efficient-variants", paper="Wang et al. 2020, Linformer, section 4",
)  # fmt: skip
def linformer_is_linear(trial: Trial) -> Evidence:
    mixed, kept, far = 16, {}, 0.0
    for n in (N, 2 * N):
        heads = random_heads(trial, n)
        e = trial.generator(2, n).standard_normal((mixed, n)) / np.sqrt(n)
        out, cache = linformer_forward(*heads, e)
        kept[n] = held_bytes(cache)
        far = error_of(out, heads)
    yield supports(at_most("growth", "bytes kept at twice the length, in units of once", 2.0, kept[2 * N] / kept[N]))
    yield contradicts(at_least("random", "error on random rows with random mixing, as a share", 0.5, far))


@claim(
    "C179", "Performer uses random Fourier features.", where="D0:1798", verdict="does not hold",
    why="it replaces them: Fourier features estimate some weights as negative, its own features are positive.",
    experiment="efficient-variants", paper="Choromanski et al. 2021, Rethinking Attention with Performers, section 2.3",
)  # fmt: skip
def fourier_features(trial: Trial) -> Evidence:
    q, k, _ = random_heads(trial)
    w = random_features(64, D, seed=trial.seed)
    scaled = [x / D**0.25 for x in (q, k)]
    weights = trigonometric_features(scaled[0], w) @ trigonometric_features(scaled[1], w).T
    yield contradicts(
        at_least("negative", "share of weights that Fourier features make negative", 0.05, float((weights < 0).mean()))
    )
    ones = performer_forward(q, k, np.ones((N, 1)), w)[0]
    yield agree("positive", "Performer's own output for values of 1", ones, 1.0, 1e-9)


@claim(
    "C180", "Performer's estimate of attention is unbiased.", where="D0:1797 D0:1799", verdict="holds when",
    why="the exponential of a score is meant; the output is a quotient of two estimates, and is biased.",
    paper="Choromanski et al. 2021, lemma 1",
)  # fmt: skip
def unbiased(trial: Trial) -> Evidence:
    rng = trial.generator(3)
    x, y = 0.35 * rng.standard_normal((2, 8))
    w = rng.standard_normal((40_000, 8))
    draws = np.exp(w @ (x + y) - (x @ x + y @ y) / 2)
    z = abs(draws.mean() - np.exp(x @ y)) / (draws.std() / np.sqrt(len(draws)))
    yield supports(at_most("kernel", "mean of the estimates of exp(x.y), distance in standard errors", 5.0, float(z)))
    heads = random_heads(trial, 12, 8, 1.5)
    outputs = np.array(
        [performer_forward(*heads, random_features(8, 8, seed=1000 * trial.seed + draw))[0] for draw in range(400)]
    )
    exact, _ = attention_forward(*heads)
    z = abs(outputs.mean(axis=0) - exact) / (outputs.std(axis=0) / np.sqrt(len(outputs)))
    yield contradicts(
        at_least("output", "mean output, largest distance from attention in standard errors", 6.0, float(z.max()))
    )


@claim(
    "C181", "Performer's error is small.", where="D0:1928", verdict="holds when",
    why="queries and keys are short, or features are many; the spread grows exponentially with their lengths.",
    experiment="efficient-variants", paper="Choromanski et al. 2021, section 4",
)  # fmt: skip
def small_error(trial: Trial) -> Evidence:
    w = random_features(512, D, seed=trial.seed)
    errors = {
        size: error_of(performer_forward(*heads, w)[0], heads)
        for size in (0.5, 1.5)
        for heads in [random_heads(trial, size=size)]
    }
    yield supports(at_most("short", "error with queries and keys of half the size, as a share", 0.35, errors[0.5]))
    yield contradicts(at_least("long", "... of one and a half times the size", 0.5, errors[1.5]))


@claim(
    "C182", "Linear attention is phi(Q) (phi(K)^T V).", where="D0:1806", verdict="does not hold",
    why="the division by phi(Q) times the sum of phi(K) is missing; without it rows do not sum to 1 and grow with "
    "length.",
    paper="Katharopoulos et al. 2020, Transformers are RNNs, section 3.2",
)  # fmt: skip
def without_division(trial: Trial) -> Evidence:
    q, k, _ = random_heads(trial)
    phi, _ = find_feature_map("elu").forward(q), None
    ones = np.ones((N, 1))
    bare = phi[0] @ (find_feature_map("elu").forward(k)[0].T @ ones)
    yield contradicts(
        at_least("grows", "smallest output for values of 1, without the division", 2.0, float(bare.min()))
    )
    yield agree("one", "the library's output for values of 1", linear_attention_forward(q, k, ones)[0], 1.0, 1e-9)


@claim(
    "C191", "The Nystromformer is linear and a good approximation.", where="D0:1882", verdict="holds when",
    why="rows near each other are alike; on random rows the error is as large as the output.",
    experiment="efficient-variants", paper="Xiong et al. 2021, Nystromformer",
)  # fmt: skip
def nystrom(trial: Trial) -> Evidence:
    smooth, rough = smooth_heads(trial), random_heads(trial)
    errors = [error_of(nystrom_attention_forward(*heads, n_landmarks=32)[0], heads) for heads in (smooth, rough)]
    yield supports(at_most("smooth", "error on rows that change slowly, as a share", 0.3, errors[0]))
    yield contradicts(at_least("rough", "error on random rows, as a share", 0.5, errors[1]))


@claim(
    "C196", "Variants bring attention down to linear or nearly linear cost.", where="D1:595 D4:41",
    verdict="holds when",
    why="operations are counted; what comes out is then another function, except on a pattern that is wanted anyway.",
    experiment="efficient-variants", paper="Tay et al. 2022, Efficient Transformers: A Survey",
)  # fmt: skip
def variants(trial: Trial) -> Evidence:
    windows = {n: int(longformer_mask(n, window=8).sum()) for n in (N, 2 * N)}
    yield supports(
        within(
            "count", "scores of a window at twice the length, in units of once", 2.0, windows[2 * N] / windows[N], 0.03
        )
    )
    heads = random_heads(trial)
    errors = [
        error_of(longformer_attention_forward(*heads, window=8)[0], heads),
        error_of(linear_attention_forward(*heads)[0], heads),
        error_of(nystrom_attention_forward(*heads, n_landmarks=32)[0], heads),
    ]
    yield contradicts(
        at_least("other", "smallest error of window, linear and Nystrom attention on random rows", 0.1, min(errors))
    )
