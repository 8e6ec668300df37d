"""Asks a quiz item and judges the answer.  Pure: the same item and seed give the same question.

    question = ask(item, seed)         numbers drawn, choices shuffled
    verdict = grade(question, text)    right or wrong, which misconception, and why

NumPy is imported only when a computed item is asked.
"""

from __future__ import annotations

import hashlib
import importlib
import random
from dataclasses import dataclass

from lessons.answers import Unreadable, read_number, read_picks, read_shape
from lessons.estimate_answers import read_estimate, show_estimate
from lessons.quiz import BadCourseFile, EstimateCase, Item, NumberCase, ShapeCase, Wrong


@dataclass(frozen=True)
class Asked:
    """A question as the reader sees it.

    choices: the options, steps or key points, in the order shown; `order[i]` is the place of choice i in the item.
    answer: the right answer in words or numbers.  case: the drawn numbers of a computed item.
    """

    item: Item
    seed: int
    prompt: str
    explain: str
    answer: str
    choices: tuple[str, ...] = ()
    order: tuple[int, ...] = ()
    case: NumberCase | ShapeCase | None = None


@dataclass(frozen=True)
class Verdict:
    """score is 1 or 0, or for an open item the share of key points that were said.  `given` is the answer as read."""

    correct: bool
    score: float
    given: str
    answer: str
    explain: str
    misconception: str = ""
    why: str = ""


#: what the function of a computed item returns, by its kind
CASES: dict[str, type[NumberCase | ShapeCase]] = {"number": NumberCase, "shape": ShapeCase, "estimate": EstimateCase}
#: an open answer counts as right from this share of key points on
OPEN_PASS = 0.75


def item_seed(seed: int, item_id: str) -> int:
    """The seed of one item within a round: depends on nothing but the round's seed and the id."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{item_id}".encode()).digest()[:4], "big")


def ask(item: Item, seed: int) -> Asked:
    """Draws the numbers or shuffles the choices of `item`.  Raises BadCourseFile when its numbers.py fails it."""
    if item.kind in CASES:
        case = draw(item, seed)
        answer = _shown(case)
        prompt, explain = _fill(item, case, answer)
        return Asked(item, seed, prompt, explain, answer, case=case)
    if item.kind == "open":
        answer = "; ".join(item.key_points)
        return Asked(item, seed, item.prompt, item.explain, answer, item.key_points, tuple(range(len(item.key_points))))
    texts = item.steps if item.kind == "order" else tuple(option.text for option in item.options)
    order = _shuffled(len(texts), seed, never_sorted=item.kind == "order")
    choices = tuple(texts[i] for i in order)
    if item.kind == "order":
        answer = " ".join(str(order.index(i) + 1) for i in range(len(texts)))
    else:
        answer = "; ".join(f"{n}: {texts[i]}" for n, i in enumerate(order, start=1) if item.options[i].correct)
    return Asked(item, seed, item.prompt, item.explain, answer, choices, order)


def draw(item: Item, seed: int) -> NumberCase | ShapeCase:
    """Calls the item's function in numbers.py with a generator made from `seed`."""
    import numpy as np

    try:
        numbers = importlib.import_module(item.package + ".numbers")
    except Exception as error:
        raise BadCourseFile(f"{item.id}: {item.package}.numbers: {type(error).__name__}: {error}") from error
    compute = getattr(numbers, item.compute, None)
    if not callable(compute):
        raise BadCourseFile(f"{item.id}: {item.package}.numbers has no function {item.compute}")
    try:
        case = compute(np.random.default_rng(seed))
    except BadCourseFile:
        raise
    except Exception as error:
        raise BadCourseFile(f"{item.id}: {item.compute} fails: {type(error).__name__}: {error}") from error
    wanted = CASES[item.kind]
    if not isinstance(case, wanted):
        raise BadCourseFile(f"{item.id}: {item.compute} must return a {wanted.__name__}")
    return case


def grade(asked: Asked, text: str) -> Verdict:
    """Judges what was typed.  Raises Unreadable, with a kind message, when it is no answer to this kind of item."""
    item = asked.item
    if item.kind in CASES:
        return _grade_case(asked, text)
    picks = tuple(asked.order[i] for i in read_picks(text, len(asked.choices)))
    given = " ".join(str(asked.order.index(i) + 1) for i in picks)
    if item.kind == "open":
        score = len(picks) / len(item.key_points)
        missed = [str(i + 1) for i in range(len(item.key_points)) if i not in picks]
        why = f"Not said: {', '.join(missed)}." if missed else ""
        return Verdict(score >= OPEN_PASS, score, given or "none", asked.answer, asked.explain, why=why)
    if item.kind == "order":
        return _grade_order(asked, picks, given)
    if item.kind == "choice" and len(picks) != 1:
        raise Unreadable("Please pick exactly one.")
    return _grade_options(asked, picks, given)


