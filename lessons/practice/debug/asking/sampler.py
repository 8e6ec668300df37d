"""Asks what writes a text letter by letter."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np

LETTERS, LENGTH, WIDTH = 7, 24, 8


def given(seed: int, letters: int = LETTERS, width: int = WIDTH, by: float = 1.0) -> Any:
    n = np.random.default_rng(seed).standard_normal
    w = {"letters": n((letters, width)), "places": 0.5 * n((LENGTH, width)), "head": n((width, letters))}
    return w | {name: by * n((width, width)) / np.sqrt(width) for name in ("query", "key", "value")}


def stepwise(program: Any, w: Any, letters: Any) -> Any:
    """Logits behind each letter, with the cache."""
    cache, found = program.empty(w), []
    for letter in letters:
        logits, cache = program.step(w, int(letter), cache)
        found.append(logits)
    return np.array(found)


def whole(program: Any, w: Any, letters: Any) -> Any:
    return program.whole(w, letters)


def choices(program: Any, logits: Any, numbers: Any, options: Any) -> Any:
    return [program.choose(logits, float(u), **options) for u in numbers]


def written(program: Any, w: Any, prompt: Any, numbers: Any, options: Any) -> Any:
    return [int(letter) for letter in program.write(w, prompt, list(numbers), **options)]


def written_at_once(program: Any, w: Any, prompt: Any, numbers: Any, options: Any) -> Any:
    """The same text by `whole`, from its beginning for each letter."""
    text = list(prompt)
    for u in numbers:
        letter = int(program.choose(program.whole(w, np.array(text))[-1], u, **options))
        if letter == 0:
            break
        text.append(letter)
    return text


def ask_invariants(program: Any) -> Any:
    """With the cache the logits are those of the whole text without it, also at the first letter; a cache that is given stays as
    it is; a second text does not feel the first one; large scores give numbers; a cache has one row for each letter: all 0."""
    w = given(1)
    letters = np.random.default_rng(2).integers(1, LETTERS, 9)
    with_cache, at_once = stepwise(program, w, letters), program.whole(w, letters)
    cache = program.empty(w)
    for letter in letters[:4]:
        cache = program.step(w, int(letter), cache)[1]
    kept = [one.copy() for one in cache]
    program.step(w, int(letters[4]), cache)
    changed = max(float(np.abs(a - b).max()) for a, b in zip(cache, kept, strict=True))
    first = written(program, w, list(letters[:3]), np.linspace(0.1, 0.8, 5), {})
    again = written(program, w, list(letters[:3]), np.linspace(0.1, 0.8, 5), {})
    return [
        ("the cache is off by", float(np.abs(with_cache - at_once).max())),
        ("at the first letter alone by", float(np.abs(with_cache - at_once)[0].max())),
        ("a given cache changes by", changed),
        ("a second text is off by", float(sum(a != b for a, b in zip_longest(first, again)))),
        ("not finite at large scores", float((~np.isfinite(stepwise(program, given(6, by=60.0), letters))).sum())),
        ("rows of the cache are off by", float(abs(len(cache[0]) - 4) + abs(len(cache[1]) - 4))),
    ]


def ask_causality(program: Any) -> Any:
    """How far logits move. A later letter: 0. An earlier letter, and two earlier ones that change places: well above 0."""
    w = given(3)
    text = np.array([1, 2, 3, 4, 5, 6])
    later, earlier, turned = text.copy(), text.copy(), text[[1, 0, 2, 3, 4, 5]]
    later[4:] = later[4:] % 6 + 1
    earlier[1] = 6
    before, steps = program.whole(w, text), stepwise(program, w, text)
    moved = np.abs(stepwise(program, w, earlier) - steps)[-1].max()
    order = np.abs(stepwise(program, w, turned) - steps)[-1].max()
    return [
        ("a later letter moves", float(np.abs(program.whole(w, later) - before)[:4].max())),
        ("an earlier letter moves", float(moved)),
        ("another order moves", float(order)),
    ]


def ask_entropy(program: Any) -> Any:
    """Nats of 250 letters that are drawn. At temperature 1 what the logits say; at 0.3 less, at 5 nearly all alike; where letters
    are left out (most, share) less than at 1. None is 0."""
    logits = np.array([0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5])
    p = np.exp(logits) / np.exp(logits).sum()
    numbers = (np.arange(250) + 0.5) / 250
    rows = []
    for options in ({"temperature": 0.3}, {}, {"temperature": 5.0}, {"most": 3}, {"share": 0.6}):
        shares = np.bincount(choices(program, logits, numbers, options), minlength=LETTERS) / 250
        label = ", ".join(f"{name} {value}" for name, value in options.items()) or "temperature 1"
        rows.append((label, float(abs((shares * np.log(shares + 1e-300)).sum()))))
    return [*rows, ("what the logits say", float(-(p * np.log(p)).sum())), ("all alike", float(np.log(LETTERS)))]


def ask_samples(program: Any) -> Any:
    """Letters that can come out, where logits rise by a half from letter 0 to 6: all, the likeliest, or the fewest that have half
    of the probability. Then two texts begun with 1 2 3: the first is the same without the cache, and ends before its 8 numbers
    are used up; the other uses 15, and has 18 letters. END, 0, is never written."""
    logits = np.arange(7.0) / 2
    numbers = (np.arange(200) + 0.5) / 200

    def kinds(options: Any) -> str:
        return " ".join(str(one) for one in sorted(set(choices(program, logits, numbers, options))))

    w = given(4)
    ending = dict(w)
    ending["head"] = np.where(np.arange(LETTERS) == 0, 3 * w["head"].mean(axis=1, keepdims=True), w["head"])
    text = written(program, w, [1, 2, 3], [0.3] * 8, {"temperature": 0.5})
    at_once = written_at_once(program, w, [1, 2, 3], [0.3] * 8, {"temperature": 0.5})
    long = written(program, ending, [1, 2, 3], [0.95] * 15, {})
    return [
        ("all", kinds({})),
        ("most 3", kinds({"most": 3})),
        ("most 1", kinds({"most": 1})),
        ("share 0.5", kinds({"share": 0.5})),
        ("temperature 0", kinds({"temperature": 0})),
        ("letter 6 has", float(1 / np.exp(logits - 3).sum())),
        ("a text", " ".join(map(str, text))),
        ("without the cache", " ".join(map(str, at_once))),
        ("letters in the other", float(len(long))),
        ("END written in them", float(text.count(0) + long.count(0))),
    ]


def ask_shapes(program: Any) -> Any:
    """A text of four letters, seven in the alphabet, width 8; keys and values have a row for each letter."""
    w, cache = given(5), None
    cache = program.empty(w)
    for letter in (1, 2, 3, 4):
        logits, cache = program.step(w, letter, cache)
    return [
        ("logits of a step", str(np.shape(logits))),
        ("logits of the whole", str(np.shape(program.whole(w, np.array([1, 2, 3, 4]))))),
        ("keys", str(np.shape(cache[0]))),
        ("values", str(np.shape(cache[1]))),
    ]


QUESTIONS = {
    "entropy": ask_entropy, "causality": ask_causality, "shapes": ask_shapes, "invariants": ask_invariants,
    "samples": ask_samples,
}  # fmt: skip
