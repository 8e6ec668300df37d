"""The pronoun model and the scores it is judged by."""

import numpy as np
import pytest

from tfx.data import pronouns
from tfx.models import PronounModel
from tfx.shipped.pronoun_scores import score_pronouns

VOCAB = len(pronouns.VOCABULARY)
ASKED = pronouns.sentences(30, seed=2)


def test_the_architecture_is_about_42_000_parameters_and_the_last_layer_has_one_head():
    model = PronounModel(VOCAB)
    assert 38_000 < model.n_parameters < 45_000
    assert [block.attention.n_heads for block in model.blocks] == [4, 4]


def test_a_sentence_gives_the_same_answer_alone_and_padded_in_a_batch():
    model = PronounModel(VOCAB, dtype="float64")
    batch = pronouns.to_batch(ASKED)
    together, _ = model.forward(batch.ids, batch.it, batch.lengths)
    for row, sentence in zip(together, ASKED, strict=True):
        alone, _ = model.forward(pronouns.encode(sentence.words)[None], np.array([sentence.it]))
        assert np.abs(alone[0] - row).max() < 1e-12


def test_backward_twice_on_one_cache_gives_equal_gradients():
    model = PronounModel(VOCAB, dtype="float64")
    batch = pronouns.to_batch(ASKED)
    logits, cache = model.forward(batch.ids, batch.it, batch.lengths)
    dy = np.random.default_rng(0).standard_normal(logits.shape)
    gradients = []
    for _ in range(2):
        model.zero_grad()
        model.backward(dy, cache)
        gradients.append({name: p.grad.copy() for name, p in model.parameters().items()})
    assert all(np.array_equal(gradients[0][name], gradients[1][name]) for name in gradients[0])


@pytest.mark.parametrize("it", [np.array([12]), np.array([-1]), np.array([3, 3])])
def test_a_place_outside_the_sentence_is_refused(it):
    with pytest.raises(ValueError, match="one place"):
        PronounModel(VOCAB).forward(np.zeros((1, 12), dtype=np.int64), it)


def test_scores_of_an_oracle_are_perfect_and_name_no_sentence():
    """A model whose logits and weights are replaced by the truth: the scores measure what they say."""

    class Oracle(PronounModel):
        def forward(self, ids, it, lengths=None):
            logits, cache = super().forward(ids, it, lengths)
            batch = pronouns.to_batch(ASKED)
            rows = np.arange(len(ids))
            logits[rows, batch.answer] = 1e3
            for layer in (0, 1):
                cache.attention(layer).weights[rows, :, it, batch.referent] = 2.0
            return logits, cache

    scores = score_pronouns(Oracle(VOCAB), ASKED)
    assert scores.accuracy == scores.pointing_rate == 1.0
    assert scores.by_head == ((1.0,) * 4, (1.0,) * 4) and scores.right_without_pointing == ()
    assert scores.best_head == (0, 0)


def test_an_empty_list_of_sentences_is_refused():
    with pytest.raises(ValueError, match="no sentences"):
        score_pronouns(PronounModel(VOCAB), [])
