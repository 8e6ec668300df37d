"""Queries, keys and values: three maps of one input, what each is for, and why two of them must differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.attention.qkv.relation import train
from lessons.attention.qkv.roles import WORDS, C, D, edits, match_and_content, where_from
from lessons.attention.qkv.tying import Runs, direction, run_all, symmetric_scores, training
from lessons.course import Request
from tfx.errors import BadInput
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward
from tfx.ops.basics.linear import linear_forward
from tfx.records import Check, Code, Formula, Matrix, Question, Step, Text


@dataclass(frozen=True)
class Settings:
    """edit: which of the four words is changed in step 2; tokens, d_k, steps: size of the relation that is learned,
    width of its queries and keys, and number of gradient steps."""

    edit: int = 2
    tokens: int = 6
    d_k: int = 8
    steps: int = 300


def walkthrough(request: Request) -> Iterator[Step]:
    """Nine steps from X to Q, K, V and to what happens when W_Q and W_K are one matrix."""
    settings: Settings = request.settings
    check_settings(settings)
    rng = np.random.default_rng(request.seed)
    x = rng.standard_normal((len(WORDS), C))
    w_q, w_k, w_v = (rng.standard_normal((C, D)) / math.sqrt(C) for _ in range(3))
    yield _three_maps(x, w_q, w_k, w_v)
    yield edits(x @ w_q, x @ w_k, x @ w_v, settings.edit)
    yield match_and_content(rng)
    yield _only_the_product(rng, x, w_q, w_k)
    yield symmetric_scores(x, w_q, w_k, WORDS)
    runs = run_all(settings.tokens, settings.d_k, settings.steps, request.seed)
    yield training(runs, settings.tokens, settings.d_k, settings.steps)
    yield direction(runs, settings.tokens)
    yield where_from(rng, x, w_q, w_k, w_v)
    yield _closing(request.seed, runs)


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting that the steps cannot use."""
    if not 1 <= settings.edit <= len(WORDS):
        raise BadInput(f"edit must be a word's number, 1 to {len(WORDS)}.", "For example: --set edit=3")
    if settings.tokens not in range(4, 17, 2):
        raise BadInput("tokens must be an even number from 4 to 16.", "For example: --set tokens=8")
    if not 4 <= settings.d_k <= 64 or not 200 <= settings.steps <= 2000:
        raise BadInput(
            "d_k must be from 4 to 64 and steps from 200 to 2000.", "For example: --set d_k=8 --set steps=300"
        )


def values() -> dict[str, object]:
    """The numbers that lesson.md shows."""
    settings = Settings()
    runs = run_all(settings.tokens, settings.d_k, settings.steps, 0)
    return {
        "tokens": settings.tokens,
        "steps": settings.steps,
        "tied_loss": runs.follows_tied.losses[-1],
        "untied_loss": runs.follows_untied.losses[-1],
        "partner_loss": runs.partner_tied.losses[-1],
        "floor": runs.floor,
    }


def _three_maps(x: np.ndarray, w_q: np.ndarray, w_k: np.ndarray, w_v: np.ndarray) -> Step:
    q, k, v = (linear_forward(x, w)[0] for w in (w_q, w_k, w_v))
    by_hand = float(sum(a * b for a, b in zip(x[1], w_q[:, 0], strict=True)))
    terms = " + ".join(f"({a:.2f})({b:.2f})" for a, b in zip(x[1], w_q[:, 0], strict=True))
    error = abs(by_hand - float(q[1, 0]))
    return Step(
        "Three linear maps of the same input",
        (
            Formula("Q = X W_Q     K = X W_K     V = X W_V", f"each (T, C) x (C, D) -> (T, D), T={len(x)} C={C} D={D}"),
            Matrix("X, the layer's input", x, ("token", "coordinate"), WORDS, tuple("1234")),
            Question(
                f"With C = {C} and D = {D}: how many numbers do W_Q, W_K and W_V hold together?",
                float(w_q.size + w_k.size + w_v.size),
                0.5,
                f"Three matrices of {C} x {D} numbers; the number of tokens does not matter.",
            ),
            Matrix(
                "Q, K and V side by side",
                np.concatenate([q, k, v], axis=1),
                ("token", "coordinate"),
                WORDS,
                ("q1", "q2", "k1", "k2", "v1", "v2"),
            ),
            Text(f'By hand, q1 of "{WORDS[1]}": {terms} = {by_hand:.3f}.'),
            Check("by-hand", "row times column is the entry of Q", by_hand, float(q[1, 0]), 1e-12, error <= 1e-12),
            Code(linear_forward),
        ),
        ("tfx explain attention-qkv --step 1 --seed 1",),
    )


