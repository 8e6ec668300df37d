"""The Transformer of 2017, small enough to look into: what leaves each stage, and what is gone without a part.

C = 16, H = 2 heads, F = 64, sinusoidal positions, post-LN and ReLU; random weights and float64, so that what should be
equal is equal to rounding.
Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.lab.block.add_and_norm import through_sublayers
from tfx.measure.ablation import without
from tfx.models import EncoderDecoder
from tfx.nn.block_settings import BlockSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import causal_mask
from tfx.ops.basics.softmax import softmax_forward

WIDTH, HEADS, INNER, WORDS = 16, 2, 64, 24


def small_transformer(seed: int, blocks: int = 2, positions: str = "sinusoidal") -> EncoderDecoder:
    """Untrained.  blocks: in each stack."""
    return EncoderDecoder(
        WORDS,
        WIDTH,
        n_heads=HEADS,
        d_ff=INNER,
        n_layers=blocks,
        max_len=8,
        positions=positions,
        norm_place="post",
        activation="relu",
        dtype="float64",
        seed=seed,
    )


def sub_layers(block: EncoderBlock | DecoderBlock) -> int:
    """Parts of a block that have weights and are no norms."""
    return len({name.partition(".")[0] for name in block.parameters() if not name.startswith("norm")})


def shares_of_network(seed: int, width: int = 128) -> dict[str, float]:
    """The feed-forward network's share of the parameters of an encoder block and of a decoder block, F = 4 C.

    width: C, large enough for biases and norms to be few."""
    settings, rng = BlockSettings(width, 8, 4 * width), np.random.default_rng(seed)
    blocks: dict[str, EncoderBlock | DecoderBlock] = {
        "encoder": EncoderBlock(settings, rng),
        "decoder": DecoderBlock(settings, rng),
    }
    return {kind: block.feed_forward.n_parameters / block.n_parameters for kind, block in blocks.items()}


def stages(model: EncoderDecoder, src: np.ndarray, tgt: np.ndarray) -> dict[str, np.ndarray]:
    """src: (B, S), tgt: (B, T) -> what leaves each stage on the way to the probabilities, (B, T, V)."""
    x, _ = model.src_input.forward(src)
    memory, encoder = model.encoder.forward(x)
    y, _ = model.tgt_input.forward(tgt)
    hidden, decoder = model.decoder.forward(y, memory, causal_mask(tgt.shape[1]))
    logits, _ = model.output.forward(hidden)
    return {
        "source: embedding and place": x,
        "encoder, weights of self-attention": encoder.blocks[0].weights,
        "encoder, output": memory,
        "target: embedding and place": y,
        "decoder, weights of self-attention": decoder.blocks[0].weights,
        "decoder, weights of cross-attention": decoder.blocks[0].cross_weights,
        "decoder, output": hidden,
        "a score for each token": logits,
        "softmax: probabilities": softmax_forward(logits)[0],
    }


def with_and_without(seed: int, src: np.ndarray) -> dict[str, tuple[float, float]]:
    """src: (1, S), S of at least 3 -> each part with what is measured of it, and of a model that lacks it.

    attention      how far the vector of place 1 moves when the token of place 2 is another one
    positions      how far it moves when places 2 and 3 swap their tokens
    feed-forward   how far f is from a linear map, for one token; without it f is the self-attention
    residual       cosine of a row with itself after 2 sub-layers
    norm           root mean square after 12 sub-layers
    """
    model, unplaced = small_transformer(seed), small_transformer(seed, positions="none")
    other, swapped = src.copy(), src.copy()
    other[0, 1], swapped[0, 1:3] = (src[0, 1] + 1) % WORDS, src[0, 2:0:-1]
    mixing = [block.attention.output.w for block in model.encoder.blocks]
    with without(*((w, slice(None)) for w in mixing)):
        alone = _first_moves(model, src, other)
    block, rng = model.encoder.blocks[0], np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 1, 1, WIDTH))
    ways = (("both", 2), ("norm", 2), ("both", 12), ("add", 12))
    sums, norms, held, grown = (through_sublayers(*way, WIDTH, np.random.default_rng(seed)) for way in ways)
    return {
        "attention": (_first_moves(model, src, other), alone),
        "positions": (_first_moves(model, src, swapped), _first_moves(unplaced, src, swapped)),
        "feed-forward": (_bend(block.feed_forward.forward, a, b), _bend(block.attention.forward, a, b)),
        "residual": (sums.kept, norms.kept),
        "norm": (float(held.size[-1]), float(grown.size[-1])),
    }


def _first_moves(model: EncoderDecoder, src: np.ndarray, other: np.ndarray) -> float:
    """The largest change of the encoder's first vector."""
    return float(np.abs(model.encode(src)[0][:, 0] - model.encode(other)[0][:, 0]).max())


def _bend(f: Callable[[np.ndarray], tuple[np.ndarray, Any]], a: np.ndarray, b: np.ndarray) -> float:
    """The largest number of f(a + b) - f(a) - f(b), which is 0 for a linear map without offset."""
    return float(np.abs(f(a + b)[0] - f(a)[0] - f(b)[0]).max())
