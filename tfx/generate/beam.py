"""Beam search: the `width` best beginnings of a text are kept and continued side by side.

    score of a text y = log p(y) / divisor(|y|)          log p(y) = sum_t log p(y_t | y_<t), the end token included

    divisor "sum"     1                                  the probability itself: favours short texts
            "mean"    |y|                                the mean log-probability of a token
            "gnmt"    ((5 + |y|) / 6)^a                  Wu et al. 2016, section 7, equation 14

One step.  All continuations of all open beams are put in order of log p.  Those of the best `width` that end the text
are finished: they are kept apart and take no place from the others.  The best `width` of the rest stay open.

When to stop.
    "first"     when `width` texts have finished.  Later ones might still score better.
    "bound"     when no open beam can reach the n_best-th best finished one.  log p only falls and the divisor only
                grows, so a beam with log p now cannot end above log p / divisor(longest): nothing is lost by stopping.
    "length"    only at the longest length.
Open beams that reach the longest length join the finished ones, marked as not ended.

Exact settings.  width 1 with "first" is greedy decoding.  A width of V^(n - 1) or more drops nothing until the last
token, so with "bound" or "length" the result is the best of all texts.  In between nothing is promised: a wider beam
may find a worse text, and any beam may find a worse one than greedy decoding does.
Sources: Graves 2012, "Sequence Transduction with Recurrent Neural Networks", section 2.4; Sutskever, Vinyals and Le
2014, section 3.2; Wu et al. 2016, "Google's Neural Machine Translation System", section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import number, whole_number
from tfx.generate.choose_reader import reader_of
from tfx.generate.stopping import LENGTH, Stopping
from tfx.ops.basics.embedding import check_ids
from tfx.ops.basics.log_softmax import log_softmax_forward

DIVISORS = ("sum", "mean", "gnmt")
RULES = ("first", "bound", "length")


class Hypothesis(NamedTuple):
    """ids: the new tokens, with what ended the text.  reason: "end", "stop" or "length"."""

    ids: tuple[int, ...]
    log_probability: float
    score: float
    reason: str


class _Beam(NamedTuple):
    ids: tuple[int, ...]
    log_probability: float


def beam_search(
    model: Any,
    prompt: Sequence[int] | np.ndarray,
    n: int,
    width: int,
    stopping: Stopping | None = None,
    divisor: str = "sum",
    alpha: float = 0.6,
    rule: str = "first",
    n_best: int = 1,
) -> list[Hypothesis]:
    """prompt: (T,) ids -> the n_best texts of up to n new tokens, best score first; fewer if fewer were found.

    model: a language model or a Reader of one row, such as translation_of(model, src[:1]) with the prompt [start].
    alpha: a of "gnmt"; 0 is "sum".  Ties go to the beam in front and the smaller id.
    Raises ValueError for an empty prompt, a width or n_best below 1, a negative n or alpha, or an unknown name.
    """
    stopping = Stopping() if stopping is None else stopping
    _check(prompt, n, width, divisor, alpha, rule, n_best)
    reader = reader_of(model)
    reader.begin(1)
    ids = np.asarray(prompt)[None, :]
    beams, finished = [_Beam((), 0.0)], list[Hypothesis]()
    for _ in range(n):
        log_p = log_softmax_forward(reader.read(ids, 1)[:, -1].astype(np.float64))[0]  # (beams, V)
        if np.isnan(log_p).any():
            raise ValueError("a logit is NaN")
        rows, beams, ended = _step(beams, log_p, width, stopping)
        finished += [_scored(beam, reason, divisor, alpha) for beam, reason in ended]
        if not beams or _may_stop(rule, finished, beams, width, n_best, length_divisor(n, divisor, alpha)):
            break
        reader.select(rows)
        ids = np.array([[beam.ids[-1]] for beam in beams])
    if beams and len(beams[0].ids) == n:
        finished += [_scored(beam, LENGTH, divisor, alpha) for beam in beams]
    return sorted(finished, key=lambda hypothesis: -hypothesis.score)[:n_best]


def length_divisor(length: int, divisor: str = "sum", alpha: float = 0.6) -> float:
    """What log p of a text of `length` tokens is divided by; 1 for an empty text.

    Raises ValueError for another name.
    """
    if divisor not in DIVISORS:
        raise ValueError(f"divisor must be one of {', '.join(DIVISORS)}, not {divisor!r}")
    if divisor == "sum" or length == 0:
        return 1.0
    return float(length) if divisor == "mean" else ((5.0 + length) / 6.0) ** alpha


def log_probability(model: Any, prompt: Sequence[int] | np.ndarray, ids: Sequence[int]) -> float:
    """log p(ids | prompt), from one pass over everything: what a hypothesis must have."""
    reader = reader_of(model)
    reader.begin(1)
    if not len(ids):
        return 0.0
    logits = reader.read(np.array([[*prompt, *ids[:-1]]]), len(ids))[0]
    check_ids(np.asarray(ids), logits.shape[-1])
    log_p = log_softmax_forward(logits.astype(np.float64))[0]
    return float(log_p[np.arange(len(ids)), np.asarray(ids)].sum())


def _step(
    beams: list[_Beam], log_p: np.ndarray, width: int, stopping: Stopping
) -> tuple[list[int], list[_Beam], list[tuple[_Beam, str]]]:
    """-> which beam each open one continues, the open ones, and those that ended with their reasons."""
    totals = np.array([beam.log_probability for beam in beams])[:, None] + log_p
    n_tokens = log_p.shape[1]
    rows: list[int] = []
    open_beams: list[_Beam] = []
    ended: list[tuple[_Beam, str]] = []
    for rank, best in enumerate(np.argsort(-totals, axis=None, kind="stable")):
        row, token = divmod(int(best), n_tokens)
        if len(open_beams) == width or totals[row, token] == -np.inf:
            break
        beam = _Beam((*beams[row].ids, token), float(totals[row, token]))
        reason = stopping.reason(beam.ids)
        if reason is None:
            rows.append(row)
            open_beams.append(beam)
        elif rank < width:
            ended.append((beam, reason))
    return rows, open_beams, ended


def _may_stop(
    rule: str, finished: list[Hypothesis], beams: list[_Beam], width: int, n_best: int, largest_divisor: float
) -> bool:
    if rule == "first":
        return len(finished) >= width
    if rule == "length" or len(finished) < n_best:
        return False
    to_reach = sorted((hypothesis.score for hypothesis in finished), reverse=True)[n_best - 1]
    return beams[0].log_probability / largest_divisor <= to_reach


def _scored(beam: _Beam, reason: str, divisor: str, alpha: float) -> Hypothesis:
    score = beam.log_probability / length_divisor(len(beam.ids), divisor, alpha)
    return Hypothesis(beam.ids, beam.log_probability, score, reason)


def _check(prompt: Any, n: int, width: int, divisor: str, alpha: float, rule: str, n_best: int) -> None:
    if not hasattr(prompt, "__len__") or not len(prompt) or any(np.ndim(token) for token in prompt):
        raise ValueError("a beam search needs one prompt of at least one token")
    if np.asarray(prompt).dtype.kind not in "iu":
        raise TypeError(f"a prompt is made of integer ids, not of {np.asarray(prompt).dtype}")
    for name, size, least in (("n", n, 0), ("width", width, 1), ("n_best", n_best, 1)):
        whole_number(name, size, least)
    number("alpha", alpha, 0)  # below 0, longer texts would be punished twice
    for kind, name, known in (("divisor", divisor, DIVISORS), ("rule", rule, RULES)):
        if name not in known:
            raise ValueError(f"{kind} must be one of {', '.join(known)}, not {name!r}")
