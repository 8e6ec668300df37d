"""Settings of every experiment and benchmark: described, bounded, and never more than the machine can hold."""

from __future__ import annotations

import dataclasses
import math

import pytest

from tfx import settings as declared
from tfx.bench import bench_module, benchmarks
from tfx.bench import machine as bench_machine
from tfx.bench.ladders import PARTS, ladder
from tfx.errors import BadInput
from tfx.lab import experiment_module, experiments
from tfx.settings import apply_settings, check_settings, describe

MODULES = {
    **{f"experiment {name}": experiment_module(name) for name in experiments()},
    **{f"bench {name}": bench_module(name) for name in benchmarks()},
}
GIB = 2.0**30


@pytest.fixture(autouse=True)
def two_gib_free(monkeypatch):
    monkeypatch.setattr(declared, "free_memory", lambda: 2 * GIB)
    monkeypatch.setattr(bench_machine, "free_memory", lambda: 2 * GIB)


@pytest.mark.parametrize("name", MODULES)
def test_help_shows_meaning_and_range_of_every_setting(name, tfx):
    command = name.split()
    part = ["softmax"] if name == "bench ladder" else []
    page = tfx(*command, *part, "--set", "help").out
    for one in describe(MODULES[name].Settings()):
        assert one.about and one.allowed != "a value", one
        assert one.name in page and one.about.split()[0] in page
        bounded = any(word in one.allowed for word in (" from ", "at most", "at least", " or "))
        assert bounded, f"{one.name} of {name} takes anything: {one.allowed}"


@pytest.mark.parametrize("name", MODULES)
def test_defaults_are_in_range_and_run_where_two_gib_are_free(name):
    check_settings(MODULES[name].Settings())


@pytest.mark.parametrize("part", PARTS)
def test_every_ladder_has_a_size_that_fits(part):
    check_settings(bench_module("ladder").Settings(part=part))


def ends(name):
    """Every number of the settings, one after the other, at its upper end, the others as they are."""
    defaults = MODULES[name].Settings()
    for field in dataclasses.fields(defaults):
        high = field.metadata["high"]
        if field.metadata["words"] or math.isinf(high) or isinstance(field.default, bool):
            continue
        value = (high,) if isinstance(field.default, tuple) else high
        yield field.name, value


#: What upper ends ask for more than a GiB with the other settings as they are.
TOO_LARGE = {
    "experiment scaling": {"keys": 1024},
    "experiment saturation": {"random_rows": 1_000_000},
    "experiment complexity": {"lengths": (64, 128, 65_536), "d_model": 8192},
    "bench train": {"length": 8192, "batch": 4096, "d_model": (4096,), "compare_batch": 4096},
    "bench attention": {"heads": 1024},
    "bench decode": {"contexts": (64, 128, 16_384), "d_model": 4096},
    "bench roofline": {"batch": 512, "d_model": 2048, "copy_mib": 4096, "length": 2048},
}


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in TOO_LARGE.items() for field in fields])
def test_an_upper_end_that_the_machine_cannot_hold_is_refused_with_the_estimate(name, field):
    settings = dataclasses.replace(MODULES[name].Settings(), **{field: TOO_LARGE[name][field]})
    if "d_model" in vars(settings):
        settings = dataclasses.replace(settings, heads=1)
    with pytest.raises(BadInput, match=r"need about [\d.]+ GiB of memory, and 2\.0 GiB are free") as refused:
        check_settings(settings)
    assert "--set help" in refused.value.hint


@pytest.mark.parametrize("name", MODULES)
def test_all_upper_ends_together_are_refused_or_small(name):
    module = MODULES[name]
    together = dict(ends(name))
    for key, value in together.items():
        default = getattr(module.Settings(), key)
        if isinstance(default, tuple):
            together[key] = (*default[:2], *value) if key != "pattern" else default
    settings = dataclasses.replace(module.Settings(), **together)
    if "d_model" in together:
        settings = dataclasses.replace(settings, heads=1)
    if name == "experiment masking":  # 63 tokens of filling leave one that is none
        settings = dataclasses.replace(settings, pads=settings.tokens - 1)
    if name == "bench ladder":
        for part in PARTS:
            largest = dataclasses.replace(settings, part=part, size=ladder(part).sizes.most, loops=False)
            assert largest.bytes_needed() < 16 * GIB
    elif getattr(settings, "bytes_needed", float)() > GIB:
        with pytest.raises(BadInput, match="GiB"):
            check_settings(settings)
    else:
        check_settings(settings)
        assert hasattr(settings, "bytes_needed"), "say what it needs, however little"


