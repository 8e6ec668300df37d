"""Writes a text letter by letter, with a cache of keys and values."""

import numpy as np

END = 0


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def empty(w):
    """The cache before the first letter: keys and values, (0, D)."""
    width = w["key"].shape[1]
    return np.zeros((0, width)), np.zeros((0, width))


def step(w, letter, cache):
    """One letter -> logits of the next one, (V,), and the new cache."""
    keys, values = cache
    place = len(keys)
    x = w["letters"][letter] + w["places"][place]
    keys = np.concatenate([keys, (x @ w["key"])[None]])
    values = np.concatenate([values, (x @ w["value"])[None]])
    p = softmax(keys @ (x @ w["query"]) / np.sqrt(keys.shape[1]))
    return (x + p @ values) @ w["head"], (keys, values)


def whole(w, letters):
    """The same without a cache: letters (T,) -> logits (T, V)."""
    x = w["letters"][letters] + w["places"][: len(letters)]
    scores = (x @ w["query"]) @ (x @ w["key"]).T / np.sqrt(x.shape[1])
    seen = np.tril(np.ones(scores.shape, bool))
    p = softmax(np.where(seen, scores, -np.inf))
    return (x + p @ (x @ w["value"])) @ w["head"]


def choose(logits, u, temperature=1.0, most=None, share=1.0):
    """The letter at `u`, 0 <= u < 1, of the likeliest `most` letters.

    Of these the fewest that have `share` of the probability together.
    """
    if temperature == 0:
        return int(logits.argmax())
    order = np.argsort(-logits, kind="stable")[:most]
    p = softmax(logits[order] / temperature)
    kept = np.cumsum(p) - p < share  # what stands before is less
    p = p * kept / (p * kept).sum()
    return int(order[np.searchsorted(np.cumsum(p), u, side="right")])


def write(w, prompt, numbers, **options):
    """Goes on until END, or until the numbers are used up -> letters."""
    cache, text = empty(w), list(prompt)
    for letter in prompt:
        logits, cache = step(w, letter, cache)
    for u in numbers:
        letter = choose(logits, u, **options)
        if letter == END:
            break
        text.append(letter)
        logits, cache = step(w, letter, cache)
    return text
