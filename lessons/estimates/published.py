"""Sizes of published models and of cards to run them on, each with its source; nothing else about them is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfx.measure.decoder_costs import DecoderSizes
from tfx.models.bert import BERT_BASE, BERT_LARGE
from tfx.models.t5 import T5_SMALL


@dataclass(frozen=True)
class Published:
    """context: the longest text that it was published for.  trained_on: tokens of its pre-training, 0 if not used."""

    name: str
    sizes: DecoderSizes
    context: int
    source: str
    trained_on: float = 0.0


@dataclass(frozen=True)
class Card:
    """memory: bytes; bandwidth: bytes/s of its memory; peak: FLOP/s of dense 16-bit matrix products."""

    name: str
    memory: float
    bandwidth: float
    peak: float
    source: str


def _gpt2(layers: int, width: int, heads: int) -> DecoderSizes:
    return DecoderSizes(layers, width, heads, heads, width // heads, 4 * width, 50257, False, True, 1024, True)


_RADFORD = "Radford et al. 2019, table 2; heads from the released configurations"
_LLAMA_2 = 'Touvron et al. 2023, "Llama 2", table 1 and section 2.2; widths of the networks from the released models'
_LLAMA_3 = 'Dubey et al. 2024, "The Llama 3 Herd of Models", table 3'
GPT2 = (
    Published("GPT-2 small", _gpt2(12, 768, 12), 1024, _RADFORD),
    Published("GPT-2 medium", _gpt2(24, 1024, 16), 1024, _RADFORD),
    Published("GPT-2 large", _gpt2(36, 1280, 20), 1024, _RADFORD),
    Published("GPT-2 XL", _gpt2(48, 1600, 25), 1024, _RADFORD),
)
GPT3 = Published(
    "GPT-3 175B",
    DecoderSizes(96, 12288, 96, 96, 128, 49152, 50257, False, True, 2048, True),
    2048,
    "Brown et al. 2020, table 2.1 and section 2.2",
    300e9,
)
LLAMA_2_7B = Published("Llama 2 7B", DecoderSizes(32, 4096, 32, 32, 128, 11008, 32000), 4096, _LLAMA_2, 2e12)
LLAMA_2_13B = Published("Llama 2 13B", DecoderSizes(40, 5120, 40, 40, 128, 13824, 32000), 4096, _LLAMA_2, 2e12)
LLAMA_2_70B = Published("Llama 2 70B", DecoderSizes(80, 8192, 64, 8, 128, 28672, 32000), 4096, _LLAMA_2, 2e12)
LLAMA_3_8B = Published("Llama 3.1 8B", DecoderSizes(32, 4096, 32, 8, 128, 14336, 128256), 131072, _LLAMA_3, 15e12)
LLAMA_3_70B = Published("Llama 3.1 70B", DecoderSizes(80, 8192, 64, 8, 128, 28672, 128256), 131072, _LLAMA_3, 15e12)
LLAMA_3_405B = Published(
    "Llama 3.1 405B", DecoderSizes(126, 16384, 128, 8, 128, 53248, 128256), 131072, _LLAMA_3, 15.6e12
)
MISTRAL = Published(
    "Mistral 7B",
    DecoderSizes(32, 4096, 32, 8, 128, 14336, 32000, window=4096),
    32768,
    'Jiang et al. 2023, "Mistral 7B", table 1 and section 2, which has a text of 32k tokens',
)
MIXTRAL = Published(
    "Mixtral 8x7B",
    DecoderSizes(32, 4096, 32, 8, 128, 14336, 32000, experts=8, chosen=2),
    32768,
    'Jiang et al. 2024, "Mixtral of Experts", table 1',
)
SMOLLM2 = Published(
    "SmolLM2-135M",
    DecoderSizes(30, 576, 9, 3, 64, 1536, 49152, tied=True),
    8192,
    "config.json of HuggingFaceTB/SmolLM2-135M",
)

ONE_KEY_HEAD_EACH = (*GPT2[1:], GPT3, LLAMA_2_7B, LLAMA_2_13B)
SHARED_KEY_HEADS = (LLAMA_2_70B, LLAMA_3_8B, LLAMA_3_70B, LLAMA_3_405B, SMOLLM2)
LLAMAS = (LLAMA_2_7B, LLAMA_2_13B, LLAMA_2_70B, LLAMA_3_8B, LLAMA_3_70B, LLAMA_3_405B)
ON_ONE_CARD = (LLAMA_2_7B, LLAMA_2_13B, LLAMA_3_8B)

#: Raffel et al. 2020, section 3.7; for t5_parameter_count.
T5: dict[str, dict[str, int]] = {
    "T5-small": T5_SMALL,
    "T5-base": {"vocab": 32128, "d_model": 768, "n_heads": 12, "d_ff": 3072, "n_layers": 12, "d_head": 64},
    "T5-large": {"vocab": 32128, "d_model": 1024, "n_heads": 16, "d_ff": 4096, "n_layers": 24, "d_head": 64},
    "T5-3B": {"vocab": 32128, "d_model": 1024, "n_heads": 32, "d_ff": 16384, "n_layers": 24, "d_head": 128},
    "T5-11B": {"vocab": 32128, "d_model": 1024, "n_heads": 128, "d_ff": 65536, "n_layers": 24, "d_head": 128},
}
#: Devlin et al. 2019, section 3; medium: Turc et al. 2019, "Well-Read Students Learn Better", table 1.  For
#: bert_parameter_count.
BERT: dict[str, dict[str, Any]] = {
    "BERT-base uncased": BERT_BASE,
    "BERT-large uncased": BERT_LARGE,
    "BERT-medium uncased": {**BERT_BASE, "d_model": 512, "n_heads": 8, "d_ff": 2048, "n_layers": 8},
}
#: layers, heads, width of an image's square in pixels: Dosovitskiy et al. 2021, table 1.
VIT = {"ViT-L/16": (24, 16, 16), "ViT-L/32": (24, 16, 32), "ViT-H/14": (32, 16, 14)}

CARDS = (
    Card("A100 80 GB", 80e9, 2039e9, 312e12, "NVIDIA A100 datasheet, SXM"),
    Card("H100 80 GB", 80e9, 3350e9, 989e12, "NVIDIA H100 datasheet, SXM; the peak without sparsity"),
    Card("A100 40 GB", 40e9, 1555e9, 312e12, "NVIDIA A100 datasheet, SXM"),
)
