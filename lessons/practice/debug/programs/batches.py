"""From a text to batches: letters, a split, windows, padding, packing."""

import numpy as np

PAD, END = 0, 1


def alphabet(text):
    """Every letter of the text -> its number; 0 and 1 are PAD and END."""
    return {letter: place + 2 for place, letter in enumerate(sorted(set(text)))}


def encoded(text, numbers):
    return np.array([numbers[letter] for letter in text], dtype=int)


def decoded(row, numbers):
    """Letters again; PAD and END are left out."""
    letters = {number: letter for letter, number in numbers.items()}
    return "".join(letters[int(one)] for one in row if one > END)


def split(ids, held):
    """The last `held` of the text is kept apart -> training, held out."""
    cut = len(ids) - int(len(ids) * held)
    return ids[:cut], ids[cut:]


def windows(ids, length):
    """ids: (N,) -> inputs and labels, (W, length), one behind another.

    A label is the letter behind its input.  What fills no window is left.
    """
    starts = range(0, len(ids) - length, length)
    inputs = np.array([ids[s : s + length] for s in starts])
    labels = np.array([ids[s + 1 : s + length + 1] for s in starts])
    return inputs, labels


def epoch(rng, inputs, labels, size):
    """Every window once, in a new order -> batches; the last is small."""
    order = rng.permutation(len(inputs))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        yield inputs[chosen], labels[chosen]


def padded(rows):
    """Lists of unequal lengths -> (B, T) with PAD behind, and (B, T) True
    where there is a letter."""
    longest = max(len(row) for row in rows)
    batch = np.full((len(rows), longest), PAD)
    for place, row in enumerate(rows):
        batch[place, : len(row)] = row
    return batch, batch != PAD


def packed(rows, length):
    """Lists, END behind each, one behind another in rows of `length`.

    -> (R, length), PAD in the last row, and the number of its list
    for each place, -1 at PAD, so that none looks into another.
    """
    flat = np.concatenate([[*row, END] for row in rows])
    number = np.repeat(np.arange(len(rows)), [len(row) + 1 for row in rows])
    more = -len(flat) % length
    flat = np.pad(flat, (0, more), constant_values=PAD)
    number = np.pad(number, (0, more), constant_values=-1)
    return flat.reshape(-1, length), number.reshape(-1, length)
