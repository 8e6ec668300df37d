"""Without a key: by the mask, by the formula, and by a model that cannot look at a word."""

import numpy as np

from tfx.data.pronouns import encode, sentences
from tfx.lab.attention.leave_one_out import LeavingOut, head_without_each
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.shipped.load import load


def test_a_head_without_a_key_is_the_head_of_the_others():
    rng = np.random.default_rng(0)
    q, k, v = rng.standard_normal((1, 3)), rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    for j, out in enumerate(head_without_each(q, k, v)):
        np.testing.assert_allclose(
            out, attention_forward(q, np.delete(k, j, axis=0), np.delete(v, j, axis=0))[0][0], atol=1e-14
        )


def test_a_model_with_all_words_open_answers_as_before():
    model, sentence = load("plain").model, sentences(1, 3)[0]
    ids, it = encode(sentence.words)[None], np.array([sentence.it])
    usual, cache = model.forward(ids, it)
    asked = LeavingOut(load("plain").model)
    found = asked.ask(sentence)
    np.testing.assert_allclose(found.weights, cache.attention(1).weights[0, :, sentence.it], atol=1e-15)
    again, _ = asked._run(ids, sentence.it, None, 2)
    np.testing.assert_allclose(again, usual, atol=1e-14)


def test_in_the_last_layer_the_row_without_a_word_is_the_formula_and_the_other_layer_changes_more():
    sentence = sentences(1, 4)[0]
    asked = LeavingOut(load("plain").model)
    n, ids = len(sentence.words), encode(sentence.words)
    each = ~np.eye(n, dtype=bool)[:, None, None]
    usual, cache = asked._run(ids[None], sentence.it, None, 2)
    _, without = asked._run(np.repeat(ids[None], n, axis=0), sentence.it, each, 1)
    p, renewed = (c.attention(1).weights[:, :, sentence.it] for c in (cache, without))
    for j in range(n):
        expected = np.where(np.arange(n) == j, 0, p[0]) / (1 - p[0, :, j : j + 1])
        np.testing.assert_allclose(renewed[j], expected, atol=1e-12)
    np.testing.assert_allclose(without.attention(0).weights[0], cache.attention(0).weights[0], atol=1e-15)
    found, answer = asked.ask(sentence), int(usual[0].argmax())
    both, _ = asked._run(np.repeat(ids[None], n, axis=0), sentence.it, each, 2)
    log_p = [log_softmax_forward(logits)[0][:, answer] for logits in (usual, both)]
    np.testing.assert_allclose(found.everywhere, abs(log_p[1] - log_p[0][0]), atol=1e-12)
    assert not np.allclose(found.everywhere, found.last_layer)
