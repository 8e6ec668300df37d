"""What does label smoothing do to logits, confidence and calibration when labels are noisy?

    q = (1 - s) [target] + s / K           s: smoothing, K classes
    best logits: p = q, so the target leads every other class by  log(q_target / q_other) = log((1 - s + s/K) / (s/K))

Without smoothing there is no best lead: the loss falls for ever as it grows, and a network that knows its training
labels by heart becomes surer of them than they deserve.  Calibration is measured on new points whose labels are as
noisy: of what is said with a confidence of 0.8, is 0.8 right?
Sources: Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7; Guo et al. 2017, "On Calibration of
Modern Neural Networks", section 2.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.lab.training.points import Blobs, Perceptron, drawn_from, fit, judge
from tfx.measure.calibration import expected_calibration_error
from tfx.measure.crossing import first_failure
from tfx.measure.estimates import lead_in_se, mean_with_error
from tfx.measure.verdicts import agree, at_least, smallest
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import Adam
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What does label smoothing do to logits, confidence and calibration when labels are noisy?"
TITLE = "Label smoothing on noisy labels: how sure a network is, and how often right"
CLAIM = (
    "Label smoothing curbs overconfidence: other classes get a little of the target, so that the lead of the right "
    "logit stays finite."
)
BREAK_IT = ("--set smoothing=0,0.001,0.002",)
HOST_ONLY = "These networks are too small for a card."

#: The smoothing of the first Transformer, at which the reader predicts, or the nearest.
ASKED_AT = 0.1
#: So many standard errors count as a difference.
SURE = 3.0


@dataclass(frozen=True)
class Settings:
    smoothing: tuple[float, ...] = setting((0, 0.05, 0.1, 0.2, 0.4, 0.6), 0.0, 0.9, "shares to try", at_least=3)
    noise: float = setting(0.3, 0.0, 0.8, "share of labels that are wrong, in training and in the test")
    n_classes: int = setting(10, 2, 100, "classes")
    points: int = setting(300, 20, 5000, "points to learn from")
    steps: int = setting(200, 10, 5000, "training steps")
    seeds: int = setting(20, 3, 200, "networks for each share")

    def quick(self) -> Settings:
        """Fewer networks."""
        return replace(self, seeds=min(self.seeds, 5))

    def full(self) -> Settings:
        """More networks, trained for longer."""
        return replace(self, seeds=max(self.seeds, 60), steps=max(self.steps, 600))

    def check(self) -> None:
        """Smoothing none and some have to be compared."""
        if min(self.smoothing) > 0:
            raise BadInput("smoothing needs 0, to compare with.", "Try: --set smoothing=0,0.1,0.4")

    def bytes_needed(self) -> float:
        """Points, their probabilities, and one network."""
        return 8.0 * (self.points + TEST) * (16 + 64 + 4 * self.n_classes)


#: New points that a network is judged by.
TEST = 2000

COLUMNS = (
    Column("smoothing", "smoothing", digits=2),
    Column("best_lead", "best lead", "nats", digits=4),
    Column("confidence", "confidence", digits=3),
    Column("accuracy", "right", digits=3),
    Column("error", "miscalibrated", digits=3),
    Column("confidence_se", "error of confidence", digits=2, detail=True),
    Column("accuracy_se", "error of right", digits=2, detail=True),
    Column("error_se", "error of that", digits=2, detail=True),
    Column("lead", "lead on new points", "nats", digits=3, detail=True),
    Column("law", "best lead by formula", "nats", digits=4, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every share on the same points, with the same first weights."""
    settings = run.settings
    for smoothing in run.over(sorted(set(settings.smoothing)), "smoothing {:g}"):
        found = []
        for number in range(settings.seeds):
            run.saying(f"smoothing {smoothing:g}: network {number + 1}")(number, settings.seeds)
            found.append(trained(settings, smoothing, (run.seed, number)))
        row: dict[str, Any] = {
            "smoothing": float(smoothing),
            "best_lead": best_lead(smoothing, settings.n_classes) if smoothing else None,
            "law": closed_lead(smoothing, settings.n_classes) if smoothing else None,
        }
        for name, values in zip(("confidence", "accuracy", "error", "lead"), np.array(found).T, strict=True):
            row[name], row[f"{name}_se"] = mean_with_error(values)
        yield row


# Measuring


def closed_lead(smoothing: float, n_classes: int) -> float:
    """log((1 - s + s/K) / (s/K))."""
    other = smoothing / n_classes
    return math.log((1 - smoothing + other) / other)


def lowest_loss(smoothing: float, n_classes: int) -> float:
    """The entropy of the smoothed target, in nats: what a prediction equal to it costs.  0 without smoothing."""
    if not smoothing:
        return 0.0
    other = smoothing / n_classes
    right = 1 - smoothing + other
    return -right * math.log(right) - (n_classes - 1) * other * math.log(other)


def best_lead(smoothing: float, n_classes: int) -> float:
    """Where the gradient of the library's loss changes its sign, as the target's logit grows above equal others."""
    logits = np.zeros((1, n_classes))

    def too_far(lead: float) -> bool:
        logits[0, 0] = lead
        _, cache = cross_entropy_forward(logits, np.array([0]), smoothing)
        return bool(cross_entropy_backward(1.0, cache)[0, 0] >= 0)

    return first_failure(too_far, 100.0)


