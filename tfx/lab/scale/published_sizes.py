"""Published models as sizes, and the number of parameters that follows from them.

    attention        2 C H D + 2 C G D       H heads of queries, G of keys and values, D wide; and offsets, if any
    feed-forward     2 C F, gated 3 C F      times the number of experts, if any, and C E for their router
    norms            C or 2 C each           gain, or gain and offset
    a block          attention (two in a decoder that reads a source), feed-forward, and a norm for each
    the rest         V C for the embedding, once more for an output of its own, learned positions, final norms

Sources: Vaswani et al. 2017, table 3; Devlin et al. 2019, section 3; Radford et al. 2019, table 2; Brown et al. 2020,
table 2.1; Raffel et al. 2020, section 3.7; Fedus et al. 2022, table 9; Touvron et al. 2023, table 2; Jiang et al. 2024,
table 1 and section 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: How the blocks are put together.
ENCODER, DECODER, BOTH = "encoder", "decoder", "encoder and decoder"


class Sizes(NamedTuple):
    """positions: learned ones.  buckets: of relative distances, one table a stack.  experts: in every expert_every-th
    block, and in each token's way `active` of them.  more: numbers that stand nowhere else."""

    kind: str
    layers: int
    width: int
    inner: int
    heads: int
    vocab: int
    positions: int = 0
    d_head: int = 0
    kv_heads: int = 0
    tied: bool = True
    offsets: bool = True
    gated: bool = False
    final_norm: bool = True
    buckets: int = 0
    experts: int = 0
    expert_every: int = 1
    active: int = 1
    more: int = 0


class Count(NamedTuple):
    attention: int
    feed_forward: int
    embedding: int
    rest: int
    idle: int  # of the feed-forward parameters those of experts that a token does not meet

    @property
    def total(self) -> int:
        return self.attention + self.feed_forward + self.embedding + self.rest

    @property
    def active(self) -> int:
        return self.total - self.idle


