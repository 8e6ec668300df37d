"""Speculative decoding: a small model drafts, the large one checks many tokens at once, and nobody can tell.

One round.  The draft model writes d_1 .. d_g, each drawn from its own distribution q_i.  The target reads all of them
in one pass, which costs hardly more time than reading one, and gives p_1 .. p_(g+1), p_i for the place of d_i.  Then,
from the left:

    accept d_i with probability   a_i = min(1, p_i(d_i) / q_i(d_i))
    at the first rejection        draw the token of this place from the residual
                                      r(x) = max(0, p(x) - q(x)) / sum_y max(0, p(y) - q(y))       and end the round
    if all were accepted          draw one more token from p_(g+1)

So a round gives 1 to g + 1 tokens for one pass of the target.

Why nothing changes.  What is the probability that a place gets the token x?  Either x was drafted and accepted,

    q(x) min(1, p(x) / q(x)) = min(q(x), p(x))

or something was rejected, with probability 1 - sum_y min(q(y), p(y)), and x was drawn from the residual.  As p and q
both sum to 1, the sum of max(0, p - q) = p - min(p, q) is that same number, so it cancels and what is left is

    max(0, p(x) - q(x)) = p(x) - min(p(x), q(x))

Together p(x), whatever q is.  The condition on p and q is the text so far, which was written in the same way; so by
induction the whole text has the distribution of plain sampling from the target.  The draft decides only how fast.

How fast.  A place accepts with probability sum_x min(p, q) = 1 - TV(p, q), one minus the total variation distance.  If
that were a at every place, independently, a round would give (1 - a^(g + 1)) / (1 - a) tokens on average.

Rejected tokens were read by both models already: their keys and values are forgotten (`Reader.back_to`).
Sources: Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via Speculative Decoding", section 2.3,
appendix A.1, and theorem 3.5 and equation 1 for the speed; Chen et al. 2023, "Accelerating Large Language Model
Decoding with Speculative Sampling", algorithm 2 and theorem 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import number, whole_number
from tfx.generate.choose_reader import reader_of
from tfx.generate.draws import Chance, Draws
from tfx.generate.reader import Reader
from tfx.generate.shaping import Shaping, probabilities_of
from tfx.generate.stopping import LENGTH, Stopping


class Speculation(NamedTuple):
    """ids: the new tokens.  reason: "end", "stop" or "length".

    rounds: passes of the target.  drafted: how many drafted tokens were judged, up to the first rejection of each
    round; accepted: how many of those stayed.
    """

    ids: np.ndarray
    reason: str
    rounds: int
    drafted: int
    accepted: int


def speculative_sample(
    target: Any,
    draft: Any,
    prompt: Sequence[int] | np.ndarray,
    n: int,
    seed: int | Chance,
    n_draft: int = 4,
    shaping: Shaping | None = None,
    stopping: Stopping | None = None,
) -> Speculation:
    """prompt: (T,) ids -> up to n new tokens with the distribution of sampling from the target alone.

    target, draft: language models or Readers over one vocabulary.  n_draft: g.  shaping: applied to both; the result
    then has the target's shaped distribution.  One text at a time: in a batch, every row would accept another number.
    Raises ValueError for an empty prompt, a negative n or n_draft, or models whose vocabularies differ.
    """
    if not hasattr(prompt, "__len__") or not len(prompt) or any(np.ndim(token) for token in prompt):
        raise ValueError("speculation needs one prompt of at least one token")
    if np.asarray(prompt).dtype.kind not in "iu":
        raise TypeError(f"a prompt is made of integer ids, not of {np.asarray(prompt).dtype}")
    whole_number("n", n, 0)
    whole_number("n_draft", n_draft, 0)
    shaping, stopping = shaping or Shaping(), stopping or Stopping()
    chance: Any = seed if hasattr(seed, "token") and hasattr(seed, "happens") else Draws(seed)
    large, small = reader_of(target), reader_of(draft)
    large.begin(1)
    small.begin(1)
    text, start = [int(token) for token in prompt], len(prompt)
    rounds = drafted = accepted = 0
    while len(text) - start < n:
        n_ahead = min(n_draft, n - (len(text) - start) - 1)  # the round itself adds one more
        ahead, q = _draft(small, text, n_ahead, shaping, chance)
        p = _expected(large, [*text, *ahead], n_ahead + 1, shaping)
        n_accepted, token = judge(p, q, ahead, chance)
        rounds, accepted, drafted = rounds + 1, accepted + n_accepted, drafted + min(n_accepted + 1, n_ahead)
        for reader in (large, small):
            reader.back_to(min(reader.length, len(text) + n_accepted))
        for new in (*ahead[:n_accepted], token):
            text.append(new)
            reason = stopping.reason(text[start:])
            if reason is not None:
                return Speculation(np.array(text[start:]), reason, rounds, drafted, accepted)
    return Speculation(np.array(text[start:], dtype=np.int64), LENGTH, rounds, drafted, accepted)


def judge(p: np.ndarray, q: np.ndarray, ahead: Sequence[int], chance: Chance) -> tuple[int, int]:
    """p: (g + 1, V) of the target, q: (g, V) of the draft, ahead: g drafted tokens -> how many stay, and the token
    that follows them.  Raises ValueError when the vocabularies differ.
    """
    if len(q):
        _check_vocabularies(p, q)
    for i, token in enumerate(ahead):
        if not chance.happens(acceptance(p[i], q[i], token)):
            return i, chance.token(residual(p[i], q[i]))
    return len(ahead), chance.token(p[len(ahead)])


def acceptance(p: np.ndarray, q: np.ndarray, token: int) -> float:
    """p, q: (V,) -> min(1, p / q) at a token that was drawn from q, so that q is not 0 there."""
    return min(1.0, float(p[token]) / float(q[token]))


def residual(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """p, q: (V,) -> max(0, p - q), normalised; p itself if they are equal, when nothing is ever rejected.

    Raises ValueError when the vocabularies differ.
    """
    _check_vocabularies(p, q)
    more = np.maximum(p - q, 0.0)
    total = more.sum()
    return more / total if total > 0 else p


def acceptance_rate(p: np.ndarray, q: np.ndarray) -> float:
    """p, q: (V,) -> sum_x min(p, q) = 1 - TV(p, q): how often a drafted token stays.  Raises as `residual` does."""
    _check_vocabularies(p, q)
    return float(np.minimum(p, q).sum())


def expected_tokens(rate: float, n_draft: int) -> float:
    """Tokens a round gives on average, if every place accepts with the same rate: 1 + a + ... + a^g.

    Raises ValueError unless 0 <= a <= 1 and g is not negative.
    """
    number("rate", rate, 0, 1)
    whole_number("n_draft", n_draft, 0)
    return sum(rate**i for i in range(n_draft + 1))


def _check_vocabularies(p: np.ndarray, q: np.ndarray) -> None:
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(f"the target knows {p.shape[-1]} tokens but the draft knows {q.shape[-1]}")


def _draft(
    reader: Reader, text: Sequence[int], n_ahead: int, shaping: Shaping, chance: Chance
) -> tuple[list[int], np.ndarray]:
    """-> g tokens, and the distributions (g, V) that they were drawn from."""
    ahead: list[int] = []
    q = []
    for _ in range(n_ahead):
        q.append(_expected(reader, [*text, *ahead], 1, shaping)[0])
        ahead.append(chance.token(q[-1]))
    return ahead, np.array(q)


def _expected(reader: Reader, text: Sequence[int], n_last: int, shaping: Shaping) -> np.ndarray:
    """(n_last, V): the distributions after each of the last n_last tokens of the text; reads what is not yet read."""
    logits = reader.read(np.array([text[reader.length :]], dtype=np.int64).reshape(1, -1), n_last)[0]
    beginnings = [text[: len(text) - n_last + 1 + i] for i in range(n_last)]
    return probabilities_of(shaping(logits, beginnings))
