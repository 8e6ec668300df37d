"""What every experiment owes its reader, whatever it measures."""

import json

import pytest

from tfx.lab import experiment_module, experiments, frame
from tfx.records import to_plain_data
from tfx.settings import apply_settings

#: Smaller than quick, where a verdict needs no more.
SMALLER = {"scaling": ["d_k=4,16,64", "pairs=20000"]}


@pytest.fixture(scope="module", params=experiments())
def result(request):
    module = experiment_module(request.param)
    return frame.run(module, module.Settings(), 0, quick=True)


def test_it_has_checks_a_plot_notes_and_something_to_break(result):
    assert len(result.checks) >= 3 and result.plots and result.notes and result.break_it
    assert len({check.id for check in result.checks}) == len(result.checks)
    assert len({column.key for column in result.columns}) == len(result.columns)


def test_every_row_has_a_value_for_every_column(result):
    for row in result.rows:
        assert all(isinstance(row[column.key], int | float | str | bool | None) for column in result.columns)


def test_every_series_is_as_long_as_its_axis_and_log_axes_stay_positive(result):
    for plot in result.plots:
        assert plot.title and plot.x_label and plot.y_label
        for series in plot.series:
            assert len(series.x) == len(series.y) > 0
            assert series.error is None or len(series.error) == len(series.x)
            assert not plot.log_x or min(series.x) > 0
            assert not plot.log_y or min(series.y) > 0


def test_the_paper_is_named_in_a_note(result):
    assert any("et al." in note.text for note in result.notes)


def test_it_is_json_without_nan_and_plain_ascii(result):
    assert json.dumps(to_plain_data(result), allow_nan=False).isascii()
    assert all(isinstance(check.holds, bool) for check in result.checks)


def test_what_it_says_to_break_really_changes_a_verdict(result):
    module = experiment_module(result.name)
    for line in result.break_it:
        flag, pair = line.split(" ", 1)
        assert flag == "--set"
        settings = apply_settings(module.Settings(), [*SMALLER.get(result.name, []), pair], "tfx experiment")
        broken = frame.run(module, settings, 0, quick=True)
        assert not all(check.holds for check in broken.checks), line