@pytest.mark.parametrize("part", ["adamw", "attention"])
def test_the_largest_sizes_of_a_ladder_are_refused_where_memory_is_short(part):
    with pytest.raises(BadInput, match="GiB"):
        check_settings(bench_module("ladder").Settings(part=part, size=ladder(part).sizes.most, loops=False))


OUT_OF_RANGE = [
    ("experiment scaling", "d_k=0", "d_k must be from 1 to 65,536, but is 0.", "d_k=1"),
    ("experiment scaling", "d_k=4,70000", "d_k must be from 1 to 65,536, but is 70,000.", "d_k=4,65536"),
    ("experiment scaling", "pairs=5", "pairs must be from 100 to 10,000,000, but is 5.", "pairs=100"),
    ("experiment scaling", "pairs=100000000000", "10,000,000, but is 100,000,000,000.", "pairs=10000000"),
    ("experiment scaling", "budget=1", "budget must be from 100 to 1,000,000,000, but is 1.", "budget=100"),
    ("experiment scaling", "softmax_rows=1", "softmax_rows must be from 2 to 100,000, but is 1.", "softmax_rows=2"),
    ("experiment scaling", "keys=1", "keys must be from 2 to 1,024, but is 1.", "keys=2"),
    ("experiment scaling", "mean=nan", "mean must be from -100 to 100, but is nan.", "mean=0"),
    ("experiment scaling", "mean=101", "mean must be from -100 to 100, but is 101.", "mean=100"),
    ("experiment scaling", "correlation=-1.5", "correlation must be from -1 to 1, but is -1.5.", "correlation=-1"),
    ("experiment scaling", "rank=0", "rank must be from 1 to 65,536, but is 0.", "rank=1"),
    ("experiment scaling", "distribution=cauchy", "must be one of normal, uniform, sign", "distribution=normal"),
    ("experiment scaling", "scale=inf", "scale must be from -1e+06 to 1e+06, but is inf.", "scale=1e+06"),
    ("experiment saturation", "a=1,2", "a needs at least 3 different values.", "a=0,0.25"),
    ("experiment saturation", "a=1,2,301", "a must be from 0 to 300, but is 301.", "a=1,2,300"),
    ("experiment saturation", "pattern=1,2000", "pattern must be from -1000 to 1000, but is 2000.", "pattern=1,1000"),
    ("experiment saturation", "pattern=1", "pattern needs 2 to 64 numbers, but has 1.", "pattern=1,1,2"),
    ("experiment saturation", "keys=257", "keys must be from 2 to 256, but is 257.", "keys=256"),
    ("experiment masking", "tokens=3", "tokens must be from 4 to 64, but is 3.", "tokens=4"),
    ("experiment masking", "pads=8", "pads must be from 1 to 7, but is 8.", "pads=7"),
    ("experiment masking", "penalty=1", "penalty must be at most 0, but is 1.", "penalty=0"),
    ("experiment complexity", "lengths=8,16", "lengths needs at least 3 different values.", "lengths=64,96"),
    ("experiment complexity", "heads=5", "heads must divide d_model, but 5 does not divide 256.", "heads=1"),
    ("experiment complexity", "turns=1", "turns must be from 3 to 1,000, but is 1.", "turns=3"),
    ("bench train", "layers=0", "layers must be from 1 to 100, but is 0.", "layers=1"),
    ("bench train", "threads=-1", "threads must be from 0 to 1,024, but is -1.", "threads=0"),
    ("bench attention", "d_head=2000", "d_head must be from 1 to 1,024, but is 2,000.", "d_head=1024"),
    ("bench decode", "contexts=1,8,16", "contexts must be from 2 to 16,384, but is 1.", "contexts=2"),
    ("bench roofline", "matrix=4", "matrix must be from 16 to 8,192, but is 4.", "matrix=16"),
    ("bench ladder", "size=0", "size must be from 1 to 131,072, but is 0.", "size=1"),
    ("bench ladder", "size=100000", "size must be from 1 to 8,192, but is 100,000.", "size=8192"),
    ("bench ladder", "dtype=int8", "dtype must be one of float32, float64", "dtype=float32"),
]


@pytest.mark.parametrize(("name", "pair", "message", "nearest"), OUT_OF_RANGE)
def test_a_value_out_of_range_gets_a_sentence_with_the_limit_and_the_nearest_value(name, pair, message, nearest):
    with pytest.raises(BadInput) as refused:
        apply_settings(MODULES[name].Settings(), [pair], "here")
    assert message in refused.value.message and f"--set {nearest}" in refused.value.hint


def test_there_are_thirty_of_them():
    assert len(OUT_OF_RANGE) >= 30
