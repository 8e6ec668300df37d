"""Numbers for the quiz on teacher forcing: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences.sequential_steps import WRITES, Settings, chains
from tfx.lab.training.teacher_forcing import texts_of
from tfx.ops.attention.masks import causal_mask


@told_apart
def inputs_seen(rng: np.random.Generator) -> NumberCase:
    """Inputs that the place of a word sees, the start mark and itself included."""
    n = int(rng.integers(6, 15))
    k = int(rng.integers(2, n - 1))
    seen = float(causal_mask(n + 1)[k].sum())  # place 1 reads the start mark
    wrong = (
        Wrong(float(k), "start mark forgotten", "The start mark stands in front, and is seen."),
        Wrong(float(k - 1), "itself and the start mark left out", "A place sees the start mark, and its own input."),
        Wrong(float(n + 1), "no mask", "Later inputs are hidden: one of them is the answer."),
    )
    return NumberCase({"n": n, "k": k}, seen, wrong, 0.0)


@told_apart
def losses_counted(rng: np.random.Generator) -> NumberCase:
    """Losses in the mean of a padded batch."""
    a, b, c = (int(x) for x in rng.choice(np.arange(3, 15), size=3, replace=False))
    texts = texts_of(*(tuple(f"w{i}" for i in range(n)) for n in (a, b, c)))
    wrong = (
        Wrong(float(texts.asked.size), "padding counted", "Padded places are not asked for."),
        Wrong(float(a + b + c), "end mark forgotten", "Each row is also asked for its end mark."),
        Wrong(float(a + b + c + 6), "start mark counted", "The start mark is given, and no answer."),
    )
    return NumberCase({"a": a, "b": b, "c": c}, float(texts.kept.sum()), wrong, 0.0)


@told_apart
def prefix_passes(rng: np.random.Generator) -> NumberCase:
    """How many times the tokens a pass for each prefix reads, against one pass."""
    n = int(rng.integers(9, 60))
    read = int(causal_mask(n).sum())
    wrong = (
        Wrong(float(n), "every pass of full length", "The first prefix has one token, and the last all of them."),
        Wrong(float(read), "sum for ratio", f"That is how many they read; one pass reads {n}."),
        Wrong((n - 1) / 2, "pairs without the token itself", f"1 + 2 + ... + {n} is {n} * {n + 1} / 2."),
    )
    return NumberCase({"n": n}, read / n, wrong, 0.0)


@told_apart
def products_in_a_row(rng: np.random.Generator) -> NumberCase:
    """Matrix products that wait for each other while a Transformer writes, counted in the library."""
    blocks, n = int(rng.integers(1, 4)), int(rng.integers(3, 9))
    answer = float(chains(Settings(lengths=(n,), blocks=blocks))[WRITES](n)[0])
    a_pass = 6 * blocks + 1
    wrong = (
        Wrong(float(a_pass), "writing like reading", "Each token is an input of the next pass, so the passes wait for each other."),
        Wrong(float(6 * n + 1), "blocks in parallel", "A block reads what the block below it gives."),
        Wrong(float(n), "products of a pass counted as one", f"Within a pass {a_pass} wait for each other."),
    )  # fmt: skip
    return NumberCase({"blocks": blocks, "n": n}, answer, wrong, 0.0)


@told_apart
def without_mistake(rng: np.random.Generator) -> NumberCase:
    """The chance of a text without a mistake."""
    right, n = float(rng.choice([0.8, 0.9, 0.95, 0.98])), int(rng.integers(5, 30))
    wrong = (
        Wrong(
            right, "mistakes do not add up", "That is the chance of one token; the text needs each of them to be right."
        ),
        Wrong(1 - right**n, "the other event", "That is the chance of at least one mistake."),
        Wrong(
            max(1 - n * (1 - right), 0.0),
            "mistakes added",
            "Chances multiply. Taking off a share for each token comes near while mistakes are rare.",
        ),
    )
    return NumberCase({"right": f"{right:g}", "n": n}, right**n, wrong, 0.02)
