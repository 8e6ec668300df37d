"""Every check of every experiment and benchmark can fail, alone or with those that must fail with it."""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.lab.breaking import Broken, Table, failing, module_of_tests
from tfx.bench import bench_module, benchmarks
from tfx.lab import experiment_module, experiments, frame
from tfx.records import Check, Result


def tables() -> Iterator[tuple[str, ModuleType, Table]]:
    """Of all that are listed; one with parts has a table for each."""
    for names, module_of in ((experiments(), experiment_module), (benchmarks(), bench_module)):
        for name in names:
            module = module_of(name)
            tests = importlib.import_module(module_of_tests(module))
            parts = tests.BREAKS if isinstance(tests.BREAKS, dict) else {"": tests.BREAKS}
            for part, table in parts.items():
                yield f"{name} {part}".strip(), module, table


TABLES = {name: (module, table) for name, module, table in tables()}
EACH = [pytest.param(name, one, id=f"{name}: {one.how}") for name, (_, table) in TABLES.items() for one in table.broken]


@functools.cache
def as_it_is(name: str) -> Result:
    module, table = TABLES[name]
    return table.run(module)


@pytest.mark.parametrize("name", TABLES)
def test_each_check_holds_and_stands_in_the_table_of_what_breaks_it(name):
    result = as_it_is(name)
    _, table = TABLES[name]
    assert failing(result) == set(), result.checks
    assert {check.id for check in result.checks} == table.ids


@pytest.mark.parametrize(("name", "one"), EACH)
def test_what_breaks_a_check_breaks_exactly_that(name: str, one: Broken):
    module, table = TABLES[name]
    assert failing(table.run(module, one)) == one.failing


@pytest.mark.parametrize("name", TABLES)
def test_nan_in_a_row_fails_every_check_that_reads_it(name):
    """In the second row or in the last, where Python's max would drop it."""
    module, table = TABLES[name]
    measured = as_it_is(name).rows

    def judged(at: int, key: str, value: float) -> dict[str, Check]:
        rows = [dict(row) for row in measured]
        rows[at][key] = value
        with table.planted({}):
            return {check.id: check for check in module.checks(frame.Run(table.settings, rows=rows))}

    same = judged(0, "", 0.0)
    places = [(at, key) for at in (1, -1) for key, value in measured[at].items() if isinstance(value, float)]
    for at, key in places if same else []:
        lost, value = judged(at, key, math.nan), measured[at][key]
        for other in (value * 1e6 + 1e6, value * 1e-6):
            reads = {id for id, check in judged(at, key, other).items() if check.measured != same[id].measured}
            assert not any(lost[id].holds for id in reads), (at, key, reads)
