"""Inputs that no fix is judged by: other sizes, numbers and options, to see whether what passes is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.asking.adam import given as for_adam
from lessons.practice.debug.asking.attention import NAMES
from lessons.practice.debug.asking.labels import texts
from lessons.practice.debug.asking.sampler import given as for_sampler
from lessons.practice.debug.program import Call, Program, space_of


def calls(program: Program, rng: np.random.Generator) -> list[Call]:
    """One round of calls; another generator gives another."""
    return [Call(name, arguments) for name, arguments in MADE[program.name](rng, program)]


def size(rng: np.random.Generator, most: int, least: int = 1) -> int:
    return int(rng.integers(least, most + 1))


def of_adam(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    n = rng.standard_normal
    steps = size(rng, 30, 12)
    yield "rates", {"steps": steps, "peak": float(rng.uniform(0.01, 3)), "warmup": size(rng, 11)}
    shapes = {"a": (size(rng, 5), size(rng, 5)), "b": (size(rng, 5),), "c": (2, size(rng, 3))}
    grown = 10.0 ** rng.uniform(-3, 2)
    yield "clipped", {"gradients": {k: grown * n(s) for k, s in shapes.items()}, "most": float(rng.uniform(0.1, 3))}
    lots = [{k: 10.0 ** rng.uniform(-4, 2) * n(s) for k, s in shapes.items()} for _ in range(size(rng, 8))]
    options = {"decay": float(rng.uniform(0, 1))} if rng.random() < 0.5 else {}
    w = {k: n(s) for k, s in shapes.items()}
    yield "several", {"w": w, "gradients": lots, "rate": float(rng.uniform(0.01, 1)), **options}
    _, x, y = for_adam(size(rng, 10**6), 12, size(rng, 6), size(rng, 4))
    w = {"a": n((x.shape[1], y.shape[1])), "b": n(y.shape[1])}
    yield "gradients", {"w": w, "x": x, "y": y, "parts": int(rng.choice([1, 2, 3, 4, 6]))}
    yield "train", {"w": w, "x": x, "y": y, "steps": size(rng, 20, 6), "peak": 0.1, **options}


def of_attention(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    n, heads, batch, length = rng.standard_normal, size(rng, 4), size(rng, 4), size(rng, 7)
    width = heads * size(rng, 4)
    by = 10.0 ** rng.uniform(-1, 1.5)
    w = {name: by * n((width, width)) for name in NAMES}
    ends = length - rng.integers(0, length, batch)
    same = {"w": w, "x": n((batch, length, width)), "padded": np.arange(length) >= ends[:, None], "heads": heads}
    yield "forward", same
    yield "gradients", {**same, "dy": n((batch, length, width))}


def of_batches(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "encoded", {"text": "".join(chr(97 + one) for one in rng.integers(0, 26, size(rng, 40)))}
    yield "split", {"ids": rng.integers(2, 30, size(rng, 50)), "held": float(rng.uniform(0, 1))}
    length = size(rng, 9)
    yield "windows", {"ids": rng.integers(2, 300, length + size(rng, 40)), "length": length}
    inputs = rng.integers(0, 300, (size(rng, 20), length))
    yield "epochs", {"seed": size(rng, 10**6), "inputs": inputs, "labels": inputs + 1, "size": size(rng, 7)}
    rows = [[int(one) for one in rng.integers(2, 30, size(rng, 7))] for _ in range(size(rng, 6))]
    yield "padded", {"rows": rows}
    yield "packed", {"rows": rows, "length": size(rng, 9)}


def of_block(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    n, width, hidden = rng.standard_normal, size(rng, 7, 2), size(rng, 7)
    w = {"gain": n(width), "bias": n(width), "up": n((width, hidden)), "down": n((hidden, width))}
    x = 10.0 ** rng.uniform(-1, 1) * n((size(rng, 4), size(rng, 4), width))
    yield "norm", {"x": x, "gain": w["gain"], "bias": w["bias"]}
    yield "forward", {"w": w, "x": x}
    yield "gradients", {"w": w, "x": x, "dout": n(x.shape)}


def of_decoder(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    by = 10.0 ** rng.uniform(-0.5, 0.7)
    w = {name: by * one for name, one in space_of(program.source).initial(rng).items()}
    text = rng.integers(0, 6, (size(rng, 4), size(rng, 9, 3) + 1))
    yield "forward", {"w": w, "letters": text[:, :-1]}
    yield "gradients", {"w": w, "letters": text[:, :-1], "labels": text[:, 1:]}
    yield "data", {"seed": size(rng, 10**6), "size": size(rng, 6)}
    yield "train", {"seed": size(rng, 10**6), "steps": size(rng, 14, 11)}


def of_labels(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    text = texts(size(rng, 10**6), size(rng, 5), size(rng, 8, 2))
    yield "shifted", {"text": text}
    logits = 10.0 ** rng.uniform(-1, 3) * rng.standard_normal((*text.shape, 6))
    yield "gradients", {"logits": logits, "labels": text, "smoothing": float(rng.choice([0, rng.uniform(0, 1)]))}
    one = np.where(np.arange(text.size).reshape(text.shape) == 1, 3, 0)
    yield "gradients", {"logits": logits, "labels": one, "smoothing": 0.0}
    more = {"smoothing": float(rng.uniform(0, 0.5))} if rng.random() < 0.5 else {}
    yield "measures", {"logits": logits / np.abs(logits).max(), "labels": text}
    yield "train", {"text": text, "letters": 6, "steps": size(rng, 8), "rate": float(rng.uniform(0.1, 2)), **more}


def of_positions(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    n, length, width, before = rng.standard_normal, size(rng, 20), 2 * size(rng, 8), size(rng, 6)
    yield "sinusoids", {"length": length, "width": width}
    yield "embed", {"table": n((7, width)), "letters": rng.integers(0, 7, (size(rng, 3), length))}
    places = rng.integers(0, 3000, length)
    yield "rotate", {"x": n((size(rng, 3), length, width)), "places": places}
    yield "gradients", {"dy": n((length, width)), "places": places}
    yield "scores", {"q": n((2, length, width)), "k": n((2, before + length, width)), "before": before}
    yield "alibi", {"length": length, "heads": size(rng, 9)}


def of_sampler(rng: np.random.Generator, program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    letters, length = size(rng, 9, 2), size(rng, 9)
    w = for_sampler(size(rng, 10**6), letters, size(rng, 9), 10.0 ** rng.uniform(-1, 2))
    text = rng.integers(1, letters, length)
    options: dict[str, Any] = {"temperature": float(rng.choice([0, 0.3, 1.0, 2.5]))}
    if rng.random() < 0.5:
        options["most"] = size(rng, 6)
    if rng.random() < 0.5:
        options["share"] = float(rng.uniform(0.05, 1))
    yield "stepwise", {"w": w, "letters": text}
    yield "whole", {"w": w, "letters": text}
    prompt = [int(one) for one in text]
    yield "written", {"w": w, "prompt": prompt, "numbers": rng.random(size(rng, 9)), "options": options}
    logits = 10.0 ** rng.uniform(-1, 1) * rng.standard_normal(size(rng, 9))
    yield "choices", {"logits": logits, "numbers": rng.random(30), "options": options}


MADE = {
    "adam": of_adam, "attention": of_attention, "batches": of_batches, "block": of_block, "decoder": of_decoder,
    "labels": of_labels, "positions": of_positions, "sampler": of_sampler,
}  # fmt: skip
