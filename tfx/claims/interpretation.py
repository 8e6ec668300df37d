"""Claims about what a model's numbers tell: attention as explanation, attacks, bias, and running it again."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.data.toys.tasks import find_task
from tfx.measure.bias import bias_amplification
from tfx.measure.estimates import mean_with_error
from tfx.measure.gradient_sign import gradient_sign_attack
from tfx.measure.verdicts import at_least, at_most, exactly, within
from tfx.nn.linear import Linear
from tfx.nn.two_maps import TwoMaps
from tfx.ops.basics.softmax import softmax_forward
from tfx.optim import AdamW
from tfx.train.loop import LossValue, train
from tfx.train.losses import learn_targets
from tfx.train.toys import learn_toy

SECTION = "Interpretation, fairness, robustness"

JAIN = "Jain and Wallace 2019, Attention is not Explanation"
WIEGREFFE = "Wiegreffe and Pinter 2019, Attention is not not Explanation"


def weights_and_ablation(trial: Trial) -> dict[str, dict[str, Any]]:
    """The rows of the experiment with fewer heads and sentences."""
    return {row["what"]: row for row in trial.rows("attention-vs-ablation", heads=80, sentences=40)}


@claim(
    "C316", "Attention weights show what the model relies on.", verdict="holds when",
    where="D0:208 D0:620 D0:3167 D0:3400 D1:652", experiment="attention-vs-ablation", paper=WIEGREFFE,
    why="one layer of a trained model is asked, and its values leave no other weights with the same output. Where keys "
    "are many and values narrow, the key with the largest weight can be left without any, at the same output.",
)  # fmt: skip
def weights_show(trial: Trial) -> Evidence:
    rows = weights_and_ablation(trial)
    yield supports(
        at_least("last", "sentences whose top word matters most in the last layer", 0.5, rows["plain, last"]["top"])
    )
    yield contradicts(
        at_least(
            "others", "random heads whose top key can have weight 0, at the same output", 0.5, rows["one head"]["gone"]
        )
    )
    yield at_most(
        "unique", "weight that can move where values are as wide as keys are many", 1e-9, rows["one, wide"]["moved"]
    )


@claim(
    "C317", "Attention weights do not always match what a model's answer depends on.", verdict="holds",
    where="D0:2504 D1:680", experiment="attention-vs-ablation", paper=JAIN,
    why="a word that is closed in every layer is often not the one with the largest weight in the last, because words "
    "have told each other before; and a weight says nothing of how far its value is from the output.",
)  # fmt: skip
def weights_mislead(trial: Trial) -> Evidence:
    rows = weights_and_ablation(trial)
    yield supports(
        at_most(
            "both", "sentences whose top word matters most, when closed in both layers", 0.9, rows["plain, both"]["top"]
        )
    )
    less = rows["plain, last"]["order"] - rows["plain, both"]["order"]
    yield supports(at_least("order", "agreement in order, in the last layer less in both", 0.0, less))


CLASSES, WIDTH, POINTS = 5, 20, 500
#: A share of points that counts, and the standard errors that are taken off before it is compared.
COUNTS, ERRORS = 0.01, 5


class Classified(NamedTuple):
    """(POINTS,) whether each is right: as it is, attacked along the signs of its gradient, by random signs."""

    clean: np.ndarray
    attacked: np.ndarray
    random: np.ndarray


def surely_lost(before: np.ndarray, after: np.ndarray) -> float:
    """The share that is right before less that after, less ERRORS standard errors of it, point by point."""
    mean, error = mean_with_error(before.astype(float) - after)
    return mean - ERRORS * error


@functools.lru_cache(maxsize=8)
def classified(trial: Trial, eps: float = 0.5) -> Classified:
    """A small network that tells five clouds of points apart, and new points."""
    rng = trial.generator(0)
    centres = rng.standard_normal((CLASSES, WIDTH))

    def points(rng: np.random.Generator, n: int = 64) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(CLASSES, size=n)
        return centres[labels] + rng.standard_normal((n, WIDTH)), labels

    model = TwoMaps(Linear(WIDTH, 32, rng, dtype="float64"), "relu", Linear(32, CLASSES, rng, dtype="float64"))

    def loss(model: TwoMaps, batch: tuple[np.ndarray, np.ndarray], rng: np.random.Generator) -> LossValue:
        logits, cache = model.forward(batch[0])
        return learn_targets(model, logits, cache, batch[1])

    with blas_threads(1):
        for _ in train(
            model, points, loss, AdamW(model), lambda step: 0.01, 150 if trial.quick else 600, seed=trial.seed
        ):
            pass
    x, labels = points(trial.generator(1), POINTS)
    random = x + eps * trial.generator(2).choice([-1.0, 1.0], size=x.shape)
    inputs = (x, gradient_sign_attack(model, x, labels, eps), random)
    return Classified(*(model.forward(each)[0].argmax(axis=-1) == labels for each in inputs))


@claim(
    "C319", "Models are vulnerable to adversarial inputs.", verdict="holds", where="D0:2513",
    paper="Goodfellow et al. 2015, Explaining and Harnessing Adversarial Examples",
    why="shown on a small classifier: a step along the signs of its gradient costs far more than random signs of the "
    "same size.",
)  # fmt: skip
def attacks(trial: Trial) -> Evidence:
    found = classified(trial)
    yield supports(
        at_least(
            "attack",
            f"share right that a step of 0.5 along the gradient's signs costs, less {ERRORS} standard errors",
            COUNTS,
            surely_lost(found.clean, found.attacked),
        )
    )
    yield supports(
        at_least(
            "chance", "... and that random signs leave right of it", COUNTS, surely_lost(found.random, found.attacked)
        )
    )
    yield at_least("clean", "share right before", 0.7, float(found.clean.mean()))


@claim(
    "C320", "A model takes over the bias of its training data, and amplifies it.", verdict="holds when",
    where="D0:2512 D0:2567", paper="Zhao et al. 2017, Men Also Like Shopping",
    why="it takes it over always; it amplifies it where the most likely answer is taken. Answers drawn from its "
    "probabilities are as biased as the data, and no more.",
)  # fmt: skip
def bias(trial: Trial) -> Evidence:
    rng = trial.generator(3)
    n, share = 4000, 0.8
    group = rng.random(n) < 0.5
    label = (rng.random(n) < np.where(group, share, 1 - share)).astype(int)  # four of five of the group have label 1
    probability = softmax_forward(fitted(group, label))[0][:, 1]
    taken, drawn = (probability > 0.5).astype(int), (rng.random(n) < probability).astype(int)
    yield supports(
        within(
            "inherits", "share of label 1 that the model gives the group", share, float(probability[group].mean()), 0.05
        )
    )
    yield supports(
        at_least(
            "amplifies",
            "group among answers 1 less among labels 1, most likely answers",
            0.1,
            amplified(taken, label, group),
        )
    )
    yield contradicts(at_most("drawn", "the same with answers drawn", 0.05, abs(amplified(drawn, label, group))))


def amplified(predicted: np.ndarray, label: np.ndarray, group: np.ndarray) -> float:
    return bias_amplification(predicted, label, group)[1]


def fitted(group: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Logits (N, 2) of a linear map of the group, after its training."""
    x = np.stack([group, ~group], axis=1).astype(np.float64)
    model = Linear(2, 2, np.random.default_rng(0), dtype="float64")

    def loss(model: Linear, batch: Any, rng: np.random.Generator) -> LossValue:
        logits, cache = model.forward(x)
        return learn_targets(model, logits, cache, label)

    for _ in train(model, lambda rng: None, loss, AdamW(model, weight_decay=0.0), lambda step: 0.1, 100):
        pass
    return model.forward(x)[0]