def _only_the_product(rng: np.random.Generator, x: np.ndarray, w_q: np.ndarray, w_k: np.ndarray) -> Step:
    a = np.linalg.qr(rng.standard_normal((D, D)))[0] * np.array([2.0, 0.5])
    w_q2, w_k2 = w_q @ a, w_k @ np.linalg.inv(a).T
    scores = (x @ w_q) @ (x @ w_k).T
    scores2 = (x @ w_q2) @ (x @ w_k2).T
    error = float(abs(scores2 - scores).max() / abs(scores).max())
    change = float(abs(w_q2 - w_q).max())
    rank = int(np.linalg.matrix_rank(w_q @ w_k.T))
    return Step(
        "The scores see only the product W_Q W_K^T",
        (
            Formula("S = Q K^T = X W_Q W_K^T X^T", "(T, C) (C, D) (D, C) (C, T) -> (T, T)"),
            Formula("(W_Q A)(W_K A^-T)^T = W_Q A A^-1 W_K^T = W_Q W_K^T"),
            Matrix("A", a, ("from", "to"), ("1", "2"), ("1", "2"), "Any invertible A will do; this one is random."),
            Matrix("S with W_Q, W_K", scores, ("query", "key"), WORDS, WORDS),
            Text(
                f"W_Q A differs from W_Q by up to {change:.2f}, and yet S is the same. So single entries of W_Q or "
                "W_K mean nothing: only the C x C matrix W_Q W_K^T, x_i^T (W_Q W_K^T) x_j, is compared. Its rank is "
                f"at most D; here it is {rank}. W_Q and W_K are its two thin factors."
            ),
            Check("gauge", "relative change of the scores", 0.0, error, 1e-12, error <= 1e-12),
            Check("rank", "rank of W_Q W_K^T is at most D", f"<= {D}", rank, "exact", rank <= D),
        ),
        ("tfx explain attention-qkv --step 4 --seed 1",),
    )


def _closing(seed: int, runs: Runs) -> Step:
    rng = np.random.default_rng(seed)
    inputs = {
        "x": rng.standard_normal((5, 4)),
        "w_q": rng.standard_normal((4, 3)),
        "w_k": rng.standard_normal((4, 3)),
        "w_v": rng.standard_normal((4, 2)),
    }
    error = check_gradients(self_attention_forward, self_attention_backward, inputs, seed=seed).worst
    return Step(
        "Say it in an interview",
        (
            Text(
                "Q, K and V are three learned linear maps of the layer's input. The query says what a token looks "
                "for, the key what it can be found by, the value what it hands over; queries and keys set the "
                "weights, values the content. In cross-attention K and V come from the other sequence."
            ),
            Text(
                "They are separate so that matching and content may use different features, and so that relations "
                f"can have a direction: with W_Q = W_K scores are symmetric, and our circle stays at loss "
                f"{runs.follows_tied.losses[-1]:.3f} against {runs.follows_untied.losses[-1]:.3f}. Only W_Q W_K^T counts."
            ),
            Check(
                "gradient",
                "dX, dW_Q, dW_K, dW_V against finite differences",
                0.0,
                error,
                f"relative error {TOLERANCE:.0e}",
                error <= TOLERANCE,
            ),
            Code(self_attention_backward),
            Code(train),
        ),
        ("tfx quiz attention-qkv", "tfx explain attention-scaled-dot-product"),
    )
