"""Numbers for the quiz on probes: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.linear_probe import LinearProbe, Probed, control_labels, selectivity


@told_apart
def commonest(rng: np.random.Generator) -> NumberCase:
    """What a probe gets that sees nothing: the commonest of three labels."""
    parts = [5 * int(n) for n in np.sort(rng.choice(np.arange(3, 14), 2, replace=False))]
    counts = [*parts, 100 - sum(parts)]
    if min(counts) < 5 or len(set(counts)) < 3:
        return commonest.__wrapped__(rng)  # type: ignore[attr-defined]
    labels = np.repeat(np.arange(3), counts)
    answer = 100 * LinearProbe(np.zeros((100, 2)), labels).accuracy(np.zeros((100, 2)), labels)
    wrong = (
        Wrong(100 / 3, "chance of three labels", "Labels are not equally frequent; the commonest is right more often."),
        Wrong(float(min(counts)), "the rarest label", "One says the label that is right most often."),
        Wrong(sum(n * n for n in counts) / 100, "labels drawn by frequency", "Saying the commonest each time is right more often than drawing."),
    )  # fmt: skip
    return NumberCase({"a": counts[0], "b": counts[1], "c": counts[2]}, answer, wrong, 0.01, "percent")


@told_apart
def selective(rng: np.random.Generator) -> NumberCase:
    """Selectivity where states show which token it is: a list of labels by token is learned, of the rest nothing."""
    asked, by_lot, base = int(rng.integers(80, 99)), int(rng.integers(55, 79)), int(rng.integers(50, 55))
    answer = points(asked, by_lot)
    wrong = (
        Wrong(float(asked - base), "baseline for control", "Against labels by lot, not against the commonest label: the probe can learn more than that."),
        Wrong(float(asked), "accuracy for selectivity", "What the probe would learn of anything is taken off."),
        Wrong(float(by_lot - base), "control over the baseline", "That says how much the probe learns by itself."),
    )  # fmt: skip
    return NumberCase({"asked": asked, "by_lot": by_lot, "base": base}, answer, wrong, 0.0, "points")


def points(asked: int, by_lot: int) -> float:
    """Selectivity of a probe that is right in so many of 100 cases on the property, and on labels by lot."""
    tokens = np.arange(200) % 100  # each token once to learn from and once to be judged
    label, lot = np.arange(100) % 2, control_labels(tokens, 2, np.random.default_rng(3))[:100]
    shown = np.eye(100)

    def states(flipped: int, of: np.ndarray) -> np.ndarray:
        seen = np.where(np.arange(100) < flipped, 1 - of, of)
        return np.asarray(2.0 * seen - 1)[:, None]

    train = Probed(np.concatenate([states(0, label), states(0, lot), 0 * shown[:, :1]], axis=1), label, tokens[:100])
    test = Probed(np.concatenate([states(100 - asked, label), states(100 - by_lot, lot), 0 * shown[:, :1]], axis=1), label, tokens[100:])  # fmt: skip
    return 100 * selectivity(train, test, np.random.default_rng(3))


@told_apart
def added(rng: np.random.Generator) -> NumberCase:
    """What training can have added to what is read."""
    base, before, after = int(rng.integers(30, 50)), int(rng.integers(55, 75)), int(rng.integers(80, 100))
    wrong = (
        Wrong(float(after - base), "baseline for untrained model", "Random blocks mix tokens, too; the probe reads more from them than the commonest label."),
        Wrong(float(after), "accuracy for what was learned", "Much of it can be read before any training."),
        Wrong(float(before - base), "what random blocks give", "That is there without training."),
    )  # fmt: skip
    return NumberCase({"base": base, "before": before, "after": after}, float(after - before), wrong, 0.0, "points")


@told_apart
def weights_of_probe(rng: np.random.Generator) -> ShapeCase:
    """The map that a real probe fits, without its offsets."""
    c, labels = int(rng.choice([8, 12, 16, 24])), int(rng.integers(3, 7))
    b, t = int(rng.integers(5, 9)), int(rng.integers(10, 20))
    h = rng.standard_normal((b, t, c)).reshape(-1, c)
    probe = LinearProbe(h, np.arange(b * t) % labels)
    wrong = (
        Wrong((c, 1), "one number for a label", "Each label gets a score of its own; the largest counts."),
        Wrong((t * c, labels), "a probe of all places", "It reads one vector at a time, the same map at each place."),
        Wrong((b * t, labels), "states for weights", "That many vectors are read; the map has a row for each number of one vector."),
    )  # fmt: skip
    return ShapeCase({"b": b, "t": t, "c": c, "labels": labels}, tuple(int(n) for n in probe.w[:-1].shape), wrong)
