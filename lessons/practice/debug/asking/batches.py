"""Asks what makes batches of a text."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np

TEXT = "the cat sat on the mat and the hen sat on the hat"
ROWS = ([5, 2, 9], [3], [7, 7, 2, 4, 8], [6, 2])


def encoded(program: Any, text: str) -> Any:
    numbers = program.alphabet(text)
    return numbers, program.encoded(text, numbers), program.decoded([0, *program.encoded(text, numbers), 1, 0], numbers)


def split(program: Any, ids: Any, held: float) -> Any:
    return program.split(ids, held)


def windows(program: Any, ids: Any, length: int) -> Any:
    return program.windows(ids, length)


def epochs(program: Any, seed: int, inputs: Any, labels: Any, size: int) -> Any:
    """Two epochs in a row, as tuples of batches."""
    rng = np.random.default_rng(seed)
    return tuple(tuple(program.epoch(rng, inputs, labels, size)) for _ in range(2))


def padded(program: Any, rows: Any) -> Any:
    return program.padded([list(row) for row in rows])


def packed(program: Any, rows: Any, length: int) -> Any:
    return program.packed([list(row) for row in rows], length)


def ask_invariants(program: Any) -> Any:
    """Every letter has a number of its own above 1 and comes back; the two parts of a split are the whole; each label is
    the letter behind its input; each window comes once, with its labels; padding and masks agree; packing loses nothing: all 0. The
    windows do not stay in their old order."""
    numbers = program.alphabet(TEXT)
    ids = program.encoded(TEXT, numbers)
    counting = np.arange(100, 200)
    train, held = program.split(counting, 0.2)
    inputs, labels = program.windows(counting, 7)
    batches = list(program.epoch(np.random.default_rng(1), inputs, labels, 4))
    seen = np.concatenate([one[0] for one in batches])
    pairs = np.concatenate([one[1] - one[0] for one in batches])
    firsts = np.sort(seen[:, 0])
    batch, here = program.padded([list(row) for row in ROWS])
    flat, number = program.packed([list(row) for row in ROWS], 6)
    lists = [[int(x) for x in flat[number == place]] for place in range(len(ROWS))]
    return [
        ("letters that share a number", float(len(numbers) - len(set(numbers.values())))),
        ("letters numbered as PAD or END", float(sum(number < 2 for number in numbers.values()))),
        ("letters that do not come back", float(unlike(program.decoded(ids, numbers), TEXT))),
        ("in both parts of the split", float(len(set(train) & set(held)))),
        ("in neither part", float(100 - len(set(train) | set(held)))),
        ("labels not behind inputs", float((labels - inputs != 1).mean())),
        ("in two windows", float(inputs.size - len(set(inputs.ravel())))),
        ("windows lost in an epoch", float(len(inputs) - len(set(firsts)))),
        ("windows with other labels", float((pairs != 1).any(axis=1).mean())),
        ("is the old order kept", "yes" if (seen[:, 0] == inputs[: len(seen), 0]).all() else "no"),
        ("masks off", float((here != (batch != 0)).sum() + abs(here.sum() - sum(map(len, ROWS))))),
        ("lists lost in packing", float(sum(one != [*row, 1] for one, row in zip(lists, ROWS, strict=True)))),
    ]


def unlike(one: Any, other: Any) -> int:
    """Places at which two texts are not the same; one may be longer."""
    return sum(a != b for a, b in zip_longest(one, other))


def ask_samples(program: Any) -> Any:
    """Windows of 8 letters, one after the other, and labels one letter on. The last tenth is held out. Of the lists 5 2 9,
    3, 7 7 2 4 8 and 6 2, numbered from 0: padding, 0, stands at the end of a row, with 0 in its mask; packed in rows of 6
    they come one after the other, each with END, 1, at its end, and padding belongs to list -1."""
    numbers = program.alphabet(TEXT)
    ids = program.encoded(TEXT, numbers)
    inputs, labels = program.windows(ids, 8)
    train, held = program.split(ids, 0.1)
    batch, here = program.padded([list(row) for row in ROWS])
    flat, number = program.packed([list(row) for row in ROWS], 6)
    return [
        ("the text", TEXT.replace(" ", "_")),
        ("inputs", program.decoded(inputs[0], numbers).replace(" ", "_")),
        ("labels", program.decoded(labels[0], numbers).replace(" ", "_")),
        ("second inputs", program.decoded(inputs[1], numbers).replace(" ", "_")),
        ("letters to train on", float(len(train))),
        ("letters held out", float(len(held))),
        ("held out", program.decoded(held, numbers).replace(" ", "_")),
        ("second list in the batch", " ".join(str(int(one)) for one in batch[1])),
        ("its mask", " ".join(str(int(one)) for one in here[1])),
        ("packed, row 1", " ".join(str(int(one)) for one in flat[0])),
        ("lists of row 1", " ".join(str(int(one)) for one in number[0])),
        ("lists of the last row", " ".join(str(int(one)) for one in number[-1])),
    ]


def ask_shapes(program: Any) -> Any:
    """A hundred letters in as many windows of 7 as have a letter behind them, all of these in batches of 4; four lists, the longest
    of 5 letters, 11 letters in all; packed with END after each in rows of 6."""
    inputs, labels = program.windows(np.arange(100, 200), 7)
    batches = list(program.epoch(np.random.default_rng(2), inputs, labels, 4))
    batch, here = program.padded([list(row) for row in ROWS])
    flat, number = program.packed([list(row) for row in ROWS], 6)
    return [
        ("inputs", str(np.shape(inputs))),
        ("labels", str(np.shape(labels))),
        ("batches", str([len(one[0]) for one in batches])),
        ("padded", f"{np.shape(batch)}, mask {np.shape(here)}"),
        ("packed", f"{np.shape(flat)}, lists {np.shape(number)}"),
    ]


QUESTIONS = {"shapes": ask_shapes, "invariants": ask_invariants, "samples": ask_samples}
