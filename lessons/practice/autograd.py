"""The verdict on the gradients of an answer in PyTorch: numbers may be right while the graph behind them is cut.

What autograd found is compared with slopes of the truth (slopes.py).  It is judged when every number is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise
from lessons.practice.doctor import doctor
from lessons.practice.judging import Verdict
from lessons.practice.slopes import SURE, Pull, apart, gradient_of, slopes_of
from lessons.practice.trying import Outcome

#: relative to the largest slope of an argument, and to that of all arguments of an input
NEAR, NEAR_ALL = 1e-6, 1e-9
#: the most numbers of an argument whose gradient is worked out to show where it is wrong
MOST = 400


def judge_gradients(exercise: Exercise, pulled: Sequence[Outcome], traceback: str = "") -> Verdict | None:
    """pulled: for each of `slopes.pulls_of` the Outcome of `tensors.pull`.  None where all is right."""
    known = slopes_of(exercise)
    if len(pulled) != len(known):
        return Verdict(exercise.name, "gradient", "its process ended before the gradients could be asked for.")
    for pull, outcome in zip(known, pulled, strict=True):
        if not outcome.raised:
            if _fits_all(pull, outcome.value[0]):
                continue
            pull = apart(exercise, pull, np.random.default_rng(16), SURE)
        found = _verdict(exercise, pull, outcome, traceback)
        if found is not None:
            return found
    return None


def _fits_all(pull: Pull, gradients: dict[str, Any]) -> bool:
    together = _fit_together(pull, gradients) if pull.together else True
    return together and all(_fits(pull, path, gradients.get(path)) for path in pull.arguments)


def _verdict(exercise: Exercise, pull: Pull, outcome: Outcome, traceback: str) -> Verdict | None:
    about = f"input: {exercise.cases[pull.place].about}"
    if outcome.raised:
        says = f"the numbers are right, and with inputs that ask for gradients it raises {outcome.raised[0]}: {outcome.raised[1]}"
        return Verdict(exercise.name, "gradient", says, (about, *([traceback.rstrip()] if traceback else [])))
    gradients, carried = outcome.value
    wrong = [path for path in pull.arguments if not _fits(pull, path, gradients.get(path))]
    if not wrong:
        return None
    first, names = wrong[0], dict(_labels(exercise, pull))
    have = gradients.get(first)
    evidence = [about]
    cut = {how: [names[path] for path, one in carried.items() if one == how] for how in ("number", "cut")}
    if cut["number"]:
        says = f"{_joined(cut['number'])} is no tensor: no gradient can go back through it (.item(), float, tolist)."
    elif cut["cut"]:
        says = (
            f"no graph hangs on {_joined(cut['cut'])}: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."
        )
    elif have is None or not np.any(have):
        says = f"no gradient arrives at {first}: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."
    elif not np.isfinite(have).all():
        says = (
            f"the gradient for {first} is not finite: a NaN or an infinity that is replaced behind a step "
            "still goes through the gradient of that step."
        )
    else:
        says = f"the gradient for {first} is wrong: is a part of the way cut off (detach, .data, torch.no_grad)?"
        evidence += _shown(exercise, pull, first, have)
    right = [path for path in pull.arguments if path not in wrong]
    if right:
        evidence.append(f"right: the gradient for {_joined(right)}.")
    return Verdict(exercise.name, "gradient", f"the numbers are right, and {says}", tuple(evidence))


def _fit_together(pull: Pull, gradients: dict[str, Any]) -> bool:
    largest = max(abs(slope.value) for _, slope in pull.together)
    for directions, slope in pull.together:
        got = math.fsum(
            float((gradients[path] * d).sum()) for path, d in directions.items() if gradients[path] is not None
        )
        if not abs(got - slope.value) <= NEAR_ALL * largest + 10 * slope.error:
            return False
    return True


def _fits(pull: Pull, path: str, have: np.ndarray | None) -> bool:
    everything = max((abs(slope.value) for some in pull.arguments.values() for _, slope in some), default=0.0)
    slopes = pull.arguments[path]
    largest = max((abs(slope.value) for _, slope in slopes), default=0.0)
    for direction, slope in slopes:
        got = 0.0 if have is None else float((have * direction).sum())
        if not abs(got - slope.value) <= NEAR * largest + NEAR_ALL * everything + 10 * slope.error:
            return False
    return True


def _shown(exercise: Exercise, pull: Pull, path: str, have: np.ndarray) -> list[str]:
    """The number that is furthest off, and what would make the one gradient the other."""
    want = gradient_of(exercise, pull, path) if have.size <= MOST else None
    if want is None:
        return []
    at = tuple(int(n) for n in np.unravel_index(int(np.abs(have - want).argmax()), want.shape))
    place = f"[{', '.join(map(str, at))}]" if at else ""
    label = f"the gradient for {path}"
    return [f"{label} at {path}{place} is {have[at]:.6g}, and {want[at]:.6g} is right.", *doctor(label, have, want)]


def _labels(exercise: Exercise, pull: Pull) -> list[tuple[str, str]]:
    """path of a result -> what it is called."""
    names = [one.partition(":")[0] for one in exercise.results]
    if len(names) == 1:
        return [(path, names[0]) for path in pull.upstream]
    return [(path, next((n for k, n in enumerate(names) if path.startswith(f"[{k}]")), path)) for path in pull.upstream]


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
