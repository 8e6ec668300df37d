"""Words learned by skip-gram: equal seeds give equal tables, and words of one kind come to lie close."""

import numpy as np
import pytest

from tfx.lab.sequences.learned_words import KINDS, WordTable, learn_words


@pytest.mark.parametrize("seed", range(3))
def test_words_of_one_kind_come_to_lie_close(seed):
    before, after = learn_words(seed, 200)
    assert before.words == after.words and before.same_kind() < 0.6 and after.same_kind() > 0.85
    assert np.array_equal(after.vectors, learn_words(seed, 200)[1].vectors)


def test_cosine_nearest_and_kinds_of_a_table_set_by_hand():
    dog, cat, lake = KINDS["mover"][1], KINDS["mover"][2], KINDS["place"][8]
    table = WordTable((dog, cat, lake), np.array([[1.0, 0.0], [3.0, 3.0], [-2.0, 0.1]]))
    assert table.cosine(dog, cat) == pytest.approx(0.5**0.5) and table.nearest(lake, 2) == [cat, dog]
    assert table.same_kind() == pytest.approx(2 / 3)
