"""Stored keys and values: what decoding keeps of every token that was read."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from lessons.estimates.building import Step, estimate, length, pick
from lessons.estimates.published import MISTRAL, ONE_KEY_HEAD_EACH, SHARED_KEY_HEADS, T5, Published
from lessons.quiz import EstimateCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.decoder_costs import DecoderSizes, count, stored

HEADS = "query heads for key heads"
KEYS = "keys without values"
LAYER = "one layer for all"
BITS = "bits for bytes"


def why_heads(heads: int, key_heads: int) -> str:
    return f"Keys and values are stored once for each of the {key_heads} key heads, not for all {heads} query heads."


WHY_KEYS = "A 2 is missing: every token leaves a key and a value."
WHY_BITS = "That many bits: a byte has 8 of them."


def why_layer(layers: int) -> str:
    return f"Each of the {layers} layers stores keys and values of its own."


def in_words(m: Published) -> dict[str, object]:
    """What a question says of a model whose query heads share keys and values."""
    s = m.sizes
    sizes = {"layers": s.layers, "heads": s.heads, "key_heads": s.key_heads, "d": s.head_width}
    return {"model": m.name, **sizes}


def of_a_token(s: DecoderSizes) -> tuple[Step, ...]:
    """The numbers that one token leaves behind."""
    return (
        ("", 2, "keys and values"),
        ("x", s.layers, "layers"),
        ("x", s.key_heads, "key heads"),
        ("x", s.head_width, "numbers of a head"),
    )


@told_apart
def kv_sequence(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, SHARED_KEY_HEADS)
    s, n = m.sizes, length(rng, m.context)
    answer = 2 * count(stored(s, n))
    slips = (
        Wrong(answer * s.heads / s.key_heads, HEADS, why_heads(s.heads, s.key_heads)),
        Wrong(answer / 2, KEYS, WHY_KEYS),
        Wrong(answer / s.layers, LAYER, why_layer(s.layers)),
    )
    values = {**in_words(m), "n": n}
    steps = [
        *of_a_token(s),
        ("x", n, "tokens"),
        ("x", 2, "bytes a number"),
    ]
    return estimate(values, answer, slips, "bytes", steps)


@told_apart
def kv_token(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, ONE_KEY_HEAD_EACH)
    s = m.sizes
    answer = 2 * count(stored(s, 1))
    slips = (
        Wrong(answer / 2, KEYS, WHY_KEYS),
        Wrong(answer / s.layers, LAYER, why_layer(s.layers)),
        Wrong(answer * 8, BITS, WHY_BITS),
    )
    steps = [
        ("", 2, "keys and values"),
        ("x", s.layers, "layers"),
        ("x", s.width, "width: all heads"),
        ("x", 2, "bytes a number"),
    ]
    values = {"model": m.name, "layers": s.layers, "heads": s.heads, "width": s.width}
    return estimate(values, answer, slips, "bytes", steps)


@told_apart
def kv_batch(rng: np.random.Generator) -> EstimateCase:
    m, b = pick(rng, SHARED_KEY_HEADS), pick(rng, (16, 24, 32, 48, 64))
    s, n = m.sizes, length(rng, min(m.context, 16384))
    answer = 2 * b * count(stored(s, n))
    slips = (
        Wrong(answer / b, "one text for the batch", f"Each of the {b} texts has keys and values of its own."),
        Wrong(answer * s.heads / s.key_heads, HEADS, why_heads(s.heads, s.key_heads)),
        Wrong(answer * 2, "four bytes for two", "A 16-bit number takes 2 bytes, not the 4 of float32."),
    )
    values = in_words(m)
    steps = [
        *of_a_token(s),
        ("x", n, "tokens"),
        ("x", b, "texts"),
        ("x", 2, "bytes a number"),
    ]
    return estimate({**values, "n": n, "b": b}, answer, slips, "bytes", steps)


@told_apart
def kv_window(rng: np.random.Generator) -> EstimateCase:
    s, b = MISTRAL.sizes, pick(rng, (2, 8, 16, 20, 32))
    n = pick(rng, (10000, 12000, 20000, 24000, 32000))
    answer = 2 * b * count(stored(s, n))
    window = s.window or n
    slips = (
        Wrong(
            answer * n / window,
            "the text for its window",
            f"Only the last {window} tokens are kept: older ones are overwritten.",
        ),
        Wrong(answer * s.heads / s.key_heads, HEADS, why_heads(s.heads, s.key_heads)),
        Wrong(answer / 2, KEYS, WHY_KEYS),
    )
    values = in_words(MISTRAL)
    steps = [
        *of_a_token(s),
        ("x", window, "tokens in the window"),
        ("x", b, "texts"),
        ("x", 2, "bytes a number"),
    ]
    return estimate({**values, "n": n, "b": b, "window": window}, answer, slips, "bytes", steps)


@told_apart
def kv_eight_bits(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, ONE_KEY_HEAD_EACH)
    s, n = m.sizes, length(rng, m.context)
    answer = count(stored(s, n))
    slips = (
        Wrong(answer * 2, "two bytes for one", "An 8-bit number takes 1 byte; 2 are those of 16 bits."),
        Wrong(answer / 2, KEYS, WHY_KEYS),
        Wrong(answer * 8, BITS, WHY_BITS),
    )
    steps = [
        ("", 2, "keys and values"),
        ("x", s.layers, "layers"),
        ("x", s.width, "width: all heads"),
        ("x", n, "tokens"),
        ("x", 1, "byte a number"),
    ]
    values = {"model": m.name, "layers": s.layers, "heads": s.heads, "width": s.width, "n": n}
    return estimate(values, answer, slips, "bytes", steps)


@told_apart
def kv_saved(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, SHARED_KEY_HEADS)
    s, n = m.sizes, length(rng, m.context)
    all_heads = count(stored(replace(s, key_heads=s.heads), n))
    kept = count(stored(s, n))
    answer = 2 * (all_heads - kept)
    slips = (
        Wrong(2 * kept, "what stays for what is saved", f"That is what the {s.key_heads} key heads still store."),
        Wrong(answer / 2, KEYS, WHY_KEYS),
        Wrong(answer / s.layers, LAYER, why_layer(s.layers)),
    )
    values = {**in_words(m), "n": n}
    steps = [
        ("", s.heads, "heads of keys without"),
        ("-", s.key_heads, "heads that are kept"),
        ("x", s.head_width, "numbers of a head"),
        ("x", 2, "keys and values"),
        ("x", s.layers, "layers"),
        ("x", n, "tokens"),
        ("x", 2, "bytes a number"),
    ]
    return estimate(values, answer, slips, "bytes", steps)


@told_apart
def kv_cross(rng: np.random.Generator) -> EstimateCase:
    name = pick(rng, ("T5-3B", "T5-11B"))
    s, n = T5[name], pick(rng, (128, 200, 256, 400, 512))
    layers, inner = s["n_layers"], s["n_heads"] * s["d_head"]
    answer = 2 * sum(math.prod((s["n_heads"], n, s["d_head"])) for _ in range(layers) for _ in "kv")
    why = f"The inner width is {s['n_heads']} heads of {s['d_head']} numbers, more than the width of the stream."
    slips = (
        Wrong(answer * s["d_model"] / inner, "width of the stream for that of the heads", why),
        Wrong(answer / 2, KEYS, WHY_KEYS),
        Wrong(answer / layers, LAYER, why_layer(layers)),
        Wrong(
            answer * 2,
            "the encoder stores too",
            "The encoder reads once and stores nothing; the decoder's layers store the source.",
        ),
    )
    values = {"model": name, "layers": layers, "heads": s["n_heads"], "d": s["d_head"], "width": s["d_model"], "n": n}
    steps = [
        ("", 2, "keys and values"),
        ("x", layers, "layers of the decoder"),
        ("x", s["n_heads"], "heads"),
        ("x", s["d_head"], "numbers of a head"),
        ("x", n, "tokens of the source"),
        ("x", 2, "bytes a number"),
    ]
    return estimate(values, answer, slips, "bytes", steps)
