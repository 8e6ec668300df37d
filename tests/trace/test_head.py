"""A traced head is the model's own: forward, backward and the weights it used."""

import numpy as np
import pytest

from tfx.errors import BadInput
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.shipped.load import load
from tfx.trace import attention_case
from tfx.trace.head import largest_further_away

PRONOUN = "yesterday the river was not crossed by the cat because it was too deep"
ANY = "attention is a weighted average"
PLACES = [
    ("pointing", PRONOUN, 0, 2),
    ("pointing", PRONOUN, 1, 0),
    ("plain", PRONOUN, -1, 0),
    ("language", ANY, 0, 1),
    ("language", ANY, 1, 3),
]


@pytest.mark.parametrize(("name", "text", "layer", "head"), PLACES)
def test_attention_recomputed_from_q_k_v_and_mask_is_the_models_own_output(name, text, layer, head):
    case = attention_case(text, load(name), layer, head)
    out, cache = attention_forward(case.q, case.k, case.v, case.mask)
    assert np.abs(out - case.out).max() <= 1e-12
    assert np.abs(cache.weights - case.weights).max() <= 1e-12


@pytest.mark.parametrize(("name", "text", "layer", "head"), PLACES)
def test_q_k_v_are_x_times_this_heads_columns(name, text, layer, head):
    case = attention_case(text, load(name), layer, head)
    for w, projected in ((case.w_q, case.q), (case.w_k, case.k), (case.w_v, case.v)):
        assert np.abs(case.x @ w - projected).max() <= 1e-12


@pytest.mark.parametrize(("name", "text", "layer", "head"), PLACES)
def test_the_backward_from_dout_gives_the_models_own_weight_gradients(name, text, layer, head):
    shipped = load(name)
    case = attention_case(text, shipped, layer, head)
    _, cache = attention_forward(case.q, case.k, case.v, case.mask)
    dq, dk, dv = attention_backward(case.dout, cache)
    blocks = shipped.model.blocks if name != "language" else shipped.model.stack.blocks
    attention = blocks[case.layer].attention
    width = case.q.shape[1]
    columns = slice(case.head * width, (case.head + 1) * width)
    for d, owner in ((dq, attention.query), (dk, attention.key), (dv, attention.value)):
        used = owner.w.grad[:, columns]
        assert np.abs(used).max() > 0
        assert np.abs(case.x.T @ d - used).max() <= 1e-12 * max(1.0, np.abs(used).max())


def test_dout_is_the_slope_of_the_loss():
    """Moving the values of one head moves its output, and the loss by dout: measured by central differences."""
    shipped = load("language")
    case = attention_case(ANY, shipped, 1, 2)
    _, cache = attention_forward(case.q, case.k, case.v, case.mask)
    dv = attention_backward(case.dout, cache)[2]
    w = shipped.model.stack.blocks[1].attention.value.w.value
    direction = np.random.default_rng(0).standard_normal(case.w_v.shape)
    columns = slice(2 * case.q.shape[1], 3 * case.q.shape[1])
    step, losses = 1e-5, []
    for sign in (1, -1):
        w[:, columns] += sign * step * direction
        losses.append(attention_case(ANY, shipped, 1, 2).loss)
        w[:, columns] -= sign * step * direction
    slope = (losses[0] - losses[1]) / (2 * step)
    assert slope == pytest.approx(float(((case.x.T @ dv) * direction).sum()), rel=1e-6)


def test_everything_is_float64_and_shapes_agree():
    case = attention_case(PRONOUN, load("pointing"))
    n, (width_in, width) = len(case.tokens), case.w_q.shape
    assert case.x.shape == (n, width_in) and case.scores.shape == case.weights.shape == (n, n)
    for array in (case.q, case.k, case.v, case.out, case.dout):
        assert array.shape == (n, width) and array.dtype == np.float64


def test_the_language_model_is_traced_under_its_causal_mask():
    case = attention_case(ANY, load("language"))
    assert np.array_equal(case.mask, np.tril(np.ones_like(case.mask)))
    assert np.all(case.weights[~case.mask] == 0) and np.all(np.isneginf(case.scores[~case.mask]))


@pytest.mark.parametrize("text", [ANY, "The trophy did not fit in the suitcase because it was too big.", PRONOUN])
def test_left_open_the_head_is_the_one_that_looks_hardest_at_a_word_further_away(text):
    """Over all places and rows that may be followed, by adding up the pieces of each word one by one."""
    shipped = load("pointing" if text is PRONOUN else "language")
    case = attention_case(text, shipped)

    def furthest(weights, row):
        own, shares = case.reading.word_of[row], {}
        for key, word in enumerate(case.reading.word_of):
            if word not in (own, own - 1) and case.reading.words[word][0].isalnum():
                shares[word] = shares.get(word, 0.0) + weights[row, key]
        return max(shares.values(), default=0.0)

    layers = [1] if text is PRONOUN else [0, 1]
    everywhere = [attention_case(text, shipped, layer, head) for layer in layers for head in range(4)]
    rows = range(len(case.tokens)) if text is ANY else [case.row]
    assert furthest(case.weights, case.row) == pytest.approx(
        max(furthest(each.weights, row) for each in everywhere for row in rows)
    )
    assert largest_further_away(case.weights[case.row], case.row, case.reading) == pytest.approx(
        furthest(case.weights, case.row)
    )


def test_where_only_the_words_nearby_can_be_seen_the_most_decided_head_is_shown():
    case = attention_case("Dogs bark", load("language"))
    assert largest_further_away(case.weights[case.row], case.row, case.reading) == 0
    everywhere = [attention_case("Dogs bark", load("language"), layer, head) for layer in range(2) for head in range(4)]
    ends = [max(i for i, word in enumerate(case.reading.word_of) if word == one) for one in (0, 1)]

    def decided(each, row):
        p = each.weights[row, : row + 1]
        return np.log(row + 1) + (p * np.log(np.maximum(p, 1e-300))).sum()

    best = max(decided(each, row) for each in everywhere for row in ends)
    assert decided(case, case.row) == pytest.approx(best)


def test_asking_for_another_answer_gives_a_larger_loss_and_gradient():
    right = attention_case(PRONOUN, load("pointing"))
    wrong = attention_case(PRONOUN, load("pointing"), answer="cat")
    assert right.expected == "river" and wrong.expected == "cat"
    assert wrong.loss > right.loss and np.abs(wrong.dout).max() > np.abs(right.dout).max()
    assert np.array_equal(wrong.weights, right.weights)


def test_tracing_twice_gives_the_same_and_leaves_the_model_as_it_was():
    shipped = load("plain")
    before = shipped.model.state()
    first, second = (attention_case(PRONOUN, shipped) for _ in range(2))
    assert np.array_equal(first.dout, second.dout) and first.loss == second.loss
    assert all(np.array_equal(before[name], value) for name, value in shipped.model.state().items())
    assert all(type(block.attention) is MultiHeadAttention for block in shipped.model.blocks)


@pytest.mark.parametrize(("layer", "head"), [(2, 0), (-3, 0), (1, 4), (0, 4)])
def test_a_layer_or_head_that_does_not_exist_is_refused(layer, head):
    with pytest.raises(BadInput, match="there is no"):
        attention_case(PRONOUN, load("pointing"), layer, head)


def test_an_answer_that_is_not_in_the_sentence_is_refused():
    with pytest.raises(BadInput, match="not a word of the sentence"):
        attention_case(PRONOUN, load("pointing"), answer="zebra")
    with pytest.raises(BadInput):
        attention_case(ANY, load("language"), answer="is")
