"""Bytes: weights, training with AdamW, attention weights, logits; and numbers of a picture's scores."""

from __future__ import annotations

import math

import numpy as np

from lessons.estimates.arithmetic import in_billions
from lessons.estimates.building import estimate, length, pick
from lessons.estimates.cache import BITS, LAYER, WHY_BITS
from lessons.estimates.published import GPT2, GPT3, LLAMA_2_70B, LLAMA_3_8B, LLAMA_3_70B, LLAMAS, MISTRAL, VIT
from lessons.quiz import EstimateCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.decoder_costs import count, parameters
from tfx.ops.grids.patches import patch_grid

#: bytes for each parameter, in training with mixed precision: Rajbhandari et al. 2020, "ZeRO", section 3.1
MIXED = {"weights": 2, "gradients": 2, "float32 weights": 4, "first moments": 4, "second moments": 4}
#: ... and with float32 alone
SINGLE = {"weights": 4, "gradients": 4, "first moments": 4, "second moments": 4}
MOMENTS = ("first moments", "second moments")


@told_apart
def weights(rng: np.random.Generator) -> EstimateCase:
    m, bits = pick(rng, (*LLAMAS, MISTRAL, GPT3)), pick(rng, (4, 16, 32))
    numbers, billions = count(parameters(m.sizes)), in_billions(m)
    answer = numbers * bits / 8
    slips = (
        Wrong(numbers * bits, BITS, WHY_BITS),
        Wrong(
            float(numbers),
            "numbers for bytes",
            f"That counts one byte a number, and {bits} bits are {bits / 8:g} bytes.",
        ),
    )
    steps = [("", billions * 1e9, "parameters"), ("x", bits, "bits a number"), ("/", 8, "bits a byte")]
    return estimate({"model": m.name, "billions": billions, "bits": bits}, answer, slips, "bytes", steps)


@told_apart
def adamw_mixed(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, (*GPT2, GPT3, *LLAMAS, MISTRAL))
    numbers, billions = count(parameters(m.sizes)), in_billions(m)
    answer = numbers * sum(MIXED.values())
    slips = (
        Wrong(numbers * MIXED["weights"], "weights alone", "Gradients, float32 weights and both moments of AdamW stand beside them."),
        Wrong(numbers * (MIXED["weights"] + MIXED["gradients"]), "no state of the optimizer", "AdamW keeps a float32 copy of the weights and two float32 moments."),
        Wrong(answer - 4 * numbers, "one moment for two", "AdamW has two moments, the mean of the gradients and that of their squares."),
    )  # fmt: skip
    steps = [
        ("", 2, "weights, 16 bits"),
        ("+", 2, "gradients, 16 bits"),
        ("+", 4, "weights in float32"),
        ("+", 4, "first moments"),
        ("+", 4, "second moments"),
        ("x", billions * 1e9, "parameters"),
    ]
    return estimate({"model": m.name, "billions": billions}, answer, slips, "bytes", steps)


@told_apart
def adamw_single(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, (*GPT2, LLAMA_3_8B, MISTRAL))
    numbers, billions = count(parameters(m.sizes)), in_billions(m)
    answer = numbers * sum(SINGLE.values())
    slips = (
        Wrong(numbers * SINGLE["weights"], "weights alone", "Gradients and both moments of AdamW stand beside them."),
        Wrong(answer - numbers * sum(SINGLE[name] for name in MOMENTS), "no state of the optimizer", "AdamW keeps two moments for each parameter."),
        Wrong(answer - 4 * numbers, "one moment for two", "AdamW has two moments, the mean of the gradients and that of their squares."),
    )  # fmt: skip
    steps = [("", 4, "arrays of that size"), ("x", 4, "bytes of a float32"), ("x", billions * 1e9, "parameters")]
    return estimate({"model": m.name, "billions": billions}, answer, slips, "bytes", steps)