@claim(
    "C321", "Training cannot be repeated exactly.", verdict="holds when", where="D0:2583",
    why="sums are taken in another order, as other threads, batches or machines do: float32 sums depend on it. With "
    "the same seed, code, machine and one thread the same bits come out again.",
)  # fmt: skip
def again(trial: Trial) -> Evidence:
    big = np.float32(1e8)
    first, second = float((big + np.float32(1)) - big), float((big - big) + np.float32(1))
    yield supports(exactly("order", "1e8 + 1 - 1e8 in float32, less the same in another order", -1.0, first - second))
    terms = trial.generator(4).standard_normal(10_000).astype(np.float32)
    forwards, backwards = (float(np.cumsum(each)[-1]) for each in (terms, terms[::-1]))
    yield supports(
        at_least("sum", "10,000 random numbers summed from either end: difference", 1e-9, abs(forwards - backwards))
    )
    with blas_threads(1):
        losses = [learn_toy(find_task("copy"), 5, trial.seed, held_out=20).losses for _ in range(2)]
    yield contradicts(
        exactly("again", "steps of 5 whose loss differs when a training is run again", 0, differing(*losses))
    )


def differing(one: tuple[float, ...], other: tuple[float, ...]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


not_measurable(
    "C322", "Syntax and meaning are held in distributed representations.", where="D1:720", section=SECTION,
    why="a statement about large trained language models: it would take one, and texts labelled with syntax and "
    "meaning, and neither is here.",
)  # fmt: skip
