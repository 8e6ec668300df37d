"""Asks the decoder that is trained from nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

STEPS = 100


def forward(program: Any, w: Any, letters: Any) -> Any:
    return program.forward(w, letters)[0]


def gradients(program: Any, w: Any, letters: Any, labels: Any) -> Any:
    loss, dw = program.loss_and_gradients(w, letters, labels)
    return {"loss": loss, **{f"d {name}": d for name, d in dw.items()}}


def data(program: Any, seed: int, size: int) -> Any:
    rng = np.random.default_rng(seed)
    return program.batch(rng, size), program.initial(rng)


def train(program: Any, seed: int, steps: int) -> Any:
    return program.train(seed, steps)


def solved(program: Any, seed: int, steps: int) -> Any:
    """After training: the letters that it gives for texts it has not seen, where they can be known."""
    return program.forward(program.train(seed, steps)[0], repeats(300 + seed, 40)[:, :9])[0].argmax(axis=-1)[:, 2:]


def repeats(seed: int, size: int) -> Any:
    """Texts of ten letters, three over and over; not by the program's own hand."""
    part = np.random.default_rng(seed).integers(0, 6, (size, 3))
    return np.concatenate([part, part, part, part[:, :1]], axis=1)


def ask_loss(program: Any) -> Any:
    """At step 50 the loss is below a hundredth of even guesses, and it stays there; of new texts nearly all next letters are
    right: a share near 1."""
    w, losses = program.train(1, STEPS)
    text = repeats(2, 100)
    guessed = program.forward(w, text[:, :9])[0].argmax(axis=-1)
    known = float((guessed == text[:, 1:])[:, 2:].mean())
    rows = [(f"loss at step {step}", float(losses[step - 1])) for step in (1, 20, 50, STEPS)]
    return [*rows, ("even guesses", float(np.log(6))), ("right on new texts", known)]


def ask_gradients(program: Any) -> Any:
    """Norms at the start, by layer. None is 0 or above 1, and none is ten times as large as another."""
    rng = np.random.default_rng(3)
    w = program.initial(rng)
    text = repeats(4, 16)
    _, dw = program.loss_and_gradients(w, text[:, :9], text[:, 1:])
    return [(f"norm of d {name}", float(np.linalg.norm(d))) for name, d in sorted(dw.items())]


def ask_entropy(program: Any) -> Any:
    """Nats of the last query at the start. Random weights lie between one key (0) and all keys alike, and nearer to the latter."""
    w = program.initial(np.random.default_rng(5))
    w = {name: 1.5 * one if name[:-1] in ("query", "key") else one for name, one in w.items()}
    _, weights, _ = program.forward(w, repeats(6, 32)[:, :9])
    rows = []
    for layer, p in enumerate(weights):
        nats = -(p[:, -1] * np.log(p[:, -1] + 1e-300)).sum(axis=-1).mean()
        rows.append((f"layer {layer + 1}", float(nats)))
    return [*rows, ("all keys alike", float(np.log(9)))]


def ask_causality(program: Any) -> Any:
    """How far the logits of a letter move. A later letter: 0. An earlier letter, and two earlier ones that change places:
    well above 0."""
    w = program.initial(np.random.default_rng(7))
    text = repeats(8, 4)[:, :9]
    before = forward(program, w, text)
    later, earlier = text.copy(), text.copy()
    later[:, 5:] = (later[:, 5:] + 1) % 6
    earlier[:, 2] = (earlier[:, 2] + 1) % 6
    turned = text[:, [1, 0, *range(2, 9)]]
    return [
        ("a later letter moves", float(np.abs(forward(program, w, later) - before)[:, :5].max())),
        ("an earlier letter moves", float(np.abs(forward(program, w, earlier) - before)[:, 4].max())),
        ("another order moves", float(np.abs(forward(program, w, turned) - before)[:, -1].max())),
    ]


def ask_shapes(program: Any) -> Any:
    """A batch of four texts of nine letters, six in the alphabet."""
    rng = np.random.default_rng(9)
    letters, labels = program.batch(rng, 4)
    logits, weights, _ = program.forward(program.initial(rng), letters)
    named = {"letters": letters, "labels": labels, "logits": logits, "weights of layer 1": weights[0]}
    return [(name, str(np.shape(one))) for name, one in named.items()]


def ask_invariants(program: Any) -> Any:
    """A query's weights sum to 1, even guesses cost log 6, and the norm gives rows of mean square 1: all 0."""
    rng = np.random.default_rng(10)
    w, text = program.initial(rng), repeats(11, 4)
    weights = program.forward(w, text[:, :9])[1]
    even = {**w, "head": np.zeros_like(w["head"])}
    loss = program.loss_and_gradients(even, text[:, :9], text[:, 1:])[0]
    x = program.norm(np.random.default_rng(12).standard_normal((3, 4, 12)) * 50)[0]
    return [
        ("row sums are off by", float(max(np.abs(p.sum(axis=-1) - 1).max() for p in weights))),
        ("even guesses are off by", float(np.abs(loss - np.log(6)))),
        ("mean squares are off by", float(np.abs((x * x).mean(axis=-1) - 1).max())),
    ]


def ask_samples(program: Any) -> Any:
    """The first text of a batch, and its labels: of each letter the next one."""
    letters, labels = program.batch(np.random.default_rng(13), 2)
    return [("inputs", spelled(letters[0])), ("labels", spelled(labels[0]))]


def spelled(row: Any) -> str:
    return "".join("abcdef"[int(one)] for one in row)


QUESTIONS = {
    "loss": ask_loss, "gradients": ask_gradients, "entropy": ask_entropy, "causality": ask_causality,
    "shapes": ask_shapes, "invariants": ask_invariants, "samples": ask_samples,
}  # fmt: skip
