"""What breaks each check: tables of it stand beside the tests of each experiment and benchmark.

    BREAKS = Table(
        Settings(...),
        Broken("no scale", {"attention"}, planted={"tfx.lab.attention.scaling.attention_forward": unscaled}),
        Broken("a mean", {"raw-variance", "scaled-variance"}, mean=0.5),
    )

A check that nothing breaks proves nothing, so the ids of all entries together are the ids of the experiment's checks
(test_broken_checks.py).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tfx.lab import frame
from tfx.measure.measuring import Timing
from tfx.records import Result

#: The full name of a function or constant -> what stands there instead, made from what stood there.
Planted = Mapping[str, Callable[[Any], Any]]


class Broken:
    """how: in words.  failing: exactly the checks that fail then.  row: what becomes of a row once it is measured."""

    def __init__(
        self,
        how: str,
        failing: Iterable[str],
        planted: Planted | None = None,
        row: Callable[[frame.Row], frame.Row] | None = None,
        **settings: Any,
    ) -> None:
        self.how, self.failing, self.planted, self.row = how, set(failing), planted or {}, row
        self.settings = settings


class Table:
    """settings: under which all checks hold.  always: what is planted in every run, such as a clock that is exact."""

    def __init__(self, settings: Any, *broken: Broken, always: Planted | None = None, quick: bool = False) -> None:
        self.settings, self.broken, self.always, self.quick = settings, broken, always or {}, quick

    @property
    def ids(self) -> set[str]:
        return set().union(*(one.failing for one in self.broken))

    @contextmanager
    def planted(self, planted: Planted) -> Iterator[pytest.MonkeyPatch]:
        """Inside, what is always there stands in its place, and what is planted in this run."""
        with pytest.MonkeyPatch.context() as patch:
            for name, make in (*self.always.items(), *planted.items()):
                place, _, attribute = name.rpartition(".")
                owner = pkgutil.resolve_name(place)
                patch.setattr(owner, attribute, make(getattr(owner, attribute)))
            yield patch

    def run(self, experiment: ModuleType, one: Broken | None = None) -> Result:
        one = one or Broken("as it is", ())
        with self.planted(one.planted) as patch:
            if one.row is not None:
                patch.setattr(experiment, "rows", changed_rows(experiment.rows, one.row))
            return frame.run(experiment, replace(self.settings, **one.settings), 0, quick=self.quick)


def module_of_tests(module: ModuleType) -> str:
    """`tests.lab.block.test_gradient_flow` for `tfx.lab.block.gradient_flow`."""
    folder, _, name = module.__name__.rpartition(".")
    return f"tests{folder.removeprefix('tfx')}.test_{name}"


def failing(result: Result) -> set[str]:
    return {check.id for check in result.checks if not check.holds}


def changed_rows(rows: Callable[[Any], Iterator[Any]], change: Callable[[frame.Row], frame.Row]) -> Callable[..., Any]:
    def changed(run: Any) -> Iterator[Any]:
        for found in rows(run):
            yield change(found) if isinstance(found, dict) else found

    return changed


def instead(value: Any) -> Callable[[Any], Any]:
    """This, whatever stood there."""
    return lambda original: value


def times(factor: float, key: str, *more: str) -> Callable[[frame.Row], frame.Row]:
    """Rows in which these are so many times as large."""
    return lambda row: {**row, **{name: factor * row[name] for name in (key, *more)}}


def nan_where(here: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """The same function, which gives NaN where its first argument is `here`; attention, in its weights as well."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def lost(x: Any, *rest: Any, **named: Any) -> Any:
            found = original(x, *rest, **named)
            if not here(x):
                return found
            if not isinstance(found, tuple):
                return found * np.nan
            out, cache = found
            if hasattr(cache, "attend"):
                softmax = cache.attend.softmax._replace(y=cache.weights * np.nan)
                cache = cache._replace(attend=cache.attend._replace(softmax=softmax))
            return out * np.nan, cache

        return lost

    return make


def nan_for(dtype: str) -> Callable[[Any], Any]:
    return nan_where(lambda x: bool(x.dtype == dtype))


def exact_clock(seconds: Callable[[Any], float], calls_made: int = 1) -> Planted:
    """Every call is made so many times, and took what `seconds(name)` says, without scatter."""

    def in_turns(self: Any, calls: Mapping[Any, Callable[[], Any]], *rest: Any) -> dict[Any, Timing]:
        for call in calls.values():
            for _ in range(calls_made):
                call()
        return {name: Timing(seconds(name), 0.0) for name in calls}

    return {"tfx.measure.stopwatch.Stopwatch.in_turns": instead(in_turns)}
