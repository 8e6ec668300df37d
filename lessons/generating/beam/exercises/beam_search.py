"""Beam search over a model that is given as a table."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise, Given

exercise = Exercise(
    "beam-search",
    "Beam search with a length penalty",
    autograd=False,
    step="by_hand",
    level=3,
    rules=[
        "log_p is (N, V, V): log_p[t, i, j] is the log-probability that token j follows token i as new token number t, "
        "counted from 0. Before the first new token stands start. A text has at most N new tokens.",
        "One step: all continuations of all open texts are put in order of the sum of their log_p, the largest first; "
        "of equal sums the text in front comes first, then the lower id. Sums of -inf are left out.",
        "Continuations by the token end among the first `width` of this order are finished. They take no place: the first "
        "`width` that are not end stay open, in this order.",
        "It goes on until N steps are done or nothing is open. Texts still open after step N are finished as well.",
        "The score of a text of L new tokens, end included, is its sum over ((5 + L) / 6)**alpha. The best score wins; "
        "of equal scores the text that was finished first, and in one step the one in front.",
        "tokens are the new ones, without start and with end; score is the score, not the sum. log_p stays as it is.",
    ],
    hints=[
        "Open texts are pairs (tokens, sum), at first [((), 0.0)]. One step makes a list of all their continuations.",
        "A stable sort by -sum breaks ties by the order in which you made the list: text by text, id by id.",
        "Walk through the sorted list with a counter: what is end and early enough goes to the finished ones, what is "
        "not end fills up the open ones.",
        "Only at the very end are texts of different lengths compared. By what are their sums divided?",
    ],
    learned="each step keeps the best few sums, finished texts step aside, and lengths are made comparable at the end.",
    results=["tokens: (L,)", "score: one number"],
)


@exercise.stub
def beam_search(log_p, start, end, width, alpha=0.0):
    """The best text that a beam of `width` open texts finds.

    log_p: (N, V, V), [t, i, j] = log p(new token t is j | the token before is i); start, end: ids
    -> tokens: a list of at most N ids, score: a number
    """
    ...


@exercise.solution
def solution(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    is_open: list[tuple[list[int], float]] = [([], 0.0)]
    finished: list[tuple[list[int], float]] = []
    for step in log_p:
        last = [tokens[-1] if tokens else start for tokens, _ in is_open]
        sums = np.array([total for _, total in is_open])[:, None] + step[last]  # (open, V)
        going_on: list[tuple[list[int], float]] = []
        for rank, place in enumerate(np.argsort(-sums, axis=None, kind="stable")):
            row, token = divmod(int(place), step.shape[1])
            if len(going_on) == width or sums[row, token] == -np.inf:
                break
            text = ([*is_open[row][0], token], float(sums[row, token]))
            if token != end:
                going_on.append(text)
            elif rank < width:
                finished.append(text)
        is_open = going_on
        if not is_open:
            break
    finished += is_open
    scores = [total / ((5 + len(tokens)) / 6) ** alpha for tokens, total in finished]
    best = int(np.argmax(scores))  # the first of equal ones
    return finished[best][0], scores[best]


@exercise.truth
def truth(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Texts as dictionary keys and Python floats; the library agrees, tests/lessons/practice/test_variants_generating.py."""
    beams: dict[tuple[int, ...], float] = {(): 0.0}
    done: dict[tuple[int, ...], float] = {}
    for step in log_p.tolist():
        longer = {
            (*text, token): total + more
            for text, total in beams.items()
            for token, more in enumerate(step[text[-1] if text else start])
            if more > -math.inf
        }
        order = sorted(longer, key=lambda text, longer=longer: -longer[text])  # type: ignore[misc]
        done |= {text: longer[text] for text in order[:width] if text[-1] == end}
        beams = {text: longer[text] for text in [text for text in order if text[-1] != end][:width]}
    done |= beams
    scores = {text: total / ((5 + len(text)) / 6) ** alpha for text, total in done.items()}
    best = max(scores, key=lambda text: scores[text])
    return list(best), scores[best]


