"""Cross-entropy with label smoothing and tokens that do not count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import number
from tfx.ops.losses.cross_entropy import cross_entropy_forward

exercise = Exercise(
    "cross-entropy",
    "Cross-entropy with label smoothing",
    rules=[
        "logits are (..., V), targets (...) whole numbers from 0 to V - 1; the loss is one number, in nats.",
        "smoothing is dealt out evenly to all V classes, the right one among them.",
        "keep is None, or boolean with the shape of targets: False does not count, neither in the sum nor in the number.",
        "Where no token counts the loss is 0. Logits may be as large as 10,000.",
        "All arguments stay as they are.",
    ],
    hints=[
        "log p = logits - log(sum(exp(logits))). What keeps exp from overflowing?",
        "With smoothing every class has the target smoothing / V, and the right one has 1 - smoothing on top.",
        "By how many tokens is the sum divided when some do not count?",
    ],
    learned="the mean over counted tokens of -sum(target * log p), with log p from the largest logit down.",
    results=["loss: one number"],
    step="the_target",
)


@exercise.stub
def cross_entropy(logits, targets, smoothing=0.0, keep=None):
    """The mean over the tokens that count of -sum over classes of target * log(softmax(logits)).

    logits: (..., V), targets: (...), keep: None or (...) -> a number
    """
    ...


def log_softmax(logits: Any) -> Any:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@exercise.solution
def solution(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    right = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    losses = -(1 - smoothing) * right - smoothing * log_p.mean(axis=-1)
    counted = np.ones(targets.shape, bool) if keep is None else keep
    return losses[counted].sum() / max(counted.sum(), 1)


@exercise.truth
def truth(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    return float(cross_entropy_forward(logits, targets, smoothing, keep)[0])


@exercise.equal
def with_whole_targets(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    v = logits.shape[-1]
    target = (1 - smoothing) * np.eye(v)[targets] + smoothing / v
    losses = -(target * log_softmax(logits)).sum(axis=-1)
    if keep is None:
        return losses.mean()
    return losses[keep].mean() if keep.any() else 0.0


@exercise.steps
def steps(logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> dict[str, Any]:
    log_p = log_softmax(logits)
    right = np.take_along_axis(log_p, targets[..., None], axis=-1)
    target = (1 - smoothing) * np.eye(logits.shape[-1])[targets] + smoothing / logits.shape[-1]
    losses = -(target * log_p).sum(axis=-1)
    kept = losses if keep is None else losses * keep
    return {
        "log_p: (..., V)": log_p,
        "right: log_p of the right class": [right[..., 0], right],
        "target: what each class should get, (..., V)": target,
        "losses: of each token, (...)": [losses, -right[..., 0], kept, losses if keep is None else losses[keep]],
    }


@exercise.cell
def log_p(at: tuple[int, ...], logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> str:
    row, place = logits[at[:-1]], at[-1]
    total = np.exp(row - row.max()).sum()
    shifted = row[place] - row.max()
    return f"{number(shifted)} - log({number(total)}) = {number(shifted - np.log(total))}"


def some_of(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    found = rng.random(shape) < 0.6
    found.flat[-1], found.flat[0] = False, True
    return found


def mixed(rng: np.random.Generator, *more: Any) -> Iterator[tuple[str, dict[str, Any], tuple[Any, ...]]]:
    """Words, arguments, and the values of further factors."""
    for about, (front, v, logits, target, smoothing, keep, dtype, *others) in crossed(
        {"2 x 3": (2, 3), "4": (4,), "1": (1,), "1 x 3": (1, 3), "3 x 1": (3, 1), "3 x 3": (3, 3), "2 x 1 x 2": (2, 1, 2)},
        {"": 5, "V 2": 2, "V 3": 3, "V 1": 1, "V 30": 30},
        {"": lambda n: n, "large logits": lambda n: 800 * n, "logits near 2,000": lambda n: 2000 + np.round(n, 1),
         "logits near -2,000": lambda n: np.round(n, 1) - 2000, "equal logits": lambda n: 0 * n + 1, "tiny logits": lambda n: n / 1000,
         "tokens of different size": lambda n: n * np.where(np.arange(n.size).reshape(n.shape) < n.shape[-1], 900, 1)},
        {"": None, "class 0 everywhere": 0, "the last class everywhere": -1},
        {"": {}, "smoothing 0.1": {"smoothing": 0.1}, "smoothing 0.6": {"smoothing": 0.6}, "smoothing 0.9": {"smoothing": 0.9},
         "smoothing 0 asked for": {"smoothing": 0.0}},
        {"": None, "some count": some_of, "the last counts": lambda rng, front: np.arange(np.prod(front)).reshape(front) == np.prod(front) - 1,
         "all count": lambda rng, front: np.ones(front, bool), "none counts": lambda rng, front: np.zeros(front, bool)},
        {"": float, "float32": np.float32}, *more,
    ):  # fmt: skip
        targets = rng.integers(0, v, front) if target is None else np.full(front, target % v)
        given = {"logits": logits(rng.standard_normal((*front, v))).astype(dtype), "targets": targets} | smoothing
        yield about, given | ({} if keep is None else {"keep": keep(rng, front)}), tuple(others)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*front: int, v: int, by: float = 1.0, **more: Any) -> dict[str, Any]:
        return {"logits": by * rng.standard_normal((*front, v)), "targets": rng.integers(0, v, front)} | more

    def some(*shape: int) -> Any:
        found = rng.random(shape) < 0.6
        found.flat[0], found.flat[-1] = True, False
        return found

    yield Given("two texts of three tokens", given(2, 3, v=5))
    yield Given("one text", given(4, v=6))
    yield Given("T = V", given(4, v=4))
    yield Given("batch, T and V alike", given(3, 3, v=3))
    yield Given("one token", given(1, v=5))
    yield Given("two classes", given(5, v=2))
    yield Given("smoothing", given(2, 3, v=5, smoothing=0.1))
    yield Given("much smoothing, few classes", given(4, v=3, smoothing=0.5))
    yield Given("padding", given(2, 4, v=5, keep=some(2, 4)))
    yield Given("padding and smoothing", given(3, 4, v=6, smoothing=0.2, keep=some(3, 4)))
    yield Given("one token counts", given(2, 2, v=3, smoothing=0.1, keep=np.array([[True, False], [False, False]])))
    yield Given("no token counts", given(2, 2, v=3, keep=np.zeros((2, 2), bool)))
    yield Given("every token counts", given(2, 2, v=4, smoothing=0.1, keep=np.ones((2, 2), bool)))
    yield Given("large logits", given(2, 3, v=4, by=3000.0))
    yield Given("logits far above 0", {**given(2, 3, v=4), "logits": 1000 + rng.standard_normal((2, 3, 4))})
    yield Given("sure and right", {"logits": np.array([[30.0, 0.0, 1.0]]), "targets": np.array([0])})
    yield Given("equal logits", {"logits": np.full((2, 7), 0.3), "targets": np.array([3, 6])})
    yield Given(
        "float32", {**given(2, 3, v=5, smoothing=0.1), "logits": rng.standard_normal((2, 3, 5)).astype(np.float32)}
    )
    for about, one, _ in mixed(rng):
        yield Given(about, one)
