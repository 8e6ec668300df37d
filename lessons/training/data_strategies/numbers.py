"""Numbers for the quiz on data: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.data.augmentation import delete_tokens
from tfx.train.curriculum import growing_length, root_competence


@told_apart
def copies_without_a_word(rng: np.random.Generator) -> NumberCase:
    """Copies in which one certain word was deleted."""
    n, rate, copies = int(rng.integers(5, 15)), float(rng.choice([0.1, 0.2, 0.3])), int(rng.choice([200, 500, 1000]))
    wrong = (
        Wrong(copies * rate / n, "one deletion in a sentence", "Each word is deleted at that rate, the not among them."),
        Wrong(copies * (1 - (1 - rate) ** n), "any word for the word", "That is how many lose at least one word."),
        Wrong(copies * (1 - rate), "kept for deleted", "That is how many keep it."),
    )  # fmt: skip
    return NumberCase({"n": n, "rate": rate, "copies": copies}, copies * rate, wrong, 0.01)


@told_apart
def share_of_pairs(rng: np.random.Generator) -> NumberCase:
    """The share of attention pairs of two stages."""
    last = int(rng.choice([256, 512, 1024, 2048]))
    first, share = last // int(rng.choice([2, 4, 8])), float(rng.choice([0.5, 0.6, 0.75, 0.8, 0.9]))
    ratio = first / last
    wrong = (
        Wrong(share * ratio + 1 - share, "tokens for pairs", "That is the share of tokens; pairs grow with the square of the length."),
        Wrong(ratio**2, "second stage forgotten", "The rest of the steps is at full length."),
        Wrong(share * ratio**2, "second stage free", "The steps at full length cost what they always cost."),
    )  # fmt: skip
    values = {"first": first, "last": last, "percent": f"{100 * share:g}", "rest": f"{100 - 100 * share:g}"}
    return NumberCase(values, share * ratio**2 + 1 - share, wrong, 0.01)


@told_apart
def length_of_step(rng: np.random.Generator) -> NumberCase:
    """The length at a step of a straight line."""
    steps = int(rng.choice([101, 201, 401]))
    first, grows = int(rng.choice([16, 32, 64])), int(rng.choice([1, 2, 4]))
    last, step = first + grows * (steps - 1), int(rng.integers(2, 9) * (steps - 1) // 10) + 1
    answer = growing_length(step, first, last, steps)
    wrong = (
        Wrong(float(last), "full length at once", "The length grows from step to step."),
        Wrong(float((last - first) * (step - 1) // (steps - 1)), "start at nothing", "The line begins at the first length."),
        Wrong(float((first + last) / 2), "mean length", "That is the mean of the whole run."),
    )  # fmt: skip
    return NumberCase({"first": first, "last": last, "steps": steps, "step": step}, float(answer), wrong, 0.0)


@told_apart
def examples_let_in(rng: np.random.Generator) -> NumberCase:
    """How many of the examples a root schedule has let in."""
    total, first, n = int(rng.choice([1000, 2000, 4000])), float(rng.choice([0.1, 0.2])), int(rng.choice([1000, 5000, 20_000]))  # fmt: skip
    step = int(total * rng.choice([0.1, 0.25, 0.5]))
    part = step / total
    wrong = (
        Wrong(n * (first + (1 - first) * part), "line for root", "The squares grow in a straight line, and the root is taken."),
        Wrong(n * (first**2 + (1 - first**2) * part), "root not taken", "That is the square of the share."),
        Wrong(n * part**0.5, "start at nothing", "It begins with a share that is not 0."),
    )  # fmt: skip
    values = {"total": total, "first": first, "n": n, "step": step}
    return NumberCase(values, n * root_competence(step, total, first), wrong, 0.01)


@told_apart
def shape_of_copies(rng: np.random.Generator) -> ShapeCase:
    """The shape of a batch from which words were deleted."""
    b, t, rate = int(rng.integers(3, 33)), int(rng.integers(8, 40)), float(rng.choice([0.1, 0.25]))
    y = delete_tokens(np.zeros((b, t), np.int64), rate, 1, rng)
    left = round(t * (1 - rate))
    wrong = (
        Wrong((b, left), "rows of another length", "How many words fall differs from row to row; the end is filled up."),
        Wrong((round(b * (1 - rate)), t), "rows for words", "Words are deleted, not sentences."),
        Wrong((2 * b, t), "copies added to the batch", "Each row is replaced by its copy."),
    )  # fmt: skip
    return ShapeCase({"b": b, "t": t, "rate": rate}, tuple(int(n) for n in y.shape), wrong)
