"""The two toy languages: translations word by word, and two right answers."""

import numpy as np

from tfx.data.fertility import Dictionary, draw_dictionary, either_order, translate

RNG = np.random.default_rng


def test_a_sentence_is_translated_word_by_word():
    dictionary = Dictionary(np.array([[7, 8, 9], [4, 0, 0], [5, 6, 0]]), np.array([3, 0, 2]))
    batch = translate(dictionary, np.array([[2, 1, 0], [1, 1, 2]]))
    assert batch.fertilities.tolist() == [[2, 0, 3], [0, 0, 2]]
    assert batch.targets.tolist() == [[5, 6, 7, 8, 9], [5, 6, 0, 0, 0]]
    assert batch.lengths.tolist() == [5, 2]


def test_a_sentence_of_words_without_translation_is_empty():
    dictionary = draw_dictionary(RNG(0), 4, 5)
    assert translate(dictionary, np.array([[0, 0]])).targets.shape == (1, 0)


def test_every_fertility_from_zero_to_three_occurs():
    dictionary = draw_dictionary(RNG(0), 8, 5)
    assert sorted(dictionary.fertilities.tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert dictionary.words.shape == (8, 3) and dictionary.words.min() >= 0 and dictionary.words.max() < 5


def test_the_same_seed_gives_the_same_dictionary_and_the_same_lots():
    assert np.array_equal(draw_dictionary(RNG(3), 8, 5).words, draw_dictionary(RNG(3), 8, 5).words)
    assert np.array_equal(either_order(RNG(3), 9, 5).targets, either_order(RNG(3), 9, 5).targets)


def test_both_orders_occur_equally_often_and_nothing_else_does():
    batch = either_order(RNG(1), 4000, 5)
    straight = (batch.targets == batch.src).all(axis=1)
    swapped = (batch.targets == batch.src[:, ::-1]).all(axis=1)
    assert (straight ^ swapped).all() and (batch.src[:, 0] != batch.src[:, 1]).all()
    assert abs(straight.mean() - 0.5) < 0.03
    assert (batch.fertilities == 1).all() and (batch.lengths == 2).all()
