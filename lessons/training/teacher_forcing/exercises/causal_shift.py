"""What a language model reads, and what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given

exercise = Exercise(
    "causal-shift",
    "Inputs and labels of a language model",
    step="aligned",
    level=1,
    rules=[
        "tokens is (..., T), whole numbers, T at least 2. inputs and labels are (..., T - 1), new arrays of the same type.",
        "inputs are the tokens without the last one; the label of an input is the token behind it.",
        "pad: a label that is this number becomes `ignored`, wherever it stands; inputs keep it. None: there is no filling.",
        "prompt is None, or (...): so many tokens at the start of each text are given. As labels they become `ignored`.",
        "tokens and prompt stay as they are.",
    ],
    hints=[
        "Write five tokens in a row, and below each input the token that the model is to say there.",
        "A label is ignored for what it is itself, not for what its input is.",
        "A prompt of 3 tokens: the input at place 2 is its last one. Is what the model says there a part of the answer?",
    ],
    learned="inputs are tokens[:-1], labels tokens[1:]; what counts is decided by the label, so the first answer token counts.",
    results=["inputs: (..., T - 1)", "labels: (..., T - 1)"],
    keeps_dtype=True,
)


@exercise.stub
def causal_shift(tokens, pad=None, prompt=None, ignored=-100):
    """What goes into a decoder, and which token it is asked for at each place.

    tokens: (..., T), prompt: None or (...) -> inputs: (..., T - 1), labels: (..., T - 1)
    """
    ...


@exercise.solution
def solution(tokens: Any, pad: int | None = None, prompt: Any = None, ignored: int = -100) -> Any:
    inputs, labels = tokens[..., :-1].copy(), tokens[..., 1:].copy()
    if pad is not None:
        labels[labels == pad] = ignored
    if prompt is not None:
        places = np.arange(1, tokens.shape[-1])  # of the labels, in the text
        labels[places < prompt[..., None]] = ignored
    return inputs, labels


@exercise.truth
def truth(tokens: Any, pad: int | None = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Token by token, without a slice."""
    inputs, labels = np.empty((2, *tokens.shape[:-1], tokens.shape[-1] - 1), tokens.dtype)
    for *text, place in np.ndindex(*tokens.shape):
        token = int(tokens[(*text, place)])
        given = 0 if prompt is None else int(prompt[tuple(text)])
        if place < tokens.shape[-1] - 1:
            inputs[(*text, place)] = token
        if place > 0:
            labels[(*text, place - 1)] = ignored if token == pad or place < given else token
    return inputs, labels


