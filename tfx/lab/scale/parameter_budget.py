"""Where the parameters of a block and of a whole model stand, against d_ff, cross-attention, vocabulary and width.

    attention 4 C^2        feed-forward 2 r C^2, with r = d_ff / C        embedding V C, once
    a block:        r / (r + 2) in the feed-forward network: two thirds at r = 4, whatever the width
    with a second attention, as in a decoder that reads a source:  r / (r + 4), a half at r = 4
    a gated network has three maps:  as many parameters at r = 8/3 as a plain one at r = 4
    a whole model of L blocks:  the share of a block / (1 + V / (C L (4 + 2 r))), which a vocabulary makes small

Blocks are built, and counted by the names of their parameters; whole models are counted from their sizes
(tfx/lab/scale/published_sizes.py), since nobody holds GPT-3 here.
Sources: Vaswani et al. 2017, section 3.3; Geva et al. 2021, abstract ("two-thirds"); Shazeer 2020, "GLU Variants
Improve Transformer", section 3 (8/3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.scale.published_sizes import PUBLISHED, Sizes, count, gpt
from tfx.measure.verdicts import agree, at_most, exactly, largest, within
from tfx.nn.block_settings import BlockSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.params import Layer
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import require_multiple, setting

QUESTION = "Do feed-forward networks hold two thirds of the parameters?"
TITLE = "Where the parameters stand"
CLAIM = (
    "The feed-forward networks hold about two thirds of the parameters: of a block, where d_ff is four times d_model, "
    "and of a large model."
)
BREAK_IT = ("--set ratio=2", "--set width=8")
HOST_ONLY = "Counting has nothing to do on a card."

#: How far a share may be from its law: offsets and norms are left out of the laws.
NEAR = 0.01
HEADS = 8
BLOCK, DECODER, GATED, MODEL = "encoder block", "decoder block", "gated block", "model"


@dataclass(frozen=True)
class Settings:
    width: int = setting(512, 8, 2048, "d_model of the blocks, a multiple of 8")
    ratio: float = setting(4.0, 0.5, 16.0, "d_ff over d_model of the block that is judged")
    ratios: tuple[float, ...] = setting((1, 2, 4, 8), 0.5, 16.0, "more of them")
    vocabulary: int = setting(50_257, 100, 1_000_000, "tokens of the models whose width grows")
    layers: int = setting(12, 1, 200, "their blocks")
    widths: tuple[int, ...] = setting((128, 768, 4096), 8, 32_768, "their widths", at_least=2)

    def quick(self) -> Settings:
        """As it is: counting takes no time."""
        return self

    def check(self) -> None:
        """Eight heads share each width."""
        require_multiple("width", self.width, HEADS)
        for width in self.widths:
            require_multiple("widths", width, HEADS)

    def bytes_needed(self) -> float:
        """The largest block with its gradients."""
        return 8.0 * (8 + 3 * max(self.ratio, *self.ratios)) * self.width**2


COLUMNS = (
    Column("what", "what"),
    Column("parameters", "parameters", "million", digits=4),
    Column("attention", "attention", digits=3),
    Column("feed_forward", "feed-forward", digits=3),
    Column("embedding", "embeddings", digits=3),
    Column("law", "feed-forward, by law", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Blocks by the ratio, the other blocks, models by their width, and published ones."""
    settings = run.settings
    ratios = sorted({settings.ratio, *settings.ratios})
    keys: list[tuple[str, Any]] = [(BLOCK, ratio) for ratio in ratios]
    keys += [(DECODER, settings.ratio), (GATED, 2 * settings.ratio / 3)]
    keys += [(MODEL, width) for width in sorted(set(settings.widths))]
    keys += [("published", model.name) for model in PUBLISHED if not model.sizes.experts]
    for kind, what in run.over(keys, "{0[0]}: {0[1]}"):
        if kind == MODEL:
            sizes = gpt(settings.layers, what, HEADS, positions=0)._replace(vocab=settings.vocabulary)
            yield model_row(kind, f"{settings.layers} blocks of width {what}", sizes, what)
        elif kind == "published":
            yield model_row(kind, what, next(model.sizes for model in PUBLISHED if model.name == what), 0)
        else:
            yield block_row(settings.width, kind, what)


