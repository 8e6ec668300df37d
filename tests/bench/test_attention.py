"""The benchmark of attention: four ways that agree, work and memory that are counted, and goals said as they are."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, times
from tests.strict_device import xp
from tfx.bench import attention, attention_turns, attention_ways
from tfx.bench.attention_goals import goal_notes
from tfx.bench.attention_memory import memory_law, size
from tfx.bench.attention_ways import draw, largest_difference, multiply_adds, numpy_calls
from tfx.bench.pytorch import import_torch, torch_threads
from tfx.efficient import tiled_attention
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.measure.measuring import peak_bytes
from tfx.records import to_plain_data

SMALL = replace(attention.Settings(), lengths=(256, 512, 1024), heads=2, d_head=16, turns=3)

PLACE = "tfx.bench.attention"
TILED = "tfx.bench.attention_ways.tiled_attention"


def stand_in_calls(factors: dict[str, float]) -> Any:
    """What PyTorch would compute, made here: the naive way, and the tiled one; each result times a factor."""

    def made(inputs: Any, causal: bool, torch: Any, naive: bool = True) -> dict[tuple[str, str], Any]:
        ours = numpy_calls(inputs, causal)

        def call(way: str, own: str, each: str) -> Any:
            return lambda: tuple(factors[way] * array for array in ours[own, each]())

        ways = {"torch_naive": "naive", "torch_fused": "tiled"}
        return {(way, each): call(way, own, each) for way, own in ways.items() for each in ("forward", "both")}

    return made


def with_torch(naive: float = 1.0, fused: float = 1.0) -> dict[str, Any]:
    return {f"{PLACE}.torch_calls": instead(stand_in_calls({"torch_naive": naive, "torch_fused": fused}))}


def counted_with(wrong: Any) -> dict[str, Any]:
    """wrong(count, way, causal) -> what is counted instead."""
    return {f"{PLACE}.multiply_adds": lambda o: lambda inputs, way, causal: wrong(o(inputs, way, causal), way, causal)}


def one_product_less(count: int, way: str, causal: bool) -> int:
    return count * 6 // 7 if way == "tiled" and not causal else count


def one_product_more(count: int, way: str, causal: bool) -> int:
    return count * 7 // 6 if way == "naive" else count


def steeper(causal: bool) -> Any:
    """The same peak at the longest sequence, and less at shorter ones."""

    def row(row: Any) -> Any:
        factor = (row["length"] / 1024) ** 1.2 if row["causal"] is causal else 1.0
        return {**row, "tiled_peak_mib": row["tiled_peak_mib"] * factor}

    return row


def not_rescaled(forward: Any) -> Any:
    def wrong(*inputs: Any, **options: Any) -> Any:
        out, cache = forward(*inputs, **options)
        return 1.001 * out, cache

    return wrong


def gradients(change: Any) -> Any:
    """change(dq, dk, dv) -> what the backward returns instead."""
    return {f"{TILED}_backward": lambda o: lambda dout, cache: change(*o(dout, cache))}


DIFFERENT = {"same-tiled", "same-torch-fused"}

BREAKS = Table(
    SMALL,
    Broken("a tile that is not rescaled", DIFFERENT, {f"{TILED}_forward": not_rescaled}),
    Broken("dq and dk exchanged", DIFFERENT, gradients(lambda dq, dk, dv: (dk, dq, dv))),
    Broken("a second gradient that is NaN", DIFFERENT, gradients(lambda dq, dk, dv: (dq, dk * np.nan, dv))),
    Broken("another naive way in PyTorch", {"same-torch-naive"}, with_torch(naive=1.001)),
    Broken("a fused way that is NaN in PyTorch", {"same-torch-fused"}, with_torch(fused=np.nan)),
    Broken("one product less", {"work", "work-naive", "work-causal"}, counted_with(one_product_less)),
    Broken("the naive way with one more", {"work-naive"}, counted_with(one_product_more)),
    Broken("tiles above the diagonal", {"work-causal"}, counted_with(lambda n, way, causal: 2 * n if causal else n)),
    Broken("memory that grows", {"memory"}, row=steeper(causal=False)),
    Broken("memory that grows under a mask", {"memory-causal"}, row=steeper(causal=True)),
    Broken("a hundred tiles", {"memory-share", "memory-share-causal"}, row=times(100.0, "tiled_peak_mib")),
    always={
        f"{PLACE}.import_torch": instead(object),
        f"{PLACE}.torch_threads": instead(lambda torch, n: nullcontext()),
        f"{PLACE}.BUDGET_S": instead(0.0),
        f"{PLACE}.COUNTED_LENGTH": instead(256),
        **with_torch(),
    },
)


def run(settings: Any, seed: int, **asked: Any) -> Any:
    return frame.run(attention, settings, seed, **asked)


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "BUDGET_S", 0.3)
        patch.setattr(attention, "import_torch", lambda: None)
        return run(SMALL, 0)


def inputs(length: int = 512, heads: int = 1, width: int = 16) -> Any:
    return draw(np.random.default_rng(0), heads, length, width)


def test_every_check_holds(result):
    assert all(check.holds for check in result.checks), result.checks
    assert {check.id for check in result.checks} == {
        *("same-tiled", "work", "work-naive", "work-causal"),
        *("memory", "memory-share", "memory-causal", "memory-share-causal"),
    }


def test_every_length_has_four_rows_with_medians_spreads_ratios_and_peaks(result):
    cases = [(row["length"], row["causal"], row["pass"]) for row in result.rows]
    assert cases == [
        (n, causal, each) for n in SMALL.lengths for causal in (False, True) for each in ("forward", "both")
    ]
    for row in result.rows:
        assert row["tiled_s"] > 0 and row["naive_s_half_range"] >= 0 and row["naive_peak_mib"] > 0
        assert row["tiled_over_naive"] == row["tiled_s"] / row["naive_s"]
        assert (row["causal_over_full"] is None) is (not row["causal"])
        assert row["torch_fused_s"] is None and row["tiled_over_torch_fused"] is None


def test_without_pytorch_and_without_long_sequences_the_notes_say_so(result):
    said = " ".join(note.text for note in result.notes)
    assert "PyTorch is not installed: its columns are empty." in said
    assert "Goal" not in said
    assert result.params["machine"]["cores"] >= 1 and result.params["threads"] in (1, None)
    assert str(to_plain_data(result)).isascii()


# Work and memory, counted


@pytest.mark.parametrize("blocks", [1, 2, 4, 7])
def test_causal_makes_n_plus_one_of_2n_tiles(blocks, monkeypatch):
    monkeypatch.setattr(tiled_attention, "BLOCK_Q", 32)
    x = inputs(32 * blocks)
    full, causal = (multiply_adds(x, "tiled", causal) for causal in (False, True))
    assert full == 7 * (32 * blocks) ** 2 * 16
    assert causal * 2 * blocks == full * (blocks + 1)


def test_tiled_attention_makes_each_tile_twice_and_none_above_the_diagonal(monkeypatch):
    made = []
    scores = tiled_attention._scores

    def noted(*args: Any) -> Any:
        made.append(args[2:4])
        return scores(*args)

    monkeypatch.setattr(tiled_attention, "_scores", noted)
    monkeypatch.setattr(tiled_attention, "BLOCK_Q", 64)
    monkeypatch.setattr(tiled_attention, "TILE_SCORES", 64 * 64)
    for causal, tiles in ((False, 8 * 8), (True, 8 * 9 // 2)):
        made.clear()
        numpy_calls(inputs(), causal)["tiled", "both"]()
        assert len(made) == 2 * tiles


def test_tiles_of_all_heads_and_rows_are_made_in_the_same_memory():
    """A regression on allocations: beside what it returns, the forward holds one tile, the backward two."""
    x = inputs(1024, heads=3, width=8)
    tile = 4 * tiled_attention.TILE_SCORES
    returned = 4 * 3 * 1024 * 8
    calls = numpy_calls(x, causal=False)
    assert tile < peak_bytes(calls["tiled", "forward"]) < tile + 3 * returned
    assert 2 * tile < peak_bytes(calls["tiled", "both"]) < 2 * tile + 8 * returned


def test_the_memory_law_is_fitted_where_a_tile_is_a_part_of_the_scores_only(result):
    law = memory_law(result.rows, causal=False, heads=2)
    assert law is not None and law.exponent < 1.1
    assert memory_law([row for row in result.rows if row["length"] <= 256], causal=False, heads=2) is None
    quadratic = [{**row, "tiled_peak_mib": row["length"] ** 2} for row in result.rows]
    found = {check.id: check.holds for check in attention.memory(quadratic, 2)}
    assert not any(found.values()) and len(found) == 4


def test_a_naive_way_that_needs_too_much_memory_is_left_out(monkeypatch):
    calls = attention.calls_of(256, replace(SMALL, memory_gib=0.001), np.random.default_rng(0), np, None)
    assert {way for _, way, _ in calls} == {"tiled"}
    monkeypatch.setattr(attention, "free_memory", lambda: 1e6)
    calls = attention.calls_of(256, SMALL, np.random.default_rng(0), np, None)
    assert {way for _, way, _ in calls} == {"tiled"}
    rows = [
        attention.row(256, c, p, attention.measure(calls, 3, 0.1, time.perf_counter, np))
        for c in (False, True)
        for p in attention.PASSES
    ]
    assert rows[0]["naive_s"] is None and rows[0]["tiled_over_naive"] is None
    assert (
        "From T = 256 on the naive ways are left out: their T x T arrays need more than memory_gib (8) or more than is "
        "free now."
    ) in [note.text for note in attention.notes_on(rows, SMALL, True, True)]
    assert len(attention.plots(frame.Run(SMALL, rows=rows))) == 3


# Turns


def test_long_calls_count_from_the_first_and_naive_ways_that_do_not_fit_have_no_other():
    """A clock of its own: a naive call takes 10 s, another 1 s."""
    now = [0.0]

    def lasting(seconds: float) -> Any:
        def call() -> None:
            now[0] += seconds

        return call

    names = {(False, "naive", "both"): 10.0, (False, "tiled", "both"): 1.0}
    calls = {name: lasting(seconds) for name, seconds in names.items()}
    found = attention_turns.more_turns(calls, names, 7, 8.0, lambda: now[0], lambda: None)
    assert found == {(False, "naive", "both"): (10.0, None), (False, "tiled", "both"): (1.0, 0.0)}
    assert now[0] == 6.0  # seven turns of the tiled way, one of them made before
    now[0] = 0.0
    found = attention_turns.more_turns(calls, names, 7, 25.0, lambda: now[0], lambda: None)
    assert found[False, "naive", "both"] == (10.0, 0.0) and now[0] == 22.0


# Saying it


W = "at worst 1.20 (T = 4096)."


def rows_at(length: int, ratio: float, share: float) -> list[dict[str, Any]]:
    return [
        {"length": length, "causal": causal, "pass": each, "tiled_over_torch_naive": ratio}
        | {"tiled_over_torch_fused": ratio, "causal_over_full": share if causal else None}
        for causal in (False, True)
        for each in ("forward", "both")
    ]


def test_goals_are_judged_by_the_worst_row_from_2048_tokens_on():
    said = [
        note.text for note in goal_notes([*rows_at(1024, 9.0, 0.9), *rows_at(2048, 0.8, 0.9), *rows_at(4096, 1.2, 0.5)])
    ]
    both = ("forward", "forward + backward")
    at_most, half = "tiled takes at most", "tiled and causal takes about half of the time of full"
    assert said == [
        *(f"Goal, {p}: {at_most} 1 times as long as PyTorch naive from T = 2048 on: not met, {W}" for p in both),
        *(f"Goal, {p}: {at_most} 1.5 times as long as PyTorch fused from T = 2048 on: met, {W}" for p in both),
        *(f"Goal, {p}: {half}: met, 0.50 at T = 4096." for p in both),
    ]
    assert [note.text for note in goal_notes(rows_at(2048, 1.0, 0.9))][4:] == [
        f"Goal, {p}: {half}: not met, 0.90 at T = 2048." for p in both
    ]


@pytest.mark.parametrize("place", range(4))
def test_a_ratio_that_is_not_a_number_meets_no_goal(place):
    rows = rows_at(2048, 0.5, 0.5)
    rows[place]["tiled_over_torch_naive"] = math.nan
    said = [note.text for note in goal_notes(rows) if "PyTorch naive" in note.text]
    assert sum("on: not met, at worst nan" in text for text in said) == 1


def timed(length: int, causal: bool, tiled: float, naive: float | None, mib: float, naive_mib: float | None) -> Any:
    """A row of forward and backward; without PyTorch."""
    seconds = {"naive": naive, "tiled": tiled, "torch_naive": None, "torch_fused": None}
    found = {"length": length, "causal": causal, "pass": "both", "naive_peak_mib": naive_mib, "tiled_peak_mib": mib}
    for way, each in seconds.items():
        found |= {f"{way}_s": each, f"{way}_s_half_range": None if each is None else 0.01}
    return {**found, "tiled_over_naive": None if naive is None else tiled / naive}


def test_titles_speak_of_the_longest_sequence_that_the_naive_way_was_timed_at():
    rows = [
        *(timed(n, False, 1.0, n / 256, 10.0 + n / 1024, n / 10) for n in (512, 1024)),
        timed(2048, False, 1.0, None, 12.0, None),
        *(timed(n, True, 1.0, None, 12.0, None) for n in (512, 1024, 2048)),
    ]
    plots = attention.plots(frame.Run(SMALL, rows=rows))
    assert [plot.title for plot in plots] == [
        "Attention, forward and backward: 4 times as fast in tiles at T = 1024",
        "Causal attention, forward and backward: in tiles alone: the whole does not fit the memory",
        "Tiled attention needs 12 MiB at T = 2048, naive 102 MiB at T = 1024",
    ]


def test_sizes_are_said_in_mib_or_gib():
    assert (size(40.26), size(3112.0)) == ("40.3 MiB", "3.04 GiB")


# PyTorch, where it is installed


def test_pytorch_computes_the_same_and_gets_its_threads_back():
    torch = pytest.importorskip("torch")
    assert import_torch() is torch
    before = torch.get_num_threads()
    with torch_threads(torch, 1):
        assert torch.get_num_threads() == 1
        for causal in (False, True):
            ours = numpy_calls(inputs(64, heads=2), causal)
            for (_, each), call in attention_ways.torch_calls(inputs(64, heads=2), causal, torch).items():
                assert largest_difference(call(), ours["naive", each]()) < 1e-5
    assert torch.get_num_threads() == before


def test_a_difference_is_a_share_of_the_largest_number():
    a, b = np.array([1.0, -4.0]), np.array([1.0, -5.0])
    assert largest_difference((a, b), (a, b)) == 0
    assert largest_difference((a, a), (a, b)) == pytest.approx(0.2)
    rows = [{f"{way}_difference": 1e-3 for way in attention.WAYS}]
    assert not any(check.holds for check in attention.same_numbers(rows))


def test_it_runs_on_a_device(monkeypatch):
    monkeypatch.setattr(frame, "device_module", lambda device: xp)
    found = run(replace(SMALL, lengths=(32, 64)), 0, device="cuda")
    assert all(check.holds for check in found.checks)
    assert found.rows[0]["tiled_peak_mib"] is None and len(found.plots) == 2
    assert "on the processor alone" in " ".join(note.text for note in found.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lengths": (8,)}, "lengths"),
        ({"lengths": (0, 8)}, "lengths"),
        ({"heads": 0}, "heads"),
        ({"turns": 1}, "turns"),
        ({"heads": 1024, "d_head": 1024, "lengths": (8, 65536)}, "GiB"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, said):
    with pytest.raises(BadInput) as refused:
        run(replace(SMALL, **change), 0)
    assert said in refused.value.message and refused.value.hint


def test_quick_leaves_out_the_long_sequences():
    assert attention.Settings().quick().lengths == (128, 256, 512, 1024)
    assert replace(SMALL, lengths=(1024, 2048)).quick().lengths == (1024, 2048)