@exercise.equal
def rolled(tokens: Any, pad: int | None = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The whole text is turned by one place, and the last column cut off."""
    counts = np.ones(tokens.shape, bool) if pad is None else tokens != pad
    if prompt is not None:
        counts = counts & (np.arange(tokens.shape[-1]) >= np.expand_dims(prompt, -1))
    labels = np.where(counts, tokens, ignored).astype(tokens.dtype)
    return np.delete(tokens, -1, axis=-1), np.delete(np.roll(labels, -1, axis=-1), -1, axis=-1)


@exercise.equal
def taken(tokens: Any, pad: int | None = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Places are picked, and the ignored ones moved by a sum."""
    places = np.arange(tokens.shape[-1] - 1)
    inputs, labels = tokens.take(places, axis=-1), tokens.take(places + 1, axis=-1)
    lost = np.zeros(labels.shape, tokens.dtype)
    if pad is not None:
        lost |= labels == pad
    if prompt is not None:
        lost |= places + 2 <= prompt[..., None]
    return inputs, labels + lost * (ignored - labels)


#: words -> (..., T); which tokens are filling, from random numbers between 0 and 1, (..., T); its number, where it stands,
#: and whether 0 is a word; how long prompts are, from random numbers (...) and T
TEXTS: dict[str, tuple[int, ...]] = {
    "2 of 5": (2, 5), "no axis in front": (6,), "two tokens": (2,), "1 text": (1, 4), "two tokens each": (3, 2),
    "as many texts as tokens": (4, 4), "1 text of 2": (1, 2), "2 x 3": (2, 3, 4), "1 x 1": (1, 1, 3), "2 of 12": (2, 12),
}  # fmt: skip
FILLING: dict[str, Any] = {
    "none": lambda u: u > 1,
    "behind": lambda u: np.arange(u.shape[-1]) > u[..., :1] * u.shape[-1] - 1,
    "in front": lambda u: np.arange(u.shape[-1]) <= u[..., :1] * (u.shape[-1] - 2),
    "anywhere": lambda u: u < 0.4,
    "everywhere": lambda u: u <= 1,
}
PADS: dict[str, Any] = {"": (None, "none", False), "zeros are words": (None, "none", True), "zeros too": (None, "none", True)} | {
    f"pad is {pad}, {where}{', zeros are words' * zeros}": (pad, where, zeros)
    for pad, where, zeros in (
        (0, "behind", False), (0, "anywhere", False), (0, "everywhere", False), (9, "none", True), (9, "anywhere", True),
        (9, "behind", False), (9, "in front", False), (-1, "anywhere", True), (-1, "behind", False), (-1, "none", False), (9, "everywhere", True),
        (400, "everywhere", False),
    )
}  # fmt: skip
PROMPTS: dict[str, Any] = {
    "": lambda u, t: None,
    "prompts of nothing": lambda u, t: 0 * u,
    "prompts of one": lambda u, t: 0 * u + 1,
    "nothing, or a whole prompt": lambda u, t: t * (u < 0.5),
    "prompts of all but one": lambda u, t: 0 * u + t - 1,
    "long prompts": lambda u, t: t - 2 * u,
    "any prompts": lambda u, t: u * (t + 1),
}
IGNORED: dict[str, Any] = {
    f"ignored is {number}, {dtype}": (number, dtype)
    for number, dtype in (
        (-100, "int64"), (-100, "int32"), (-100, "int16"), (-1, "int64"), (-1, "int32"), (0, "int64"), (0, "int16"),
        (4, "int64"), (4, "int32"), ("pad", "int64"), ("pad", "int16"),
    )
}  # fmt: skip


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def texts(*shape: int, behind: int = 0, pad: int = 0) -> Any:
        """behind: the last tokens of the last text are filling."""
        tokens = rng.integers(1, 9, shape) + (pad > 0) * 10
        if behind:
            tokens[..., -1, -behind:] = pad
        return tokens

    yield Given("two texts of five tokens", {"tokens": texts(2, 5)})
    yield Given("one text, no axis in front", {"tokens": texts(6)})
    yield Given("one text in a batch", {"tokens": texts(1, 4)})
    yield Given("texts of two tokens", {"tokens": texts(3, 2)})
    yield Given("as many texts as tokens", {"tokens": texts(4, 4)})
    yield Given("two axes in front", {"tokens": texts(2, 3, 4)})
    yield Given("equal tokens", {"tokens": np.full((2, 4), 3)})
    yield Given("filling behind", {"tokens": np.array([[4, 7, 2, 9, 9], [3, 1, 5, 6, 9]]), "pad": 9})
    yield Given("filling is 0", {"tokens": texts(2, 5, behind=2), "pad": 0})
    yield Given("filling in front", {"tokens": np.array([[7, 7, 4, 1, 5], [7, 2, 3, 6, 1]]), "pad": 7})
    yield Given("filling between, and a text of filling", {"tokens": np.array([[3, 8, 2, 8, 1], [8] * 5]), "pad": 8})
    yield Given("no filling, but zeros", {"tokens": np.array([[0, 4, 0, 2], [1, 0, 0, 3]])})
    yield Given("prompts of two lengths", {"tokens": texts(2, 6), "prompt": np.array([2, 4])})
    yield Given("as many prompts as tokens", {"tokens": texts(3, 3), "prompt": np.array([1, 2, 3])})
    yield Given("no prompt, and all prompt", {"tokens": texts(3, 4), "prompt": np.array([0, 4, 1])})
    yield Given("two axes, prompts", {"tokens": texts(2, 2, 5), "prompt": np.array([[3, 0], [5, 2]])})
    yield Given("another number for ignored", {"tokens": texts(2, 5, behind=2), "pad": 0, "ignored": -1})
    left = np.array([[0, 0, 3, 5, 2, 0], [0, 4, 1, 6, 8, 7]])
    yield Given("filling in front, prompts behind it", {"tokens": left, "pad": 0, "prompt": np.array([3, 4])})
    together = {"prompt": np.array([3, 1]), "pad": 12, "ignored": -7}
    yield Given("all together", {"tokens": texts(2, 6, behind=2, pad=12), **together})
    yield Given("ignored is the filling", {"tokens": texts(2, 5, behind=3), "pad": 0, "ignored": 0})
    yield Given(
        "small whole numbers", {"tokens": texts(2, 5, behind=1).astype(np.int32), "pad": 0, "prompt": np.array([2, 3])}
    )
    for about, (shape, (pad, where, zeros), prompts, (ignored, dtype)) in crossed(TEXTS, PADS, PROMPTS, IGNORED):
        words = np.where((rng.random(shape) < 0.3) & zeros, 0, rng.integers(1, 9, shape))
        tokens = words if pad is None else np.where(FILLING[where](rng.random(shape)), pad, words)
        lengths = prompts(rng.random(shape[:-1]), shape[-1])
        told = {
            "pad": pad,
            "prompt": None if lengths is None else np.asarray(lengths).astype(int),
            "ignored": pad if ignored == "pad" else ignored if ignored != -100 else None,
        }
        found = {name: value for name, value in told.items() if value is not None}
        yield Given(about, {"tokens": tokens.astype(dtype)} | found)
