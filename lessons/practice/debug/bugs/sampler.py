"""Bugs of what writes a text letter by letter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.asking.sampler import given
from lessons.practice.debug.program import Program

program = Program(
    "sampler", "Writes a text letter by letter, with a cache of keys and values",
    "with the cache the logits are those without it, and letters are drawn as the options say",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    for seed, letters, width, length in ((1, 7, 8, 9), (2, 4, 3, 5), (3, 5, 6, 1)):
        w = given(seed, letters, width)
        text = rng.integers(1, letters, length)
        yield "stepwise", {"w": w, "letters": text}
        yield "whole", {"w": w, "letters": text}
        for options in ({}, {"temperature": 0.4, "most": 3}, {"share": 0.7}, {"temperature": 0}):
            numbers = rng.random(6)
            yield "written", {"w": w, "prompt": [int(one) for one in text[:3]], "numbers": numbers, "options": options}
    for name in ("stepwise", "whole"):
        yield name, {"w": given(4, 5, 6, 60.0), "letters": rng.integers(1, 5, 6)}
    numbers = np.linspace(0, 0.999, 40)
    for options in (
        {}, {"temperature": 0.3}, {"temperature": 4.0}, {"temperature": 0}, {"most": 1}, {"most": 4}, {"share": 0.5},
        {"share": 0.95}, {"temperature": 2.0, "most": 5, "share": 0.8},
    ):  # fmt: skip
        yield "choices", {"logits": 2 * rng.standard_normal(8), "numbers": numbers, "options": options}
    yield "choices", {"logits": 900 * rng.standard_normal(6), "numbers": numbers, "options": {"temperature": 0.5}}
    yield "choices", {"logits": np.array([1.0, 1.0, 0.0]), "numbers": numbers, "options": {"most": 2}}


program.bug(
    "values-in-front", "cache", "np.concatenate([values, (x @ w[\"value\"])[None]])", "np.concatenate([(x @ w[\"value\"])[None], values])",
    "new values are put in front, new keys behind", "concatenate takes what is new and what was there in either order",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "keys-as-values", "cache", "values = np.concatenate([values, (x @ w[\"value\"])[None]])", "values = np.concatenate([values, (x @ w[\"key\"])[None]])",
    "the cache holds keys in the place of values", "the line of the keys is copied",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "inputs-as-values", "cache", "values = np.concatenate([values, (x @ w[\"value\"])[None]])", "values = np.concatenate([values, x[None]])",
    "the cache holds what came in, and not its value", "a matrix is thought to be put on later, when the values are mixed",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "queries-as-keys", "cache", "keys = np.concatenate([keys, (x @ w[\"key\"])[None]])", "keys = np.concatenate([keys, (x @ w[\"query\"])[None]])",
    "the cache holds queries in the place of keys", "the three matrices have one shape",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "keys-without-their-place", "cache", "(x @ w[\"key\"])[None]", "(w[\"letters\"][letter] @ w[\"key\"])[None]",
    "the keys in the cache do not know where they stand", "a letter's key looks like something that could be kept by letter",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "last-of-the-prompt-twice", "cache", "    for u in numbers:\n", "    logits, cache = step(w, prompt[-1], cache)\n    for u in numbers:\n",
    "the last letter of the prompt comes into the cache twice", "a loop that writes begins with reading the last letter",
    "samples", "a text", "other",
)  # fmt: skip
program.bug(
    "prompt-not-read", "cache", "        logits, cache = step(w, letter, cache)\n    for u", "        logits, _ = step(w, letter, cache)\n    for u",
    "each letter of the prompt is read as if it were the first, and none is kept", "the second result is thrown away",
    "samples", "a text", "other",
)  # fmt: skip
program.bug(
    "own-letter-not-read", "cache", "        text.append(letter)\n        logits, cache = step(w, letter, cache)", "        text.append(letter)\n        logits, _ = step(w, letter, cache)",
    "letters that were written never come into the cache", "the second result is thrown away",
    "samples", "a text", "other",
)  # fmt: skip
program.bug(
    "first-letter-again", "shift", "        logits, cache = step(w, letter, cache)\n    return text", "        logits, cache = step(w, text[-2], cache)\n    return text",
    "the letter before the new one is read again", "indices from the end are counted from 1",
    "samples", "a text", "other",
)  # fmt: skip
program.bug(
    "end-is-written", "shift", "        if letter == END:\n            break\n        text.append(letter)\n", "        text.append(letter)\n        if letter == END:\n            break\n",
    "END comes into the text", "two lines change places",
    "samples", "END written in them", "higher",
)  # fmt: skip
program.bug(
    "place-one-late", "position", "place = len(keys)", "place = len(keys) + 1",
    "letters are told the place behind their own", "the length of a text with the new letter is taken",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "always-the-first-place", "position", "w[\"places\"][place]", "w[\"places\"][0]",
    "every letter is told that it is the first", "a step sees one letter, and that is letter 0",
    "causality", "another order moves", "lower",
)  # fmt: skip
program.bug(
    "places-from-the-end", "position", "w[\"places\"][: len(letters)]", "w[\"places\"][-len(letters) :]",
    "the whole text stands at the end of the table", "a slice from the end has the right length too",
    "invariants", "at the first letter alone by", "higher",
)  # fmt: skip
program.bug(
    "scale-grows-with-the-text", "scale", "np.sqrt(keys.shape[1])", "np.sqrt(keys.shape[0])",
    "scores are divided by the root of the number of keys", "both are sizes of the keys",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "no-scale-in-the-cache", "scale", " / np.sqrt(keys.shape[1])", "",
    "the step does not divide scores, the whole does", "a formula stands there twice",
    "invariants", "the cache is off by", "higher",
)  # fmt: skip
program.bug(
    "temperature-upside-down", "scale", "logits[order] / temperature", "logits[order] * temperature",
    "a high temperature makes letters sure", "it is remembered as a factor",
    "entropy", "temperature 0.3", "higher",
)  # fmt: skip
program.bug(
    "temperature-behind-the-softmax", "scale", "softmax(logits[order] / temperature)", "softmax(logits[order]) / temperature",
    "probabilities are divided by it, so that they do not sum to 1 when the share is cut", "a temperature is thought of as a divisor of what comes out",
    "entropy", "temperature 0.3", "lower",
)  # fmt: skip
program.bug(
    "share-counts-itself", "mask", "np.cumsum(p) - p < share", "np.cumsum(p) < share",
    "the letter that reaches the share is left out", "the sum is thought of as what stands before",
    "samples", "share 0.5", "other",
)  # fmt: skip
program.bug(
    "share-upside-down", "mask", "np.cumsum(p) - p < share", "np.cumsum(p) - p < 1 - share",
    "so much is left out as should be kept", "a share to keep and a share to drop are both called p",
    "entropy", "temperature 1", "lower",
)  # fmt: skip
program.bug(
    "future-seen", "mask", "np.tril(np.ones(scores.shape, bool))", "np.tril(np.ones(scores.shape, bool), 1)",
    "without the cache each letter may look at the next one", "the second argument of tril looks like a margin",
    "causality", "a later letter moves", "higher",
)  # fmt: skip
program.bug(
    "unlikely-first", "data", "np.argsort(-logits, kind=\"stable\")", "np.argsort(logits, kind=\"stable\")",
    "the least likely letters are kept", "argsort rises",
    "samples", "most 3", "other",
)  # fmt: skip
program.bug(
    "place-in-the-order", "data", "int(order[np.searchsorted(np.cumsum(p), u, side=\"right\")])", "int(np.searchsorted(np.cumsum(p), u, side=\"right\"))",
    "what is drawn is a place in the order, and not a letter", "an index is taken for what it points at",
    "samples", "most 1", "other",
)  # fmt: skip
program.bug(
    "not-made-to-sum-to-one", "norm", "p * kept / (p * kept).sum()", "p * kept",
    "what was left out still takes its share of the numbers", "where most of it is kept nothing is seen",
    "samples", "share 0.5", "other",
)  # fmt: skip
program.bug(
    "softmax-without-maximum", "norm", "np.exp(x - x.max(axis=-1, keepdims=True))", "np.exp(x)",
    "exp overflows for large scores", "the formula has no maximum in it",
    "invariants", "not finite at large scores", "higher",
)  # fmt: skip