def block_row(width: int, kind: str, ratio: float) -> dict[str, Any]:
    """A block of the library, counted by the names of its parameters."""
    settings = BlockSettings(width, HEADS, round(ratio * width), activation="swiglu" if kind == GATED else "relu")
    block = (DecoderBlock if kind == DECODER else EncoderBlock)(settings, np.random.default_rng(0))
    total, parts = block.n_parameters, of_parts(block)
    maps = (3 if kind == GATED else 2) * ratio
    return {
        "kind": kind,
        "what": block_name(kind, ratio),
        "amount": float(ratio),
        "parameters": total / 1e6,
        "attention": parts["attention"] / total,
        "feed_forward": parts["feed_forward"] / total,
        "embedding": 0.0,
        "law": maps / (maps + (8 if kind == DECODER else 4)),
    }


def block_name(kind: str, ratio: float) -> str:
    return f"{kind}, d_ff = {ratio:.3g} d"


def of_parts(block: Layer) -> dict[str, int]:
    """How many numbers a block has in its attention layers, and in its feed-forward network."""
    found = {"attention": 0, "feed_forward": 0}
    for name, parameter in block.parameters().items():
        for part in found:
            found[part] += parameter.value.size if part in name.partition(".")[0] else 0
    return found


def model_row(kind: str, what: str, sizes: Sizes, width: int) -> dict[str, Any]:
    found = count(sizes)
    ratio = sizes.inner / sizes.width
    blocks = sizes.layers * (4 + 2 * ratio) * sizes.width
    return {
        "kind": kind,
        "what": what,
        "amount": float(width),
        "parameters": found.total / 1e6,
        "attention": found.attention / found.total,
        "feed_forward": found.feed_forward / found.total,
        "embedding": found.embedding / found.total,
        "law": ratio / (ratio + 2) / (1 + sizes.vocab / blocks) if kind == MODEL else None,
    }


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    blocks, models = of_kind(run.rows, BLOCK), of_kind(run.rows, MODEL)
    judged = judged_block(run)
    (decoder,), (gated,) = of_kind(run.rows, DECODER), of_kind(run.rows, GATED)
    shares = {row["what"]: row["feed_forward"] for row in of_kind(run.rows, "published")}
    off = largest(abs(row["feed_forward"] - row["law"]) for row in models)
    return (
        within("two-thirds", f"{judged['what']}: feed-forward share", 2 / 3, judged["feed_forward"], NEAR),
        agree(
            "by-ratio",
            "encoder blocks: feed-forward share against r / (r + 2)",
            [row["feed_forward"] for row in blocks],
            [row["law"] for row in blocks],
            to=NEAR,
        ),
        within("decoder-half", f"{decoder['what']}: feed-forward share", 1 / 2, decoder["feed_forward"], NEAR),
        within("gated-same", "gated block over plain one: parameters", 1.0, gated["parameters"] / judged["parameters"],
               NEAR),
        at_most("by-width", "models by width: feed-forward share from its law, worst", NEAR, off),
        within("large-model", "GPT-3: feed-forward share", 2 / 3, shares["GPT-3"], NEAR),
        at_most("small-model", "GPT-2 small: feed-forward share", 1 / 2, shares["GPT-2 small"]),
        exactly("all-parts", "rows whose parts are more than the whole", 0, sum(too_much(row) for row in run.rows)),
    )  # fmt: skip


def of_kind(rows: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["kind"] == kind]


def judged_block(run: Run[Settings]) -> Mapping[str, Any]:
    return next(row for row in run.rows if row["what"] == block_name(BLOCK, run.settings.ratio))


