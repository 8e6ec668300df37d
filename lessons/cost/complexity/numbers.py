"""Numbers for the quiz on the cost of attention: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences.path_length import CONVOLUTION, Settings, layers, layers_until_everywhere
from tfx.measure.counting import attention_core, attention_overtakes, projections, recurrence, total_matmul_flops


@told_apart
def crossing(rng: np.random.Generator) -> NumberCase:
    """From which T on scores and sum take no fewer multiply-adds than maps and network."""
    c, r, heads = int(rng.choice([64, 128, 256, 512])), int(rng.choice([2, 3, 4, 8])), int(rng.choice([4, 8]))
    wrong = (
        Wrong(float(c), "constants left out", "2 T^2 C stands against 4 T C^2 and more: the constants count."),
        Wrong(float(r * c), "maps left out", "The four maps add 4 T C^2 to the network."),
        Wrong(float((4 + 2 * r) * c), "weighted sum left out", "Scores and weighted sum are two products of T^2 C each."),
        Wrong(float((2 + r) * c) / heads, "work split among heads", "All heads together compute as much as one of full width."),
    )  # fmt: skip
    values = {"c": c, "inner": r * c, "heads": heads}
    return NumberCase(values, float(attention_overtakes(c, heads, r * c)), wrong, 0.0)


@told_apart
def doubling(rng: np.random.Generator) -> NumberCase:
    """By what one layer with its maps grows when the text is twice as long."""
    c = int(rng.choice([128, 256, 512]))
    t = int(c * rng.choice([1, 2, 4, 6, 8]))
    one, two = (total_matmul_flops((*attention_core(n, c, 1), *projections(n, c))) for n in (t, 2 * t))
    wrong = (
        Wrong(4.0, "maps left out", "The maps grow with T alone, so the whole grows less than 4 times."),
        Wrong(2.0, "linear for quadratic", "Scores and sum grow 4 times."),
        Wrong(2 * (2 * t + c) / (t + c), "maps counted once", "There are four maps, 4 T C^2, against 2 T^2 C."),
    )
    return NumberCase({"t": t, "c": c}, two / one, wrong, 0.01)


@told_apart
def stored(rng: np.random.Generator) -> NumberCase:
    """Bytes of the weights that one layer stores."""
    b, heads, t, c = (int(rng.choice(of)) for of in ([2, 4, 8], [4, 8, 16], [128, 256, 512], [256, 768]))
    weights = np.empty((b, heads, t, t), dtype="float32")
    wrong = (
        Wrong(float(weights.nbytes // heads), "one matrix for all heads", "Each head has weights of its own."),
        Wrong(float(weights.nbytes // b), "one text for the batch", "Each text has weights of its own."),
        Wrong(float(4 * b * t * c), "tokens for pairs", "Weights belong to pairs of tokens, and the width is not in them."),
        Wrong(float(weights.nbytes // 4), "numbers for bytes", "A float32 number takes 4 bytes."),
    )  # fmt: skip
    return NumberCase({"b": b, "heads": heads, "t": t, "c": c}, float(weights.nbytes), wrong, 0.0)


@told_apart
def against_rnn(rng: np.random.Generator) -> NumberCase:
    """Scores and sum over a simple RNN with both of its maps."""
    c, t = int(rng.choice([128, 256, 512])), int(rng.choice([64, 192, 384, 768, 2048]))
    ratio = total_matmul_flops(attention_core(t, c, 1)) / total_matmul_flops(recurrence(t, c))
    wrong = (
        Wrong(1 / ratio, "quotient upside down", "Attention has one T more, the RNN one C more."),
        Wrong(ratio + 2, "maps counted", "That is with the four maps of attention."),
        Wrong(2 * ratio, "one map of the RNN", "Token and state have a C x C map each."),
        Wrong(ratio**2, "both sides squared", "T^2 C over T C^2: one T and one C cancel."),
    )
    return NumberCase({"t": t, "c": c}, ratio, wrong, 0.01)


@told_apart
def layers_of_a_cnn(rng: np.random.Generator) -> NumberCase:
    """Layers until the last token has news of the first, found by passing marks on."""
    kernel, t = int(rng.choice([3, 5, 7, 9])), int(rng.integers(20, 90))
    answer = layers_until_everywhere(layers(Settings(kernel=kernel))[CONVOLUTION], t)
    assert answer is not None
    wrong = (
        Wrong(float(math.ceil((t - 1) / (kernel - 1))), "both sides for one", "Of its places half lie on the way, half behind."),
        Wrong(float(math.ceil(math.log2(2 * (t - 1) / (kernel - 1) + 1))), "dilation assumed", "A logarithm needs steps that double."),
        Wrong(1.0, "attention for convolution", "A kernel reaches its neighbours; attention reaches all."),
        Wrong(float(t - 1), "one place a layer", "A layer reaches half of the kernel's other places."),
    )  # fmt: skip
    return NumberCase({"kernel": kernel, "t": t}, float(answer), wrong, 0.0)
