"""The benchmark of the roofline: what is counted, and that what is timed is what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tfx.bench import machine, roof, roofline
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
from tfx.measure.measuring import Timing
from tfx.models.gpt import gpt_parameter_count
from tfx.records import to_plain_data

SMALL = roofline.Settings(d_model=16, heads=2, layers=2, vocab=11, length=8, batch=3, matrix=64, copy_mib=1, turns=3)


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
        assert all(isinstance(row[column.key], int | float | str) for column in result.columns)
        assert row["share"] == row["gflop_per_s"] / row["attainable_gflop_per_s"]
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


def test_the_goal_is_said_whether_it_is_met_or_not_and_the_result_is_plain_ascii(result):
    assert any("60%" in note.text and "met" in note.text for note in result.notes)
    plain = str(to_plain_data(result))
    assert plain.isascii() and "nan" not in plain
