"""The banks of mistakes, for whoever wants to run them: a wrong function by its id.

    from lessons.practice.bank import mistake_function, mistake_ids

    wrong = mistake_function("attention/not-scaled")
    out, weights = wrong(q, k, v)

`tfx practice list --json` gives each exercise's ids, signature, rules and results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lessons.practice.exercise import exercises, find_exercise
from tfx.errors import unknown_name


def mistake_ids() -> tuple[str, ...]:
    """Ids of all mistakes, in the order of the course."""
    return tuple(mistake.id for exercise in exercises().values() for mistake in exercise.mistakes)


def mistake_function(mistake_id: str) -> Callable[..., Any]:
    """The wrong function of that id, such as "attention/not-scaled"; it takes the arguments of its exercise.

    Raises BadInput, with the nearest name, for an exercise or a mistake that is not there.
    """
    name, _, slug = mistake_id.partition("/")
    exercise = find_exercise(name)
    known = {mistake.id: mistake.function for mistake in exercise.mistakes}
    if f"{exercise.name}/{slug}" not in known:
        raise unknown_name("mistake", mistake_id, known, "tfx practice list --json")
    return known[f"{exercise.name}/{slug}"]
