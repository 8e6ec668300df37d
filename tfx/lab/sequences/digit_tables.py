"""Adding by a table of digit patterns: what it knows of new sums, of longer ones, and of either order of writing.

A pattern is a column of a sum: two digits and the carry from the right.  It has one written digit and one carry.  By
place: a pattern at one place says nothing of another one, as with a code for each absolute position.
"""

from __future__ import annotations

import numpy as np

from tfx.data.toys.addition import Addition

Column = tuple[int, int]
Known = dict[tuple[int, ...], tuple[int, int]]


def sums(toy: Addition, n: int, rng: np.random.Generator, held_out: bool) -> list[tuple[list[Column], list[int]]]:
    """Pairs of digits, the last first, and the digits of the sum, the last first."""
    drawn = toy.draw(n, rng, held_out)
    rows = np.concatenate([drawn.ids, drawn.targets[:, -1:]], axis=1)
    width = toy.n_digits
    found = []
    for row in rows.tolist():
        pairs = list(zip(row[:width][::-1], row[width + 1 : 2 * width + 1][::-1], strict=True))
        found.append((pairs, row[2 * width + 2 :]))
    return found


def learn_patterns(drawn: list[tuple[list[Column], list[int]]], by_place: bool = True) -> Known:
    """(place, digit, digit, carry) -> (written digit, next carry), of each column met; place is 0 unless by_place."""
    known: Known = {}
    for columns, digits in drawn:
        carry = 0
        for place, (one, other) in enumerate(columns):
            written = digits[place]
            then = 1 if one + other + carry != written else 0
            known[place * by_place, one, other, carry] = (written, then)
            carry = then
    return known


def share_right(known: Known, asked: list[tuple[list[Column], list[int]]], by_place: bool = True) -> float:
    """The share of sums that the table gets right at every digit."""
    marks = []
    for columns, digits in asked:
        carry, said = 0, []
        for place, (one, other) in enumerate(columns):
            written, carry = known.get((place * by_place, one, other, carry), (-1, 0))
            said.append(written)
        marks.append([*said, carry] == digits)
    return float(np.mean(marks))


def sums_right(rng: np.random.Generator, examples: int, asked_digits: int = 2, by_place: bool = True) -> float:
    """After so many sums of two digits: the share of held-out sums of `asked_digits` that is right at every digit."""
    known = learn_patterns(sums(Addition(2), examples, rng, held_out=False), by_place)
    return share_right(known, sums(Addition(asked_digits), 300, rng, held_out=True), by_place)


def carry_in(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a, b: (..., n) digits, the first first -> (..., n + 1): the carry into each column, from the right; the first is
    the first digit of the sum."""
    carry = np.zeros((*a.shape[:-1], a.shape[-1] + 1), dtype=np.int64)
    for i in range(a.shape[-1] - 1, -1, -1):
        carry[..., i] = a[..., i] + b[..., i] + carry[..., i + 1] >= 10
    return carry


def right_from_front(a: np.ndarray, b: np.ndarray, looks: int) -> float:
    """The share of sums right at every digit, each written from its column and the `looks` columns to its right; what
    comes from beyond them is taken to be no carry."""
    n = a.shape[-1]
    true = carry_in(a, b)
    guessed = [carry_in(a[..., i : i + looks], b[..., i : i + looks])[..., 0] for i in range(n)]
    return float((np.stack(guessed, axis=-1) == true[..., :n]).all(axis=-1).mean())


def right_from_back(a: np.ndarray, b: np.ndarray) -> float:
    """... each written, the last first, from its column, the one before, and the digit written there: whether that
    digit is the sum of its two shows the carry that came into it, and so the one that goes on."""
    true = carry_in(a, b)
    written = (a + b + true[..., 1:]) % 10
    came = written != (a + b) % 10
    return float(((a + b + came >= 10) == true[..., :-1]).all(axis=-1).mean())


def copied_right(keys: int, ahead: float, tokens: int, times: int, rng: np.random.Generator) -> float:
    """The share of tokens copied right by attention whose right key scores `ahead` more than all others, which hold
    random tokens: what is read is each token's weight, and the heaviest is named."""
    weights = rng.multinomial(keys - 1, [1 / tokens] * tokens, size=times).astype(float)
    weights[:, 0] += np.exp(ahead)  # in units of one other key's weight; the true token is the first
    return float((weights[:, 0] > weights[:, 1:].max(axis=1)).mean())
