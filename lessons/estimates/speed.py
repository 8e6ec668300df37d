"""What bounds decoding and reading: memory, its bandwidth, or arithmetic; and what fits."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

from lessons.estimates.arithmetic import HALVED, WHY_HALVED, in_billions
from lessons.estimates.building import estimate, pick
from lessons.estimates.cache import BITS, HEADS, KEYS, LAYER, WHY_KEYS, why_heads, why_layer
from lessons.estimates.published import (
    CARDS, LLAMA_2_70B, LLAMA_3_8B, LLAMA_3_70B, MIXTRAL, ON_ONE_CARD, Card, Published,
)  # fmt: skip
from lessons.quiz import EstimateCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.counting import first_n_where
from tfx.measure.decoder_costs import count, flops, parameters, stored, token_costs


@told_apart
def decoding_rate(rng: np.random.Generator) -> EstimateCase:
    m, card, bits = pick(rng, ON_ONE_CARD), pick(rng, CARDS), pick(rng, (4, 8, 16))
    numbers, billions = count(parameters(m.sizes)), in_billions(m)
    answer = card.bandwidth / (numbers * bits / 8)
    slips = (
        Wrong(card.peak / (2 * numbers), "arithmetic for bandwidth", "So many the arithmetic would allow: each token needs all weights read first."),
        Wrong(answer / 8, BITS, "The weights were counted in bits: a byte has 8 of them."),
        Wrong(answer * bits / 8, "numbers for bytes", f"Each weight takes {bits / 8:g} bytes, not one."),
    )  # fmt: skip
    steps = [
        ("", card.bandwidth, "bytes/s"),
        ("/", billions * 1e9, "parameters"),
        ("/", bits / 8, "bytes a number"),
    ]
    values = {"model": m.name, "billions": billions, "bits": bits, **_of(card)}
    return estimate(values, answer, slips, "tokens/s", steps)


def _of(card: Card) -> dict[str, object]:
    return {"card": card.name, "peak": round(card.peak / 1e12), "bandwidth": round(card.bandwidth / 1e9)}


@told_apart
def balanced_batch(rng: np.random.Generator) -> EstimateCase:
    m, card, bits = pick(rng, (*ON_ONE_CARD, LLAMA_3_70B, LLAMA_2_70B)), pick(rng, CARDS), pick(rng, (4, 8, 16, 32))
    each = token_costs(m.sizes, 1)
    products = flops(each) - flops(each, "Q K^T", "P V")
    numbers = products // 2  # each weight of a map is multiplied once for a token
    answer = first_n_where(
        lambda n: round(n * products * card.bandwidth), lambda n: round(numbers * bits / 8 * card.peak)
    )
    slips = (
        Wrong(answer * 2.0, HALVED, WHY_HALVED),
        Wrong(answer * 8.0, BITS, "The weights were counted in bits: a byte has 8 of them."),
        Wrong(answer * 16.0, "bits, and multiply-adds", "A byte has 8 bits, and a multiply-add is two FLOPs."),
    )
    steps = [
        ("", card.peak, "FLOP/s"),
        ("/", card.bandwidth, "bytes/s"),
        ("x", bits / 8, "bytes a weight"),
        ("/", 2, "FLOPs a weight and text"),
    ]
    return estimate({"model": m.name, "bits": bits, **_of(card)}, answer, slips, "sequences", steps)


@told_apart
def prefill_time(rng: np.random.Generator) -> EstimateCase:
    m, card, share = pick(rng, ON_ONE_CARD), pick(rng, CARDS), pick(rng, (0.3, 0.4, 0.6, 0.7))
    n, billions = pick(rng, (400, 500, 512, 800, 1000, 1024)), in_billions(m)
    answer = flops(token_costs(m.sizes, n)) / (card.peak * share)
    numbers = count(parameters(m.sizes))
    slips = (
        Wrong(answer * share, "peak for what is reached", f"The card reaches {share:.0%} of its peak: that share divides, too."),
        Wrong(answer / 2, HALVED, WHY_HALVED),
        Wrong(n * 2 * numbers / card.bandwidth, "weights read for every token", "A prompt is read at once: its tokens share one look at the weights."),
    )  # fmt: skip
    steps = [
        ("", 2, "FLOPs"),
        ("x", billions * 1e9, "parameters"),
        ("x", n, "tokens"),
        ("/", card.peak, "FLOP/s at the peak"),
        ("/", share, "of it is reached"),
    ]
    values = {"model": m.name, "billions": billions, "n": n, "percent": round(100 * share), **_of(card)}
    return estimate(values, answer, slips, "seconds", steps)


@told_apart
def cache_outgrows(rng: np.random.Generator) -> EstimateCase:
    m, n = pick(rng, (LLAMA_2_70B, LLAMA_3_8B, LLAMA_3_70B)), pick(rng, (512, 1000, 1024, 2000, 2048, 4000))
    s, billions = m.sizes, in_billions(m)
    kept, numbers = count(stored(s, n)), count(parameters(s))
    answer = first_n_where(lambda batch: 2 * batch * kept, lambda _: 2 * numbers)
    slips = (
        Wrong(answer * s.key_heads / s.heads, HEADS, why_heads(s.heads, s.key_heads)),
        Wrong(answer * 2.0, KEYS, WHY_KEYS),
        Wrong(answer * float(s.layers), LAYER, why_layer(s.layers)),
    )
    steps = [
        ("", billions * 1e9, "parameters"),
        ("/", 2 * s.layers, f"2 x {s.layers} layers"),
        ("/", s.key_heads * s.head_width, f"{s.key_heads} x {s.head_width}: key heads"),
        ("/", n, "tokens of a text"),
    ]
    values = {"model": m.name, "billions": billions, "layers": s.layers, "heads": s.heads, "key_heads": s.key_heads}
    return estimate({**values, "d": s.head_width, "n": n}, answer, slips, "sequences", steps)


def texts_that_fit(m: Published, cards: int, n: int) -> float:
    """Whole texts of n tokens whose keys and values fit beside the weights, on cards of 80 GB together."""
    return (cards * 80e9 - 2 * count(parameters(m.sizes))) // (2 * count(stored(m.sizes, n)))


@cache
def batches_to_ask_for() -> tuple[tuple[Published, int, int], ...]:
    """Model, cards and length where at least 20 texts fit: of fewer, one more or less would be too much of the answer."""
    models, lengths = (*ON_ONE_CARD, LLAMA_2_70B, MIXTRAL), (512, 1000, 1024, 2000, 2048, 4000)
    each = itertools.product(models, (1, 2, 4, 8), lengths)
    return tuple((m, cards, n) for m, cards, n in each if texts_that_fit(m, cards, n) >= 20)


@told_apart
def batch_that_fits(rng: np.random.Generator) -> EstimateCase:
    m, cards, n = pick(rng, batches_to_ask_for())
    s, memory = m.sizes, cards * 80e9
    numbers, kept, billions = count(parameters(s)), count(stored(s, n)), in_billions(m)
    answer = texts_that_fit(m, cards, n)
    slips = (
        Wrong(memory // (2 * kept), "weights forgotten", "The weights take their part of the memory first."),
        Wrong((memory - 2 * numbers) // kept, KEYS, WHY_KEYS),
        Wrong((memory - 2 * numbers) // (2 * kept / s.layers), LAYER, why_layer(s.layers)),
    )
    each = 2 * s.layers * s.key_heads * s.head_width
    steps = [
        ("", memory, "bytes of memory"),
        ("-", 2 * billions * 1e9, "bytes of weights"),
        ("/", each, "keys, values of a token"),
        ("/", n, "tokens of a text"),
        ("/", 2, "bytes a number"),
    ]
    values = {"model": m.name, "billions": billions, "cards": cards, "n": n, "layers": s.layers}
    values |= {"key_heads": s.key_heads, "d": s.head_width}
    return estimate(values, answer, slips, "sequences", steps)


@told_apart
def tokens_that_fit(rng: np.random.Generator) -> EstimateCase:
    m, bits, card = pick(rng, (*ON_ONE_CARD, MIXTRAL)), pick(rng, (4, 8, 16)), pick(rng, CARDS)
    bits = min(bits, 8) if m is MIXTRAL else bits  # 16 bits of it fit on none of these cards
    s, numbers, billions = m.sizes, count(parameters(m.sizes)), in_billions(m)
    answer = (card.memory - numbers * bits / 8) // (2 * count(stored(s, 1)))
    slips = (
        Wrong(answer * 2, KEYS, WHY_KEYS),
        Wrong(answer * s.layers, LAYER, why_layer(s.layers)),
        Wrong(answer / 8, BITS, "Keys and values were counted in bits: a byte has 8 of them."),
    )
    steps = [
        ("", card.memory, "bytes of memory"),
        ("-", billions * 1e9 * bits / 8, "bytes of weights"),
        ("/", 2 * s.layers, f"2 x {s.layers} layers"),
        ("/", s.key_heads * s.head_width, f"{s.key_heads} x {s.head_width}: key heads"),
        ("/", 2, "bytes a number"),
    ]
    values = {"model": m.name, "billions": billions, "bits": bits, "layers": s.layers, "key_heads": s.key_heads}
    values |= {"d": s.head_width, "card": card.name, "memory": round(card.memory / 1e9)}
    return estimate(values, answer, slips, "tokens", steps)
