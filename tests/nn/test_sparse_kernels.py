"""Sparse kernels in models: equal to the same model under the mask of the pattern, and usable with stored keys."""

import numpy as np
import pytest

from tests.nn.test_efficient_attention import IDS, RNG, SMALL, assert_equal, gradients
from tfx.efficient.big_bird import big_bird_mask
from tfx.efficient.longformer import longformer_mask
from tfx.efficient.sparse_transformer import sparse_transformer_mask
from tfx.models import DecoderOnly, Encoder
from tfx.nn.attention import MultiHeadAttention

N = IDS.shape[1]
#: kernel with its settings -> the mask of the same pattern, (T, S)
PATTERNS = [
    ("longformer", {"window": 1, "global_places": (0,)}, longformer_mask),
    ("longformer", {"window": 1, "dilation": 2, "causal": True}, longformer_mask),
    ("sparse_transformer", {"stride": 3, "part": "merged"}, sparse_transformer_mask),
    ("sparse_transformer", {"stride": 3, "pattern": "fixed", "part": "merged"}, sparse_transformer_mask),
    ("big_bird", {"block": 2, "n_window": 1}, big_bird_mask),
    ("big_bird", {"block": 2, "n_window": 1, "causal": True}, big_bird_mask),
]
CAUSAL = [pattern for pattern in PATTERNS if pattern[1].get("causal") or pattern[0] == "sparse_transformer"]


@pytest.mark.parametrize(("name", "settings", "mask_of"), PATTERNS)
def test_an_encoder_with_a_sparse_kernel_is_the_encoder_under_its_mask(name, settings, mask_of):
    lengths = np.array([N, 4])
    have = gradients(Encoder(8, **SMALL, attention={"kernel": {"name": name, **settings}}), IDS, lengths=lengths)
    want = gradients(Encoder(8, **SMALL), IDS, lengths=lengths, mask=mask_of(N, **settings))
    assert_equal(have, want)


@pytest.mark.parametrize(("name", "settings", "mask_of"), CAUSAL)
@pytest.mark.parametrize("chunks", [(7,), (4, 3), (1, 2, 2, 2), (1,) * 7])
def test_stored_keys_in_any_chunks_give_the_full_pass(name, settings, mask_of, chunks):
    model = DecoderOnly(8, **SMALL, attention={"kernel": {"name": name, **settings}, "n_kv_heads": 1})
    want, _ = DecoderOnly(8, **SMALL, attention={"n_kv_heads": 1}).forward(IDS, mask=mask_of(N, **settings))
    past, parts, start = None, [], 0
    for chunk in chunks:
        logits, cache = model.forward(IDS[:, start : start + chunk], past=past)
        past, start = cache.stack.present, start + chunk
        parts.append(logits)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), want, rtol=0, atol=1e-12)


def test_lsh_in_one_chunk_is_causal_in_a_language_model():
    model = DecoderOnly(8, **SMALL, attention={"kernel": {"name": "lsh", "n_buckets": 2, "n_rounds": 2}})
    changed = IDS.copy()
    changed[:, 5] = (changed[:, 5] + 1) % 8
    usual, other = model.forward(IDS)[0], model.forward(changed)[0]
    assert np.array_equal(other[:, :5], usual[:, :5])
    assert not np.allclose(other[:, 5:], usual[:, 5:])
    assert all(np.isfinite(grad).all() for grad in gradients(model, IDS))


def test_lsh_attention_has_one_map_for_queries_and_keys_and_trains_every_parameter_it_owns():
    kernel = {"name": "lsh", "n_buckets": 1, "chunk": N}
    model, exact = Encoder(8, **SMALL, attention={"kernel": kernel}), Encoder(8, **SMALL)
    assert model.n_parameters == exact.n_parameters - SMALL["n_layers"] * 12 * (12 + 1)
    assert not any(".key." in name for name in model.parameters())
    gradients(model, IDS)
    assert all(np.abs(parameter.grad).max() > 1e-6 for parameter in model.parameters().values())


def test_one_map_stays_one_map_through_a_saved_state():
    attention = {"kernel": {"name": "lsh", "n_buckets": 1, "chunk": N}}
    model, other = (Encoder(8, **SMALL, seed=seed, attention=attention) for seed in (0, 1))
    other.load_state(model.state())
    assert all(block.attention.key is block.attention.query for block in other.stack.blocks)
    assert np.array_equal(other.forward(IDS)[0], model.forward(IDS)[0])


def test_fewer_heads_for_keys_than_for_queries_are_refused_where_keys_are_the_queries():
    with pytest.raises(ValueError, match="makes keys of the queries"):
        MultiHeadAttention(12, 3, RNG(0), n_kv_heads=1, kernel={"name": "lsh", "n_buckets": 2})


@pytest.mark.parametrize("name", ["longformer", "sparse_transformer", "big_bird", "lsh"])
def test_a_setting_that_a_kernel_does_not_have_is_refused(name):
    with pytest.raises(TypeError, match=r"windows|n_buckets"):
        MultiHeadAttention(12, 3, RNG(0), kernel={"name": name, "windows": 2})
