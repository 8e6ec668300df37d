"""Numbers for the quiz on transfer learning: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.emergence import expected_exact_match
from tfx.models import Encoder
from tfx.tuning import Part

SIZES = {"n_heads": 1, "n_layers": 1, "max_len": 4, "tied": False}


@told_apart
def head_alone(rng: np.random.Generator) -> NumberCase:
    """Numbers that an optimiser gets, of a real model with a frozen body."""
    width, classes = int(rng.choice([16, 24, 32, 48, 64])), int(rng.integers(3, 12))
    model = Encoder(8, width, d_ff=width, n_outputs=classes, **SIZES)
    answer = float(Part(model, lambda name: name.startswith("output.")).n_parameters)
    wrong = (
        Wrong(float(width * classes), "bias not counted", "Each class has a bias, too."),
        Wrong(float(width + classes), "sum for product", "Each class has a weight for each number of the vector."),
        Wrong(float(model.n_parameters), "body not frozen", "The body is frozen: its numbers are not trained."),
    )
    return NumberCase({"width": width, "classes": classes}, answer, wrong, 0.0)


@told_apart
def all_tuned(rng: np.random.Generator) -> NumberCase:
    """Millions of numbers stored for several tasks."""
    body, tasks = int(rng.choice([110, 340, 770])), int(rng.integers(3, 13))
    head = float(rng.choice([0.002, 0.004, 0.01]))
    wrong = (
        Wrong(body + tasks * head, "features for fine-tuning", "That is what frozen features need: one body for all."),
        Wrong(float(tasks * head), "head alone", "Full fine-tuning changes the body as well."),
    )
    return NumberCase({"body": body, "head": f"{head:g}", "tasks": tasks}, float(tasks * (body + head)), wrong, 0.005)


@told_apart
def frozen_shared(rng: np.random.Generator) -> NumberCase:
    """Millions of numbers stored where heads stand on one frozen body."""
    body, tasks = int(rng.choice([110, 340, 770])), int(rng.integers(4, 13))
    head = float(rng.choice([2, 5, 8]))
    wrong = (
        Wrong(tasks * (body + head), "fine-tuning for features", "The body is frozen, so all tasks share it."),
        Wrong(body + head, "one head for all", "Each task has a head of its own."),
        Wrong(float(body), "heads not counted", "The heads have to be stored as well."),
    )
    return NumberCase({"body": body, "head": f"{head:g}", "tasks": tasks}, float(body + tasks * head), wrong, 0.005)


@told_apart
def whole_answers(rng: np.random.Generator) -> NumberCase:
    """Whole answers right, where the tokens' errors are independent."""
    p, n = float(rng.choice([0.5, 0.7, 0.8, 0.9])), int(rng.integers(3, 9))
    wrong = (
        Wrong(p, "token for answer", "All tokens of the answer have to be right."),
        Wrong(1 - (1 - p) ** n, "at least one for all", "That is the chance that at least one token is right."),
        Wrong(p / n, "division for power", "Chances of things that all happen multiply."),
    )
    return NumberCase({"p": f"{p:g}", "n": n}, float(expected_exact_match(p, n)), wrong)
