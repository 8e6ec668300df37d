"""Ladders: every rung computes what the one before computes, and what is said comes from what was measured."""

import inspect
import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, exact_clock
from tfx.bench import ladder as bench
from tfx.bench.ladder import Settings, page_faults
from tfx.bench.ladder_steps import compare, step_note
from tfx.bench.ladders import PARTS, Rung, adamw, attention, climbing, embedding_grad, gelu, ladder, layernorm, softmax
from tfx.bench.ladders.climbing import climb, inputs_of, largest_difference, rung_steps, same_checks, shapes
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.embedding import embedding_backward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.feed_forward.activations import gelu_tanh_forward
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.optim.adamw import AdamW
from tfx.records import Check, to_plain_data

LIBRARY = {
    "attention": attention_forward,
    "softmax": softmax_forward,
    "gelu": gelu_tanh_forward,
    "layernorm": layer_norm_forward,
    "adamw": AdamW,
    "embedding-grad": embedding_backward,
}
#: Small and odd, so that blocks are several and the last one is short.
ODD = {"attention": 131, "softmax": 13, "gelu": 3, "layernorm": 21, "adamw": 1, "embedding-grad": 301}
TINY = {"attention": 9, "softmax": 5, "gelu": 2, "layernorm": 5, "adamw": 1, "embedding-grad": 20}


def rung_times(name: str, factor: float) -> Any:
    """What one rung computes, times a factor."""

    def make(climb_rung: Any) -> Any:
        def climbed(ladder: Any, rung: Rung, *rest: Any) -> Any:
            result, call = climb_rung(ladder, rung, *rest)
            return (result * np.asarray(factor, result.dtype) if rung.name == name else result), call

        return climbed

    return {"tfx.bench.ladders.climbing.climb_rung": make}


def last_peak(n_rungs: int) -> Any:
    """A last rung that needs a hundred MiB more."""

    def make(peak_bytes: Any) -> Any:
        calls = itertools.count(1)
        return lambda call: peak_bytes(call) + (100 << 20) * (next(calls) == n_rungs)

    return {"tfx.bench.ladder.peak_bytes": make}


def breaks_of(part: str) -> Table:
    """A rung that is wrong fails its own check and the next one's; so does one that is NaN, tried on one ladder."""
    rungs = ladder(part).rungs
    ids = [f"same-{rung.name.replace(' ', '-')}" for rung in rungs]
    broken = [
        Broken(f"{rung.name} times {factor}", ids[max(at, 1) : at + 2], planted=rung_times(rung.name, factor))
        for at, rung in enumerate(rungs)
        for factor in ((2.0, np.nan) if part == "softmax" else (2.0,))
    ]
    if ladder(part).naive:
        broken.append(Broken("memory for speed", {"memory"}, planted=last_peak(len(rungs))))
    return Table(Settings(part=part, size=TINY[part], turns=3), *broken, always=exact_clock(lambda name: 1.0))


BREAKS = {part: breaks_of(part) for part in PARTS}


def run(settings: Any, seed: int, **asked: Any) -> Any:
    return frame.run(bench, settings, seed, **asked)


@pytest.fixture
def small_blocks(monkeypatch):
    for module in (softmax, gelu, layernorm, adamw):
        monkeypatch.setattr(module, "BLOCK", 1000)


def failed(part, size, dtype="float32", seed=0):
    climbed = ladder(part)
    found = climb(climbed, climbed.rungs, size, dtype, seed)
    return [check for check in same_checks(climbed.rungs, found.differences, dtype) if not check.holds]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("part", PARTS)
def test_every_rung_computes_what_the_one_before_computes(part, dtype, small_blocks):
    assert not failed(part, ODD[part], dtype, seed=3)


@pytest.mark.parametrize("part", PARTS)
def test_also_for_one_token(part):
    assert not failed(part, 1)


@pytest.mark.parametrize("part", PARTS)
def test_the_last_rung_is_the_function_that_the_library_uses(part):
    assert ladder(part).rungs[-1].function is LIBRARY[part]


@pytest.mark.parametrize("part", PARTS)
def test_a_ladder_begins_with_loops_and_every_rung_says_what_changed_in_its_own_words(part):
    rungs = ladder(part).rungs
    assert 5 <= len(rungs) <= 9 and rungs[0].by_number
    assert len({rung.name for rung in rungs}) == len(rungs)
    for rung in rungs:
        assert rung.change.endswith(".") and inspect.getdoc(rung.function)
    for rung in rungs[1:-1]:
        assert rung.why.endswith(".") and (rung.price == "" or rung.price.endswith("."))


@pytest.mark.parametrize(
    "part", [part for part in PARTS if part != "adamw"]
)  # an optimiser is there to write to its model
def test_no_rung_writes_to_its_inputs(part):
    climbed = ladder(part)
    inputs = inputs_of(climbed, TINY[part], "float32", 0)
    for given in inputs:
        for array in given if isinstance(given, tuple) else (given,):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
    for rung in climbed.rungs:
        climbed.start(rung.function, inputs)()


