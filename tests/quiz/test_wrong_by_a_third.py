"""Every computed answer of every topic has a second opinion that notices when the answer is wrong by a third.

The bank is walked, so that a new number or shape item fails here until some test_second_opinions_*.py answers it again.
Such a test is a function that names the id of the item, in its body or as an argument of `parametrize`.  It is run
twice: with the true answer it must pass, with a wrong one it must fail.  Wrong is 4/3 of a number, and each axis of a
shape one longer.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType, ModuleType

import numpy as np
import pytest

from lessons import grading
from lessons.quiz import Item, NumberCase, ShapeCase, all_items
from tests.quiz.faulty_topic.numbers import sound_shape

COMPUTED = [item for item in all_items() if item.kind in ("number", "shape")]
MODULES = [
    importlib.import_module(f"tests.quiz.{path.stem}") for path in Path(__file__).parent.glob("test_second_*.py")
]

Run = Callable[[], None]
Spoil = Callable[[NumberCase | ShapeCase], NumberCase | ShapeCase]


def opinions(id: str, modules: list[ModuleType] = MODULES) -> Iterator[Run]:
    """The tests that answer this item, each ready to be called."""
    for module in modules:
        for name, test in vars(module).items():
            if name.startswith("test_") and callable(test):
                for mark in getattr(test, "pytestmark", ()):
                    if mark.name == "parametrize" and "," not in mark.args[0] and id in list(mark.args[1]):
                        yield lambda test=test, mark=mark: test(**{mark.args[0]: id})
                if id in constants(test.__code__) and not test.__code__.co_argcount:
                    yield test


def constants(code: CodeType) -> set[object]:
    """The constants of a function, and of the functions in it."""
    inner = [constants(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return {constant for constant in code.co_consts if isinstance(constant, str)}.union(*inner)


def spoilt(case: NumberCase | ShapeCase) -> list[Spoil]:
    """The ways in which the answer of an item like this one is made wrong."""
    if isinstance(case, NumberCase):
        return [lambda case: replace(case, answer=case.answer * 4 / 3)]
    return [lambda case, axis=axis: replace(case, answer=longer(case.answer, axis)) for axis in range(len(case.answer))]


def longer(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], shape[axis] + 1, *shape[axis + 1 :])


def notices(item: Item, run: Run, spoil: Spoil, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether this test fails when every drawing of the item, and of no other, has a wrong answer."""
    draw = grading.draw
    with monkeypatch.context() as patch:
        patch.setattr(grading, "draw", lambda one, seed: spoil(draw(one, seed)) if one == item else draw(one, seed))
        try:
            run()
        except (AssertionError, pytest.fail.Exception):
            return True
    return False


@pytest.mark.parametrize("item", COMPUTED, ids=lambda item: item.id)
def test_a_computed_answer_that_is_wrong_by_a_third_is_noticed(item, monkeypatch):
    tests = list(opinions(item.id))
    where = f"add one to tests/quiz/test_second_opinions_{item.topic.replace('-', '_')}.py"
    assert tests, f"topic {item.topic}, item {item.id}: its answer has no second opinion; {where}"
    for run in tests:
        run()
    for number, spoil in enumerate(spoilt(grading.draw(item, 0)), start=1):
        seen = any(notices(item, run, spoil, monkeypatch) for run in tests)
        assert seen, f"topic {item.topic}, item {item.id}: no second opinion notices wrong answer {number}; {where}"


# -- the control: opinions that do not deserve the name ---------------------------------------------------------------


def opinion_module(check: Callable[[float, int], None]) -> ModuleType:
    """A module with one test of faulty/one that looks at 20 drawings with `check`."""
    module = ModuleType("made_up")

    def test_one():
        assert "faulty/one"
        for n in range(20):
            case = grading.ask(FAULTY, n).case
            check(case.answer, case.values["n"])

    module.test_one = test_one
    return module


FAULTY = Item(
    "faulty/one", "faulty", "number", 1, "{n}?", "{answer}", ("002-q03",), compute="sound",
    package="tests.quiz.faulty_topic",
)  # fmt: skip


def own_formula(answer: float, n: int) -> None:
    assert answer == n + n


def only_positive(answer: float, n: int) -> None:
    assert answer > 0


@pytest.mark.parametrize(("check", "noticed"), [(own_formula, True), (only_positive, False)])
def test_an_opinion_that_does_not_compute_is_no_opinion(check, noticed, monkeypatch):
    (run,) = opinions("faulty/one", [opinion_module(check)])
    run()
    (spoil,) = spoilt(grading.draw(FAULTY, 0))
    assert notices(FAULTY, run, spoil, monkeypatch) is noticed


def test_an_item_that_no_test_names_has_no_opinion():
    assert list(opinions("faulty/two", [opinion_module(own_formula)])) == []
    assert list(opinions("faulty/one")) == []


def test_each_axis_of_a_shape_is_made_wrong():
    case = sound_shape(np.random.default_rng(0))
    first, second = case.answer
    assert [spoil(case).answer for spoil in spoilt(case)] == [(first + 1, second), (first, second + 1)]
