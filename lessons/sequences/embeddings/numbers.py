"""Numbers for the quiz on embeddings: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences.learned_words import WordTable
from tfx.nn.embedding import Embedding
from tfx.ops.basics.embedding import embedding_backward, embedding_forward
from tfx.ops.positions.positions import sinusoidal_positions


@told_apart
def gradient_of_row(rng: np.random.Generator) -> NumberCase:
    """The library's backward on one number a token."""
    ids = rng.integers(4, size=5)
    asked = int(np.bincount(ids).argmax())
    sent = rng.choice(np.arange(-9, 10), size=5, replace=False).astype(float)
    _, cache = embedding_forward(ids, np.zeros((4, 1)))
    places = sent[ids == asked]
    answer = float(embedding_backward(sent[:, None], cache)[asked, 0])
    wrong = (
        Wrong(float(places[-1]), "gradient overwritten", "Every place adds its gradient; the last one does not replace the others."),
        Wrong(float(places.mean()), "mean over the places", "The gradients of all places are added, not averaged."),
        Wrong(float(sent.sum()), "all rows get all gradients", "Only places where this token stood send to its row."),
    )  # fmt: skip
    values = {"ids": ", ".join(map(str, ids)), "sent": ", ".join(f"{g:g}" for g in sent), "asked": asked}
    return NumberCase(values, answer, wrong, 0.0)


@told_apart
def position_length(rng: np.random.Generator) -> NumberCase:
    """Measured on the library's position vectors."""
    width = int(rng.choice([32, 72, 128, 200, 288, 512, 800]))
    one = sinusoidal_positions(20, width)[int(rng.integers(20))]
    wrong = (
        Wrong(math.sqrt(width), "each number is one", "A sine and a cosine share one: their squares sum to 1 for each pair."),
        Wrong(width / 2, "squared length for length", "That is the sum of the squares; the length is its root."),
        Wrong(1.0, "bounded entries, bounded length", "Each entry is at most 1, but there are many of them."),
    )  # fmt: skip
    return NumberCase({"width": width}, math.sqrt(float(one @ one)), wrong, 0.01)


@told_apart
def scaled_length(rng: np.random.Generator) -> NumberCase:
    """The root of the expected squared length, after the factor that the library's layer uses."""
    width = int(rng.choice([64, 100, 144, 256, 400]))
    deviation = float(rng.choice([0.01, 0.02, 0.05, 0.5, 2.0]))
    scale = Embedding(3, width, rng).scale
    row = math.sqrt(width) * deviation
    wrong = (
        Wrong(row, "factor left out", f"That is the row as it stands in the table; it is still multiplied by sqrt({width})."),
        Wrong(scale * deviation / 2, "entry for row", "That is about one entry; a row has many, and their squares add up."),
        Wrong(scale, "rows begin with length 1", "So it is when the deviation is 1/sqrt(C); here it is another."),
    )  # fmt: skip
    return NumberCase({"width": width, "deviation": f"{deviation:g}"}, scale * row, wrong, 0.02)


@told_apart
def cosine(rng: np.random.Generator) -> NumberCase:
    """Of two small vectors of whole numbers."""
    a, b = rng.integers(-3, 4, size=(2, 3)).astype(float)
    a[0], b[1] = a[0] or 1.0, b[1] or 2.0
    found = WordTable(("a", "b"), np.stack([a, b])).cosine("a", "b")
    dot = float(a @ b)
    wrong = (
        Wrong(dot, "dot product for cosine", "Divide by both lengths, so that long vectors get no advantage."),
        Wrong(dot / float(a @ a), "divided by one length squared", "Divide by the length of each, once."),
        Wrong(1 - found, "distance for cosine", "The cosine itself says how alike they are."),
    )  # fmt: skip
    values = {name: ", ".join(f"{x:g}" for x in vector) for name, vector in (("a", a), ("b", b))}
    return NumberCase(values, found, wrong, 0.02)


@told_apart
def shape_of_lookup(rng: np.random.Generator) -> ShapeCase:
    """Of a real look-up."""
    batch, length, vocabulary, width = (int(n) for n in rng.choice(np.arange(2, 30), size=4, replace=False))
    y, _ = embedding_forward(rng.integers(vocabulary, size=(batch, length)), np.zeros((vocabulary, width)))
    values = {"batch": batch, "length": length, "vocabulary": vocabulary, "width": width}
    wrong = (
        Wrong((batch, length, vocabulary), "one-hot rows for embeddings", "That is the shape of the one-hot rows, before they meet the table."),
        Wrong((vocabulary, width), "the table for the rows", "The table has a row for each token; the result has one for each place."),
        Wrong((batch, width), "sentence as one vector", "Every token keeps a row of its own."),
    )  # fmt: skip
    return ShapeCase(values, y.shape, wrong)


@told_apart
def table_size(rng: np.random.Generator) -> NumberCase:
    """Counted on a real table."""
    vocabulary, width = int(rng.choice([100, 250, 400, 1000])), int(rng.choice([16, 24, 32, 48]))
    length = int(rng.choice([10, 20, 50]))
    size = Embedding(vocabulary, width, rng).n_parameters
    wrong = (
        Wrong(float(length * width), "a row for each place", "Rows belong to tokens of the vocabulary, not to places of a text."),
        Wrong(float(vocabulary * length), "places for width", "Each row has as many numbers as the model is wide."),
        Wrong(float(vocabulary + width), "sides added", "It is a matrix: rows times columns."),
    )  # fmt: skip
    return NumberCase({"vocabulary": vocabulary, "width": width, "length": length}, float(size), wrong, 0.0)
