"""Numbers for the quiz on context length: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.cost.needle import needle_weight
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.measure.decoder_costs import DecoderSizes, count, stored


@told_apart
def cache_bytes(rng: np.random.Generator) -> NumberCase:
    """GiB of keys and values of one text."""
    layers, keys, d = int(rng.choice([24, 32, 48])), int(rng.choice([2, 4, 8])), int(rng.choice([64, 128]))
    heads, t = keys * int(rng.choice([4, 8])), int(rng.choice([16, 32, 128])) * 1024
    sizes = DecoderSizes(layers, heads * d, heads, keys, d, 4 * heads * d, 32_000)
    answer = 2 * count(stored(sizes, t)) / 2**30
    wrong = (
        Wrong(answer * heads / keys, "heads for key heads", "Heads of queries share the keys that are stored."),
        Wrong(answer / 2, "values forgotten", "Keys and values are both kept."),
        Wrong(answer / layers, "one layer", "Each layer keeps its own."),
        Wrong(answer * 8, "bits for bytes", "A bfloat16 number takes 2 bytes."),
    )
    values = {"layers": layers, "heads": heads, "keys": keys, "d": d, "t": t}
    return NumberCase(values, answer, wrong, 0.01)


@told_apart
def prefill(rng: np.random.Generator) -> NumberCase:
    """How many times the multiply-adds of a block for a longer prompt."""
    c, t, times = int(rng.choice([1024, 2048])), int(rng.choice([2048, 4096, 8192])), int(rng.choice([2, 4, 8]))
    one, two = (
        total_matmul_flops((*attention_core(n, c, 1), *projections(n, c), *feed_forward(n, c, 4 * c)))
        for n in (t, times * t)
    )
    wrong = (
        Wrong(float(times), "pairs left out", "Scores and sum grow with the square."),
        Wrong(float(times**2), "maps left out", "Maps and network grow in proportion."),
        Wrong((times + times**2) / 2, "halves assumed", "The two parts have to be counted."),
    )
    return NumberCase({"c": c, "t": t, "times": times, "long": times * t}, two / one, wrong, 0.01)


@told_apart
def needle(rng: np.random.Generator) -> NumberCase:
    """The weight of one key that leads among equal ones."""
    lead, t = int(rng.integers(3, 9)), int(rng.choice([50, 200, 1000, 5000]))
    e = float(np.exp(lead))
    wrong = (
        Wrong(e / t, "sum forgotten", "The wanted key is part of the sum."),
        Wrong(lead / (lead + t - 1), "exp forgotten", "Weights are exponentials of scores."),
        Wrong(1 / t, "lead forgotten", "Its score lies above the others."),
    )
    return NumberCase({"lead": lead, "t": t}, needle_weight(t, float(lead)), wrong, 0.01)


@told_apart
def interpolated(rng: np.random.Generator) -> NumberCase:
    """The place whose angle a place gets by interpolation."""
    trained, by = int(rng.choice([2048, 4096, 8192])), int(rng.choice([2, 4, 8]))
    place = int(rng.integers(trained // 8, trained * by // 8)) * 8
    wrong = (
        Wrong(float(place), "not stretched", "All places are divided by the factor."),
        Wrong(float(trained), "cut at the end", "Places beyond the trained range are squeezed in, not cut."),
        Wrong(float(place % trained), "counted anew", "Two places would get the same angle."),
        Wrong(float(place * by), "multiplied", "Angles have to come back into the trained range."),
    )
    values = {"trained": trained, "long": trained * by, "place": place}
    return NumberCase(values, place / by, wrong, 0.0)
