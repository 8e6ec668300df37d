"""The frame: what was measured survives a Ctrl-C, and no digit, row or verdict is lost on the way through a file."""

import itertools
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.cli import squares
from tfx.errors import BadInput
from tfx.lab import experiment_module, frame
from tfx.lab.kept_rows import KeptRows, Piece, file_name
from tfx.records import Check

SMALL = {"scaling": {"d_k": (4, 16, 64), "pairs": 2000, "softmax_rows": 20}, "saturation": {"random_rows": 100}}


def small(name):
    module = experiment_module(name)
    return module, replace(module.Settings(), **SMALL.get(name, {}))


def interrupted_before(key_number):
    """A progress callback: Ctrl-C is pressed when that key begins."""

    def progress(done, total, what):
        if done == key_number and what != "done":
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("at", [1, 2])
def test_a_resumed_experiment_equals_one_that_was_never_stopped(name, at, tmp_path):
    module, settings = small(name)
    whole = frame.run(module, settings, 3)
    path = tmp_path / "kept.jsonl"
    with pytest.raises(frame.Stopped) as stop:
        frame.run(module, settings, 3, progress=interrupted_before(at), kept=KeptRows(path))
    assert stop.value.result.rows == whole.rows[:at] and stop.value.result.partial and stop.value.result.checks == ()
    assert json.dumps(frame.run(module, settings, 3, kept=KeptRows(path, go_on=True)).rows) == json.dumps(whole.rows)
    assert not path.exists()


def test_a_line_that_a_kill_cut_short_is_measured_again(tmp_path):
    path = tmp_path / "kept.jsonl"
    kept = KeptRows(path)
    for n in range(3):
        kept.keep(n, Piece([{"n": n}], []))
    path.write_text(path.read_text("utf-8")[:-4], encoding="utf-8")
    again = KeptRows(path, go_on=True)
    assert again.kept == 2 and again.find(1) == Piece([{"n": 1}], []) and again.find(2) is None
    again.keep(2, Piece([{"n": 2}], []))
    assert KeptRows(path, go_on=True).kept == 3


def test_a_changed_byte_is_measured_again_and_never_another_number(tmp_path):
    path = tmp_path / "kept.jsonl"
    pieces = [Piece([{"n": n, "half": n / 2}], [Check("a", "b", 1.0, n / 3, 0.1, n > 1)]) for n in range(3)]
    kept = KeptRows(path)
    for n, piece in enumerate(pieces):
        kept.keep(n, piece)
    whole = path.read_bytes()
    for place, value in itertools.product(range(len(whole)), (0x31, 0x5B, 0xFF)):
        if value == whole[place]:
            continue
        path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
        before = whole[:place].count(b"\n")
        again = KeptRows(path, go_on=True)
        assert [again.find(n) for n in range(3)] == [*pieces[:before], *[None] * (3 - before)], (place, value)


def test_numbers_keep_every_digit_and_checks_come_back(tmp_path):
    row = {"a": np.float64(0.1) + 0.2, "n": np.int64(7), "nan": float("nan"), "none": None, "word": "x", "yes": True}
    check = Check("a", "b", 0.1, 0.2, "none", True)
    KeptRows(tmp_path / "k").keep(("x", 0.5), Piece([row], [check]))
    piece = KeptRows(tmp_path / "k", go_on=True).find(("x", 0.5))
    assert repr(piece.rows[0]) == repr({**row, "a": float(row["a"]), "n": 7}) and piece.checks == [check]


def test_every_setting_the_seed_and_the_version_tell_runs_apart():
    names = {file_name("a", {"x": 1}, 0), file_name("a", {"x": 2}, 0), file_name("b", {"x": 1}, 0)}
    assert len(names | {file_name("a", {"x": 1}, 1)}) == 4


def test_a_check_that_was_yielded_is_kept_and_stays_before_the_others(tmp_path):
    module, settings = small("masking")
    result = frame.run(module, settings, 0)
    assert [check.id for check in result.checks][:2] == ["causal", "no-mask-leaks"]


def test_nothing_is_measured_with_settings_out_of_range():
    squares.measured.clear()
    with pytest.raises(BadInput, match="top must be from 1 to 1,000, but is 0"):
        frame.run(squares, squares.Settings(top=0))
    assert squares.measured == []


def test_progress_counts_what_was_kept_as_done(tmp_path):
    path = tmp_path / "kept.jsonl"
    module, settings = small("scaling")
    with pytest.raises(frame.Stopped):
        frame.run(module, settings, 0, progress=interrupted_before(2), kept=KeptRows(path))
    seen = []
    frame.run(module, settings, 0, progress=lambda *one: seen.append(one), kept=KeptRows(path, go_on=True))
    assert seen == [(0, 3, "d_k = 4"), (1, 3, "d_k = 16"), (2, 3, "d_k = 64"), (3, 3, "done")]


def rows_of(number):
    return frame.Run(squares.Settings(), rows=[{}] * number)


@pytest.mark.parametrize(
    ("rows", "decisive", "shown"),
    [
        (0, (), []),
        (6, (2,), [0, 1, 2, 3, 4, 5]),
        (13, (), [0, 4, 8, 12]),
        (13, (5, 6), [0, 4, 5, 6, 8, 12]),
        (13, (1, 2, 3, 5), [1, 2, 3, 5]),
        (30, range(20), [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_a_first_look_shows_all_of_few_rows_else_the_decisive_and_an_even_spread(rows, decisive, shown):
    assert frame.first_look(squares, rows_of(rows), tuple(decisive)) == tuple(shown)


def test_without_a_claim_every_row_is_shown(monkeypatch):
    monkeypatch.delattr(squares, "CLAIM")
    assert frame.first_look(squares, rows_of(13)) == tuple(range(13))


def test_a_full_run_has_the_careful_sizes_and_says_so():
    @dataclass(frozen=True)
    class Sizes(squares.Settings):
        def full(self):
            return replace(self, top=2 * self.top)

    careful = frame.prepare(squares, Sizes(), full=True)
    assert careful.settings.top == 2 * Sizes().top and careful.params()["full"] is True
    assert "full" not in frame.prepare(squares, Sizes()).params()
    assert frame.prepare(squares, squares.Settings(), full=True).settings == squares.Settings()
    with pytest.raises(BadInput, match="two sizes"):
        frame.prepare(squares, Sizes(), quick=True, full=True)


def test_runs_with_other_seeds_train_other_models_and_say_which():
    said = []
    run = frame.Run(None, seed=2, progress=lambda done, total, what: said.append((done, total, what)))
    assert list(run.seeds(3, "tied: model {} of 3")) == [6, 7, 8]
    assert said == [(0, 3, "tied: model 1 of 3"), (1, 3, "tied: model 2 of 3"), (2, 3, "tied: model 3 of 3")]
    many = [seed for number in range(4) for seed in frame.Run(None, seed=number).seeds(5, "{}")]
    assert many == list(range(20))