def test_masks_other_than_the_causal_one_are_obeyed_by_every_rung_of_attention():
    q, k, v, _ = attention.inputs(70, np.float64, np.random.default_rng(1))
    mask = np.random.default_rng(2).random((70, 70)) < 0.2
    mask[:, 3] = True
    expected = attention_forward(q, k, v, mask)[0]
    for rung in ladder("attention").rungs[:-1]:
        assert np.allclose(rung.function(q, k, v, mask), expected, rtol=0, atol=1e-12), rung.name


def test_the_tanh_form_is_as_near_to_the_exact_one_as_is_said_and_no_nearer_than_a_tenth():
    x = np.linspace(-9, 9, 20_001)[None]
    distance = np.abs(gelu.power(x) - gelu.loops(x)).max()
    assert gelu.TANH_FORM / 10 < distance < gelu.TANH_FORM


def test_the_rungs_of_adamw_have_the_settings_that_the_library_takes_unless_told():
    defaults = inspect.signature(AdamW).parameters
    names = {"weight_decay": adamw.DECAY, "beta1": adamw.BETA1, "beta2": adamw.BETA2, "eps": adamw.EPS}
    assert {name: defaults[name].default for name in names} == names


def test_fewer_passes_are_thirteen_and_not_sixteen():
    class Counted(np.ndarray):
        passes = 0

        def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
            Counted.passes += 1
            plain = [x.view(np.ndarray) if isinstance(x, Counted) else x for x in inputs]
            kwargs["out"] = tuple(x.view(np.ndarray) for x in out)
            getattr(ufunc, method)(*plain, **kwargs)
            return out[0]

    def passes(rung):
        optimizer = rung(adamw.Tensors(1, np.float32, np.random.default_rng(0)))
        for name in ("value", "grad", "mean", "square", "decay", "scratch"):
            setattr(optimizer, name, getattr(optimizer, name).view(Counted))
        Counted.passes = 0
        optimizer.step(1e-3)
        return Counted.passes

    assert (passes(adamw.InPlace), passes(adamw.FewerPasses)) == (16, 13)


def test_ids_repeat_so_that_adding_and_assigning_differ():
    dy, cache = embedding_grad.inputs(301, np.float32, np.random.default_rng(0))
    assigned = np.zeros_like(cache.table)
    assigned[cache.ids] += dy
    assert not np.allclose(assigned, embedding_backward(dy, cache))


@pytest.fixture(scope="module")
def result():
    return run(Settings(part="softmax", size=8, turns=3), 0, quick=True)


def test_all_checks_hold_and_there_is_one_for_every_step(result):
    assert all(check.holds for check in result.checks), result.checks
    assert len(result.checks) == len(result.rows) - 1 + 1
    assert len({check.id for check in result.checks}) == len(result.checks)


def test_rows_have_plain_keys_with_medians_spreads_and_ratios(result):
    document = json.loads(json.dumps(to_plain_data(result)))
    assert [row["rung"] for row in document["rows"]] == list(range(8))
    for before, row in zip(document["rows"], document["rows"][1:], strict=False):
        assert row["time_s"] > 0 and row["time_s_half_range"] >= 0
        assert row["times_before"] == pytest.approx(before["time_s"] / row["time_s"])
        assert row["times_first"] == pytest.approx(document["rows"][0]["time_s"] / row["time_s"])
        assert row["gb_s"] == pytest.approx(2 * 8 * softmax.WIDTH * 4 / row["time_s"] / 1e9)
    assert document["params"]["machine"]["numpy"] == np.__version__
    assert document["params"]["size"] == 8 and document["params"]["yardstick_s"] > 0


def test_every_column_has_a_value_in_every_row_and_the_plot_is_log_and_positive(result):
    for row in result.rows:
        assert {column.key for column in result.columns} <= row.keys()
    (plot,) = result.plots
    assert plot.log_y and all(min(series.y) > 0 for series in plot.series)
    assert "7 library" in plot.x_label.replace("\n", " ") and max(map(len, plot.x_label.splitlines())) <= 100


def test_the_result_is_ascii(result):
    assert str(to_plain_data(result)).isascii()


@pytest.mark.parametrize("part", PARTS)
def test_a_quick_run_without_loops_holds_and_counts_the_rungs_from_the_ladders_foot(part):
    found = run(Settings(part=part, loops=False, turns=3, size=TINY[part]), 1, quick=True)
    assert all(check.holds for check in found.checks), found.checks
    dropped = [rung.by_number for rung in ladder(part).rungs].count(True)
    assert dropped and found.rows[0]["rung"] == dropped and found.rows[0]["times_first"] == 1


@pytest.mark.parametrize("part", PARTS)
def test_the_library_needs_no_more_memory_than_the_formula_in_whole_arrays(part):
    found = run(Settings(part=part, loops=False, turns=3), 0, quick=True)
    (memory,) = (check for check in found.checks if check.id == "memory")
    assert memory.holds, memory


