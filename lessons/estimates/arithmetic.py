"""FLOPs: of one decoded token, of a prompt, of attention, of a training run."""

from __future__ import annotations

from functools import cache

import numpy as np

from lessons.estimates.building import Step, estimate, length, pick
from lessons.estimates.cache import LAYER
from lessons.estimates.published import CARDS, GPT2, GPT3, LLAMA_2_7B, LLAMA_2_13B, LLAMA_2_70B, LLAMAS, Published
from lessons.quiz import EstimateCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.counting import attention_overtakes
from tfx.measure.decoder_costs import count, flops, parameters, token_costs

HALVED = "multiply-adds for FLOPs"
WHY_HALVED = "A 2 is missing: every multiply-add is a product and a sum."
TRAINED = (GPT3, LLAMA_2_7B, LLAMA_2_13B, LLAMA_2_70B)


def in_billions(m: Published) -> float:
    """Parameters of the model as people say them: 6.74, and 175 without a point."""
    billions = float(f"{count(parameters(m.sizes)) / 1e9:.3g}")
    return int(billions) if billions == int(billions) else billions


def weight_flops(m: Published) -> int:
    """Of one token, by the products with weights alone."""
    costs = token_costs(m.sizes, 1)
    return flops(costs) - flops(costs, "Q K^T", "P V")


@told_apart
def decode(rng: np.random.Generator) -> EstimateCase:
    m, n = pick(rng, (GPT3, *LLAMAS)), pick(rng, (100, 128, 200, 256))
    answer, billions = flops(token_costs(m.sizes, 1, n)), in_billions(m)
    slips = (
        Wrong(answer / 2, HALVED, WHY_HALVED),
        Wrong(
            answer * 3, "training for generating", "Six for each parameter is training: forward takes 2, backward 4."
        ),
        Wrong(
            answer * n,
            "the whole text for its new token",
            f"With stored keys and values the {n} tokens before are not computed again.",
        ),
    )
    steps = [("", 2, "FLOPs a parameter"), ("x", billions * 1e9, "parameters")]
    return estimate({"model": m.name, "billions": billions, "n": n}, answer, slips, "FLOPs", steps)


@told_apart
def prefill(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, LLAMAS)
    s, n, billions = m.sizes, length(rng, min(m.context, 8192)), in_billions(m)
    answer = flops(token_costs(s, n))
    slips = (
        Wrong(answer / n, "one token for all", f"Each of the {n} tokens passes through every weight."),
        Wrong(answer / 2, HALVED, WHY_HALVED),
        Wrong(
            answer * 3,
            "training for reading",
            "Six for each parameter and token is training: reading is a forward alone.",
        ),
    )
    steps: list[Step] = [
        ("", 2, "FLOPs"),
        ("x", billions * 1e9, "parameters"),
        ("x", n, "tokens"),
        ("+", flops(token_costs(s, n), "Q K^T", "P V"), "4 L n n C: attention"),
    ]
    values = {"model": m.name, "billions": billions, "n": n, "layers": s.layers, "width": s.width}
    return estimate(values, answer, slips, "FLOPs", steps)


@told_apart
def attention(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, (*GPT2, LLAMA_2_7B, LLAMA_2_13B, LLAMA_2_70B))
    s, n = m.sizes, length(rng, m.context)
    answer = flops(token_costs(s, n), "Q K^T", "P V")
    slips = (
        Wrong(answer / 2, "scores without the weighted sum", "Q K^T is half of it: P V costs as much again."),
        Wrong(
            answer / 4,
            "multiply-adds of the scores alone",
            "Two 2s are missing: P V, and the sum in each multiply-add.",
        ),
        Wrong(answer / s.layers, LAYER, f"Each of the {s.layers} layers attends."),
        Wrong(answer / n, "one query for all", f"Each of the {n} tokens asks, so that the length counts squared."),
    )
    steps = [
        ("", 2, "Q K^T and P V"),
        ("x", 2, "FLOPs a multiply-add"),
        ("x", n, "queries"),
        ("x", n, "keys"),
        ("x", s.width, "width: all heads"),
        ("x", s.layers, "layers"),
    ]
    values = {"model": m.name, "layers": s.layers, "width": s.width, "n": n}
    return estimate(values, answer, slips, "FLOPs", steps)


@told_apart
def network(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, LLAMAS)
    s, n = m.sizes, length(rng, min(m.context, 32768))
    answer = flops(token_costs(s, n), "x W_1", "x W_gate", "h W_2")
    slips = (
        Wrong(answer * 2 / 3, "two maps for three", "A gated network has a third map, the gate."),
        Wrong(answer / 2, HALVED, WHY_HALVED),
        Wrong(answer / s.layers, LAYER, f"Each of the {s.layers} layers has a network."),
    )
    steps = [
        ("", 3, "maps: in, gate, out"),
        ("x", s.width, "width"),
        ("x", s.d_ff, "inner width"),
        ("x", 2, "FLOPs a multiply-add"),
        ("x", n, "tokens"),
        ("x", s.layers, "layers"),
    ]
    values = {"model": m.name, "layers": s.layers, "width": s.width, "d_ff": s.d_ff, "n": n}
    return estimate(values, answer, slips, "FLOPs", steps)


