"""What the tests of every topic have in common: its checks hold, it refuses what it must, and each check can fail.

A file of tests names its lesson and fills in the table (tests/lessons/test_ffn.py is an example).  Of a check is said
in which step it stands and what spoils what it watches: a function of a run, of pytest's monkeypatch and of `by`, how
much larger than right something becomes, or NaN.  A run is made once, each step is seen to hold on it, and every
spoiler gets a copy.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lessons.course import topics
from tests.lessons.steps import all_text, checks, failed, failed_in, request_for, steps_of
from tfx.errors import BadInput

Spoiler = Callable[[Any, pytest.MonkeyPatch, float], object]


@dataclass(frozen=True)
class Spoilt:
    """How a check of the step `step` is made to fail.

    also: the other checks that fail then.  nan_also: those that fail as well with NaN.  no_nan: why NaN is not tried.
    raises: what NumPy may say of NaN before anything can be compared.
    """

    step: str
    spoil: Spoiler
    also: Collection[str] = ()
    nan_also: Collection[str] = ()
    no_nan: str = ""
    raises: type[Exception] | tuple[()] = ()


@dataclass(frozen=True)
class Asked:
    """What a reader may ask for.  seed: None for each of the seeds that the class names."""

    pairs: tuple[str, ...] = ()
    text: str | None = None
    seed: int | None = None
    untrained: bool = False

    def __str__(self) -> str:
        words = (*self.pairs, *([repr(self.text)] if self.text is not None else []), *["untrained"] * self.untrained)
        return " ".join([*(word[:40] for word in words), f"seed {self.seed or 0}"])


def asked(*pairs: str, text: str | None = None, seed: int | None = None, untrained: bool = False) -> Asked:
    return Asked(pairs, text, seed, untrained)


def name_of(lesson: ModuleType) -> str:
    """The topic whose lesson.py that is."""
    return next(topic.name for topic in topics() if lesson.__name__ == f"{topic.package}.lesson")


def runs_of(lesson: ModuleType) -> Callable[..., Any]:
    """run_of(*pairs, text=None, seed=0, untrained=False): what the steps of that topic share."""
    return lambda *pairs, **more: lesson.Run(request_for(name_of(lesson), *pairs, **more))


class TopicTests:
    """The tests.  lesson: the module.  steps: how many there are.  spoilt: check -> how it is made to fail, in order of
    the lesson; "check: what is wrong" is one more way.  seeds: of the walks with the usual settings.

    changed: what else is asked for, with each of `changed_seeds`; the checks `sometimes` may be missing there.
    refused: settings out of range.  usual: the settings of the run that is spoilt.  elsewhere: checks that other tests
    make fail.  known: name in the lesson -> what stands in for a training, wherever seeds are not the question.
    cold: a run is spoilt before any step has run, since what a run keeps would hide the spoiler.
    """

    lesson: ModuleType
    steps: int
    spoilt: Mapping[str, Spoilt]
    seeds: Iterable[int] = range(3)
    changed: Collection[str | Collection[str] | Asked] = ()
    changed_seeds: Iterable[int] = (1,)
    sometimes: Collection[str] = ()
    refused: Collection[str | Collection[str] | Asked] = ()
    usual: Collection[str] = ()
    elsewhere: Collection[str] = ()
    known: Mapping[str, object] = {}
    by: float = 1.2
    cold: bool = False
    _run: Any
    _seen_to_hold: set[str]

    def __init_subclass__(cls) -> None:
        cls._run, cls._seen_to_hold = None, set()
        for asked_for, name in ((cls.changed, "holds_for_what_else_is_asked"), (cls.refused, "out_of_range")):
            if not asked_for:
                setattr(cls, next(test for test in vars(TopicTests) if name in test), None)

    def run_of(self, *pairs: str, **more: Any) -> Any:
        return runs_of(self.lesson)(*pairs, **more)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "request_" in metafunc.fixturenames:
            usual = {*_each(self.changed, [*self.changed_seeds][:1])}
            every = [*_each(self.changed, self.changed_seeds)]
            metafunc.parametrize("request_", [one if one in usual else slow(one) for one in every], ids=str)
        if "refusal" in metafunc.fixturenames:
            metafunc.parametrize("refusal", [*_each(self.refused, (0,))], ids=str)
        if "seed" in metafunc.fixturenames:
            metafunc.parametrize("seed", [*_few_first(self.seeds)])
        if "id" in metafunc.fixturenames:
            pairs = [(id, by) for id, how in self.spoilt.items() for by in (self.by, math.nan)[: 2 - bool(how.no_nan)]]
            metafunc.parametrize(("id", "by"), pairs)

    def test_every_check_holds_for_every_seed(self, seed: int) -> None:
        steps = steps_of(name_of(self.lesson), seed=seed)
        assert len(steps) == self.steps and not failed(steps) and all_text(steps).isascii()
        assert [id for id in checks(steps) if id not in self.elsewhere] == self._watched
        assert {*self.elsewhere} <= {*checks(steps)}

    def test_every_check_holds_for_what_else_is_asked(self, request_: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stand_in(monkeypatch)
        steps = steps_of(
            name_of(self.lesson), *request_.pairs,
            text=request_.text, seed=request_.seed or 0, untrained=request_.untrained,
        )  # fmt: skip
        assert (len(steps) <= self.steps if self.sometimes else len(steps) == self.steps) and not failed(steps)
        assert {*checks(steps), *self.sometimes} == {*self._watched, *self.elsewhere}
        assert all_text(steps).isascii() or not (request_.text or "").isascii()

    def test_what_is_out_of_range_is_refused_with_what_to_type(self, refusal: Asked) -> None:
        with pytest.raises(BadInput) as refused:
            self.run_of(*refusal.pairs, **({} if refusal.text is None else {"text": refusal.text}))
        assert ("--set" if refusal.pairs else "--text") in refused.value.hint

    def test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number(
        self, id: str, by: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        how, no_number = self.spoilt[id], math.isnan(by)
        may_raise = how.raises if no_number else ()
        step = getattr(self.lesson, how.step)
        self._stand_in(monkeypatch)
        run = self._run_to_spoil(how.step)
        with np.errstate(all="ignore"):
            try:
                how.spoil(run, monkeypatch, by)
                broken = failed_in(step, run)
            except may_raise:
                return
        check = _check_of(id)
        assert broken >= {check}
        assert broken == {check, *how.also} or (no_number and broken <= {check, *how.also, *how.nan_also})

    @property
    def _watched(self) -> list[str]:
        return [*dict.fromkeys(map(_check_of, self.spoilt))]

    def _stand_in(self, patch: pytest.MonkeyPatch) -> None:
        for name, known in self.known.items():
            patch.setattr(self.lesson, name, known)

    def _run_to_spoil(self, step: str) -> Any:
        """A copy of a run of which every check of the step holds, or one more like it."""
        cls = type(self)
        cls._run = cls._run or self.run_of(*self.usual)
        if step not in cls._seen_to_hold:
            assert not failed_in(getattr(self.lesson, step), cls._run)
            cls._seen_to_hold.add(step)
        return self.run_of(*self.usual) if self.cold else copy.deepcopy(cls._run)


def _few_first(seeds: Iterable[int]) -> Iterator[Any]:
    """The second in every run, as the first is everybody's (tests/lessons/shown.py); the others are slow."""
    first, *others = seeds
    yield slow(first) if others else first
    for place, seed in enumerate(others):
        yield slow(seed) if place else seed


