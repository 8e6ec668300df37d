"""Numbers for the quiz on LayerNorm and BatchNorm: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.norms.batch_norm import Statistics, batch_norm_forward
from tfx.ops.norms.layer_norm import layer_norm_forward


def _batch_norm(x: np.ndarray, running: Statistics | None = None) -> np.ndarray:
    width = x.shape[-1]
    return np.asarray(batch_norm_forward(x, np.ones(width), np.zeros(width), running, eps=0.0)[0])


@told_apart
def first_number(rng: np.random.Generator) -> NumberCase:
    """Three tokens of three features."""
    x = rng.choice(np.arange(-4.0, 10.0), (3, 3), replace=False)
    wrong = (
        Wrong(
            float(layer_norm_forward(x, eps=0.0)[0][0, 0]),
            "layer norm for batch norm",
            "That averages over the features of token 1.",
        ),
        Wrong(
            float(((x - x.mean()) / x.std())[0, 0]),
            "one mean for the whole batch",
            "Each feature has a mean of its own.",
        ),
        Wrong(float(x[0, 0] - x[:, 0].mean()), "centred only", "The deviation of the feature divides it."),
    )
    values = {f"t{i}": ", ".join(f"{n:g}" for n in row) for i, row in enumerate(x, start=1)}
    return NumberCase(values, float(_batch_norm(x)[0, 0]), wrong)


@told_apart
def grown_by_padding(rng: np.random.Generator) -> NumberCase:
    """Real tokens of +1 and -1, and zeros."""
    real, zeros = (int(n) for n in rng.choice([(30, 10), (20, 20), (10, 30), (40, 10), (10, 40), (18, 32), (32, 18)]))
    x = np.where(np.arange(real) % 2, 1.0, -1.0)[:, None]
    factor = float(_batch_norm(np.concatenate([x, np.zeros((zeros, 1))]))[1, 0])
    wrong = (
        Wrong(factor**2, "variance for deviation", "The root of the variance divides."),
        Wrong(1.0, "padding is left out by itself", "Without a mask zeros count like any other number."),
        Wrong(1 / factor, "inverse factor", "A smaller deviation makes outputs larger."),
    )
    return NumberCase({"real": real, "zeros": zeros}, factor, wrong)


def shape_of_means(rng: np.random.Generator) -> ShapeCase:
    """Taken from the statistics that the library keeps."""
    batch, tokens, width = (int(n) for n in rng.choice([2, 3, 4, 5, 6, 7, 8, 12, 16], 3, replace=False))
    x = np.zeros((batch, tokens, width))
    statistics = batch_norm_forward(x, np.ones(width), np.zeros(width))[1].batch
    assert statistics is not None  # no running statistics were given
    return ShapeCase(
        {"batch": batch, "tokens": tokens, "width": width},
        tuple(statistics.mean.shape),
        (
            Wrong((batch, tokens), "layer norm for batch norm", "That is one mean for each token."),
            Wrong((tokens, width), "a mean for each place", "Places are averaged over like sentences."),
            Wrong((batch,), "per sentence for per feature", "Sentences are what is averaged over."),
        ),
    )


@told_apart
def in_use(rng: np.random.Generator) -> NumberCase:
    """A feature of a token in use, with what was stored."""
    x, other, mean = (float(n) for n in rng.choice(np.arange(1.0, 12.0), 3, replace=False))
    deviation = float(rng.choice([2, 3, 4, 5]))
    stored = Statistics(np.array([mean]), np.array([deviation**2]))
    answer = float(_batch_norm(np.array([[x], [other]]), stored)[0, 0])
    wrong = (
        Wrong(math.copysign(1.0, x - other), "statistics of the batch in use", "In use the stored averages are taken."),
        Wrong((x - mean) / deviation**2, "variance for deviation", "The root of the stored variance divides."),
        Wrong(x - mean, "centred only", "The deviation still divides it."),
    )
    values = {"x": f"{x:g}", "other": f"{other:g}", "mean": f"{mean:g}", "variance": f"{deviation**2:g}"}
    return NumberCase(values, answer, wrong)
