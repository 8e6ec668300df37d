"""Numbers for the quiz on limits: each function draws one case and computes its truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lessons.estimates.published import GPT3
from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.decoder_costs import count, flops, stored, token_costs


@told_apart
def weight_bytes(rng: np.random.Generator) -> NumberCase:
    billions, bits = int(rng.choice([3, 7, 13, 30, 70, 175])), int(rng.choice([4, 16]))
    wrong = (
        Wrong(float(billions * bits), "bits for bytes", "Eight bits are a byte."),
        Wrong(float(billions), "a byte a parameter", f"A parameter has {bits} bits."),
        Wrong(billions * 4.0, "float32 for fewer bits", "Four bytes are 32 bits."),
    )  # fmt: skip
    return NumberCase({"billions": billions, "bits": bits}, billions * 1e9 * bits / 8 / 1e9, wrong, 0.0, "GB")


@told_apart
def longer(rng: np.random.Generator) -> NumberCase:
    """Scores of a text that is so many times as long."""
    n, times = int(rng.choice([256, 512, 1024])), int(rng.integers(3, 9))
    pairs = [flops(token_costs(GPT3.sizes, tokens), "Q K^T") for tokens in (n, n * times)]
    wrong = (
        Wrong(float(times), "linear for quadratic", "Keys grow as many times, and so do the queries that meet them."),
        Wrong(2.0**times, "exponential for quadratic", "The exponent is fixed at 2; the length is the base."),
        Wrong(float(times**3), "cubic for quadratic", "The width of a key does not grow with the text."),
    )  # fmt: skip
    return NumberCase({"n": n, "long": n * times}, pairs[1] / pairs[0], wrong, 0.0, "times")


@told_apart
def cache_of_text(rng: np.random.Generator) -> NumberCase:
    """Keys and values of a text, in MB."""
    layers, keys, width, tokens = (int(rng.choice(of)) for of in ([24, 32, 40, 80], [2, 4, 8, 16], [64, 80, 128], [1000, 2000, 5000]))  # fmt: skip
    heads = 4 * keys
    sizes = replace(GPT3.sizes, layers=layers, heads=heads, key_heads=keys, head_width=width)
    answer = count(stored(sizes, tokens)) * 2 / 1e6
    wrong = (
        Wrong(answer / 2, "keys without values", "Both are kept."),
        Wrong(4 * answer, "heads for key heads", "Several queries share a key; it is kept once."),
        Wrong(answer / layers, "one layer for all", "Each layer has keys and values of its own."),
    )  # fmt: skip
    values = {"layers": layers, "heads": heads, "keys": keys, "width": width, "tokens": tokens}
    return NumberCase(values, answer, wrong, 0.01, "MB")


@told_apart
def read_once(rng: np.random.Generator) -> NumberCase:
    """Least time for a token, in ms, where all weights are read once."""
    gigabytes, bandwidth = int(rng.integers(6, 70)), int(rng.choice([1000, 1500, 2000, 3000]))
    answer = gigabytes * 1e9 / (bandwidth * 1e9) * 1e3
    wrong = (
        Wrong(bandwidth / gigabytes, "tokens a second for time", "That many tokens a second come of it at best."),
        Wrong(answer / 1e3, "seconds for milliseconds", "A thousand milliseconds are a second."),
        Wrong(2 * answer, "two operations for one reading", "Two operations a weight, but a weight is read once."),
    )  # fmt: skip
    return NumberCase({"gigabytes": gigabytes, "bandwidth": bandwidth}, answer, wrong, 0.01, "ms")


@told_apart
def new_facts(rng: np.random.Generator) -> NumberCase:
    """Good and Turing's estimate from tellings that are really drawn."""
    once, twice, often, times = (int(rng.integers(low, high)) for low, high in ((11, 40), (11, 40), (3, 9), (6, 30)))
    tellings = np.repeat(np.arange(once + twice + often), [1] * once + [2] * twice + [times] * often)
    counts = np.bincount(tellings)
    answer = 100 * float((counts == 1).sum() / len(tellings))
    wrong = (
        Wrong(100 * once / len(counts), "facts for tellings", "Chances are shares of what is told, not of different facts."),
        Wrong(100 * twice / len(tellings), "told twice for told once", "What stood once tells how much is still new."),
        Wrong(100 / len(tellings), "one new fact in all", "Every fact that stood once was new when it came."),
    )  # fmt: skip
    return NumberCase({"once": once, "twice": twice, "often": often, "times": times}, answer, wrong, 0.01, "percent")