def slow(value: object) -> Any:
    return pytest.param(value, marks=pytest.mark.slow)


def _check_of(id: str) -> str:
    return id.partition(":")[0]


def _each(wanted: Iterable[str | Collection[str] | Asked], seeds: Iterable[int]) -> Iterator[Asked]:
    for one in wanted:
        one = one if isinstance(one, Asked) else asked(*([one] if isinstance(one, str) else one))
        yield from (replace(one, seed=seed) for seed in (seeds if one.seed is None else (one.seed,)))


# ------------------------------------------------------------------ spoilers that many topics use


def instead(module: Any, name: str, wrong: Callable[[float], object]) -> Spoiler:
    """wrong(by) stands under that name."""
    return lambda run, patch, by: patch.setattr(module, name, wrong(by))


def result(module: Any, name: str, change: Callable[[Any, float], object] = lambda right, by: by * right) -> Spoiler:
    """The function of that name gives change(what is right, by), by default `by` times it."""

    def spoil(run: Any, patch: pytest.MonkeyPatch, by: float) -> None:
        right = getattr(module, name)
        patch.setattr(module, name, lambda *args, **options: change(right(*args, **options), by))

    return spoil


def output(module: Any, name: str, change: Callable[[Any, float], object] = lambda y, by: by * y) -> Spoiler:
    """The forward of that name gives change(its output, by), by default `by` times its output, and its own cache."""
    return result(module, name, lambda given, by: (change(given[0], by), *given[1:]))


def of_run(name: str, change: Callable[[Any, float], object] = lambda value, by: by * value) -> Spoiler:
    """What the run has under that name is change(what is right, by)."""
    return lambda run, patch, by: setattr(run, name, change(getattr(run, name), by))
