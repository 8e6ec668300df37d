"""The small Transformer: its stages are the model's, and each part's absence is measured where it must show."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.block.small_transformer import (
    HEADS,
    INNER,
    WIDTH,
    WORDS,
    shares_of_network,
    small_transformer,
    stages,
    sub_layers,
    with_and_without,
)
from tfx.ops.feed_forward.feed_forward import feed_forward_forward

SRC, TGT = np.array([[3, 9, 5, 6, 7]]), np.array([[1, 8, 9]])


def test_what_leaves_the_last_stages_is_what_the_model_gives():
    model = small_transformer(3)
    found, (logits, cache) = stages(model, SRC, TGT), model.forward(SRC, TGT)
    assert found["a score for each token"] == pytest.approx(logits)
    assert found["decoder, weights of cross-attention"] == pytest.approx(cache.blocks[0].cross_weights)
    assert found["encoder, output"] == pytest.approx(model.encode(SRC)[0])
    e = np.exp(logits)
    assert found["softmax: probabilities"] == pytest.approx(e / e.sum(axis=-1, keepdims=True))


def test_it_is_built_as_in_2017():
    model = small_transformer(0, blocks=3)
    assert [sub_layers(stack.blocks[-1]) for stack in (model.encoder, model.decoder)] == [2, 3]
    assert len(model.encoder.blocks) == len(model.decoder.blocks) == 3 and model.encoder.norm is None
    assert model.encoder.blocks[0].feed_forward.first.w.value.shape == (WIDTH, INNER)
    assert stages(model, SRC, TGT)["encoder, weights of self-attention"].shape == (1, HEADS, 5, 5)
    assert model.embedding.table.value.shape == (WORDS, WIDTH) and model.embedding is model.tgt_embedding
    last = model.encode(SRC)[0]
    assert last.mean(axis=-1) == pytest.approx(0, abs=1e-9) and last.var(axis=-1) == pytest.approx(1, abs=1e-3)


def test_without_its_part_what_is_measured_is_gone():
    found = with_and_without(1, SRC)
    for part in ("attention", "positions", "feed-forward"):
        on, off = found[part]
        assert on > 1e-2 and off < 1e-12
    assert found["residual"][0] > 0.5 and abs(found["residual"][1]) < 0.3
    assert found["norm"][0] == pytest.approx(1, abs=1e-3) and found["norm"][1] > 2


def test_the_bend_is_that_of_the_first_network():
    network = small_transformer(1).encoder.blocks[0].feed_forward
    a, b = np.random.default_rng(1).standard_normal((2, 1, WIDTH))
    w1, b1, w2, b2 = (p.value for layer in (network.first, network.second) for p in (layer.w, layer.b))

    def f(x):
        return feed_forward_forward(x, w1, b1, w2, b2, activation="relu")[0]

    assert with_and_without(1, SRC)["feed-forward"][0] == pytest.approx(np.abs(f(a + b) - f(a) - f(b)).max())


def test_shares_of_the_network_are_those_of_the_maps():
    c = 64
    network, attention, norm = 8 * c * c + 5 * c, 4 * c * c + 4 * c, 2 * c
    assert shares_of_network(0, c) == pytest.approx(
        {
            "encoder": network / (network + attention + 2 * norm),
            "decoder": network / (network + 2 * attention + 3 * norm),
        }
    )
