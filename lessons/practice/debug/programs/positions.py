"""Three ways to say where a token stands: sinusoids, rotation, ALiBi."""

import numpy as np

BASE = 10_000.0


def rates(width):
    """How fast each pair of columns turns, the first fastest: (D / 2,)."""
    return BASE ** (-np.arange(0, width, 2) / width)


def sinusoids(length, width):
    """-> (T, D): sine and cosine of place times rate, in turn."""
    angle = np.arange(length)[:, None] * rates(width)
    table = np.empty((length, width))
    table[:, 0::2] = np.sin(angle)
    table[:, 1::2] = np.cos(angle)
    return table


def embed(table, letters):
    """table: (V, D), letters: (B, T) -> vectors with their places."""
    width = table.shape[1]
    x = table[letters] * np.sqrt(width)
    return x + sinusoids(letters.shape[1], width)


def rotate(x, places):
    """x: (..., T, D), places: (T,) -> x, each pair turned by its angle."""
    angle = places[:, None] * rates(x.shape[-1])  # (T, D / 2)
    sine, cosine = np.sin(angle), np.cos(angle)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = np.empty(x.shape)
    turned[..., 0::2] = even * cosine - odd * sine
    turned[..., 1::2] = even * sine + odd * cosine
    return turned


def rotate_backward(dy, places):
    """A rotation is undone by the same angle the other way."""
    return rotate(dy, -places)


def rotary_scores(q, k, before):
    """q: (..., T, D), k: (..., S, D), S = before + T -> (..., T, S).

    before: how many keys stand in front of the first query.
    """
    q = rotate(q, before + np.arange(q.shape[-2]))
    k = rotate(k, np.arange(k.shape[-2]))
    return q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])


def alibi(length, heads):
    """-> (H, T, T): 0 on the diagonal, less the farther back, per head."""
    slopes = 2.0 ** (-8 * np.arange(1, heads + 1) / heads)
    place = np.arange(length)
    gap = place[:, None] - place[None, :]  # how far back the key is
    return -slopes[:, None, None] * np.maximum(gap, 0)