@exercise.equal
def with_heaps(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The best are taken from heaps, and the best finished text is remembered alone."""
    beams: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    best: tuple[float, tuple[int, ...]] = (-math.inf, ())
    for t in range(len(log_p)):
        longer = [
            (-(total + float(log_p[t, ([start, *text])[-1], token])), place, token, text)
            for place, (text, total) in enumerate(beams)
            for token in range(log_p.shape[1])
        ]
        most = 2 * width + len(beams)  # each open text has one continuation by end
        front = [one for one in heapq.nsmallest(most, longer) if one[0] < math.inf]
        for minus, _, token, text in front[:width]:
            score = -minus / ((6 + len(text)) / 6) ** alpha
            if token == end and score > best[0]:
                best = (score, (*text, token))
        beams = [((*text, token), -minus) for minus, _, token, text in front if token != end][:width]
    for text, total in beams:
        score = total / ((5 + len(text)) / 6) ** alpha
        if score > best[0]:
            best = (score, text)
    return np.array(best[1]), best[0]


@exercise.equal
def with_back_pointers(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Each step keeps last tokens, sums and where they came from; the best text is read backwards."""
    last, sums = np.array([start]), np.zeros(1)
    came: list[tuple[Any, Any]] = []  # of each step: rows before, tokens
    ends: list[tuple[float, int, int, int]] = []  # score, step, row before, token
    steps = 0
    for t in range(len(log_p)):
        both = sums[:, None] + log_p[t, last]
        order = np.argsort(-both.ravel(), kind="stable")
        order = order[np.isfinite(both.ravel()[order])]
        rows, tokens = np.unravel_index(order, both.shape)
        for row, token in zip(rows[:width], tokens[:width], strict=True):
            if token == end:
                ends.append((both[row, token] / ((6 + t) / 6) ** alpha, t, int(row), int(token)))
        goes_on = np.flatnonzero(tokens != end)[:width]
        rows, tokens = rows[goes_on], tokens[goes_on]
        sums, last, steps = both[rows, tokens], tokens, t + 1
        came.append((rows, tokens))
        if not len(rows):
            break
    rest = [(total / ((5 + steps) / 6) ** alpha, steps, place, -1) for place, total in enumerate(sums)]
    score, t, row, token = max(ends + rest, key=lambda one: one[0])
    text = [] if token < 0 else [token]
    for rows, tokens in reversed(came[:t]):
        text.append(int(tokens[row]))
        row = int(rows[row])
    return text[::-1], score


def table(seed: int, n: int, v: int, spread: float, end: int, by: float) -> Any:
    """(n, v, v) log-probabilities; the scores of end are lower by `by`."""
    scores = spread * np.random.default_rng(seed).standard_normal((n, v, v))
    scores[..., end] -= by
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def written(n: int, v: int, log_p: dict[tuple[int, int, int], float]) -> Any:
    """-inf wherever nothing is said."""
    found = np.full((n, v, v), -np.inf)
    for place, value in log_p.items():
        found[place] = value
    return found


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    """Seeds whose tables tell many mistakes apart: on most random ones a beam finds what greedy decoding finds."""

    def given(
        seed: int, n: int, v: int, width: int, start: int, end: int, spread: float, by: float, alpha: float
    ) -> dict[str, Any]:
        more = {"alpha": alpha} if alpha else {}
        return {"log_p": table(seed, n, v, spread, end, by), "start": start, "end": end, "width": width} | more

    yield Given("width 2", given(2847, 5, 7, 2, 0, 5, 1.5, 0.5, 0.0))
    yield Given("width 3", given(936, 5, 5, 3, 4, 4, 2.0, 0.5, 0.0))
    yield Given("width 4", given(40, 5, 7, 4, 2, 6, 1.0, 2.0, 0.0))
    yield Given("width 1", given(5, 5, 4, 1, 0, 3, 2.0, 0.5, 1.0))
    yield Given("a small length penalty", given(1356, 5, 4, 2, 3, 3, 1.0, -0.5, 0.6))
    yield Given("a length penalty", given(34, 4, 6, 3, 1, 3, 0.7, 0.5, 1.0))
    yield Given("a large length penalty", given(4995, 7, 7, 2, 1, 6, 2.0, -0.5, 1.5))
    yield Given("N = V", given(2656, 5, 5, 3, 4, 0, 1.5, 0.5, 1.5))
    yield Given("N = V = width", given(3395, 4, 4, 4, 3, 3, 1.0, -0.5, 0.6))
    yield Given("start is end", given(860, 5, 3, 2, 0, 0, 2.0, 0.0, 1.5))
    yield Given("one step", given(3, 1, 5, 3, 0, 4, 1.0, 0.0, 0.0))
    yield Given("wider than all that there is", given(4, 3, 3, 40, 0, 1, 1.0, 0.0, 1.0))
    yield Given("end is never likely", given(6, 4, 4, 2, 0, 3, 1.0, 50.0, 0.0))
    front = {(0, 0, token): math.log(p) for token, p in enumerate((0.1, 0.3, 0.2, 0.4))}
    later = {
        (t, i, j): math.log(0.97 if i == j == 2 else 0.01 if i == 2 else 0.25)
        for t in range(1, 6)
        for i in range(3)
        for j in range(4)
    }
    yield Given(
        "end stands in front of what wins",
        {"log_p": written(6, 4, front | later), "start": 0, "end": 3, "width": 2, "alpha": 1.5},
    )
    closed = {(0, 0, 1): -60.0, (0, 0, 3): -40.0, (1, 1, 3): -3.0}
    yield Given(
        "nothing goes on after two steps",
        {"log_p": written(4, 4, closed), "start": 0, "end": 3, "width": 3, "alpha": 3.0},
    )
    half = math.log(0.5)
    both = {(0, 0, 1): half, (0, 0, 2): half, (1, 1, 3): -1.0, (1, 2, 3): -1.0, (1, 1, 1): -1.5, (1, 2, 2): -1.6}
    after = {(t, 1, 1): -6.0 for t in (2, 3)} | {(t, 2, 2): -0.01 for t in (2, 3)}
    yield Given(
        "both texts end in front of what wins",
        {"log_p": written(4, 4, both | after), "start": 0, "end": 3, "width": 2, "alpha": 1.5},
    )
    begun = {(0, 0, 1): half, (0, 0, 2): half, (1, 2, 2): half, (2, 1, 3): 0.0, (2, 2, 3): 4 * half}
    same = begun | {(1, 1, 1): 2 * half, (1, 1, 2): 3 * half, (1, 2, 1): 2 * half}
    yield Given("equal sums of two texts", {"log_p": written(3, 4, same), "start": 0, "end": 3, "width": 2})
    crossed = {(0, 0, 1): half, (0, 0, 2): half, (1, 2, 0): half, (1, 1, 2): 2 * half, (1, 2, 1): 2 * half}
    ends = {(2, 0, 3): 5 * half, (2, 1, 3): 0.0, (2, 2, 3): 0.0}
    yield Given(
        "equal sums, the lower id behind", {"log_p": written(3, 4, crossed | ends), "start": 0, "end": 3, "width": 2}
    )
    late = {(0, 0, 3): half, (0, 0, 1): half, (1, 1, 3): 0.0}
    yield Given(
        "equal scores of a short and a longer text", {"log_p": written(2, 4, late), "start": 0, "end": 3, "width": 2}
    )
    every = {place: 2 * half for place in np.ndindex(3, 4, 4) if place[2] != 3}
    yield Given("all sums equal", {"log_p": written(3, 4, every), "start": 1, "end": 3, "width": 2})
    single = given(4543, 5, 7, 4, 1, 6, 0.7, 0.5, 1.0)
    yield Given("float32", single | {"log_p": single["log_p"].astype(np.float32)})
    plain = given(936, 5, 5, 3, 4, 4, 2.0, 0.5, 0.0)
    yield Given("float32, no length penalty", plain | {"log_p": plain["log_p"].astype(np.float32)})
