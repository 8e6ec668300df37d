"""Bugs of what makes batches of a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.program import Program

program = Program(
    "batches", "From a text to batches: letters, a split, windows, padding, packing",
    "nothing is lost, nothing comes twice, and every label is the letter behind its input",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    for text in ("abba cab", "z", "the quick brown fox jumps"):
        yield "encoded", {"text": text}
    for size, held in ((40, 0.1), (33, 0.25), (27, 0.1), (10, 0.0)):
        yield "split", {"ids": rng.integers(2, 30, size), "held": held}
    for size, length in ((30, 4), (29, 4), (13, 6), (9, 1)):
        ids = rng.integers(2, 300, size)
        yield "windows", {"ids": ids, "length": length}
        inputs = rng.integers(0, 300, (size // 2, length))
        yield "epochs", {"seed": size, "inputs": inputs, "labels": rng.integers(0, 300, inputs.shape), "size": 4}
    for lengths in ((3, 1, 5), (2, 2), (4,), (1, 6, 2, 3)):
        rows = [[int(one) for one in rng.integers(2, 30, length)] for length in lengths]
        yield "padded", {"rows": rows}
        yield "packed", {"rows": rows, "length": 4}
        yield "packed", {"rows": rows, "length": 7}


program.bug(
    "letters-numbered-from-nought", "data", "place + 2 for place", "place for place",
    "two letters have the numbers of PAD and END", "enumerate begins with 0",
    "invariants", "letters numbered as PAD or END", "higher",
)  # fmt: skip
program.bug(
    "one-number-too-low", "data", "place + 2 for place", "place + 1 for place",
    "the first letter has the number of END", "one special number was there, and a second one came",
    "invariants", "letters numbered as PAD or END", "higher",
)  # fmt: skip
program.bug(
    "first-letter-not-written", "data", "if one > END)", "if one > END + 1)",
    "the first letter of the alphabet is left out when text is written", "a border is moved to be safe",
    "invariants", "letters that do not come back", "higher",
)  # fmt: skip
program.bug(
    "held-out-is-seen", "data", "return ids[:cut], ids[cut:]", "return ids, ids[cut:]",
    "what is held out is also trained on", "the first part is taken before it is cut",
    "invariants", "in both parts of the split", "higher",
)  # fmt: skip
program.bug(
    "split-the-other-way", "data", "cut = len(ids) - int(len(ids) * held)", "cut = int(len(ids) * held)",
    "the larger part is held out", "a share to keep and a share to hold out are taken for each other",
    "samples", "letters to train on", "lower",
)  # fmt: skip
program.bug(
    "labels-not-shifted", "shift", "ids[s + 1 : s + length + 1]", "ids[s : s + length]",
    "the label of a letter is the letter itself", "the line of the inputs is copied",
    "invariants", "labels not behind inputs", "higher",
)  # fmt: skip
program.bug(
    "labels-two-behind", "shift", "ids[s + 1 : s + length + 1]", "ids[s + 2 : s + length + 2]",
    "the label of a letter is the one after the next", "the data are shifted, and the loader shifts again",
    "invariants", "labels not behind inputs", "higher",
)  # fmt: skip
program.bug(
    "last-label-is-its-own", "shift", "ids[s + 1 : s + length + 1]", "[*ids[s + 1 : s + length], ids[s + length - 1]]",
    "the last label of a window is its own input", "windows are shifted by themselves, and their last place is filled",
    "invariants", "labels not behind inputs", "higher",
)  # fmt: skip
program.bug(
    "windows-overlap", "data", "range(0, len(ids) - length, length)", "range(0, len(ids) - length)",
    "every letter begins a window", "the third number of range is forgotten",
    "invariants", "in two windows", "higher",
)  # fmt: skip
program.bug(
    "windows-with-gaps", "data", "range(0, len(ids) - length, length)", "range(0, len(ids) - length, length + 1)",
    "between two windows a letter is left out", "a window is thought to have one letter more, for the labels",
    "samples", "second inputs", "other",
)  # fmt: skip
program.bug(
    "last-window-lost", "data", "range(0, len(ids) - length, length)", "range(0, len(ids) - 2 * length, length)",
    "the last whole window is left out", "to be safe at the end",
    "shapes", "inputs", "other",
)  # fmt: skip
program.bug(
    "labels-in-the-old-order", "data", "yield inputs[chosen], labels[chosen]", "yield inputs[chosen], labels[start : start + size]",
    "inputs are shuffled, labels are not", "one of two lines is changed",
    "invariants", "windows with other labels", "higher",
)  # fmt: skip
program.bug(
    "drawn-with-repeats", "data", "rng.permutation(len(inputs))", "rng.integers(len(inputs), size=len(inputs))",
    "windows are drawn, so that some come twice and some never", "random indices look like a shuffle",
    "invariants", "windows lost in an epoch", "higher",
)  # fmt: skip
program.bug(
    "never-shuffled", "data", "order = rng.permutation(len(inputs))", "order = np.arange(len(inputs))",
    "windows come in the order of the text", "it was switched off to look for a mistake",
    "invariants", "is the old order kept", "other",
)  # fmt: skip
program.bug(
    "small-batch-lost", "data", "range(0, len(order), size)", "range(0, len(order) - size + 1, size)",
    "windows that fill no batch are left out", "then all batches have one size",
    "invariants", "windows lost in an epoch", "higher",
)  # fmt: skip
program.bug(
    "padding-in-front", "mask", "batch[place, : len(row)] = row", "batch[place, longest - len(row) :] = row",
    "padding stands in front", "both sides are in use, and here it is the other",
    "samples", "second list in the batch", "other",
)  # fmt: skip
program.bug(
    "mask-of-padding", "mask", "return batch, batch != PAD", "return batch, batch == PAD",
    "the mask is True at padding", "both meanings of a mask are in use",
    "invariants", "masks off", "higher",
)  # fmt: skip
program.bug(
    "mask-by-the-number", "mask", "return batch, batch != PAD", "return batch, batch > END + 1",
    "the first letter of the alphabet counts as padding", "ids are compared by size",
    "invariants", "masks off", "higher",
)  # fmt: skip
program.bug(
    "no-end-between", "data", "[[*row, END] for row in rows]", "[[END, *row] for row in rows]",
    "END stands in front of a list", "some models begin so",
    "samples", "packed, row 1", "other",
)  # fmt: skip
program.bug(
    "padding-belongs-to-the-first", "mask", "constant_values=-1", "constant_values=0",
    "padding has the number of the first list, and is looked at by it", "pad fills with 0 by itself",
    "invariants", "lists lost in packing", "higher",
)  # fmt: skip
program.bug(
    "packed-by-columns", "axis", "return flat.reshape(-1, length), number", "return flat.reshape(length, -1).T, number",
    "tokens run down the columns", "rows and columns of a reshape are taken for each other",
    "samples", "packed, row 1", "other",
)  # fmt: skip
