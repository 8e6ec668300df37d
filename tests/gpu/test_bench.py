"""`tfx bench --device`: runs, and what its checks say of numbers and counted work holds.  Seconds are not judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import tests.strict_device  # noqa: F401  (registers itself)
from tfx.bench import bench_module, benchmarks, decode, train
from tfx.errors import BadInput
from tfx.lab import frame

#: The ladders climb from Python loops to NumPy on a processor; there is nothing to climb on a card.
OF_THE_PROCESSOR = {"ladder"}

#: Sizes for the strict device, where every number is computed by NumPy.
TINY: dict[str, Any] = {
    "train": replace(train.Settings(), d_model=(16,), batch=2, length=8, vocab=12, heads=2, layers=2, turns=3),
    "decode": replace(decode.Settings(), contexts=(16, 64, 256), d_model=32, heads=4, layers=2, vocab=20, turns=3),
}


def runs() -> Any:
    card = [name for name in benchmarks() if name not in OF_THE_PROCESSOR]
    there = [pytest.param("cuda", name, None, marks=pytest.mark.gpu, id=f"cuda, {name}") for name in card]
    here = [pytest.param("strict", name, settings, id=f"strict, {name}") for name, settings in TINY.items()]
    return pytest.mark.parametrize(("device", "name", "settings"), [*here, *there])


@runs()
def test_a_benchmark_runs_on_a_device(device, name, settings):
    module = bench_module(name)
    result = frame.run(module, settings or module.Settings(), 0, quick=True, device=device)
    assert result.params["device"] == device and result.rows
    broken = [check for check in result.checks if not check.holds and not check.id.startswith("time-")]
    assert not broken


@pytest.mark.parametrize("name", sorted(OF_THE_PROCESSOR))
def test_what_measures_the_processor_says_so(name, device):
    module = bench_module(name)
    with pytest.raises(BadInput, match="processor"):
        frame.run(module, module.Settings(part=next(iter(module.PARTS))), 0, quick=True, device=device)
