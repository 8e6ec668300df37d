"""Kernels in models: by name, by object, and what they refuse."""

from typing import Any

import numpy as np
import pytest

from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.models import DecoderOnly, Encoder, EncoderDecoder, build
from tfx.nn.attention import AttentionParts, MultiHeadAttention
from tfx.nn.attention_kernels import RandomSynthesizerKernel
from tfx.nn.efficient_attention import Kernel, OperationKernel, make_kernel

RNG = np.random.default_rng
IDS = RNG(0).integers(8, size=(2, 7))
SMALL: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 16, "n_layers": 2, "dtype": "float64"}
TILES = {"name": "tiled", "block_q": 2, "block_k": 3}


def gradients(model, *inputs, **options):
    out, cache = model.forward(*inputs, **options)
    model.zero_grad()
    model.backward(RNG(1).standard_normal(out.shape), cache)
    return [out, *(parameter.grad for parameter in model.parameters().values())]


def assert_equal(have, want):
    for a, b in zip(have, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", [Encoder, DecoderOnly])
def test_a_model_with_tiled_attention_is_the_same_model(model):
    want = gradients(model(8, **SMALL), IDS, lengths=np.array([7, 4]))
    have = gradients(model(8, **SMALL, attention={"kernel": TILES}), IDS, lengths=np.array([7, 4]))
    assert_equal(have, want)


def test_in_an_encoder_decoder_cross_attention_stays_exact():
    model = EncoderDecoder(8, **SMALL, attention={"kernel": TILES})
    assert_equal(gradients(model, IDS, IDS), gradients(EncoderDecoder(8, **SMALL), IDS, IDS))
    assert all(block.cross_attention.kernel is None for block in model.decoder.blocks)
    assert all(block.attention.kernel is not None for block in model.decoder.blocks)


def test_stored_keys_and_values_go_through_a_causal_kernel():
    model = DecoderOnly(8, **SMALL, attention={"kernel": {**TILES, "causal": True}, "n_kv_heads": 1})
    whole, _ = model.forward(IDS)
    _, cache = model.forward(IDS[:, :4])
    rest, _ = model.forward(IDS[:, 4:], past=cache.stack.present)
    np.testing.assert_allclose(rest, whole[:, 4:], atol=1e-12)


def test_given_by_name_every_block_makes_its_own_and_one_for_all_is_shared():
    by_name = Encoder(8, **SMALL, attention={"kernel": "tiled"})
    first, second = (block.attention.kernel for block in by_name.stack.blocks)
    assert first is not second
    shared = Encoder(8, **SMALL, attention={"kernel": Kernel("tiled", one_for_all=True)})
    first, second = (block.attention.kernel for block in shared.stack.blocks)
    assert first is second
    ready = OperationKernel(tiled_attention_forward, tiled_attention_backward)
    assert MultiHeadAttention(12, 3, RNG(0), parts=AttentionParts(kernel=ready)).kernel is ready
    with pytest.raises(TypeError, match=r'a kernel by name, such as Kernel\("tiled"\), not a OperationKernel'):
        Encoder(8, **SMALL, attention={"kernel": ready})


@pytest.mark.parametrize(
    ("kernel", "error", "message"),
    [
        ("tilde", ValueError, r"kernel must be one of .*tiled.*, not 'tilde'"),
        ({"block_q": 2}, ValueError, "not None"),
        ({"name": "tiled", "blocks": 2}, TypeError, "tiled_attention_forward has no setting blocks; it has causal"),
        (object(), TypeError, "a kernel needs forward and backward, and object does not have both"),
    ],
)
def test_a_kernel_that_does_not_exist_is_refused(kernel, error, message):
    with pytest.raises(error, match=message):
        make_kernel(kernel, 3, 4, RNG(0))


@pytest.mark.parametrize(
    "option", [{"soft_cap": 2.0}, {"logit_dropout": 0.1}, {"parts": AttentionParts(position_bias=object())}]
)
def test_what_acts_on_scores_is_refused_beside_a_kernel(option):
    with pytest.raises(ValueError, match="act on scores, and a kernel shows none"):
        MultiHeadAttention(12, 3, RNG(0), kernel="tiled", **option)


def test_a_loss_on_the_weights_is_refused_beside_a_kernel():
    layer, x = MultiHeadAttention(12, 3, RNG(0), kernel="tiled"), np.ones((2, 5, 12), "float32")
    y, cache = layer.forward(x)
    with pytest.raises(ValueError, match="a kernel shows none"):
        layer.backward(y, cache, dweights=np.ones((2, 3, 5, 5)))


def test_dropout_of_weights_is_left_out_beside_a_kernel():
    layer, x = MultiHeadAttention(12, 3, RNG(0), dropout=0.5, kernel="tiled"), np.ones((2, 5, 12), "float32")
    assert np.array_equal(layer.forward(x, rng=RNG(0))[0], layer.forward(x)[0])


METHODS: dict[str, dict[str, Any]] = {
    "tiled": {},
    "memory_efficient": {"chunk": 3},
    "linear": {},
    "nystrom": {"n_landmarks": 3},
    "performer": {"n_features": 16},
    "linformer": {"max_len": 9, "rank": 4},
    "random_synthesizer": {"max_len": 9},
    "dense_synthesizer": {"max_len": 9},
}


def test_only_the_random_synthesizer_leaves_parameters_without_a_gradient_and_says_so():
    """Its query map, of each block; a key map that nothing would read is the query map itself."""
    for name, settings in METHODS.items():
        model = Encoder(8, **SMALL, attention={"kernel": {"name": name, **settings}})
        gradients(model, IDS)
        idle = {one for one, parameter in model.parameters().items() if not np.abs(parameter.grad).max() > 1e-12}
        idle -= {one for one in idle if one.endswith("key.b")}  # softmax does not see what all keys have in common
        queries = {one for one in model.parameters() if ".attention.query." in one}
        assert idle == (queries if name == "random_synthesizer" else set()), name
    assert "nothing reads" in str(RandomSynthesizerKernel.__doc__)


CAUSAL = ("tiled", "memory_efficient", "linear", "performer")


@pytest.mark.parametrize("name", METHODS)
def test_every_method_serves_an_encoder_whose_padding_holds_nothing(name):
    kernel = {"name": name, **METHODS[name]}
    model = Encoder(8, **SMALL, attention={"kernel": kernel})
    again = build(model.config)
    assert again.settings.attention.kernel == Kernel(**kernel), "a model can be made again of its configuration"
    np.testing.assert_array_equal(again.forward(IDS)[0], model.forward(IDS)[0])
    lengths, other = np.array([7, 4]), IDS.copy()
    other[1, 4:] = (other[1, 4:] + 1) % 8
    out, _ = model.forward(IDS, lengths=lengths)
    changed, _ = model.forward(other, lengths=lengths)
    np.testing.assert_allclose(changed[1, :4], out[1, :4], atol=1e-12)


@pytest.mark.parametrize("name", [*CAUSAL, "random_synthesizer", "dense_synthesizer"])
def test_in_a_language_model_no_method_sees_the_future(name):
    causal = {"causal": True} if name in CAUSAL else {}
    model = DecoderOnly(8, **SMALL, attention={"kernel": {"name": name, **METHODS[name], **causal}})
    out, _ = model.forward(IDS, lengths=np.array([7, 6]))
    other = IDS.copy()
    other[:, 4:] = (other[:, 4:] + 1) % 8
    changed, _ = model.forward(other, lengths=np.array([7, 6]))
    np.testing.assert_allclose(changed[:, :4], out[:, :4], atol=1e-12)
    assert np.abs(changed[:, 4:] - out[:, 4:]).max() > 0.01


@pytest.mark.parametrize("name", [*CAUSAL, "random_synthesizer", "dense_synthesizer"])
def test_in_a_language_model_stored_keys_and_values_give_the_whole(name):
    causal = {"causal": True} if name in CAUSAL else {}
    model = DecoderOnly(8, **SMALL, attention={"kernel": {"name": name, **METHODS[name], **causal}})
    whole, _ = model.forward(IDS)
    _, cache = model.forward(IDS[:, :4])
    rest, _ = model.forward(IDS[:, 4:], past=cache.stack.present)
    np.testing.assert_allclose(rest, whole[:, 4:], atol=1e-12)


@pytest.mark.parametrize("name", ["linear", "performer", "nystrom", "linformer"])
def test_without_a_causal_form_a_language_model_is_refused(name):
    model = DecoderOnly(8, **SMALL, attention={"kernel": {"name": name, **METHODS[name]}})
    with pytest.raises(ValueError, match="the mask must block each key for all queries or none"):
        model.forward(IDS)


def test_fourier_mixing_takes_the_place_of_the_whole_attention():
    model = Encoder(8, **SMALL, attention={"kernel": "fourier"})
    assert not any("attention" in name for name in model.parameters())
    assert all(np.isfinite(each).all() for each in gradients(model, IDS, lengths=np.array([7, 4])))
    with pytest.raises(ValueError, match="the mask must block each key for all queries or none"):
        DecoderOnly(8, **SMALL, attention={"kernel": "fourier"}).forward(IDS)


def test_the_features_of_a_performer_are_saved_and_not_trained_and_can_be_drawn_again():
    kernel = {"name": "performer", "n_features": 16}
    model = Encoder(8, **SMALL, attention={"kernel": kernel})
    assert not any(name.endswith("kernel.w") for name in model.parameters())
    first = model.stack.blocks[0].attention.kernel
    other = Encoder(8, **SMALL, seed=5, attention={"kernel": kernel})
    other.load_state(model.state())
    np.testing.assert_array_equal(other.forward(IDS)[0], model.forward(IDS)[0])
    before, out = first.w.value, model.forward(IDS)[0]
    first.redraw(1)
    assert first.w.value.shape == before.shape and first.w.value.dtype == before.dtype
    assert np.abs(model.forward(IDS)[0] - out).max() > 1e-6
    changed = first.w.value
    first.redraw(1)
    assert np.array_equal(first.w.value, changed), "the same seed draws the same features"


def test_a_linformer_that_is_one_for_all_is_shared_by_the_layers_and_gathers_the_gradients_of_all():
    kernel = Kernel("linformer", max_len=9, rank=4, one_for_all=True)
    model = Encoder(8, **SMALL, attention={"kernel": kernel})
    names = [name for name in model.parameters() if name.endswith("kernel.e")]
    assert len(names) == 1
    apart = Encoder(8, **SMALL, attention={"kernel": {"name": "linformer", "max_len": 9, "rank": 4}})
    assert len([name for name in apart.parameters() if name.endswith("kernel.e")]) == 2


def test_fixed_scores_are_kept_with_the_model_and_get_no_gradient():
    kernel = RandomSynthesizerKernel(3, 4, RNG(0), max_len=9, learned=False)
    assert not kernel.parameters() and list(kernel.buffers()) == ["factors.0"]
    assert list(RandomSynthesizerKernel(3, 4, RNG(0), max_len=9, rank=2).parameters()) == ["factors.0", "factors.1"]
