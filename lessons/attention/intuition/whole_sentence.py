"""The steps of attention-intuition on a sentence: one word asks, then every word asks, in one formula."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lessons.attention.intuition.pronoun import Lookups, find_referent
from lessons.sentence import labels
from tfx.data.pronouns import FITS_MOVERS, FITS_PLACES
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward, attention_forward
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Step, Table, Text


class Run(NamedTuple):
    """x: (T, 4) word vectors; q, k: (T, 3); v, out: (T, 2)."""

    x: np.ndarray
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    out: np.ndarray
    cache: AttentionCache


def attend(words: tuple[str, ...], seed: int) -> Run:
    """Self-attention with random vectors (equal words, equal vectors) and random projections."""
    rng = np.random.default_rng(seed)
    vector = {word: rng.standard_normal(4) for word in dict.fromkeys(words)}
    x = np.stack([vector[word] for word in words])
    out, cache = self_attention_forward(x, *(rng.standard_normal((4, width)) for width in (3, 3, 2)))
    attention = cache.attention
    return Run(x, attention.q, attention.k, attention.v, out, attention)


def by_loops(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """softmax(Q K^T / sqrt(d_k)) V, number by number: q (T, D), k (S, D), v (S, Dv) -> (T, Dv)."""
    out = np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        scores = [sum(a * b for a, b in zip(q[i], key, strict=True)) / math.sqrt(q.shape[1]) for key in k]
        top = max(scores)
        parts = [math.exp(score - top) for score in scores]
        for j in range(len(k)):
            out[i] += parts[j] / sum(parts) * v[j]
    return out


def pronoun(words: tuple[str, ...], seed: int, gain: float) -> Step:
    """Two hand-set lookups for one word; the weights follow the words, the matrices stay."""
    it = find_referent(words, gain, seed)
    shown = sorted(np.argsort(-(it.first + it.second), kind="stable")[:12])
    names = labels(words)
    rows: list[dict[str, Any]] = [
        {"word": names[i], "one": 100 * it.first[i], "two": 100 * it.second[i]} for i in shown
    ]
    best, asker = int(it.second.argmax()), names[it.asker]
    top = it.scores - it.scores.max()
    total = float(np.exp(top).sum())
    error = float(max(abs(it.first.sum() - 1), abs(it.second.sum() - 1), abs(1 / total - it.second[best])))
    other = "wide" if "tired" in words else "tired"
    return Step(
        f'The weights of "{names[it.asker]}" are computed from the words, at run time',
        (
            Table(
                f"{len(shown)} of {len(words)} words",
                (
                    Column("word", "word"),
                    Column("one", "1: quality?", "%", digits=3),
                    Column("two", "2: who?", "%", digits=3),
                ),
                tuple(rows),
            ),
            Text(
                f'Two lookups with hand-set vectors and projections. In the first, "{asker}" collects the quality '
                f"that is named; in the second it looks for a word that can have it. {_found(words, it)}"
            ),
            Text(
                f'By hand, the largest weight of lookup 2: 1 / {total:.3f} = {it.second[best]:.3f}, on "{names[best]}".'
            ),
            Text(
                "Change the adjective and the weights move, although no matrix changes. In a real model the "
                "projections are learned, once; the weights never are: each sentence gets its own."
            ),
            Check("pronoun", "both rows sum to 1, and the weight by hand agrees", 0.0, error, 1e-12, error <= 1e-12),
            Code(find_referent),
        ),
        (
            "tfx explain attention-intuition --step 5 --text "
            f"'the animal did not cross the street because it was too {other}'",
        ),
    )


def _found(words: tuple[str, ...], it: Lookups) -> str:
    if not {*FITS_MOVERS, *FITS_PLACES} & set(words):
        return (
            "No word here names a quality that this lesson has set by hand, so the vectors that matter are random "
            "and the rows mean nothing."
        )
    return f"{it.n_known} of {len(words)} words have hand-set vectors; the others have small random ones."


def one_for_each(words: tuple[str, ...], seed: int) -> Step:
    """Three words, the full formula, and the one summary vector that it replaces."""
    three = tuple(dict.fromkeys(words))[:3]
    run = attend(three, seed)
    names = labels(three)
    summary = run.v.mean(axis=0)
    n = len(three)
    spread = float(np.ptp(run.out, axis=0).max())
    error = float(abs(by_loops(run.q, run.k, run.v) - run.out).max())
    return Step(
        "A fresh mixture for every word, not one summary for all",
        (
            Formula("O = softmax(Q K^T / sqrt(d_k)) V", f"({n}, 3) ({n}, 3) ({n}, 2) -> ({n}, 2)"),
            Matrix("weights", run.cache.weights, ("query", "key"), names, names, "Each row sums to 1."),
            Matrix(
                "outputs",
                np.concatenate([run.out, summary[None]]),
                ("query", "coordinate"),
                (*names, "summary"),
                ("1", "2"),
                "The last row is the plain mean of the values.",
            ),
            Text(
                "An encoder that hands over one vector gives every reader the same summary, however long the text. "
                f"Attention makes a mixture for each query: these outputs differ by up to {spread:.3f} in one "
                "coordinate. Vectors and projections here are random; training is what makes them useful."
            ),
            Check("loops", "the library equals three nested loops", 0.0, error, 1e-12, error <= 1e-12),
            Code(by_loops),
        ),
        (f"tfx explain attention-intuition --step 6 --seed {seed + 1}",),
    )


def roles(words: tuple[str, ...], seed: int) -> Step:
    """Who asks, who is matched, what is returned; self- and cross-attention."""
    run = attend(words, seed)
    readers = np.random.default_rng(seed + 1).standard_normal((2, 3))  # two queries from another sequence
    crossed, cross = attention_forward(readers, run.k, run.v)
    shapes = [str(array.shape) for array in (run.q, run.k, run.v, run.cache.weights, run.out)]
    cross_shapes = [str(array.shape) for array in (readers, run.k, run.v, cross.weights, crossed)]
    names = ("query", "key", "value", "weights", "output")
    what = ("asks", "is matched against the query", "is returned", "query by key", "one per query")
    rows = tuple(
        {"name": a, "what": b, "self": c, "cross": d}
        for a, b, c, d in zip(names, what, shapes, cross_shapes, strict=True)
    )
    error = float(max(abs(run.cache.weights.sum(axis=-1) - 1).max(), abs(cross.weights.sum(axis=-1) - 1).max()))
    fits = run.out.shape == (len(words), 2) and crossed.shape == (2, 2)
    return Step(
        "The query asks, the key is matched, the value is returned",
        (
            Table(
                f"Shapes with your {len(words)} words, and with 2 queries from another sequence",
                (
                    Column("name", "part"),
                    Column("what", "role"),
                    Column("self", "self"),
                    Column("cross", "cross"),
                ),
                rows,
            ),
            Text(
                "In self-attention queries, keys and values are all made from one sequence. In cross-attention the "
                "queries come from another one: a decoder asks, the encoder's words are matched and returned. The "
                "function is the same, and there is one output for each query."
            ),
            Check("sums", "every row of weights sums to 1, in both", 0.0, error, 1e-12, error <= 1e-12),
            Check("one-each", "as many outputs as queries", "yes", "yes" if fits else "no", "exact", fits),
        ),
        ("tfx explain attention-qkv", "tfx explain attention-shapes"),
    )


def closing(seed: int) -> Step:
    """What to say, and the proof that the lookup can be trained."""
    rng = np.random.default_rng(seed)
    inputs = {"q": rng.standard_normal((3, 4)), "k": rng.standard_normal((5, 4)), "v": rng.standard_normal((5, 2))}
    error = check_gradients(attention_forward, attention_backward, inputs, seed=seed).worst
    return Step(
        "Say it in an interview",
        (
            Text(
                "Attention is a soft, differentiable dictionary lookup: a query is compared with every key, softmax "
                "turns the scores into weights that sum to 1, and the output is that weighted average of the values."
            ),
            Text(
                "The weights are recomputed from the input for every output, instead of squeezing the input into one "
                "vector; what is learned are the projections. In Transformers: softmax(Q K^T / sqrt(d_k)) V."
            ),
            Check(
                "gradient",
                "the lookup is differentiable: hand-derived dq, dk, dv against finite differences",
                0.0,
                error,
                f"relative error {TOLERANCE:.0e}",
                error <= TOLERANCE,
            ),
        ),
        ("tfx quiz attention-intuition", "tfx explain softmax-attention"),
    )