def trained(settings: Settings, smoothing: float, seed: tuple[int, int]) -> tuple[float, float, float, float]:
    """-> confidence, share right, calibration error and lead of the largest logit over the mean of the others, all on
    new points, of one network."""
    rng = np.random.default_rng(seed)
    blobs = Blobs(settings.n_classes, noise=settings.noise, seed=(*seed, 1))
    known, new = blobs.draw(settings.points, rng), blobs.draw(TEST, rng)
    model = Perceptron(blobs.width, 64, settings.n_classes, rng)

    fit(model, Adam(model), drawn_from(known), settings.steps, 0.01, int(rng.integers(2**31)), smoothing)
    judged = judge(model, new)
    top = judged.logits.max(axis=1)
    others = (judged.logits.sum(axis=1) - top) / (settings.n_classes - 1)
    return (
        float(judged.probabilities.max(axis=1).mean()),
        judged.accuracy,
        expected_calibration_error(judged.probabilities, new.labels),
        float((top - others).mean()),
    )


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, some = run.rows, run.rows[1:]
    none, better, most = rows[0], at_asked(run), rows[-1]
    falls = [
        lead_in_se(told(before, "confidence"), told(after, "confidence")) for before, after in itertools.pairwise(rows)
    ]
    return (
        agree("lead", "the best lead is the one of the formula", leads(some, "best_lead"), leads(some, "law"), to=1e-7),
        at_least("overconfident", "no smoothing: confidence above right, in standard errors", SURE, sureness(none)),
        at_least(
            "falls", "every share makes less sure than the one before: least fall, in them", SURE, smallest(falls)
        ),
        at_least(
            "calibrates",
            f"smoothing {better['smoothing']:g} against none: calibration error less, in standard errors",
            SURE,
            lead_in_se(told(none, "error"), told(better, "error")),
        ),
        at_least("too-much", "the largest share: right above confidence, in standard errors", SURE, -sureness(most)),
    )


def told(row: Any, name: str) -> tuple[float, float]:
    """Mean and standard error."""
    return row[name], row[f"{name}_se"]


def leads(rows: Any, name: str) -> list[float]:
    return [row[name] for row in rows]


def sureness(row: Any) -> float:
    """Confidence above accuracy, in standard errors."""
    return lead_in_se(told(row, "confidence"), told(row, "accuracy"))


def at_asked(run: Run[Settings]) -> Any:
    """The row of that share; rows stand in the order of the shares."""
    return run.rows[sorted(set(run.settings.smoothing)).index(asked_at(run))]


def best_calibrated(rows: Any) -> Any:
    return min(rows, key=lambda row: row["error"])


# Saying


def asked_at(run: Run[Settings]) -> float:
    return min((s for s in run.settings.smoothing if s), key=lambda s: abs(s - ASKED_AT))


def prompt(run: Run[Settings]) -> str:
    return (
        f"{run.settings.n_classes} classes, smoothing {asked_at(run):g}: by how many nats does the right logit lead at "
        "best?"
    )


def question(run: Run[Settings]) -> Question:
    at = asked_at(run)
    explanation = f"It is log(({1 - at:g} + {at:g}/K) / ({at:g}/K)); without smoothing it has no end."
    return Question(prompt(run), at_asked(run)["best_lead"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    none, best, most = run.rows[0], best_calibrated(run.rows), run.rows[-1]
    return (
        Text(
            f"Without smoothing the network says {none['confidence']:.0%} and is right in {none['accuracy']:.0%}; with "
            f"{best['smoothing']:g} it says {best['confidence']:.0%} and is right in {best['accuracy']:.0%}. "
            f"The calibration error falls from {none['error']:.2f} to {best['error']:.2f}."
        ),
        Text(
            f"More is not better: with {most['smoothing']:g} it says {most['confidence']:.0%} and is right in "
            f"{most['accuracy']:.0%}. Which share calibrates depends on the noise of the labels and on how far the "
            "network over-fits."
        ),
        Text(
            "Smoothing is from Szegedy et al. 2016, section 7, and Vaswani et al. 2017, section 5.4, used 0.1; the "
            "calibration error is that of Guo et al. 2017, section 2, with ten bins."
        ),
        Text(
            f"{run.settings.noise:.0%} of the labels are wrong, in training and in the test, {run.settings.seeds} "
            "networks for each share. A rise in accuracy is not claimed: it is within the scatter."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    none, best = run.rows[0], best_calibrated(run.rows)

    def curve(name: str, label: str) -> Series:
        shares, means, errors = ([row[key] for row in run.rows] for key in ("smoothing", name, f"{name}_se"))
        return Series(label, shares, means, errors)

    return (
        Plot(
            f"Smoothing {best['smoothing']:g} brings confidence from {none['confidence']:.2f} to "
            f"{best['confidence']:.2f}, where {best['accuracy']:.2f} is right",
            "label smoothing",
            "share of the test",
            (curve("confidence", "confidence"), curve("accuracy", "right"), curve("error", "calibration error")),
        ),
    )
