"""Parameters from a configuration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lessons.estimates.building import Step, estimate, pick
from lessons.estimates.cache import HEADS, LAYER
from lessons.estimates.published import (
    BERT, GPT2, GPT3, LLAMA_2_7B, LLAMA_2_13B, LLAMAS, MISTRAL, MIXTRAL, SHARED_KEY_HEADS, T5,
)  # fmt: skip
from lessons.quiz import EstimateCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.decoder_costs import DecoderSizes, count, parameters
from tfx.models.bert import bert_parameter_count
from tfx.models.t5 import t5_parameter_count

UNIT = "parameters"


def why_layers(layers: int) -> str:
    return f"That is one layer, and there are {layers}."


@told_apart
def llama(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, LLAMAS)
    s = m.sizes
    owned = parameters(s)
    answer, keys = count(owned), s.key_heads * s.head_width
    gate = sum(array.numbers for array in owned if array.name == "W_gate")
    slips = (
        Wrong(answer - gate, "two maps for three", "A gated network has a third map, the gate."),
        Wrong(count(owned, "attention", "embedding", "output"), "the networks left out", "Most of a layer is its network: three maps of the width times the inner width."),
        Wrong(count(owned, "attention", "network") / s.layers, LAYER, why_layers(s.layers)),
    )  # fmt: skip
    steps = [
        ("", 3 * s.width * s.d_ff, f"3 x {s.width} x {s.d_ff}"),
        ("+", 2 * s.width * s.width, f"2 x {s.width} x {s.width}: Q, O"),
        ("+", 2 * s.width * keys, f"2 x {s.width} x {keys}: K, V"),
        ("x", s.layers, "layers"),
        ("+", 2 * s.vocab * s.width, f"2 x {s.vocab} x {s.width}"),
    ]
    values = {"model": m.name, "layers": s.layers, "width": s.width, "heads": s.heads, "key_heads": s.key_heads}
    return estimate({**values, "d": s.head_width, "d_ff": s.d_ff, "vocab": s.vocab}, answer, slips, UNIT, steps)


@told_apart
def gpt(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, (*GPT2, GPT3))
    s = m.sizes
    owned = parameters(s)
    answer, square = count(owned), s.width * s.width
    tables = count(owned, "embedding")
    slips = (
        Wrong(4 * s.layers * square + tables, "the networks left out", "A layer has 12 squares of the width: 4 of them are attention's, 8 the network's."),
        Wrong(6 * s.layers * square + tables, "a network as wide as the stream", "The network is four times as wide inside: 8 squares of the width, not 2."),
        Wrong(12 * square + tables, LAYER, why_layers(s.layers)),
    )  # fmt: skip
    steps = [
        ("", 4, "squares: attention"),
        ("+", 8, "squares: network"),
        ("x", square, f"{s.width} x {s.width}"),
        ("x", s.layers, "layers"),
        ("+", s.vocab * s.width, f"{s.vocab} x {s.width}"),
        ("+", s.max_len * s.width, f"{s.max_len} x {s.width}"),
    ]
    values = {
        "model": m.name,
        "layers": s.layers,
        "width": s.width,
        "d_ff": s.d_ff,
        "vocab": s.vocab,
        "places": s.max_len,
    }
    return estimate(values, answer, slips, UNIT, steps)


@told_apart
def bert(rng: np.random.Generator) -> EstimateCase:
    name = pick(rng, list(BERT))
    s = BERT[name]
    parts = bert_parameter_count(**s)
    answer = parts["embedding"] + parts["blocks"] + parts["pooler"]
    square, layers = s["d_model"] ** 2, s["n_layers"]
    slips = (
        Wrong(answer + 4 * layers * square, "a decoder's block", "An encoder has no cross-attention: 4 squares of the width in a layer are too many."),
        Wrong(answer - 8 * layers * square, "the networks left out", "The network has 8 squares of the width in every layer."),
    )  # fmt: skip
    steps = [
        ("", 4, "squares: attention"),
        ("+", 8, "squares: network"),
        ("x", square, f"{s['d_model']} x {s['d_model']}"),
        ("x", layers, "layers"),
        ("+", s["vocab"] * s["d_model"], f"{s['vocab']} x {s['d_model']}"),
    ]
    values = {"model": name, "layers": layers, "width": s["d_model"], "d_ff": s["d_ff"], "vocab": s["vocab"]}
    return estimate({**values, "places": s["max_len"]}, answer, slips, UNIT, steps)


@told_apart
def t5(rng: np.random.Generator) -> EstimateCase:
    name = pick(rng, list(T5))
    s = T5[name]
    answer, inner, layers = t5_parameter_count(**s), s["n_heads"] * s["d_head"], s["n_layers"]
    attention, network, table = 4 * s["d_model"] * inner, 2 * s["d_model"] * s["d_ff"], s["vocab"] * s["d_model"]
    slips = (
        Wrong(layers * (attention + network) + table, "one stack for both", "An encoder and a decoder have as many layers each."),
        Wrong(answer + layers * network, "three maps for two", "The network of the first T5 has no gate: two maps, and ReLU between them."),
    )  # fmt: skip
    steps = [
        ("", 3 * attention, f"3 x 4 x {s['d_model']} x {inner}"),
        ("+", 2 * network, f"2 x 2 x {s['d_model']} x {s['d_ff']}"),
        ("x", layers, "layers of each stack"),
        ("+", table, f"{s['vocab']} x {s['d_model']}"),
    ]
    values = {"model": name, "layers": layers, "width": s["d_model"], "heads": s["n_heads"], "d": s["d_head"]}
    return estimate({**values, "d_ff": s["d_ff"], "vocab": s["vocab"]}, answer, slips, UNIT, steps)


@told_apart
def mixture(rng: np.random.Generator) -> EstimateCase:
    experts = pick(rng, (6, 8, 12, 16))
    s = replace(MIXTRAL.sizes, experts=experts)
    owned = parameters(s)
    answer, one = count(owned), count(parameters(replace(s, experts=1)))
    slips = (
        Wrong(experts * one, "everything for each expert", "Only the networks come several times; attention and tables are shared."),
        Wrong(one, "one expert for all", f"All {experts} networks are stored, whichever a token chooses."),
        Wrong(answer - count(owned, "network") / 3, "two maps for three", "A gated expert has a third map, the gate."),
    )  # fmt: skip
    steps = with_networks(s, experts, "experts")
    return estimate({**_of_mixtral(), "experts": experts}, answer, slips, UNIT, steps)


@told_apart
def active(rng: np.random.Generator) -> EstimateCase:
    experts, chosen = pick(rng, (8, 12, 16)), pick(rng, (2, 3, 4))
    s = replace(MIXTRAL.sizes, experts=experts, chosen=chosen)
    owned = parameters(s)
    network = sum(array.numbers for array in owned if array.name in ("W_1", "W_gate", "W_2")) // experts
    answer = count(owned) - network * (experts - chosen)
    slips = (
        Wrong(count(owned), "all experts for the chosen", f"A token passes {chosen} of the {experts} networks."),
        Wrong(answer - (chosen - 1) * network, "one expert for the chosen", f"Every token passes {chosen} networks, not one."),
        Wrong(answer - chosen * network / 3, "two maps for three", "A gated expert has a third map, the gate."),
    )  # fmt: skip
    steps = with_networks(s, chosen, "experts chosen")
    return estimate({**_of_mixtral(), "experts": experts, "chosen": chosen}, answer, slips, UNIT, steps)


def with_networks(s: DecoderSizes, networks: int, words: str) -> list[Step]:
    """A decoder whose layers have, or use, so many gated networks each."""
    keys = s.key_heads * s.head_width
    return [
        ("", 3 * s.width * s.d_ff, f"3 x {s.width} x {s.d_ff}"),
        ("x", networks, words),
        ("+", 2 * s.width * (s.width + keys), "attention's four maps"),
        ("x", s.layers, "layers"),
        ("+", 2 * s.vocab * s.width, f"2 x {s.vocab} x {s.width}"),
    ]


def _of_mixtral() -> dict[str, object]:
    s = MIXTRAL.sizes
    sizes = {"layers": s.layers, "width": s.width, "heads": s.heads, "key_heads": s.key_heads, "d": s.head_width}
    return {"model": MIXTRAL.name, **sizes, "d_ff": s.d_ff, "vocab": s.vocab}


@told_apart
def shared_keys(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, (*SHARED_KEY_HEADS, MISTRAL))
    s = m.sizes
    answer = count(parameters(s), "attention")
    keys = s.key_heads * s.head_width
    slips = (
        Wrong(count(parameters(replace(s, key_heads=s.heads)), "attention"), HEADS, f"The maps of keys and values lead to {s.key_heads} heads alone."),
        Wrong(answer / s.layers, LAYER, why_layers(s.layers)),
        Wrong(answer - s.layers * s.width * s.width, "no output map", "The heads' results pass a fourth map, W_O."),
    )  # fmt: skip
    steps = [
        ("", 2 * s.width * s.width, f"2 x {s.width} x {s.width}: Q, O"),
        ("+", 2 * s.width * keys, f"2 x {s.width} x {keys}: K, V"),
        ("x", s.layers, "layers"),
    ]
    values = {"model": m.name, "layers": s.layers, "width": s.width, "heads": s.heads, "key_heads": s.key_heads}
    return estimate({**values, "d": s.head_width}, answer, slips, UNIT, steps)


@told_apart
def tables(rng: np.random.Generator) -> EstimateCase:
    m = pick(rng, (*LLAMAS, MISTRAL))
    s = m.sizes
    answer = count(parameters(s), "embedding", "output")
    slips = (
        Wrong(answer / 2, "one table for two", "A 2 is missing: the output has a map of its own here."),
        Wrong(answer * 2, "bytes for numbers", "Those are the bytes of 16-bit numbers: asked is how many numbers."),
        Wrong(answer * s.layers, "a table in every layer", "The tables stand before the first layer and behind the last."),
    )  # fmt: skip
    steps = [("", 2, "tables"), ("x", s.vocab, "vocabulary"), ("x", s.width, "width")]
    return estimate(
        {"model": m.name, "layers": s.layers, "width": s.width, "vocab": s.vocab}, answer, slips, UNIT, steps
    )


@told_apart
def low_rank(rng: np.random.Generator) -> EstimateCase:
    m, rank = pick(rng, (GPT3, LLAMA_2_7B, LLAMA_2_13B)), pick(rng, (4, 8, 16, 32, 64))
    s = m.sizes
    maps = [array.shape for array in parameters(s) if array.name in ("W_Q", "W_V")]
    answer = s.layers * sum(rank * (rows + columns) for rows, columns in maps)
    slips = (
        Wrong(answer / 2, "one factor for two", "A 2 is missing: an update is the product of two thin maps, A and B."),
        Wrong(answer / s.layers, LAYER, why_layers(s.layers)),
        Wrong(s.layers * sum(rows * columns for rows, columns in maps), "full maps for thin ones", f"Only A and B are trained, with rank {rank}; the maps themselves stay."),
    )  # fmt: skip
    steps = [
        ("", 2, "maps: W_Q, W_V"),
        ("x", 2, "factors: A, B"),
        ("x", s.width, "width"),
        ("x", rank, "rank"),
        ("x", s.layers, "layers"),
    ]
    return estimate({"model": m.name, "layers": s.layers, "width": s.width, "rank": rank}, answer, slips, UNIT, steps)