def is_close(given: float, value: float, tolerance: float) -> bool:
    """Within the relative tolerance of `value` (absolute where the value is 0); tolerance 0 still forgives rounding."""
    return abs(given - value) <= max(tolerance, 1e-9) * (abs(value) or 1.0)


def show_number(value: float) -> str:
    """Four significant digits, but whole numbers in full."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.4g}"


def _grade_case(asked: Asked, text: str) -> Verdict:
    case = asked.case
    match: Wrong | None = None
    if isinstance(case, NumberCase):
        estimated = isinstance(case, EstimateCase)
        number = read_estimate(text, case.unit) if estimated else read_number(text, case.unit)
        correct = is_close(number, case.answer, case.tolerance)
        reach = case.near if isinstance(case, EstimateCase) else case.tolerance
        near = [w for w in case.wrong if isinstance(w.value, float | int) and is_close(number, w.value, reach)]
        match = min(near, key=lambda wrong: abs(number - _number(wrong)), default=None)
        given = text.strip()
    else:
        assert isinstance(case, ShapeCase)
        shape = read_shape(text)
        correct = shape == tuple(case.answer)
        match = next((wrong for wrong in case.wrong if wrong.value == shape), None)
        given = show_shape(shape)
    if correct or match is None:
        return Verdict(correct, float(correct), given, asked.answer, asked.explain)
    return Verdict(False, 0.0, given, asked.answer, asked.explain, match.misconception, match.why)


def _grade_options(asked: Asked, picks: tuple[int, ...], given: str) -> Verdict:
    options = asked.item.options
    taken = [options[i] for i in picks if not options[i].correct]
    left_out = [i for i, option in enumerate(options) if option.correct and i not in picks]
    if not taken and not left_out:
        return Verdict(True, 1.0, given, asked.answer, asked.explain)
    reasons = [option.why for option in taken]
    if asked.item.kind == "several":
        reasons += [
            f"Left out: {asked.order.index(i) + 1}: {options[i].text}. {options[i].why}".strip() for i in left_out
        ]
    misconception = taken[0].misconception if taken else ""
    return Verdict(False, 0.0, given or "none", asked.answer, asked.explain, misconception, " ".join(reasons))


def _grade_order(asked: Asked, picks: tuple[int, ...], given: str) -> Verdict:
    steps = len(asked.item.steps)
    if len(picks) != steps:
        raise Unreadable(
            f"Please name all {steps} steps once, in order, such as {' '.join(map(str, range(steps, 0, -1)))}."
        )
    if picks == tuple(range(steps)):
        return Verdict(True, 1.0, given, asked.answer, asked.explain)
    for mistake in asked.item.mistakes:
        if picks.index(mistake.puts - 1) < picks.index(mistake.before - 1):
            return Verdict(False, 0.0, given, asked.answer, asked.explain, mistake.misconception, mistake.why)
    return Verdict(False, 0.0, given, asked.answer, asked.explain)


def show_shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _shown(case: NumberCase | ShapeCase) -> str:
    if isinstance(case, ShapeCase):
        return show_shape(tuple(case.answer))
    if isinstance(case, EstimateCase):
        return show_estimate(case.answer, case.unit)
    return f"{show_number(case.answer)} {case.unit}".rstrip()


def _fill(item: Item, case: NumberCase | ShapeCase, answer: str) -> tuple[str, str]:
    try:
        explain = item.explain.format(**{**case.values, "answer": answer})
        built = "".join(f"\n{line}" for line in ("", *case.lines)) if isinstance(case, EstimateCase) else ""
        return item.prompt.format(**case.values), explain + built
    except (KeyError, IndexError, ValueError) as error:
        raise BadCourseFile(
            f"{item.id}: the text asks for a value that {item.compute} does not give: {error}"
        ) from None


def _number(wrong: Wrong) -> float:
    assert not isinstance(wrong.value, tuple)
    return float(wrong.value)


def _shuffled(count: int, seed: int, never_sorted: bool) -> tuple[int, ...]:
    """A permutation drawn from the seed; with never_sorted, one that does not give the order away."""
    order = list(range(count))
    generator = random.Random(seed)
    generator.shuffle(order)
    while never_sorted and order == sorted(order):
        generator.shuffle(order)
    return tuple(order)