@told_apart
def shared_out(rng: np.random.Generator) -> EstimateCase:
    m, cards = pick(rng, (*LLAMAS, GPT3)), pick(rng, (4, 8, 16, 32, 64))
    numbers, billions = count(parameters(m.sizes)), in_billions(m)
    whole = MIXED["weights"] + MIXED["gradients"]
    state = sum(MIXED.values()) - whole
    answer = numbers * (whole + state / cards)
    slips = (
        Wrong(numbers * (whole + state), "nothing shared out", f"The 12 bytes of the optimizer are shared out to {cards} cards."),
        Wrong(numbers * (whole + state) / cards, "everything shared out", "Stage 1 shares out the optimizer's state alone: weights and gradients stay whole."),
        Wrong(numbers * state / cards, "the optimizer alone", "Every card has all weights and all gradients besides."),
    )  # fmt: skip
    steps = [
        ("", 12, "bytes of the optimizer"),
        ("/", cards, "cards"),
        ("+", 4, "weights and gradients"),
        ("x", billions * 1e9, "parameters"),
    ]
    return estimate({"model": m.name, "billions": billions, "cards": cards}, answer, slips, "bytes", steps)


@told_apart
def attention_weights(rng: np.random.Generator) -> EstimateCase:
    m, b = pick(rng, (*GPT2[1:], LLAMA_2_70B, LLAMA_3_70B)), pick(rng, (4, 8, 12, 16))
    s, n = m.sizes, length(rng, min(m.context, 4096))
    answer = 2 * sum(math.prod((b, s.heads, n, n)) for _ in range(s.layers))
    slips = (
        Wrong(answer / s.heads, "one head for all", f"Each of the {s.heads} heads has weights of its own, and so many squares."),
        Wrong(answer / s.layers, LAYER, f"Each of the {s.layers} layers has weights of its own."),
        Wrong(answer / n, "one query for all", f"Each of the {n} tokens weighs all: the length counts squared."),
    )  # fmt: skip
    steps = [
        ("", b, "texts"),
        ("x", s.layers, "layers"),
        ("x", s.heads, "heads"),
        ("x", n, "queries"),
        ("x", n, "keys"),
        ("x", 2, "bytes a number"),
    ]
    values = {"model": m.name, "layers": s.layers, "heads": s.heads, "n": n, "b": b}
    return estimate(values, answer, slips, "bytes", steps)


@told_apart
def logits(rng: np.random.Generator) -> EstimateCase:
    m, b = pick(rng, (*GPT2, *LLAMAS)), pick(rng, (4, 8, 16, 32))
    s, n = m.sizes, length(rng, min(m.context, 8192))
    answer = 4 * math.prod((b, n, s.vocab))
    slips = (
        Wrong(answer * s.width / s.vocab, "width for vocabulary", f"There is a logit for each of {s.vocab} tokens: the width is gone by then."),
        Wrong(answer / n, "one place for all", f"In training each of the {n} places has its row of logits."),
        Wrong(answer * 8, BITS, WHY_BITS),
    )  # fmt: skip
    steps = [("", b, "texts"), ("x", n, "places"), ("x", s.vocab, "vocabulary"), ("x", 4, "bytes of a float32")]
    values = {"model": m.name, "vocab": s.vocab, "width": s.width, "n": n, "b": b}
    return estimate(values, answer, slips, "bytes", steps)


@told_apart
def picture(rng: np.random.Generator) -> EstimateCase:
    name, side = pick(rng, list(VIT)), pick(rng, (224, 448, 672, 896))
    layers, heads, square = VIT[name]
    across, down = patch_grid((1, side, side, 3), square)
    answer = sum(heads * (across * down + 1) ** 2 for _ in range(layers))
    slips = (
        Wrong(float(layers * heads * (across + 1) ** 2), "squares along one side", f"A picture of {across} by {down} squares has {across * down} of them."),
        Wrong(answer / heads, "one head for all", f"Each of the {heads} heads has scores of its own."),
        Wrong(answer / layers, LAYER, f"Each of the {layers} layers has scores of its own."),
    )  # fmt: skip
    steps = [
        ("", across, f"{side} / {square} squares a side"),
        ("x", down, "down"),
        ("+", 1, "class token"),
        ("x", across * down + 1, "queries by keys"),
        ("x", heads, "heads"),
        ("x", layers, "layers"),
    ]
    values = {"model": name, "layers": layers, "heads": heads, "square": square, "side": side}
    return estimate(values, answer, slips, "numbers", steps)
