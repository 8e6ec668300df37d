"""The steps of attention-qkv that tie W_Q and W_K: symmetric scores, and a relation that cannot be learned."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lessons.attention.qkv.relation import Trained, follows, partner, train
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Series, Step, Table, Text


class Runs(NamedTuple):
    """Four trainings; circle: the tokens in the order in which they follow each other."""

    follows_tied: Trained
    follows_untied: Trained
    partner_tied: Trained
    partner_untied: Trained
    circle: np.ndarray

    @property
    def floor(self) -> float:
        """The loss below which no symmetric scores can bring the circle."""
        return math.log(2.0)


def run_all(tokens: int, d_k: int, steps: int, seed: int) -> Runs:
    """Trains both relations with and without W_Q = W_K, from the same seed."""
    targets = follows(tokens, np.random.default_rng(seed))
    pairs = partner(tokens, np.random.default_rng(seed))
    circle = [0]
    while len(circle) < tokens:
        circle.append(int(targets[circle[-1]]))
    follows_runs = [train(targets, tied, d_k, steps, seed) for tied in (True, False)]
    partner_runs = [train(pairs, tied, d_k, steps, seed) for tied in (True, False)]
    return Runs(follows_runs[0], follows_runs[1], partner_runs[0], partner_runs[1], np.array(circle))


def asymmetry(scores: np.ndarray) -> float:
    """Largest |S - S^T| relative to the largest |S|."""
    return float(abs(scores - scores.T).max() / abs(scores).max())


def symmetric_scores(x: np.ndarray, w_q: np.ndarray, w_k: np.ndarray, words: tuple[str, ...]) -> Step:
    """S = S^T as soon as W_Q = W_K; the weights are not symmetric even then."""
    q, k = x @ w_q, x @ w_k
    tied, free = q @ q.T, q @ k.T
    weights = attention_forward(q, q, q)[1].weights
    own = bool((np.maximum.outer(tied.diagonal(), tied.diagonal()) >= tied - 1e-12).all())
    return Step(
        "Tie W_Q = W_K, and every score has a mirror image",
        (
            Formula("S = Q Q^T     S^T = (Q Q^T)^T = Q Q^T = S"),
            Question(
                f'The tied score of query "{words[0]}" with key "{words[2]}" is {tied[0, 2]:.3f}. '
                f'What is that of query "{words[2]}" with key "{words[0]}"?',
                float(tied[2, 0]),
                0.01,
                "q_i . q_j is q_j . q_i: without a second matrix nothing tells who asks and who answers.",
            ),
            Matrix("scores, tied", tied, ("query", "key"), words, words),
            Text(
                f"Largest |S - S^T| / |S|: {asymmetry(tied):.1e} tied, {asymmetry(free):.2f} with two matrices. "
                f"The weights are not symmetric even when tied ({asymmetry(weights):.2f}), because each row has its "
                "own sum; but the ranking comes from symmetric numbers."
            ),
            Text(
                "One more habit of tied heads: a score with oneself is a squared length, and s_ij is never larger "
                "than both s_ii and s_jj. Of any two tokens, at least one likes itself at least as much as the other."
            ),
            Check("tied", "asymmetry of tied scores", 0.0, asymmetry(tied), 1e-12, asymmetry(tied) <= 1e-12),
            Check("own-key", "s_ij <= max(s_ii, s_jj) for all pairs", "yes", "yes" if own else "no", 1e-12, own),
        ),
        ("tfx explain attention-qkv --step 5 --seed 1",),
    )


def training(runs: Runs, tokens: int, d_k: int, steps: int) -> Step:
    """Four short trainings: only a directed relation with tied matrices fails."""
    named = (
        ("follows", "tied", runs.follows_tied),
        ("follows", "two matrices", runs.follows_untied),
        ("partner", "tied", runs.partner_tied),
        ("partner", "two matrices", runs.partner_untied),
    )
    rows = tuple(
        {"task": task, "w": w, "first": r.losses[0], "last": r.losses[-1], "accuracy": r.accuracy}
        for task, w, r in named
    )
    points = [*range(0, steps, max(1, steps // 50)), steps]
    stuck, learned = runs.follows_tied.losses[-1], runs.follows_untied.losses[-1]
    control = max(runs.partner_tied.losses[-1], runs.partner_untied.losses[-1])
    return Step(
        "A directed relation cannot be learned with one matrix",
        (
            Text(
                f"{tokens} tokens. 'follows': each must look at the next one on a circle. 'partner': each must look at "
                f"the other of its pair. {steps} steps of gradient descent, d_k = {d_k}, loss = mean -log weight on the target."
            ),
            Table(
                "Trained just now",
                (
                    Column("task", "relation"),
                    Column("w", "W_Q and W_K"),
                    Column("first", "first loss", digits=3),
                    Column("last", "last loss", digits=3),
                    Column("accuracy", "accuracy", digits=3),
                ),
                rows,
            ),
            Plot(
                "Tied scores stay at log 2 where direction matters",
                "gradient step",
                "loss",
                (
                    *(
                        Series(f"{task}, {w}", points, [r.losses[i] for i in points], kind="line")
                        for task, w, r in named
                    ),
                    Series("log 2", [0, steps], [runs.floor] * 2, kind="line"),
                ),
            ),
            Formula(f"loss >= log 2 = {runs.floor:.4f}     for symmetric scores on a circle"),
            Check(
                "stuck",
                "follows, tied: never below log 2",
                f">= {runs.floor:.4f}",
                stuck,
                1e-9,
                min(runs.follows_tied.losses) >= runs.floor - 1e-9,
            ),
            Check(
                "learned",
                "follows, two matrices: learned",
                f"< {runs.floor / 2:.3f}",
                learned,
                "half of log 2",
                learned < runs.floor / 2,
            ),
            Check(
                "control",
                "partner needs no direction: both learn it",
                f"< {runs.floor / 2:.3f}",
                control,
                "half of log 2",
                control < runs.floor / 2,
            ),
            Code(train),
        ),
        (f"tfx explain attention-qkv --step 6 --set tokens={tokens + 2 if tokens < 16 else 4}",),
    )


def direction(runs: Runs, tokens: int) -> Step:
    """The trained weights, in the order of the circle."""
    order = np.ix_(runs.circle, runs.circle)
    names = tuple(f"t{i + 1}" for i in range(tokens))
    tied, free = runs.follows_tied.weights[order], runs.follows_untied.weights[order]
    at = np.arange(tokens)
    after, before = tied[at, (at + 1) % tokens], tied[at, at - 1]
    one_way = float(free[at, (at + 1) % tokens].min())
    return Step(
        "What the two heads have learned",
        (
            Matrix(
                "weights, two matrices",
                free,
                ("query", "key"),
                names,
                names,
                f"At least {one_way:.3f} on the next token.",
            ),
            Matrix(
                "weights, W_Q = W_K",
                tied,
                ("query", "key"),
                names,
                names,
                "It looks both ways: it cannot tell after from before.",
            ),
            Text(
                "The tokens are listed along the circle. Whatever score the tied head gives from t1 to t2 it also "
                "gives from t2 to t1, where it is wrong. Averaged round the circle the link forward and the link "
                f"back weigh the same: forward {after.mean():.3f}, back {before.mean():.3f} on average."
            ),
            Text(
                "Some rows may still get the larger weight right: scores that rise along the circle do that, until the "
                "circle closes. A chain with a beginning could be ranked by tied scores; a circle cannot."
            ),
            Check(
                "one-way",
                "two matrices: smallest weight on the next token",
                "> 0.5",
                one_way,
                "more than both ways",
                one_way > 0.5,
            ),
            Check(
                "both-ways",
                "tied: accuracy below 1",
                "< 1",
                runs.follows_tied.accuracy,
                "exact",
                runs.follows_tied.accuracy < 1,
            ),
        ),
        (f"tfx explain attention-qkv --step 7 --set d_k=4 --set tokens={tokens}",),
    )
