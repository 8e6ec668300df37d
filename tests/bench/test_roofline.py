"""The benchmark of the roofline: what is counted, and that what is timed is what it says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, exact_clock, instead
from tfx.bench import machine, roof, roofline
from tfx.bench.roofline_findings import findings, goal
from tfx.bench.roofline_operations import (
    ADAMW_TRAFFIC,
    new_model,
    operations,
    parameter_count,
    step_flops,
)
from tfx.bench.training_step import TrainingStep
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.measure.counting_array import CountingArray, counted
from tfx.measure.measuring import Timing
from tfx.models.gpt import gpt_parameter_count
from tfx.records import to_plain_data

SMALL = roofline.Settings(d_model=16, heads=2, layers=2, vocab=11, length=8, batch=3, matrix=64, copy_mib=1, turns=3)

PLACE = "tfx.bench.roofline"


def row_of_product(value: float) -> Any:
    """Written over the last of the sixteen rows that are compared."""

    def make(same_numbers: Any) -> Any:
        def judged(a: Any, b: Any, product: Any, xp: Any) -> Any:
            product[15] = value
            return same_numbers(a, b, product, xp)

        return judged

    return {f"{PLACE}.same_numbers": make}


def another_seed(whole_step: Any) -> Any:
    return lambda settings, seed, ids, xp, threads: whole_step(settings, seed + threads - 1, ids, xp, threads)


BREAKS = Table(
    SMALL,
    Broken("a row that was not computed", {"product"}, row_of_product(0.0)),
    Broken("a row that is NaN", {"product"}, row_of_product(np.nan)),
    Broken("half of the work", {"work"}, {f"{PLACE}.counted_flops": lambda o: lambda model, ids: o(model, ids) // 2}),
    Broken("uphill", {"trains"}, {"tfx.bench.training_step.LEARNING_RATE": lambda rate: -rate}),
    Broken("other weights for more threads", {"same-loss"}, {f"{PLACE}.whole_step": another_seed}),
    always={f"{PLACE}.usable_cores": instead(lambda: 2), **exact_clock(lambda name: 1.0, calls_made=3)},
)


def run(settings: Any, seed: int, **asked: Any) -> Any:
    return frame.run(roofline, settings, seed, **asked)


@pytest.fixture(scope="module")
def result():
    return run(SMALL, 0)


@pytest.fixture(scope="module")
def placed():
    rng = np.random.default_rng(0)
    ids = rng.integers(SMALL.vocab, size=(SMALL.batch, SMALL.length))
    return {
        each.name: each
        for each in operations(SMALL.sizes, lambda *shape: rng.standard_normal(shape, dtype=np.float32), ids)
    }


def test_all_checks_hold(result):
    assert [check.id for check in result.checks] == ["product", "work", "trains", "same-loss"]
    assert all(check.holds for check in result.checks), result.checks


def test_every_operation_has_a_row_and_the_whole_step_one_for_each_number_of_threads(result, placed):
    cores = sorted({1, roofline.usable_cores()})
    assert [row["operation"] for row in result.rows] == [*placed, *["training step"] * len(cores)]
    assert [row["threads"] for row in result.rows[len(placed) :]] == cores
    for row in result.rows:
        assert all(isinstance(row[column.key], int | float | str | None) for column in result.columns)
        if row["share"] is not None:  # on a busy machine nothing is said of all cores
            assert row["share"] == row["gflop_per_s"] / row["attainable_gflop_per_s"] <= 1
        assert row["intensity"] == pytest.approx(row["mflop"] * 1e6 / (row["mib"] * 2**20))
        assert row["time_s"] > 0 and row["time_s_half_range"] >= 0


def test_the_roof_is_the_lower_of_the_two():
    def row(flops: int, moved: int) -> dict[str, Any]:
        return roof.row("x", 1, flops, moved, Timing(1e-3, 0.0), peak=50.0, bandwidth=10.0)

    assert row(10_000, 10_000)["attainable_gflop_per_s"] == 10.0
    assert row(10_000, 10_000)["bound"] == "memory"
    assert row(10_000, 1_000)["attainable_gflop_per_s"] == 50.0
    assert row(10_000, 1_000)["bound"] == "arithmetic"
    assert row(10_000, 10_000)["share"] == pytest.approx(1e-3)


@pytest.mark.parametrize("peak", [9.9, math.nan])
def test_nothing_is_said_of_an_operation_above_its_roof_or_under_one_that_is_not_known(peak):
    """10 GFLOP/s were achieved."""
    found = roof.row("x", 1, 10_000_000, 10_000, Timing(1e-3, 0.0), peak, bandwidth=50.0)
    assert found["share"] is found["attainable_gflop_per_s"] is None and found["gflop_per_s"] == pytest.approx(10.0)
    assert roof.row("x", 1, 10_000_000, 10_000, Timing(1e-3, 0.0), 10.0, 50.0)["share"] == pytest.approx(1.0)


def said_of_steps(*shares: float | None) -> str:
    rows = [{"operation": "training step", "threads": n + 1, "share": share} for n, share in enumerate(shares)]
    return goal(rows)


def test_the_goal_is_met_not_met_or_not_told():
    said = "Goal: the training step at 60% of the machine's own product of matrices or more: "
    assert said_of_steps(0.61, 0.6) == said + "met (61% with 1 thread, 60% with 2 threads)."
    assert said_of_steps(0.61, 0.59) == said + "not met (61% with 1 thread, 59% with 2 threads)."
    assert said_of_steps(0.59, 0.61) == said + "not met (59% with 1 thread, 61% with 2 threads)."
    unknown = "an unknown share with 2 threads)."
    assert said_of_steps(0.7, None) == said + "this machine is too busy to say (70% with 1 thread, " + unknown
    assert said_of_steps(0.5, None) == said + "not met (50% with 1 thread, " + unknown


ROOFS = {"peak_gflop_per_s": 100.0, "memory_gb_per_s": 20.0, "cache_gb_per_s": 80.0, "copied_mib": 64}
UNDER = [
    {"operation": "linear forward", "threads": 1, "share": 0.9},
    {"operation": "softmax forward", "threads": 1, "share": 0.25},
    {"operation": "training step", "threads": 1, "share": 0.1},
]


def test_the_roofs_and_the_lowest_operation_are_said_in_words():
    said = [note.text for note in findings(UNDER, {**ROOFS, "peak_all_gflop_per_s": 180.0})]
    assert said[1] == (
        "One thread: 100 GFLOP/s in a product, 20 GB/s in a copy of 64 MiB (bytes read and written), 80 GB/s in the "
        "cache. An operation needs 5 FLOPs for each byte from memory, or 1.2 for one from the cache, before arithmetic "
        "sets the pace. All cores: 180 GFLOP/s."
    )
    assert said[2].endswith("hence the distance. Lowest is softmax forward, at 25%.")
    busy = findings(
        [*UNDER, {"operation": "gelu", "threads": 1, "share": None}], {**ROOFS, "peak_all_gflop_per_s": None}
    )
    assert busy[1].text.endswith("All cores: this machine is too busy to say.")
    assert busy[2].text.endswith("Of gelu this machine is too busy to say: more than the machine can do.")


def test_all_cores_that_came_out_slower_than_one_are_not_claimed():
    """Both steps take the same time; the product takes twice as long with all cores."""
    with BREAKS.planted(slower_with_more(2.0)):
        found = frame.run(roofline, SMALL, 0)
    steps = [row for row in found.rows if row["operation"] == "training step"]
    assert steps[0]["share"] == pytest.approx(step_flops(SMALL.sizes) / 10 / (2 * 64**3)) and steps[1]["share"] is None
    assert found.params["peak_all_gflop_per_s"] is None
    with BREAKS.planted(slower_with_more(1.0)):
        found = frame.run(roofline, SMALL, 0)
    assert all(row["share"] is not None for row in found.rows if row["operation"] == "training step")
    assert found.params["peak_all_gflop_per_s"] == found.params["peak_gflop_per_s"]
    assert found.plots[0].title == "One thread: the training step reaches 18% of the machine's own product of matrices"


def slower_with_more(factor: float) -> Any:
    """A clock: the product takes 1 s with one thread and so many with two, every other call 10 s."""

    def in_turns(self: Any, calls: Any, *rest: Any) -> Any:
        for call in calls.values():
            call(), call()
        product = 1.0 if self.threads == 1 else factor
        return {name: Timing(product if name == "peak" else 10.0, 0.0) for name in calls}

    return {"tfx.measure.stopwatch.Stopwatch.in_turns": instead(in_turns)}


def numbers_in(value: Any) -> int:
    """Numbers in arrays, inside tuples too; a single number, such as a loss, is not worth counting."""
    if isinstance(value, tuple):
        return sum(numbers_in(each) for each in value)
    return int(np.size(value)) if np.ndim(value) else 0


def test_traffic_is_every_input_once_and_every_result_once(placed):
    b, t, c, h, v = SMALL.batch, SMALL.length, SMALL.d_model, SMALL.heads, SMALL.vocab
    n, f, weights = b * t, 4 * c, b * h * t * t
    inputs = {
        "linear forward": n * c + c * f + f,
        "linear backward": n * f + n * c + c * f,  # dy, x, W
        "attention forward": 3 * n * c,
        "attention backward": 4 * n * c,  # dout, q, k, v
        "softmax forward": weights,
        "softmax backward": 2 * weights,  # dy, y
        "gelu_tanh forward": n * f,
        "gelu_tanh backward": 2 * n * f,  # dy, x
        "layer_norm forward": n * c + 2 * c,
        "layer_norm backward": 2 * n * c + c,  # dy, x, gamma
        "cross_entropy forward": n * v + n,
        "cross_entropy backward": n * v + n,
        "embedding gradient": n * c + n,
    }
    for name, read in inputs.items():
        result = placed[name].call()
        written = numbers_in(result[0] if name.endswith("forward") else result)  # forward gives its cache as well
        assert placed[name].numbers == read + written, name


def test_flops_are_counted_number_by_number(placed):
    """What each number of a result takes, or each pair that attends, or each row."""
    b, t, c, h, v = SMALL.batch, SMALL.length, SMALL.d_model, SMALL.heads, SMALL.vocab
    n, f, d, pairs = b * t, 4 * c, c // h, b * h * t * t
    multiply_add = 2
    taken = {
        "linear forward": n * f * (c * multiply_add + 1),
        "linear backward": n * c * f * multiply_add + c * f * n * multiply_add + f * n,  # dx, dW, db
        "attention forward": pairs * (2 * d * multiply_add + 5) + n * c,  # scores, sums, softmax; q scaled
        "attention backward": pairs * (4 * d * multiply_add + 4) + 2 * n * c,  # dV, dP, dQ, dK; softmax; two scaled
        "softmax forward": pairs * 5,
        "softmax backward": pairs * 4,
        "gelu_tanh forward": n * f * 8,
        "gelu_tanh backward": n * f * 9,
        "layer_norm forward": n * c * 7,
        "layer_norm backward": n * c * 11,
        "cross_entropy forward": n * (v * 4 + 2),
        "cross_entropy backward": n * (v * 2 + 1),
        "embedding gradient": n * c,
        "AdamW step": 15 * gpt_parameter_count(v, c, SMALL.layers, t),
    }
    assert {name: each.flops for name, each in placed.items()} == taken


@pytest.mark.parametrize("name", ["linear forward", "linear backward", "attention forward", "attention backward"])
def test_multiply_adds_are_those_that_the_products_really_make(name):
    """The rest of the FLOPs is at most a few for each number."""
    rng = np.random.default_rng(0)
    ids = rng.integers(SMALL.vocab, size=(SMALL.batch, SMALL.length))

    def draw(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32).view(CountingArray)

    each = {one.name: one for one in operations(SMALL.sizes, draw, ids)}[name]
    counted.reset()
    each.call()
    products = 2 * counted.multiply_adds
    assert 0.9 * products < each.flops < 1.3 * products


def test_adamw_moves_three_vectors_and_reads_a_fourth_for_every_parameter(placed):
    n = gpt_parameter_count(SMALL.vocab, SMALL.d_model, SMALL.layers, SMALL.length)
    assert parameter_count(SMALL.sizes) == n
    assert placed["AdamW step"].numbers == ADAMW_TRAFFIC * n


def test_the_step_counts_every_weight_and_token_six_times_and_pairs_that_may_see_each_other():
    one = replace(SMALL, batch=1, length=1)
    weights = SMALL.layers * 12 * SMALL.d_model**2 + SMALL.vocab * SMALL.d_model
    assert step_flops(one.sizes) == 6 * weights + 12 * SMALL.layers * SMALL.d_model
    pairs = (step_flops(SMALL.sizes) - 6 * weights * SMALL.batch * SMALL.length) / (12 * SMALL.layers * SMALL.d_model)
    assert pairs == SMALL.batch * sum(range(1, SMALL.length + 1))
    assert step_flops(SMALL.sizes, causal=False) > step_flops(SMALL.sizes)


def test_the_step_trains_and_a_step_that_does_less_work_is_caught():
    ids = np.random.default_rng(0).integers(SMALL.vocab, size=(SMALL.batch, SMALL.length + 1))
    step = TrainingStep(new_model(SMALL.sizes, 0))
    losses = [step(ids) for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    counted = roofline.counted_flops(new_model(SMALL.sizes, 0), ids)
    assert roofline.counted_work(SMALL, counted)[0].holds
    assert not roofline.counted_work(SMALL, counted // 2)[0].holds
    assert not roofline.trained({1: [2.0, 2.5]})[0].holds
    assert not roofline.trained({1: [2.0, 1.5], 4: [2.1, 1.5]})[1].holds


def test_a_product_that_was_not_computed_is_caught():
    a = np.random.default_rng(0).standard_normal((32, 32), dtype=np.float32)
    assert roofline.same_numbers(a, a, a @ a, np)[0].holds
    assert not roofline.same_numbers(a, a, np.zeros_like(a), np)[0].holds


def test_a_copy_copies_and_the_cache_is_read_from_linux(tmp_path):
    call = roofline.copying(np, 4096)
    call()
    held = [cell.cell_contents for cell in call.__closure__ or ()]
    source, target = (each for each in held if isinstance(each, np.ndarray))
    assert source.nbytes == target.nbytes == 2048 and (target == source).all()
    for index, size in enumerate(("32K", "512K", "32768K")):
        (tmp_path / f"index{index}").mkdir()
        (tmp_path / f"index{index}" / "size").write_text(size + "\n", encoding="ascii")
    assert machine.last_level_cache_mib(tmp_path) == 32
    assert machine.last_level_cache_mib(tmp_path / "missing") == 32


def test_the_large_copy_is_smaller_where_memory_is_short(monkeypatch):
    monkeypatch.setattr(machine, "last_level_cache_mib", lambda: 32)
    for free, size in ((None, 256), (2.0**40, 256), (2.0**31, 128), (1.0, 1)):
        monkeypatch.setattr(machine, "free_memory", lambda free=free: free)
        assert machine.large_copy_mib() == size


def test_the_picture_has_two_roofs_and_a_named_point_for_every_operation(result, placed):
    (plot,) = result.plots
    assert plot.log_x and plot.log_y
    roofs = [series for series in plot.series if series.kind == "line"]
    assert len(roofs) == 2 and all(series.y[-1] == result.params["peak_gflop_per_s"] for series in roofs)
    names = [name for series in plot.series for name in series.names]
    assert sorted(names) == sorted([*placed, "training step"])


@pytest.mark.parametrize(
    ("change", "said"),
    [({"heads": 3}, "divide"), ({"matrix": 4}, "matrix"), ({"turns": 1}, "turns"), ({"length": 1}, "length")],
)
def test_a_setting_out_of_range_is_refused(change, said):
    with pytest.raises(BadInput) as refused:
        run(replace(SMALL, **change), 0)
    assert said in refused.value.message and refused.value.hint


def test_the_result_is_plain_ascii(result):
    plain = str(to_plain_data(result))
    assert plain.isascii() and "nan" not in plain
