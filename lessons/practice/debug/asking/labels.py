"""Asks labels and loss of a language model."""

from __future__ import annotations

from typing import Any

import numpy as np

LETTERS = 6


def texts(seed: int, size: int, length: int = 7) -> Any:
    """Letters 2 to 5, each followed by the next one and 5 by 2, of unequal lengths; PAD, 0, behind the end."""
    rng = np.random.default_rng(seed)
    text = (rng.integers(0, 4, (size, 1)) + np.arange(length)) % 4 + 2
    return np.where(np.arange(length) < rng.integers(2, length + 1, (size, 1)), text, 0)


def shifted(program: Any, text: Any) -> Any:
    return program.shifted(text)


def gradients(program: Any, logits: Any, labels: Any, smoothing: float) -> Any:
    loss, dlogits = program.loss_and_gradient(logits, labels, smoothing)
    return {"loss": loss, "d logits": dlogits}


def measures(program: Any, logits: Any, labels: Any) -> Any:
    return program.measures(logits, labels)


def train(program: Any, text: Any, letters: int, steps: int, rate: float, **options: float) -> Any:
    return program.train(text, letters, steps, rate, **options)


def solved(program: Any, steps: int) -> Any:
    """After training: the letter that the table puts behind each of the four."""
    return program.train(texts(1, 12), LETTERS, steps, 5.0)[0][2:].argmax(axis=-1)


def ask_loss(program: Any) -> Any:
    """A table learns texts in which 5 follows 4 follows 3 follows 2: the loss falls to what the first letters,
    which nobody can know, cost; of the others all are right: a share of 1."""
    table, losses = program.train(texts(1, 12), LETTERS, 60, 5.0)
    rows = [(f"loss after {step} steps", float(losses[step])) for step in (0, 10, 59)]
    following = float((table[2:].argmax(axis=-1) == [3, 4, 5, 2]).mean())
    firsts = np.bincount(texts(1, 12)[:, 0])
    cost = float((firsts * np.log(12 / np.maximum(firsts, 1))).sum() / (texts(1, 12) != 0).sum())
    return [*rows, ("what first letters cost", cost), ("right on the next letter", following)]


def ask_gradients(program: Any) -> Any:
    """Norms of one gradient: that of a mean over many labels is below 1, all of it at labels, and 0 at padding."""
    logits, labels = np.random.default_rng(2).standard_normal((8, 7, LETTERS)), texts(3, 8)
    _, d = program.loss_and_gradient(logits, labels)
    return [
        ("norm of d logits", float(np.linalg.norm(d))),
        ("norm at labels", float(np.linalg.norm(d[labels != 0]))),
        ("norm at padding", float(np.linalg.norm(d[labels == 0]))),
    ]


def ask_causality(program: Any) -> Any:
    """The share of inputs that are their own label: 0; and other logits at padding move the loss by 0."""
    text = texts(4, 40)
    inputs, labels = program.shifted(text)
    logits = np.random.default_rng(5).standard_normal((40, 7, LETTERS))
    other = np.where((text == 0)[..., None], 9 * np.random.default_rng(6).standard_normal(logits.shape), logits)
    moved = program.loss_and_gradient(other, text)[0] - program.loss_and_gradient(logits, text)[0]
    return [
        ("inputs that are their label", float((inputs == labels)[text != 0].mean())),
        ("padding moves the loss by", float(np.abs(moved))),
    ]


def ask_shapes(program: Any) -> Any:
    """Three texts of seven letters, six in the alphabet; a loss is one number."""
    inputs, labels = program.shifted(texts(7, 3))
    loss, d = program.loss_and_gradient(np.zeros((3, 7, LETTERS)), labels)
    named = {"inputs": inputs, "labels": labels, "loss": loss, "d logits": d}
    return [(name, str(np.shape(one))) for name, one in named.items()]


def ask_invariants(program: Any) -> Any:
    """Probabilities sum to 1, and so do goals; a gradient's row sums to 0; even guesses cost log 6; more texts of the same
    kind cost as much; adding to all logits changes nothing: all 0."""
    logits, labels = np.random.default_rng(8).standard_normal((9, 7, LETTERS)), texts(9, 9)
    loss, d = program.loss_and_gradient(logits, labels, 0.2)
    even = program.loss_and_gradient(np.zeros_like(logits), labels, 0.2)[0]
    twice = program.loss_and_gradient(np.tile(logits, (2, 1, 1)), np.tile(labels, (2, 1)), 0.2)[0]
    far = program.loss_and_gradient(logits + 2000, labels, 0.2)[0]
    sums = np.exp(program.log_softmax(logits)).sum(axis=-1)
    return [
        ("probabilities are off by", float(np.abs(sums - 1).max())),
        ("goals are off by", float(np.abs(program.goals(labels, LETTERS, 0.2).sum(axis=-1) - 1).max())),
        ("gradient rows are off by", float(np.abs(d.sum(axis=-1)).max())),
        ("even guesses are off by", float(np.abs(even - np.log(LETTERS)))),
        ("texts twice are off by", float(np.abs(twice - loss))),
        ("2000 more is off by", float(np.abs(far - loss))),
    ]


def ask_samples(program: Any) -> Any:
    """Of one text, with ^ for the start and _ for padding: labels are the text, inputs one letter behind. Logits that know every
    letter have perplexity 1, and a right share of 1."""
    text = texts(10, 5)
    inputs, labels = program.shifted(text)
    perplexity, accuracy = program.measures(50 * np.eye(LETTERS)[text], text)
    return [
        ("text", spelled(text[1])),
        ("inputs", spelled(inputs[1])),
        ("labels", spelled(labels[1])),
        ("perplexity of who knows", float(perplexity)),
        ("right share of who knows", float(accuracy)),
    ]


def spelled(row: Any) -> str:
    return "".join("_^abcd"[int(one)] for one in row)


QUESTIONS = {
    "loss": ask_loss, "gradients": ask_gradients, "causality": ask_causality, "shapes": ask_shapes,
    "invariants": ask_invariants, "samples": ask_samples,
}  # fmt: skip
