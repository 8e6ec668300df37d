"""What every experiment owes its reader, whatever it measures."""

import importlib
import json
import math
import re
from contextlib import nullcontext

import pytest

from lessons.grading import is_close
from tests.lab.breaking import module_of_tests
from tests.lab.quick_runs import each_experiment, quick_result
from tfx.errors import BadInput
from tfx.lab import experiment_module, frame
from tfx.records import to_plain_data
from tfx.settings import apply_settings

#: Smaller than quick, where a verdict needs no more.
SMALLER = {"scaling": ["d_k=4,16,64", "pairs=20000"]}
#: Settings at which a question might have no answer.
FARTHER = (
    "scaling d_k=7", "scaling mean=1 correlation=0.5", "saturation pattern=1,1,1", "saturation a=0,1,2",
    "masking penalty=-inf", "masking penalty=-30", "masking mask=no", "complexity lengths=5,9,17",
    "gradient-flow gains=1,3", "gradient-flow depth=2", "attention-collapse mix=no", "attention-collapse depth=4",
    "rare-facts sizes=5,7,11", "rare-facts a=3",
)  # fmt: skip


@pytest.fixture(params=each_experiment())
def result(request):
    return quick_result(request.param)


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
    """At the sizes of the table of what breaks its checks, at which all of them hold; else at the quick ones."""
    module = experiment_module(result.name)
    table = importlib.import_module(module_of_tests(module)).BREAKS
    for line in result.break_it:
        flag, pairs = line.split(" ", 1)
        assert flag == "--set"
        assert breaks(module, pairs, table.settings, table) or breaks(module, pairs, module.Settings()), line


def breaks(module, pairs, settings, table=None):
    """Whether a check fails with these pairs; False also where the settings do not go with them."""
    try:
        chosen = apply_settings(settings, pairs.split(" --set "), "tfx experiment")
    except BadInput:
        return False
    with table.planted({}) if table else nullcontext():
        broken = frame.run(module, chosen, 0, quick=table.quick if table else True)
    return not all(check.holds for check in broken.checks)


def test_the_claim_is_one_or_two_sentences_of_words_that_come_before_symbols(result):
    assert 60 <= len(result.claim) <= 200 and result.claim.endswith(".")
    assert 1 <= sentences(result.claim) <= 3


def sentences(text):
    return len(re.findall(r"[a-z0-9%)]\.(?= [A-Z]|$)", text))


def test_the_finding_is_one_to_three_short_sentences(result):
    assert 1 <= sentences(result.notes[0].text) <= 3 and len(result.notes[0].text) <= 240


def test_the_question_is_known_before_anything_is_measured_and_its_answer_comes_from_the_rows(result):
    module = experiment_module(result.name)
    before = frame.opening(module, frame.prepare(module, module.Settings(), 0, quick=True))
    assert before == (result.title, result.claim, result.question.prompt)
    assert re.search(r"\?( \(.*\))?$", before.prompt) and math.isfinite(result.question.answer)
    assert 0 <= result.question.tolerance <= 0.25 and result.question.explanation.endswith(".")
    assert result.question.unit == ""  # it is read before it is measured: a unit stands in the words


def test_at_first_at_most_five_columns_and_nine_rows_are_shown(result):
    assert 3 <= sum(not column.detail for column in result.columns) <= 5
    assert 3 <= len(result.shown) <= 9 and list(result.shown) == sorted(set(result.shown))
    assert result.shown[-1] < len(result.rows)


def test_every_word_of_a_column_of_a_first_look_is_a_word(result):
    for column in result.columns:
        if not column.detail:
            assert not re.search(r"[|^=~]|s\.e\.|\bVar\b|\braw\b", column.label), column.label


@pytest.mark.parametrize("change", FARTHER)
def test_the_question_has_an_answer_whatever_is_set(change):
    name, *pairs = change.split()
    module = experiment_module(name)
    settings = apply_settings(module.Settings(), [*SMALLER.get(name, []), *pairs], "tfx experiment")
    found = frame.run(module, settings, 1, quick=True)
    assert math.isfinite(found.question.answer), found.question
    assert frame.opening(module, frame.prepare(module, settings, 1, quick=True)).prompt == found.question.prompt


#: The answers once more, from the settings alone; a clock has none.
BY_HAND = {
    "scaling": 64**0.5,
    "saturation": 1 / (1 + 2 * math.exp(-5)),
    "masking": 1 / 8,
    "gradient-flow": -40 * math.log10(2),
    "attention-collapse": 4.0,
    "rare-facts": sum(i**-1.5 for i in range(3201, 10**6 + 1)) / sum(i**-1.5 for i in range(1601, 10**6 + 1)),
    "accumulation": 4.0,
    "batch-size": (1024 / 4) ** 0.5,
    "clipping": 1.0,
    "dropout": 1 + 2 / 9,
    "label-smoothing": math.log(91),
    "optimizers": 2.0 * 4,
    "warmup": 0.0,
}


def test_the_answer_is_what_a_reader_would_reckon(result):
    asked = result.question
    if result.name not in BY_HAND:
        pytest.skip("a time")
    assert is_close(BY_HAND[result.name], asked.answer, asked.tolerance), (asked, BY_HAND[result.name])
    assert asked.answer == 0 or not is_close(1.5 * BY_HAND[result.name], asked.answer, asked.tolerance)
