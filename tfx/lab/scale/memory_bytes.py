"""Running a language model: how many bytes do its weights take, and how many the keys and values of a text?

    weights               (number of parameters) x bytes of a number
    keys and values       2 L G D x bytes of a number, for each token of each text that is being read
                          L layers, G heads of keys and values, D wide

G is the number of heads in plain attention, fewer where queries share keys (grouped-query attention), and 1 in
multi-query attention.  Small models of the three kinds are built, and what they hold is measured; published ones follow
from their sizes (tfx/lab/scale/published_sizes.py).
Sources: Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need"; Ainslie et al. 2023, "GQA"; Touvron
et al. 2023, "Llama 2"; Chowdhery et al. 2022, "PaLM".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.generate.stored_keys import StoredDecoder
from tfx.lab.frame import Measured, Run
from tfx.lab.scale.published_sizes import DECODER, PUBLISHED, Published, Sizes, count, llama, rounds_to
from tfx.measure.verdicts import agree, at_most, exactly, within
from tfx.models import DecoderOnly
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How many bytes do weights take, and keys and values of a text?"
TITLE = "Bytes of weights, and of the keys and values of a text"
CLAIM = (
    "Weights take two bytes a parameter in 16 bits; keys and values grow with the text, can outweigh them, and shrink "
    "as many times as queries share them."
)
HOST_ONLY = "counting bytes has nothing to do on a card."
BREAK_IT = ("--set weight_bits=8", "--set cache_bits=8")

#: Whose queries share keys and values, beside Mixtral.
SHARING = (
    Published("Mistral 7B", "7B", llama(32, 4096, 14336, 32, 8), "Jiang et al. 2023"),
    Published("LLaMA-2 70B", "70B", llama(80, 8192, 28672, 64, 8), "Touvron et al. 2023"),
    Published(
        "PaLM",
        "540B",
        llama(118, 18432, 4 * 18432, 48, 1, d_head=256)._replace(tied=True, vocab=256_000),
        "Chowdhery et al. 2022",
    ),
)
SERVED = (*(model for model in PUBLISHED if model.sizes.kind == DECODER), *SHARING)
#: GB of 175 billion parameters, two bytes each; the count is of 174.6 billion.
GPT3_GB, NEAR = 350.0, 1.0
#: Of the models that are built.
HEADS, LAYERS, WIDTH, TOKENS, VOCAB = 8, 2, 32, 11, 20


@dataclass(frozen=True)
class Settings:
    weight_bits: float = setting(16.0, 1.0, 64.0, "bits of a weight")
    cache_bits: float = setting(16.0, 1.0, 64.0, "bits of a key's or a value's number")
    context: int = setting(4096, 1, 10_000_000, "tokens of a text")
    texts: int = setting(1, 1, 100_000, "texts that are read at the same time")

    def quick(self) -> Settings:
        """As it is: counting takes no time."""
        return self

    def bytes_needed(self) -> float:
        """Small models."""
        return 1e7


COLUMNS = (
    Column("model", "model"),
    Column("weights", "weights", "GB", digits=3),
    Column("token", "a token", "MB", digits=3),
    Column("text", "all texts", "GB", digits=3),
    Column("sharing", "queries for a key"),
    Column("even", "tokens that weigh as much as the weights", digits=3, detail=True),
    Column("unshared", "all texts, nothing shared", "GB", digits=3, detail=True),
    Column("paper", "paper", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    for model in run.over(SERVED, "{0.name}"):
        yield measure_row(run.settings, model)


def measure_row(settings: Settings, model: Published) -> dict[str, Any]:
    total = count(model.sizes).total
    weights = total * settings.weight_bits / 8
    token = numbers_a_token(model.sizes) * settings.cache_bits / 8
    tokens = settings.context * settings.texts
    sharing = model.sizes.heads // (model.sizes.kv_heads or model.sizes.heads)
    return {
        "model": model.name,
        "weights": weights / 1e9,
        "token": token / 1e6,
        "text": token * tokens / 1e9,
        "sharing": sharing,
        "even": weights / token,
        "unshared": token * tokens * sharing / 1e9,
        "paper": model.paper,
        "rounds": rounds_to(total, model.figure),
    }


def numbers_a_token(sizes: Sizes) -> int:
    """A key and a value in each layer, for each head that has its own."""
    d_head = sizes.d_head or sizes.width // sizes.heads
    return 2 * sizes.layers * (sizes.kv_heads or sizes.heads) * d_head


def held(kv_heads: int, dtype: str) -> tuple[int, int, int, int]:
    """A small model that reads some tokens -> bytes of its weights and of what it stores, and both by the law."""
    settings: dict[str, Any] = {"norm": "rms_norm", "bias": False, "activation": "swiglu"}
    model = DecoderOnly(
        VOCAB, WIDTH, HEADS, 3 * WIDTH, LAYERS, dtype=dtype, positions="rotary", attention={"n_kv_heads": kv_heads},
        **settings,
    )  # fmt: skip
    reader = StoredDecoder(model)
    reader.begin(1)
    reader.read(np.arange(TOKENS)[None] % VOCAB, 1)
    stored = sum(each.k.nbytes + each.v.nbytes for each in reader.stored)
    weights = sum(parameter.value.nbytes for parameter in model.parameters().values())
    sizes = Sizes(DECODER, LAYERS, WIDTH, 3 * WIDTH, HEADS, VOCAB, kv_heads=kv_heads, offsets=False, gated=True)
    each = np.dtype(dtype).itemsize
    return weights, stored, count(sizes).total * each, TOKENS * numbers_a_token(sizes) * each


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    built = [held(kv_heads, dtype) for dtype in ("float32", "float64") for kv_heads in (HEADS, 2, 1)]
    weights, stored, weights_law, stored_law = map(list, zip(*built, strict=True))
    rows = by_model(run.rows)
    gpt3 = rows["GPT-3"]
    unexplained = [model.name for model in SHARING if not rows[model.name]["rounds"]]
    return (
        agree("weights", "bytes of weights of models that are built, against the count", weights, weights_law, to=0.0),
        agree("stored", f"bytes that they store of {TOKENS} tokens, against the law", stored, stored_law, to=0.0),
        exactly("shared", f"what {HEADS} heads store, over what one shared key and value do", HEADS,
                stored[0] / stored[2]),
        exactly("figures", "models that share keys whose count does not round to the printed one", 0,
                len(unexplained)),
        within("gpt-3", "GB of GPT-3's weights, two bytes each", GPT3_GB, gpt3["weights"], NEAR),
        at_most("large-but-less", "MB a token of LLaMA-2 70B over that of LLaMA-13B, which shares nothing", 1.0,
                rows["LLaMA-2 70B"]["token"] / rows["LLaMA-13B"]["token"]),
        within("by-hand", "MB a token of GPT-3: keys and values, 96 layers, width 12,288, two bytes",
               2 * 96 * 12_288 * 2 / 1e6, gpt3["token"], 1e-9),
    )  # fmt: skip


def by_model(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["model"]: row for row in rows}


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"GPT-3: 96 layers, width 12,288, and 175 billion parameters. How many GB are the keys and values of "
        f"{run.settings.texts} x {run.settings.context:,} tokens, {run.settings.cache_bits:g} bits a number?"
    )


def question(run: Run[Settings]) -> Question:
    gpt3 = by_model(run.rows)["GPT-3"]
    words = f"{gpt3['token']:.2g} MB for each token; the weights are {gpt3['weights']:.0f} GB."
    return Question(prompt(run), gpt3["text"], 0.1, words)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    wanted = ("GPT-3", "LLaMA-13B", "Mixtral 8x7B", "LLaMA-2 70B", "PaLM")
    return tuple(index for index, row in enumerate(run.rows) if row["model"] in wanted)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    rows, settings = by_model(run.rows), run.settings
    gpt3, small, large, palm = (rows[name] for name in ("GPT-3", "LLaMA-13B", "LLaMA-2 70B", "PaLM"))
    return (
        Text(
            f"GPT-3 takes {gpt3['weights']:.0f} GB of weights and {gpt3['token']:.2g} MB for each token that it reads. "
            f"LLaMA-2 70B, whose {large['sharing']} queries share a key, takes {large['token']:.2g} MB a token, less "
            f"than LLaMA-13B with {small['token']:.2g}."
        ),
        Text(
            f"The keys and values weigh as much as the weights at {gpt3['even']:,.0f} tokens of GPT-3, "
            f"{small['even']:,.0f} of LLaMA-13B and {large['even']:,.0f} of LLaMA-2 70B: one long text, or many short "
            "ones at once."
        ),
        Text(
            f"One key and value for all {palm['sharing']} heads is multi-query attention (Shazeer 2019; Chowdhery et "
            "al. 2022); one for each group of heads is in between (Ainslie et al. 2023). What sharing costs in "
            "quality is not measured here."
        ),
        Text(
            f"With {settings.weight_bits:g} bits a weight and {settings.cache_bits:g} bits a stored number. Training "
            "takes more: gradients, the optimizer's numbers and activations are not in these bytes. A mixture of "
            "experts holds all of its experts."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    plain = [row for row in run.rows if row["sharing"] == 1]
    shared = [row for row in run.rows if row["sharing"] > 1]
    least = min(shared, key=lambda row: row["token"] / row["weights"])
    return (
        Plot(
            f"Shared keys: {least['model']} has {least['weights']:,.0f} GB of weights and stores "
            f"{least['token']:.2g} MB a token",
            f"weights of {run.settings.weight_bits:g} bits [GB]",
            "keys and values of a token [MB]",
            tuple(
                Series(
                    label,
                    [row["weights"] for row in found],
                    [row["token"] for row in found],
                    names=[row["model"] for row in found],
                )
                for label, found in (("a key for each head", plain), ("queries share keys", shared))
            ),
            log_x=True,
            log_y=True,
        ),
    )
