"""efficient-sparse: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_layers_of_windows():
    for (t, w, *_), asked in questions("efficient-sparse/layers-of-windows"):
        place, layers = 1, 0
        while place < t:
            place, layers = min(place + w, t), layers + 1
        agrees(asked, layers)


def test_pairs_with_global():
    for (t, *_), asked in questions("efficient-sparse/pairs-with-global"):
        places = range(1, int(t) + 1)
        agrees(asked, sum(abs(i - j) <= 1 or 1 in (i, j) for i in places for j in places))


def test_strided_keys():
    for (stride, _, t), asked in questions("efficient-sparse/strided-keys"):
        back = range(int(t))
        agrees(asked, sum(distance <= stride or distance % stride == 0 for distance in back))


def test_big_bird_keys():
    for (_, b, g, r, *_), asked in questions("efficient-sparse/big-bird-keys"):
        blocks = {f"near {i}" for i in (-1, 0, 1)} | {f"global {i}" for i in range(int(g))}
        agrees(asked, (len(blocks) + r) * b)
