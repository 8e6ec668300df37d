"""Adapters: nothing changes at first, they alone learn, and they can be taken out again."""

import numpy as np
import pytest

from tests.tuning.models import IDS, MODELS, C, logits_of, trained, tune
from tfx.models import DecoderOnly, EncoderDecoder
from tfx.tuning import Adapter, Part, add_adapters

RNG = np.random.default_rng
M = 2


@pytest.mark.parametrize("kind", MODELS)
def test_putting_adapters_in_changes_no_output_by_a_bit(kind):
    model = trained(kind)
    before = logits_of(model)
    add_adapters(model, M, RNG(0))
    assert np.array_equal(logits_of(model), before)


@pytest.mark.parametrize("kind", MODELS)
def test_only_the_adapters_learn_and_taken_out_the_model_has_its_bits(kind):
    model = trained(kind)
    before = model.state()
    adapters = add_adapters(model, M, RNG(0))
    losses = tune(model, adapters, steps=5)
    assert losses[-1] < losses[0] and all(".adapter." in name for name in adapters.parameters())
    after = {name.replace(".layer.", "."): value for name, value in model.state().items()}
    assert all(np.array_equal(after[name], value) for name, value in before.items())
    adapters.remove()
    assert model.state().keys() == before.keys()
    assert all(np.array_equal(model.state()[name], value) for name, value in before.items())


def test_an_adapter_is_the_papers_formula_place_by_place():
    adapter = Adapter(3, M, RNG(0), "relu", "float64")
    network = adapter.network
    network.second.w.value[...] = RNG(1).standard_normal((M, 3))
    f = RNG(2).standard_normal((4, 3))
    y, _ = adapter.forward(f)
    for row, out in zip(f, y, strict=True):
        down = [max(0.0, sum(row[i] * network.first.w.value[i, m] for i in range(3))) for m in range(M)]
        up = [sum(down[m] * network.second.w.value[m, j] for m in range(M)) for j in range(3)]
        np.testing.assert_allclose(out, row + up, rtol=1e-14)


def test_each_sub_layer_gets_one_and_the_count_is_two_thin_matrices():
    each = 2 * M * C + M + C
    assert add_adapters(trained(), M, RNG(0)).n_parameters == 2 * 2 * each
    assert add_adapters(trained(EncoderDecoder), M, RNG(0)).n_parameters == (2 * 2 + 2 * 3) * each
    only = add_adapters(trained(), M, RNG(0), chosen=lambda name: name.endswith("feed_forward"))
    assert only.n_parameters == 2 * each


def test_the_norms_can_be_tuned_with_them_as_in_the_paper():
    model = trained()
    add_adapters(model, M, RNG(0))
    part = Part(model, lambda name: ".adapter." in name or "norm" in name)
    assert any("norm1.gamma" in name for name in part.parameters())
    losses = tune(model, part, steps=6)
    assert losses[-1] < losses[0]


def test_an_adapted_model_still_reads_in_chunks():
    model = trained(DecoderOnly)
    adapters = add_adapters(model, M, RNG(0))
    tune(model, adapters)
    whole, _ = model.forward(IDS)
    first, cache = model.forward(IDS[:, :4])
    second, _ = model.forward(IDS[:, 4:], past=cache.stack.present)
    np.testing.assert_allclose(np.concatenate((first, second), axis=1), whole, rtol=0, atol=1e-12)
    assert cache.blocks[0].weights.shape == (3, 3, 4, 4)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Adapter(C, 0, RNG(0))
    model = trained()
    with pytest.raises(ValueError, match="that was chosen"):
        add_adapters(model, M, RNG(0), chosen=lambda name: False)
    add_adapters(model, M, RNG(0))
    with pytest.raises(ValueError, match="already"):
        add_adapters(model, M, RNG(0))
