"""The benchmark of decoding: the same text in three ways, linear work for each token, and buffers that stay put."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, exact_clock
from tests.strict_device import xp
from tfx.bench import decode
from tfx.bench.decode_readers import WAYS, Joined, after, one_token, reader
from tfx.errors import BadInput
from tfx.generate.stored_keys import StoredDecoder
from tfx.lab import frame
from tfx.measure.estimates import straight_line
from tfx.models import GPT, decoder
from tfx.records import to_plain_data
from tfx.settings import apply_settings

SMALL = replace(decode.Settings(), contexts=(16, 64, 256), d_model=32, heads=4, layers=2, vocab=20, turns=3)
TIMED = {"time-stored", "time-recomputed"}

PLACE, STORAGE = "tfx.bench.decode", "tfx.bench.decode_storage"


def counted_seconds(name: Any) -> float:
    """Stored: as good as constant; joined: a little more; recomputed: like the context."""
    way, context = name
    return {"stored": 1 + context / 1e4, "joined": 1 + context / 1e3, "recomputed": float(context)}[way]


def counted_with(wrong: Any) -> dict[str, Any]:
    """wrong(count, way, context) -> what is counted instead."""
    return {f"{PLACE}.multiply_adds": lambda o: lambda model, way, ids: wrong(o(model, way, ids), way, ids.shape[1])}


def joined_times(factor: float, context: int) -> Any:
    def make(one_token: Any) -> Any:
        def read(reader: Any, ids: Any) -> Any:
            here = isinstance(reader, Joined) and reader.length == context - 1
            return one_token(reader, ids) * (factor if here else 1)

        return read

    return {f"{PLACE}.one_token": make}


def slope_of(way: str) -> dict[str, Any]:
    """The slope of one way for both."""
    return {f"{STORAGE}.memory_slope": lambda o: lambda rows, _: o(rows, way)}


def copying_storage(logits: Any) -> Any:
    def copying(self: Any, n_last: int) -> Any:
        found = logits(self, n_last)
        if not isinstance(self, Joined):
            self._select(np.array([0]))
        return found

    return copying


def other_text(greedy: Any) -> Any:
    return lambda reader, *rest: (greedy(reader, *rest) + isinstance(reader, Joined)) % 20


def half_stored(count: float, way: str, context: int) -> float:
    return count / 2 if way == "stored" else count


def squared(count: float, way: str, context: int) -> float:
    return count + context**2 / 4 if way == "stored" else count


def once(count: float, way: str, context: int) -> float:
    return count / context if way == "recomputed" else count


BREAKS = Table(
    SMALL,
    Broken("another text", {"tokens"}, {f"{PLACE}.greedy": other_text}),
    Broken("other logits", {"logits"}, joined_times(1.001, 64)),
    Broken("NaN in the second context", {"logits"}, joined_times(np.nan, 64)),
    Broken("NaN in the last context", {"logits"}, joined_times(np.nan, 256)),
    Broken("half of the work", {"work", "work-each", "work-saved"}, counted_with(half_stored)),
    Broken("work like n^2", {"work", "work-each", "work-linear"}, counted_with(squared)),
    Broken("recomputing for nothing", {"work-saved"}, counted_with(once)),
    Broken(
        "storage that is copied",
        {"one-buffer", "nothing-moved"},
        {"tfx.generate.stored_keys.StoredDecoder._logits": copying_storage},
    ),
    Broken("stored as if joined", {"memory"}, slope_of("joined")),
    Broken("joined as if stored", {"memory-joined"}, slope_of("stored")),
    Broken("time like n^2", {"time-stored"}, row=lambda row: {**row, "stored_s": row["context"] ** 2 / 1e6}),
    Broken("recomputed in no time", {"time-recomputed"}, row=lambda row: {**row, "recomputed_s": 1.0}),
    always=exact_clock(counted_seconds),
)


def run(settings: Any, seed: int, **asked: Any) -> Any:
    return frame.run(decode, settings, seed, **asked)


@pytest.fixture(scope="module")
def result():
    return run(SMALL, 0)


def verdicts(result: Any) -> dict[str, bool]:
    return {check.id: check.holds for check in result.checks}


def check(result: Any, id: str) -> Any:
    return next(check for check in result.checks if check.id == id)


def test_what_is_not_time_holds(result):
    counted = {id: holds for id, holds in verdicts(result).items() if id not in TIMED}
    assert all(counted.values()), result.checks
    assert verdicts(result).keys() - counted.keys() == TIMED
    assert len(counted) == 10


def test_every_context_has_a_row_with_medians_spreads_and_their_ratio(result):
    assert [row["context"] for row in result.rows] == [16, 64, 256]
    for row in result.rows:
        assert all(isinstance(row[column.key], int | float) for column in result.columns)
        assert all(row[f"{way}_s"] > 0 and row[f"{way}_s_half_range"] >= 0 for way in WAYS)
        assert row["speedup"] == row["recomputed_s"] / row["stored_s"]


def test_recomputation_costs_more_and_more_for_each_token_and_storing_does_not(result):
    work = {way: [row[f"{way}_mflop"] for row in result.rows] for way in ("stored", "recomputed")}
    assert work["stored"][-1] < 3 * work["stored"][0]
    assert work["recomputed"][-1] > 16 * work["recomputed"][0]


def test_a_stored_token_takes_two_numbers_of_each_channel_and_block(result):
    for row in result.rows:
        assert row["kept_mib"] * 2**20 == 2 * SMALL.layers * SMALL.d_model * 4 * (row["context"] - 1)


def test_one_token_allocates_rows_of_scores_and_no_copy_of_what_is_stored(result):
    score_row = SMALL.heads * 4
    assert check(result, "memory").measured <= (SMALL.layers + 3) * score_row  # weights of each block, and temporaries
    assert check(result, "memory-joined").measured >= 2 * SMALL.d_model * 4


def test_the_memory_check_fails_for_arrays_that_are_joined(result):
    rows = [{**row, "stored_peak_mib": row["joined_peak_mib"]} for row in result.rows]
    model, ids = GPT(20, 32, 4, n_layers=2, max_len=64), np.zeros((1, 40), dtype=int)
    found = {check.id: check.holds for check in decode.storage(model, ids, rows, SMALL.d_model, decode.WRITTEN)}
    assert found == {"one-buffer": True, "nothing-moved": True, "memory": False, "memory-joined": True}


def test_a_reader_that_copies_its_storage_is_caught(monkeypatch, result):
    honest = StoredDecoder._logits

    def copying(self: Any, n_last: int) -> Any:
        logits = honest(self, n_last)
        self._select(np.array([0]))
        return logits

    monkeypatch.setattr(StoredDecoder, "_logits", copying)
    model, ids = GPT(20, 32, 4, n_layers=2, max_len=64), np.zeros((1, 40), dtype=int)
    found = {check.id: check.holds for check in decode.storage(model, ids, result.rows, SMALL.d_model, decode.WRITTEN)}
    assert not found["one-buffer"] and not found["nothing-moved"]


def test_other_tokens_and_other_logits_are_caught():
    same, other = np.arange(decode.WRITTEN), np.arange(decode.WRITTEN) // 2
    texts = {"stored": same, "joined": other, "recomputed": same}
    assert [check.holds for check in decode.same_numbers(texts, 2e-5)] == [False, False]
    assert [check.holds for check in decode.same_numbers(dict.fromkeys(WAYS, same), 1e-6)] == [True, True]


def test_reading_one_token_does_not_walk_through_the_parameters():
    """A regression: looking for the device of a model took a quarter of the time of a token."""
    model = GPT(20, 32, 4, n_layers=2, max_len=64)
    ready = after(reader(model, "stored"), np.zeros((1, 8), dtype=int))
    model.parameters = None  # type: ignore[method-assign, assignment]
    assert one_token(ready, np.zeros((1, 8), dtype=int)).shape == (20,)


def test_one_token_needs_no_mask(monkeypatch):
    """A regression: a causal mask of one row, all true, and a copy of the scores in every block to apply it."""
    ids = np.zeros((1, 8), dtype=int)
    ready = after(reader(GPT(20, 32, 4, n_layers=2, max_len=64), "stored"), ids)
    monkeypatch.setattr(decoder, "causal_mask", None)
    assert one_token(ready, ids).shape == (20,)


def test_it_runs_on_a_device_and_writes_the_same(monkeypatch, result):
    monkeypatch.setattr(frame, "device_module", lambda device: xp)
    device = run(replace(SMALL, contexts=(8, 16, 32)), 0, device="cuda")
    found = {check.id: check for check in device.checks if check.id not in TIMED}
    assert all(check.holds for check in found.values()), found
    assert "memory" not in found and len(device.plots) == 1


def test_a_straight_line_is_found_again_and_tokens_between_contexts_are_added_up():
    assert straight_line([1, 2, 4], [5.0, 7.0, 11.0]) == pytest.approx((3, 2))
    rows = [{"context": 2, "stored_s": 1.0}, {"context": 4, "stored_s": 3.0}, {"context": 8, "stored_s": 3.0}]
    assert decode.seconds_of_text(rows, "stored") == 4 + 12


def test_what_it_says_to_break_fails_the_growth_of_recomputing():
    """Of two, three or four tokens the calls take all the time."""
    (line,) = decode.BREAK_IT
    settings = apply_settings(decode.Settings(), [line.removeprefix("--set ")], "tfx bench decode")
    assert not verdicts(run(settings, 0, quick=True))["time-recomputed"]


def test_what_is_said_is_what_was_measured():
    """Stored: 1 s and 0.1 ms for each token of context; recomputed: the context in seconds."""
    found = BREAKS.run(decode)
    stored, joined = ((256 - 16) * (1 + (256 + 16) / 2 / each) for each in (1e4, 1e3))
    recomputed = (256**2 - 16**2) / 2
    assert found.notes[0].text == (
        "Stored: a token takes about 1e+03 ms and 1e+02 us for each token of context. At context 256 it is 250 times "
        f"as fast as recomputing. All tokens from 16 to 256: about {stored:.3g} s stored, {joined:.3g} s joined, "
        f"{recomputed:.3g} s recomputed."
    )
    assert found.plots[0].title == (
        "With stored keys and values, token 256 comes 250 times as fast; without, its time grows like n^1.00"
    )
    peaks = {way: found.rows[-1][f"{way}_peak_mib"] for way in WAYS}
    assert found.plots[1].title == (
        f"Buffers need {peaks['stored']:.3g} MiB on top for token 256, joining {peaks['joined']:.3g} MiB, recomputing "
        f"{peaks['recomputed']:.3g} MiB"
    )
    weights = 4 * (SMALL.layers * 12 * SMALL.d_model**2 + SMALL.vocab * SMALL.d_model)  # bytes that every token reads
    assert found.rows[-1]["stored_gb_per_s"] > weights / 1.0256 / 1e9
    assert f"Here {found.rows[-1]['stored_gb_per_s']:.2g} GB/s are read at context 256;" in found.notes[1].text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"contexts": (8, 16)}, "contexts"),
        ({"contexts": (1, 8, 16)}, "contexts"),
        ({"heads": 5}, "divide"),
        ({"turns": 1}, "turns"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, said):
    with pytest.raises(BadInput) as refused:
        run(replace(SMALL, **change), 0)
    assert said in refused.value.message and refused.value.hint


def test_quick_leaves_out_the_long_contexts_and_the_result_is_plain_ascii(result):
    assert decode.Settings().quick().contexts == (64, 128, 256, 512)
    assert replace(SMALL, contexts=(600, 700, 800)).quick().contexts == (600, 700, 800)
    plain = str(to_plain_data(result))
    assert plain.isascii() and "nan" not in plain
    assert result.params["machine"]["cores"] >= 1
