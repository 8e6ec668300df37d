"""sequences-order: every computed answer once more, from the question alone."""

from __future__ import annotations

import re
from itertools import permutations, product

from tests.quiz.second_opinions import agrees, questions


def test_orders_of_letters():
    for _, asked in questions("sequences-order/orders-of-letters"):
        (word,) = re.findall(r'"(\w+)"', asked.prompt)
        agrees(asked, len(set(permutations(word))))


def test_sequences_of_length():
    for (words, length), asked in questions("sequences-order/sequences-of-length"):
        agrees(asked, len(list(product(range(int(words)), repeat=int(length)))))


def test_first_of_bag():
    for (names,), asked in questions("sequences-order/first-of-bag"):
        listed = list(permutations(range(int(names))))
        agrees(asked, sum(order[0] == 0 for order in listed) / len(listed))


def test_shape_of_bags():
    for (batch, _, vocabulary, *_), asked in questions("sequences-order/shape-of-bags"):
        agrees(asked, (batch, vocabulary))