def too_much(row: Mapping[str, Any]) -> bool:
    return not row["attention"] + row["feed_forward"] + row["embedding"] <= 1


# Saying


def prompt(run: Run[Settings]) -> str:
    return f"What share of an encoder block is feed-forward, if d_ff = {run.settings.ratio:g} d_model?"


def question(run: Run[Settings]) -> Question:
    ratio = run.settings.ratio
    explanation = f"Attention has 4 maps of d x d, the network 2 of d x {ratio:g} d."
    return Question(prompt(run), judged_block(run)["feed_forward"], 0.03, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The judged block, the decoder's, the gated one, and models: small, base and large."""
    wanted = {judged_block(run)["what"], "Transformer, base", "GPT-2 small", "GPT-3", "LLaMA-7B"}
    kinds = (DECODER, GATED)
    return tuple(index for index, row in enumerate(run.rows) if row["what"] in wanted or row["kind"] in kinds)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    shares = {row["what"]: row["feed_forward"] for row in of_kind(run.rows, "published")}
    (decoder,), models = of_kind(run.rows, DECODER), of_kind(run.rows, MODEL)
    low = [f"{share:.0%} of {name}" for name, share in shares.items() if share < 0.5]
    return (
        Text(
            f"{judged_block(run)['feed_forward']:.1%} of an encoder block is feed-forward, "
            f"{decoder['feed_forward']:.1%} of a decoder block with cross-attention, {shares['GPT-3']:.1%} of GPT-3, "
            f"but {shares['GPT-2 small']:.1%} of GPT-2 small."
        ),
        Text(
            "Two thirds is so of a block with one attention and d_ff = 4 d_model (Vaswani et al. 2017, section 3.3), "
            f"and of models whose embedding is small beside the blocks. It is less than half here: {', '.join(low)}."
        ),
        Text(
            f"Of {run.settings.layers} blocks with a vocabulary of {run.settings.vocabulary:,} the share is "
            f"{models[0]['feed_forward']:.0%} at width {models[0]['amount']:.0f} and {models[-1]['feed_forward']:.0%} "
            f"at width {models[-1]['amount']:.0f}: blocks grow with the square of the width, embeddings with the width."
        ),
        Text(
            "Gated networks have three maps and take two thirds of d_ff, so that nothing changes (Shazeer 2020, "
            "section 3). Parameters are not work: attention's scores have none, and their cost grows with the text."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    blocks, models, published = (of_kind(run.rows, kind) for kind in (BLOCK, MODEL, "published"))
    ratios = [row["amount"] for row in blocks]
    size = [row["parameters"] for row in published]
    grown = [row["parameters"] for row in models]
    return (
        Plot(
            f"Feed-forward share of a block: {blocks[0]['feed_forward']:.0%} at d_ff = {ratios[0]:g} d, "
            f"{blocks[-1]['feed_forward']:.0%} at {ratios[-1]:g} d",
            "d_ff over d_model",
            "share of the parameters",
            (
                Series("encoder block", ratios, [row["feed_forward"] for row in blocks]),
                Series("r / (r + 2)", ratios, [row["law"] for row in blocks], kind="line"),
            ),
        ),
        Plot(
            f"From {grown[0]:,.0f} to {grown[-1]:,.0f} million parameters the feed-forward share grows from "
            f"{models[0]['feed_forward']:.0%} to {models[-1]['feed_forward']:.0%}",
            "parameters of the model [million]",
            "share of the parameters",
            (
                Series(
                    "published models", size, [row["feed_forward"] for row in published],
                    names=[row["what"] for row in published],
                ),
                Series(f"{run.settings.layers} blocks, by width", grown, [row["feed_forward"] for row in models]),
                Series("two thirds", [min(*size, *grown), max(*size, *grown)], [2 / 3, 2 / 3], kind="line"),
            ),
            log_x=True,
        ),
    )  # fmt: skip
