"""Fast weights: a memory that forgets, corrects itself, or both; without either, linear attention."""

import numpy as np
import pytest

from tfx.efficient.causal_product import causal_product_forward
from tfx.efficient.fast_weights import fast_weights_backward, fast_weights_forward

RNG = np.random.default_rng
T, D, DV = 6, 4, 3


def inputs(seed=0):
    rng = RNG(seed)
    q, k, v = (rng.standard_normal((2, T, n)) for n in (D, D, DV))
    return q, k / np.linalg.norm(k, axis=-1, keepdims=True), v, -rng.random((2, T, 1)), rng.random((2, T, 1))


def test_without_decay_and_correction_it_is_the_causal_product():
    q, k, v, _, _ = inputs()
    state = RNG(1).standard_normal((2, D, DV))
    out, cache = fast_weights_forward(q, k, v, state=state, scale=1.0)
    want, product = causal_product_forward(q, k, v, state, chunk=4)
    np.testing.assert_allclose(out, want, atol=1e-12)
    np.testing.assert_allclose(cache.last_state, product.last_state, atol=1e-12)


def test_a_decay_of_zero_and_a_rate_of_zero_change_nothing():
    q, k, v, decay, beta = inputs()
    plain, _ = fast_weights_forward(q, k, v)
    assert np.array_equal(fast_weights_forward(q, k, v, 0 * decay)[0], plain)
    assert not fast_weights_forward(q, k, v, None, 0 * beta)[0].any(), "nothing is ever written"


def test_a_decay_weighs_each_token_by_its_age():
    q, k, v, _, _ = inputs()
    out, _ = fast_weights_forward(q, k, v, np.full((2, T, 1), np.log(0.5)), scale=1.0)
    age = np.arange(T)[:, None] - np.arange(T)
    weights = np.where(age >= 0, 0.5 ** np.maximum(age, 0), 0) * (q @ k.swapaxes(-1, -2))
    np.testing.assert_allclose(out, weights @ v, atol=1e-12)


def test_each_row_of_the_memory_may_forget_at_its_own_pace():
    q, k, v, decay, beta = inputs()
    wide = np.broadcast_to(decay, (2, T, D))
    np.testing.assert_array_equal(
        fast_weights_forward(q, k, v, wide, beta)[0], fast_weights_forward(q, k, v, decay, beta)[0]
    )


def test_the_delta_rule_answers_a_key_with_its_last_value_and_adding_does_not():
    _, k, v, _, _ = inputs()
    again = np.concatenate((k, k), axis=1)  # every key comes twice, with another value
    new = RNG(5).standard_normal((2, T, DV))
    values = np.concatenate((v, new), axis=1)
    last = again[:, -1:]
    for beta, right in ((np.ones((2, 2 * T, 1)), True), (None, False)):
        _, cache = fast_weights_forward(again, again, values, None, beta, scale=1.0)
        assert np.allclose(last @ cache.last_state, new[:, -1:], atol=1e-12) is right


def test_token_by_token_with_the_state_gives_the_whole():
    q, k, v, decay, beta = inputs()
    whole, _ = fast_weights_forward(q, k, v, decay, beta)
    state, parts = None, []
    for t in range(T):
        out, cache = fast_weights_forward(*(x[:, t : t + 1] for x in (q, k, v, decay, beta)), state)
        state = cache.last_state
        parts.append(out)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-13)


def test_the_gradient_through_two_calls_is_that_of_one():
    given = inputs()
    dout = RNG(1).standard_normal((2, T, DV))
    want = fast_weights_backward(dout, fast_weights_forward(*given)[1])
    first, second = ([x[:, part] for x in given] for part in (slice(0, 4), slice(4, T)))
    _, early = fast_weights_forward(*first)
    _, late = fast_weights_forward(*second, early.last_state)
    late_grads = fast_weights_backward(dout[:, 4:], late)
    early_grads = fast_weights_backward(dout[:, :4], early, late_grads.dstate)
    for name in ("dq", "dk", "dv", "ddecay", "dbeta"):
        joined = np.concatenate((getattr(early_grads, name), getattr(late_grads, name)), axis=1)
        np.testing.assert_allclose(joined, getattr(want, name), atol=1e-12)


def test_no_tokens_leave_the_state_as_it_is():
    state = np.ones((2, D, DV))
    out, cache = fast_weights_forward(*(np.zeros((2, 0, n)) for n in (D, D, DV)), state=state)
    assert out.shape == (2, 0, DV) and cache.last_state is state
    assert not fast_weights_backward(out, cache).dstate.any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": np.ones((2, T, 3))}, r"k has shape \(2, 6, 3\) but q is \(2, 6, 4\)"),
        ({"v": np.ones((2, 5, DV))}, "v has shape"),
        ({"decay": np.ones((2, T, 2))}, "decay has shape"),
        ({"beta": np.ones((2, T, 4))}, "beta has shape"),
        ({"state": np.ones((2, DV, D))}, "state has shape"),
    ],
)
def test_shapes_that_do_not_fit_are_named(wrong, message):
    q, k, v, _, _ = inputs()
    with pytest.raises(ValueError, match=message):
        fast_weights_forward(**({"q": q, "k": k, "v": v} | wrong))