@told_apart
def logits(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, (*GPT2, *LLAMAS))
    s, n = m.sizes, length(rng, min(m.context, 8192))
    answer = flops(token_costs(s, n), "h W")
    slips = (
        Wrong(answer / 2, HALVED, WHY_HALVED),
        Wrong(answer / n, "one place for all", f"In training every one of the {n} places predicts its next token."),
        Wrong(answer * s.layers, "one output per layer", "The output map stands once, behind the last layer."),
    )
    steps = [("", 2, "FLOPs a multiply-add"), ("x", n, "places"), ("x", s.width, "width"), ("x", s.vocab, "vocabulary")]
    values = {"model": m.name, "layers": s.layers, "width": s.width, "vocab": s.vocab, "n": n}
    return estimate(values, answer, slips, "FLOPs", steps)


@told_apart
def training(rng: np.random.Generator) -> EstimateCase:
    m, billions_read = pick(rng, TRAINED), pick(rng, (100, 140, 200, 300, 500, 1000, 1400, 2000))
    answer, billions = 3 * weight_flops(m) * billions_read * 1e9, in_billions(m)
    slips = (
        Wrong(
            answer / 3,
            "forward alone",
            "Backward is missing: it takes twice the forward, 4 for each parameter and token.",
        ),
        Wrong(
            answer * 2 / 3,
            "one product backward for two",
            "Every forward product has two in backward: one for the input, one for the weights.",
        ),
        Wrong(answer / 2, HALVED, WHY_HALVED),
    )
    steps = [
        ("", 2, "FLOPs forward"),
        ("+", 4, "FLOPs backward"),
        ("x", billions * 1e9, "parameters"),
        ("x", billions_read * 1e9, "tokens"),
    ]
    return estimate({"model": m.name, "billions": billions, "read": billions_read}, answer, slips, "FLOPs", steps)


@told_apart
def training_days(rng: np.random.Generator) -> EstimateCase:
    m, card = pick(rng, TRAINED), pick(rng, CARDS)
    cards, share = pick(rng, (256, 512, 1024, 2048, 4096)), pick(rng, (0.25, 0.4, 0.45))
    read = pick(rng, (300, 500, 1000, 1400, 2000))
    each = cards * card.peak * share
    answer, billions = 3 * weight_flops(m) * read * 1e9 / each / 86400, in_billions(m)
    slips = (
        Wrong(
            answer * share,
            "peak for what is reached",
            f"The cards reach {share:.0%} of their peak: that share divides, too.",
        ),
        Wrong(answer / 3, "forward alone", "Backward is missing: it takes twice the forward."),
        Wrong(answer * 24, "hours for days", "Those are hours: a day has 24 of them."),
        Wrong(answer * cards, "one card for all", f"The {cards} cards share the work."),
    )
    values = {"model": m.name, "billions": billions, "read": read, "cards": cards, "card": card.name}
    steps = [
        ("", 6, "FLOPs"),
        ("x", billions * 1e9, "parameters"),
        ("x", read * 1e9, "tokens"),
        ("/", cards, "cards"),
        ("/", card.peak, "FLOP/s at the peak"),
        ("/", share, "of it is reached"),
        ("/", 86400, "seconds a day"),
    ]
    return estimate(
        {**values, "peak": round(card.peak / 1e12), "percent": round(100 * share)}, answer, slips, "days", steps
    )


@cache
def cached_crossing(width: int, heads: int) -> int:
    """The first length at which the two products of attention are no fewer than those of a GPT's maps."""
    return attention_overtakes(width, heads, 4 * width)


@told_apart
def crossing(rng: np.random.Generator) -> EstimateCase:
    width = pick(rng, [m.sizes.width for m in (*GPT2, GPT3)])
    heads = {m.sizes.width: m.sizes.heads for m in (*GPT2, GPT3)}[width]
    answer = cached_crossing(width, heads)
    slips = (
        Wrong(
            answer / 3, "the network left out", "The network's two maps are two thirds of the products with weights."
        ),
        Wrong(
            answer * 2,
            "scores without the weighted sum",
            "P V costs as much as Q K^T: the two together grow twice as fast.",
        ),
        Wrong(
            answer / 6,
            "the width for the length",
            "At n = C the two products of attention are a sixth of those with weights.",
        ),
    )
    steps = [
        ("", 8, "C C: attention's maps"),
        ("+", 16, "C C: the network's maps"),
        ("/", 4, "n C: Q K^T and P V"),
        ("x", width, "width C"),
    ]
    name = next(m.name for m in (*GPT2, GPT3) if m.sizes.width == width)
    return estimate({"model": name, "width": width, "d_ff": 4 * width, "heads": heads}, answer, slips, "tokens", steps)
