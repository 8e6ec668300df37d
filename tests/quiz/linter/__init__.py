"""The linter of the quiz bank: what is wrong with an item, in one sentence that says what to do.

`make test` runs it over every topic with fewer drawings (tests/quiz/test_linter.py), and an author can ask about one:

    .venv/bin/python -m tests.quiz.linter                    the whole bank
    .venv/bin/python -m tests.quiz.linter softmax-attention  one topic, and what concerns the bank

strategies.py     what someone gets who knows no Transformers but knows tests: the longest option, the one with a reason
options.py        one item: an option that gives itself away, fillers, twins, whys that say nothing
drawings.py       200 drawings of a computed item: mistakes that fall together, numbers that the question hides
conventions.toml  words that a stem must have when its answer depends on a convention

What it cannot see, and a reader must: whether the key is true and whether a why is; whether anybody believes a wrong
option; whether an expert could defend one by a convention that is not in the lexicon (ALBERT shares its projections,
and a narrow initialisation does not saturate); whether a stem assumes something that only the lesson says; whether a
misconception has the name that other topics give it; whether options are parallel in grammar beyond their first word
and their last sign.  A number that every drawing hides in the same way is seen by the second opinions alone
(tests/quiz/test_second_opinions_*.py), which have nothing but the question.
"""

from __future__ import annotations

from collections.abc import Iterable

from lessons.quiz import Item
from tests.quiz.linter.conventions import unstated_conventions
from tests.quiz.linter.drawings import SEEDS, faults_of_drawings
from tests.quiz.linter.finding import Finding
from tests.quiz.linter.options import faults_of_options


def findings(items: Iterable[Item], drawings: int = SEEDS) -> list[Finding]:
    """Everything that is wrong with these items by themselves; what concerns the bank is in strategies.py."""
    return [
        found
        for item in items
        for found in (*faults_of_options(item), *faults_of_drawings(item, drawings), *unstated_conventions(item))
    ]