def count(sizes: Sizes) -> Count:
    """Trainable numbers, by where they stand."""
    c, offset = sizes.width, int(sizes.offsets)
    d_head = sizes.d_head or c // sizes.heads
    queries, keys = sizes.heads * d_head, (sizes.kv_heads or sizes.heads) * d_head
    attention = 2 * c * (queries + keys) + offset * (queries + 2 * keys + c)
    feed_forward = (2 + sizes.gated) * c * sizes.inner + offset * ((1 + sizes.gated) * sizes.inner + c)
    norm = c * (1 + offset)
    stacks = 2 if sizes.kind == BOTH else 1
    blocks = stacks * sizes.layers
    with_experts = stacks * (sizes.layers // sizes.expert_every) if sizes.experts else 0
    attentions = blocks + (sizes.layers if sizes.kind == BOTH else 0)
    every_expert = with_experts * sizes.experts * feed_forward
    return Count(
        attention * attentions,
        feed_forward * (blocks - with_experts) + every_expert + with_experts * sizes.experts * c,
        c * sizes.vocab * (1 if sizes.tied else 2) + c * sizes.positions,
        norm * (blocks + attentions)
        + norm * stacks * sizes.final_norm
        + stacks * sizes.buckets * sizes.heads
        + sizes.more,
        with_experts * (sizes.experts - sizes.active) * feed_forward if sizes.experts else 0,
    )


class Published(NamedTuple):
    """figure: as it is published, with its own digits: "124M".  paper: who published it."""

    name: str
    figure: str
    sizes: Sizes
    paper: str


def gpt(layers: int, width: int, heads: int, positions: int = 1024) -> Sizes:
    return Sizes(DECODER, layers, width, 4 * width, heads, 50257, positions)


def bert(layers: int, width: int, heads: int) -> Sizes:
    """Two segments, a norm after the embedding, none at the end, and the pooler."""
    more = 2 * width + 2 * width + width * width + width
    return Sizes(ENCODER, layers, width, 4 * width, heads, 30522, 512, final_norm=False, more=more)


def vit(
    layers: int, width: int, heads: int, squares: int, numbers: int, inner: int = 0, class_token: bool = True
) -> Sizes:
    """squares of so many numbers each, mapped to the width; no head.  inner: 4 times the width, unless told."""
    more = numbers * width + width + width * class_token
    return Sizes(ENCODER, layers, width, inner or 4 * width, heads, 0, squares + class_token, more=more)


def t5(layers: int, width: int, inner: int, heads: int, d_head: int = 64, **more: Any) -> Sizes:
    return Sizes(
        BOTH, layers, width, inner, heads, 32128, d_head=d_head, offsets=False, buckets=32, expert_every=2, **more
    )


def llama(layers: int, width: int, inner: int, heads: int, kv_heads: int = 0, **more: Any) -> Sizes:
    return Sizes(
        DECODER, layers, width, inner, heads, 32000, kv_heads=kv_heads, tied=False, offsets=False, gated=True, **more
    )


def transformer(width: int, heads: int) -> Sizes:
    """Norms after the sub-layers; about 37,000 tokens, one table for source, target and output."""
    return Sizes(BOTH, 6, width, 4 * width, heads, 37000, final_norm=False)


PUBLISHED = (
    Published("Transformer, base", "65M", transformer(512, 8), "Vaswani et al. 2017"),
    Published("Transformer, big", "213M", transformer(1024, 16), "Vaswani et al. 2017"),
    Published("BERT-base", "110M", bert(12, 768, 12), "Devlin et al. 2019"),
    Published("BERT-large", "340M", bert(24, 1024, 16), "Devlin et al. 2019"),
    Published("GPT-2 small", "117M", gpt(12, 768, 12), "Radford et al. 2019"),
    Published("GPT-2 XL", "1542M", gpt(48, 1600, 25), "Radford et al. 2019"),
    Published("GPT-3", "175B", gpt(96, 12288, 96, 2048), "Brown et al. 2020"),
    Published("T5-small", "60M", t5(6, 512, 2048, 8), "Raffel et al. 2020"),
    Published("T5-base", "220M", t5(12, 768, 3072, 12), "Raffel et al. 2020"),
    Published("T5-large", "770M", t5(24, 1024, 4096, 16), "Raffel et al. 2020"),
    Published("T5-11B", "11B", t5(24, 1024, 65536, 128, 128), "Raffel et al. 2020"),
    Published("Switch-Base", "7B", t5(12, 768, 3072, 12, experts=128), "Fedus et al. 2022"),
    Published(
        "Switch-C",
        "1571B",
        t5(15, 2080, 6144, 32, experts=2048)._replace(expert_every=1),
        "Fedus et al. 2022",
    ),
    Published("LLaMA-7B", "6.7B", llama(32, 4096, 11008, 32), "Touvron et al. 2023"),
    Published("LLaMA-13B", "13.0B", llama(40, 5120, 13824, 40), "Touvron et al. 2023"),
    Published("LLaMA-65B", "65.2B", llama(80, 8192, 22016, 64), "Touvron et al. 2023"),
    Published("Mixtral 8x7B", "47B", llama(32, 4096, 14336, 32, 8, experts=8, active=2), "Jiang et al. 2024"),
)

UNITS = {"M": 1e6, "B": 1e9}


def as_number(figure: str) -> float:
    """ "1.5B" -> 1.5e9."""
    return float(figure[:-1]) * UNITS[figure[-1]]


def digits_of(figure: str) -> float:
    """What the last digit that is given stands for: 1e8 of "1.5B", 1e6 of "124M"; a 0 at the end of a whole number
    counts as rounded, so that "340M" has two digits."""
    number = figure[:-1]
    if "." in number:
        return 10.0 ** -len(number.partition(".")[2]) * UNITS[figure[-1]]
    zeros = len(number) - len(number.rstrip("0"))
    return 10.0**zeros * UNITS[figure[-1]]


def rounds_to(n: float, figure: str) -> bool:
    """Whether n, rounded to the digits of the figure, is the figure."""
    return abs(n - as_number(figure)) <= digits_of(figure) / 2