def test_a_rung_that_computes_something_else_fails_its_check_and_the_next_one(monkeypatch):
    right = ladder("softmax")
    wrong = Rung("wrong", lambda x: np.exp(x) / np.exp(x).sum(), "All rows share one sum.", "")
    monkeypatch.setattr(bench, "ladder", lambda part: replace(right, rungs=(*right.rungs[3:5], wrong, right.rungs[5])))
    found = run(Settings(part="softmax", size=8, turns=3), 0)
    verdicts = {check.id: check.holds for check in found.checks if check.id != "memory"}
    assert verdicts == {"same-in-place": True, "same-wrong": False, "same-sums-by-product": False}


def test_another_dtype_another_shape_or_nan_never_counts_as_equal():
    x = np.ones((2, 3), dtype=np.float32)
    for other in (x.astype(np.float64), x.reshape(3, 2), x * np.nan):
        assert not largest_difference(other, x) <= 1.0
    assert largest_difference(x * 2, x) == 1.0 and largest_difference(x * 0, x * 0) == 0.0


def test_page_faults_are_counted_where_fresh_memory_is_written():
    if page_faults(lambda: None) is None:
        pytest.skip("this system does not tell")
    n_bytes = 64 << 20  # above what any allocator keeps
    assert page_faults(lambda: np.ones(n_bytes, dtype=np.int8)) > 10
    assert page_faults(lambda: None) < 10


def timed(time_s, half_range=0.0, **more):
    row = {"rung": 1, "name": "b", "change": "Changed.", "why": "Why.", "price": "Price.", "page_faults": 0}
    return {**row, "time_s": time_s, "time_s_half_range": half_range, **more}


def test_faster_slower_and_equal_are_read_off_the_clock_and_its_spread():
    assert compare(timed(1.0), timed(2.0)) == 1
    assert compare(timed(2.0), timed(1.0)) == -1
    assert compare(timed(1.0), timed(1.04)) == 0
    assert compare(timed(1.0, 0.5), timed(1.3, 0.5)) == 0


def test_the_note_says_what_was_measured():
    assert step_note(timed(1.0, times_before=2.0), timed(2.0)) == "1 b. Changed. 2 times faster. Why. Price."
    slower = step_note(timed(2.0, times_before=0.5), timed(1.0))
    assert slower == "1 b. Changed. 2 times slower here. Price. The idea: Why."
    equal = step_note(timed(1.0, times_before=1.0, price=""), timed(1.0))
    assert equal == "1 b. Changed. No clear difference here. The idea: Why."
    spared = step_note(timed(1.0, times_before=2.0, why="", price=""), timed(2.0, page_faults=700))
    assert spared == "1 b. Changed. 2 times faster. Page faults: 700 before, 0 now."


def test_a_wrong_part_gives_the_nearest():
    with pytest.raises(BadInput) as refused:
        run(Settings(part="sofmax"), 0)
    assert "part must be one of attention, softmax" in refused.value.message
    with pytest.raises(BadInput) as refused:
        ladder("sofmax")
    assert 'Did you mean "softmax"?' in refused.value.message and "tfx bench ladder" in refused.value.hint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": 0}, "size"),
        ({"size": 10**9, "loops": False}, "size"),
        ({"size": 16_384}, "loops"),
        ({"turns": 2}, "turns"),
        ({"dtype": "int8"}, "dtype"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, said):
    with pytest.raises(BadInput) as refused:
        run(replace(Settings(part="softmax"), **change), 0)
    assert said in refused.value.message + refused.value.hint and refused.value.hint


def test_a_graphics_card_is_not_what_this_is_about():
    with pytest.raises(BadInput) as refused:
        run(Settings(part="softmax"), 0, device="cuda")
    assert "--device cpu" in refused.value.hint


@pytest.mark.parametrize("part", PARTS)
def test_a_lesson_gets_the_words_the_function_and_the_check_of_every_rung(part):
    yielded = list(rung_steps(part, TINY[part]))
    rungs = ladder(part).rungs
    said = [one for one in yielded if isinstance(one, str)]
    checks = [one for one in yielded if isinstance(one, Check)]
    assert [one for one in yielded if callable(one)] == [rung.function for rung in rungs]
    assert len(said) == len(rungs) and all(text.isascii() and text.endswith(".") for text in said)
    assert len(checks) == len(rungs) - 1 and all(check.holds for check in checks), checks


def test_a_rung_that_is_wrong_fails_in_a_lesson_too(monkeypatch):
    right = ladder("softmax")
    wrong = Rung("wrong", lambda x: np.exp(x), "No sum at all.", "")
    monkeypatch.setattr(climbing, "ladder", lambda name: replace(right, rungs=(right.rungs[0], wrong)))
    assert [one.holds for one in rung_steps("softmax", 2) if isinstance(one, Check)] == [False]


def test_words_and_function_come_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(climbing, "climb_rung", None)
    steps = rung_steps("attention")
    assert next(steps).startswith("Loops.") and next(steps) is attention.loops


def test_shapes_come_from_a_real_call():
    assert shapes("softmax", 3) == f"(3, {softmax.WIDTH}) -> (3, {softmax.WIDTH})"
    assert shapes("attention", 5) == "(2, 5, 32), (2, 5, 32), (2, 5, 32), (5, 5) -> (2, 5, 32)"
