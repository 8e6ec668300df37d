"""The non-autoregressive model: what each token may see, and what one pass gives."""

import numpy as np
import pytest

from tfx.models import build
from tfx.models.non_autoregressive import NonAutoregressive
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

SRC = np.array([[1, 4, 2], [3, 3, 0]])
FERTILITIES = np.array([[2, 0, 1], [1, 3, 0]])


def model(**settings) -> NonAutoregressive:
    return NonAutoregressive(5, d_model=12, n_heads=3, d_ff=16, n_layers=2, dtype="float64", **settings)


def test_every_token_sees_the_whole_source_and_all_other_tokens_future_included():
    one, changed = model(), SRC.copy()
    changed[0, 2] = 3  # the source of the last target token
    first = [one.forward(src, FERTILITIES, 4)[0].logits[:, 0] for src in (SRC, changed)]
    assert abs(first[0][0] - first[1][0]).max() > 1e-3
    np.testing.assert_array_equal(first[0][1], first[1][1])


def test_no_token_attends_to_itself_in_self_attention():
    _, cache = model().forward(SRC, FERTILITIES, 4)
    for block in cache.blocks:
        weights = block.weights
        np.testing.assert_array_equal(np.diagonal(weights, axis1=-2, axis2=-1), 0)
        np.testing.assert_allclose(weights[1].sum(axis=-1), 1, rtol=1e-12)
        assert (weights[1][..., ~np.eye(4, dtype=bool)] > 0).all(), "and to every other one"


def test_positional_attention_does_not_look_at_content():
    one = model()
    weights = [
        one.forward(src, FERTILITIES, 4)[1].blocks[0].positional_attention.weights for src in (SRC, (SRC + 1) % 5)
    ]
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("norm", ["pre", "post", "inner"])
@pytest.mark.parametrize("copy", ["fertility", "uniform"])
def test_a_padded_row_gives_what_it_gives_alone(norm, copy):
    one = model(norm_place=norm, copy=copy)
    together, _ = one.forward(SRC, FERTILITIES, 6, np.array([3, 2]))
    alone, _ = one.forward(SRC[1:, :2], FERTILITIES[1:, :2], 4)
    np.testing.assert_allclose(together.logits[1, :4], alone.logits[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(together.fertility_logits[1, :2], alone.fertility_logits[0], rtol=1e-9, atol=1e-12)


def test_even_copies_use_the_length_of_the_target_and_nothing_else():
    one, other = model(copy="uniform"), np.array([[1, 1, 1], [2, 2, 0]])
    np.testing.assert_array_equal(one.forward(SRC, FERTILITIES, 4)[0].logits, one.forward(SRC, other, 4)[0].logits)
    by_fertility = model()
    assert abs(
        by_fertility.forward(SRC, FERTILITIES, 4)[0].logits - by_fertility.forward(SRC, other, 4)[0].logits
    ).max()


def test_the_loss_of_the_words_does_not_reach_the_fertility_classifier():
    one = model()
    out, cache = one.forward(SRC, FERTILITIES, 4)
    _, loss = cross_entropy_forward(out.logits, np.zeros((2, 4), dtype=int))
    one.backward(cross_entropy_backward(1.0, loss), np.zeros_like(out.fertility_logits), cache)
    moved = {name.split(".")[0] for name, parameter in one.parameters().items() if abs(parameter.grad).max() > 1e-12}
    assert moved == {"embedding", "encoder", "blocks", "norm", "output"}


def with_fertility(one: NonAutoregressive, fertility: int) -> NonAutoregressive:
    """Whatever the source, the classifier now says `fertility`."""
    one.fertility.w.value[...] = 0
    one.fertility.b.value[...] = np.eye(4)[fertility]
    return one


@pytest.mark.parametrize("fertility", [0, 1, 3])
def test_translate_takes_the_likeliest_fertilities_and_then_the_likeliest_words(fertility):
    one = with_fertility(model(), fertility)
    ids, lengths = one.translate(SRC, np.array([3, 1]))
    assert lengths.tolist() == [3 * fertility, fertility] and ids.shape == (2, 3 * fertility)
    given = np.array([[fertility] * 3, [fertility, 0, 0]])
    logits = one.forward(SRC, given, 3 * fertility, np.array([3, 1]))[0].logits
    np.testing.assert_array_equal(ids[0], logits[0].argmax(axis=-1))
    np.testing.assert_array_equal(ids[1, :fertility], logits[1, :fertility].argmax(axis=-1))
    assert (ids[1, fertility:] == -1).all()


def test_a_target_of_one_token_has_nobody_to_attend_to_and_is_finite():
    out, cache = model().forward(SRC[:, :1], np.array([[1], [1]]), 1)
    assert np.isfinite(out.logits).all()
    assert not cache.blocks[0].weights.any()


def test_more_target_words_than_places_are_refused():
    with pytest.raises(ValueError, match="sum to 4 but there are 3"):
        model().forward(SRC, FERTILITIES, 3)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="copy must be one of fertility, uniform, not 'even'"):
        model(copy="even")
    with pytest.raises(ValueError, match="at least one block"):
        NonAutoregressive(5, n_layers=0)


def test_it_is_built_again_from_its_configuration():
    one = model(seed=3)
    again = build(one.config)
    want, have = (each.forward(SRC, FERTILITIES, 4)[0].logits for each in (one, again))
    np.testing.assert_array_equal(have, want)
