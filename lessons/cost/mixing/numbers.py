"""Numbers for the quiz on FNet and Synthesizer: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.fourier_mixing import fourier_mixing_forward
from tfx.efficient.synthesizer import dense_synthesizer_forward
from tfx.lab.cost.mixers import mixers, rows_moved


@told_apart
def third_place(rng: np.random.Generator) -> NumberCase:
    """One output of FNet over four tokens of width 1."""
    a, b, c, d = (int(n) for n in rng.integers(1, 10, 4))
    y = fourier_mixing_forward(np.array([[a], [b], [c], [d]], float))[0][:, 0]
    wrong = (
        Wrong(float(y[0]), "wave without signs", "That is place 1; the wave of place 3 alternates."),
        Wrong(float(y[1]), "slower wave", "That is place 2, with the wave 1, 0, -1, 0."),
        Wrong(float(y[2]) / 4, "mean for sum", "The transform sums, and does not divide."),
    )
    return NumberCase({"a": a, "b": b, "c": c, "d": d}, float(y[2]), wrong, 0.0)


@told_apart
def dense_parameters(rng: np.random.Generator) -> NumberCase:
    """Parameters of one head of a dense Synthesizer, without the map to values."""
    d, f, t = int(rng.choice([16, 32, 64])), int(rng.choice([24, 48, 96])), int(rng.choice([40, 100, 128]))
    _, cache = dense_synthesizer_forward(
        np.zeros((t, d)), np.zeros((t, 1)), np.zeros((d, f)), np.zeros((1, f)), np.zeros((f, t)), np.zeros((1, t))
    )
    answer = cache.first.b.size + cache.second.b.size + cache.b1.size + cache.b2.size
    wrong = (
        Wrong(float(t * t), "table of scores", "That is the random form; the dense one has a network."),
        Wrong(float(d * f + f * t), "biases left out", "Both layers have a bias."),
        Wrong(float(2 * d * d), "maps of queries and keys", "There are no queries and keys."),
        Wrong(float(d * f + f + f * d + d), "width for length", "The last layer makes a score for each place."),
    )
    return NumberCase({"d": d, "f": f, "t": t}, float(answer), wrong, 0.0)


@told_apart
def rows_that_change(rng: np.random.Generator) -> NumberCase:
    """Rows of weights that change in a dense Synthesizer when several tokens become others."""
    t, k = int(rng.integers(8, 20)), int(rng.integers(2, 6))
    ways = mixers(t, 4, np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((t, 4))
    answer = sum(rows_moved(ways["dense Synthesizer"], x, token) for token in range(k))
    wrong = (
        Wrong(float(t), "attention for synthesizer", "Other tokens are not compared with those that changed."),
        Wrong(0.0, "random for dense", "The dense form makes each row from its token."),
        Wrong(float(t - k), "columns for rows", "A token writes its own row."),
        Wrong(float(k * t), "pairs for rows", "Rows are counted, not their entries."),
    )
    return NumberCase({"t": t, "k": k}, float(answer), wrong, 0.0)


@told_apart
def share_of_work(rng: np.random.Generator) -> NumberCase:
    """T log2 T over T^2 for a power of two."""
    power = int(rng.integers(8, 15))
    t = 2**power
    wrong = (
        Wrong(100 / t, "logarithm left out", "Each of log2(T) rounds touches all T tokens."),
        Wrong(100 * power / t / 2, "half of it", "T log2(T) stands over T^2 as it is."),
        Wrong(100.0 * power**2 / t, "logarithm squared", "There is one logarithm along the text."),
    )
    return NumberCase({"t": t}, 100 * t * np.log2(t) / t**2, wrong, 0.005, "%")
