"""The backward of cross-entropy with label smoothing and tokens that do not count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise, Given
from lessons.practice.hand import share_by_hand
from lessons.training.label_smoothing.exercises.cross_entropy import log_softmax, mixed
from tfx.ops.losses.cross_entropy import cross_entropy_backward as library
from tfx.ops.losses.cross_entropy import cross_entropy_forward

exercise = Exercise(
    "cross-entropy-backward",
    "Backward through cross-entropy",
    step="padding",
    rules=[
        "The loss is the mean over counted tokens of -sum(target * log(softmax(logits))); dloss is the gradient for it.",
        "logits are (..., V), targets (...) whole numbers; the target is 1 - smoothing for the right class, and smoothing "
        "is dealt out evenly to all V classes, the right one among them.",
        "keep is None, or boolean with the shape of targets: False does not count; its target may be any number then.",
        "The gradient of a token that does not count is 0; where no token counts, all are 0.",
        "Logits may be as large as 10,000. All arguments stay as they are.",
    ],
    hints=[
        "For one token without smoothing the gradient is known by heart: prediction minus target.",
        "d log p_v / d x_j = (v == j) - p_j. With a target that sums to 1: what is the sum over v of target_v times it?",
        "By which number was the sum of the losses divided, and what is it multiplied by from above?",
    ],
    learned="(softmax - target) / number of counted tokens * dloss, and 0 where a token does not count.",
    results=["dlogits: (..., V)"],
)


@exercise.stub
def cross_entropy_backward(dloss, logits, targets, smoothing=0.0, keep=None):
    """The gradient for the logits of the mean cross-entropy of the tokens that count.

    dloss: a number, logits: (..., V), targets: (...), keep: None or (...) -> (..., V)
    """
    ...


@exercise.solution
def solution(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    v, counted = logits.shape[-1], np.ones(targets.shape, bool) if keep is None else keep
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    target = (1 - smoothing) * np.eye(v)[np.where(counted, targets, 0)] + smoothing / v
    return dloss * np.where(counted[..., None], p - target, 0) / max(counted.sum(), 1)


@exercise.truth
def truth(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    return library(dloss, cross_entropy_forward(logits, targets, smoothing, keep)[1])


@exercise.equal
def token_by_token(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """The slopes of log softmax, all V x V of them, times the target."""
    v, dlogits = logits.shape[-1], np.zeros(logits.shape)
    counted = [at for at in np.ndindex(*targets.shape) if keep is None or keep[at]]
    for at in counted:
        target = np.full(v, smoothing / v)
        target[targets[at]] += 1 - smoothing
        slopes = np.eye(v) - np.exp(log_softmax(logits[at].astype(float)))
        dlogits[at] = -(target @ slopes) * dloss / len(counted)
    return dlogits


@exercise.equal
def by_the_complex_step(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> Any:
    """Each logit is moved along the imaginary axis; no derivative is used."""
    x, v, step = logits.astype(float), logits.shape[-1], 1e-30
    x = x - x.max(axis=-1, keepdims=True)
    counted = np.ones(targets.shape, bool) if keep is None else keep
    hit = np.arange(v) == np.where(counted, targets, 0)[..., None]
    share, found = smoothing / v, np.zeros(x.shape)
    for column in range(v):
        moved = x + 1j * step * (np.arange(v) == column)
        log_p = moved - np.log(np.exp(moved).sum(axis=-1, keepdims=True))
        losses = -((1 - smoothing) * np.where(hit, log_p, 0) + share * log_p).sum(axis=-1)
        found[..., column] = dloss * losses.imag / step / max(int(counted.sum()), 1)
    return np.where(counted[..., None], found, 0)


@exercise.steps
def steps(dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> dict[str, Any]:
    v, counted = logits.shape[-1], np.ones(targets.shape, bool) if keep is None else keep
    p = np.exp(log_softmax(logits))
    hits = [
        np.eye(v)[np.where(counted, targets, 0)],
        np.eye(v)[targets % v],
        np.eye(v)[targets % v] * counted[..., None],
    ]
    target = [(1 - smoothing) * hit + smoothing / v for hit in hits]
    return {
        "p: the softmax, (..., V)": p,
        "target: what each class should get, (..., V)": [*target, target[0] * counted[..., None]],
        "dlogits: (..., V)": dloss * np.where(counted[..., None], p - target[0], 0) / max(counted.sum(), 1),
    }


@exercise.cell
def p(at: tuple[int, ...], dloss: float, logits: Any, targets: Any, smoothing: float = 0.0, keep: Any = None) -> str:
    return share_by_hand(logits[at[:-1]], np.ones(logits.shape[-1], bool), at[-1])


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(*front: int, v: int, by: float = 1.0, up: float | None = None, **more: Any) -> dict[str, Any]:
        dloss = float(rng.uniform(0.5, 2.0)) if up is None else up
        logits, targets = by * rng.standard_normal((*front, v)), rng.integers(0, v, front)
        return {"dloss": dloss, "logits": logits, "targets": targets} | more

    def some(*shape: int) -> Any:
        found = rng.random(shape) < 0.6
        found.flat[0], found.flat[-1] = True, False
        return found

    yield Given("two texts of three tokens", given(2, 3, v=5))
    yield Given("one text, dloss = 1", given(4, v=6, up=1.0))
    yield Given("T = V", given(4, v=4))
    yield Given("batch, T and V alike", given(3, 3, v=3))
    yield Given("one token", given(1, v=5))
    yield Given("two axes in front of the tokens", given(2, 3, 2, v=4, smoothing=0.3))
    yield Given("two classes", given(5, v=2, smoothing=0.1))
    yield Given("smoothing", given(2, 3, v=5, smoothing=0.1))
    yield Given("much smoothing, few classes", given(4, v=3, smoothing=0.5))
    yield Given("padding", given(2, 4, v=5, keep=some(2, 4)))
    yield Given("padding and smoothing", given(3, 4, v=6, smoothing=0.2, keep=some(3, 4)))
    yield Given("one token counts", given(2, 2, v=3, smoothing=0.1, keep=np.array([[True, False], [False, False]])))
    yield Given("no token counts", given(2, 2, v=3, smoothing=0.1, keep=np.zeros((2, 2), bool)))
    yield Given("every token counts", given(2, 2, v=4, smoothing=0.1, keep=np.ones((2, 2), bool)))
    ignored = given(2, 4, v=5, smoothing=0.1, keep=some(2, 4))
    yield Given(
        "targets of -100 where none counts", {**ignored, "targets": np.where(ignored["keep"], ignored["targets"], -100)}
    )
    some_ignored = given(2, 2, v=5, smoothing=0.1, keep=np.array([[True, False], [False, True]]))
    some_ignored["targets"][0, 1] = -1
    yield Given("a target of -1 at one of two tokens that do not count", some_ignored)
    beyond = given(5, v=4, keep=np.array([True, False, True, True, False]))
    yield Given(
        "targets of 999 where none counts", {**beyond, "targets": np.where(beyond["keep"], beyond["targets"], 999)}
    )
    yield Given("large logits", given(2, 3, v=4, by=3000.0, smoothing=0.1))
    yield Given("logits far above 0", {**given(2, 3, v=4), "logits": 1000 + rng.standard_normal((2, 3, 4))})
    yield Given("sure and right", {"dloss": 1.5, "logits": np.array([[12.0, 0.0, 1.0]]), "targets": np.array([0])})
    yield Given("surer and right", {"dloss": 1.5, "logits": np.array([[18.0, 0.0, 1.0]]), "targets": np.array([0])})
    yield Given("equal logits", {"dloss": 0.7, "logits": np.full((2, 7), 0.3), "targets": np.array([3, 6])})
    yield Given("a tiny dloss", given(2, 3, v=5, up=1e-8, smoothing=0.1))
    yield Given("a large dloss, below 0", given(2, 3, v=5, up=-1e6))
    small = given(2, 3, v=5, smoothing=0.1, keep=some(2, 3))
    yield Given("float32", {**small, "logits": small["logits"].astype(np.float32)})
    for about, one, (dloss,) in mixed(
        rng, {"": 1.3, "dloss 1": 1.0, "dloss -2": -2.0, "dloss 1e-6": 1e-6, "dloss 0": 0.0}
    ):
        yield Given(about, {"dloss": dloss} | one)
