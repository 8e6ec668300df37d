import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, exact_clock, times
from tfx import settings
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.cost import complexity
from tfx.lab.cost.complexity import time_crossing
from tfx.measure.power_laws import PowerLaw
from tfx.records import to_plain_data

SMALL = replace(complexity.Settings(), lengths=(32, 64, 128, 256), d_model=32, turns=3)
COUNTED = {"count-projections", "count-attention", "count-doubling", "count-crossing", "count-layer-crossing"}
CROSSINGS = {"count-crossing", "count-layer-crossing"}


def counted_seconds(name):
    """One GFLOP/s, and the FLOPs of the products; the softmax takes a tenth of attention."""
    what, n = name
    flops = {"projections": 8 * n * 32 * 32, "attention": 4 * n * n * 32, "softmax": 0.4 * n * n * 32}
    return flops[what] / 1e9


def counting_wrong(name, failing, how, wrong):
    return Broken(how, failing, planted={f"tfx.measure.counting.{name}": wrong})


BREAKS = Table(
    SMALL,
    counting_wrong(
        "projections",
        {"count-projections", *CROSSINGS, "time-crossing"},
        "W_O forgotten",
        lambda o: lambda n, d: o(n, d)[:3],
    ),
    counting_wrong(
        "attention_core",
        {"count-attention", "count-doubling", *CROSSINGS},
        "one key more",
        lambda o: lambda n, *sizes: o(n + 1, *sizes),
    ),
    counting_wrong(
        "attention_core",
        {"count-attention", *CROSSINGS},
        "half of the channels",
        lambda o: lambda n, d, h: o(n, d // 2, h),
    ),
    Broken(
        "equal at n = 2 d + 1",
        {"count-crossing"},
        planted={"tfx.lab.cost.complexity.counted_crossing": lambda o: lambda settings: o(settings) + 1},
    ),
    counting_wrong(
        "attention_overtakes",
        {"count-layer-crossing"},
        "the feed-forward network forgotten",
        lambda o: lambda d_model, heads, d_ff=0: o(d_model, heads),
    ),
    Broken(
        "the output forgotten",
        {"memory"},
        planted={"tfx.lab.cost.complexity.peak_bytes": lambda o: lambda c: 0.8 * o(c)},
    ),
    Broken(
        "time like n^3", {"time-attention"}, row=lambda row: {**row, "attention_ms": row["n"] * row["attention_ms"]}
    ),
    Broken(
        "time like n^2", {"time-projections"}, row=lambda row: {**row, "projection_ms": row["n"] * row["projection_ms"]}
    ),
    Broken("attention never overtakes", {"time-crossing"}, row=times(0.01, "time_ratio")),
    always=exact_clock(counted_seconds),
)


def run(settings, seed, **asked):
    return frame.run(complexity, settings, seed, **asked)


def verdicts(result):
    return {check.id: check.holds for check in result.checks}


@pytest.fixture(scope="module")
def quick_result():
    return run(complexity.Settings(), 0, quick=True)


def test_all_checks_hold(quick_result):
    assert all(verdicts(quick_result).values()), quick_result.checks
    assert verdicts(quick_result).keys() == COUNTED | {"time-attention", "time-projections", "memory", "time-crossing"}


def test_every_length_has_its_row_and_attention_overtakes_the_projections(quick_result):
    assert [row["n"] for row in quick_result.rows] == [64, 96, 128, 192, 256, 384, 512, 768, 1024]
    assert quick_result.rows[0]["time_ratio"] < 1 < quick_result.rows[-1]["time_ratio"]
    for row in quick_result.rows:
        assert row["projection_mflop"] == 8 * row["n"] * 256 * 256 / 1e6
        assert 0 < row["softmax_share"] < 1


def test_tiny_lengths_measure_the_cost_of_calling_and_fail_the_exponents_but_not_the_counts():
    found = verdicts(run(replace(SMALL, lengths=(1, 2, 4, 8)), 0))
    assert not found["time-attention"] and not found["memory"]
    assert all(found[name] for name in COUNTED)


def test_counts_hold_for_any_shape():
    for change in ({"heads": 4}, {"d_model": 24, "heads": 3}, {"lengths": (3, 5, 7)}):
        result = run(replace(SMALL, **change), 1)
        assert all(verdicts(result)[name] for name in COUNTED), change


def test_peak_memory_is_one_matrix_of_weights_and_the_output():
    last = run(replace(SMALL, lengths=(64, 256, 1024)), 0).rows[-1]
    matrix = 1024 * 1024 * 4 / 2**20
    output = matrix * SMALL.d_model / 1024
    assert matrix + output < last["peak_mib"] < 1.03 * (matrix + output)


def rows(*pairs):
    return [{"n": n, "time_ratio": ratio} for n, ratio in pairs]


def test_the_crossing_lies_between_two_lengths_on_log_axes():
    assert time_crossing(rows((64, 0.5), (256, 2.0))) == pytest.approx(128)
    assert time_crossing(rows((10, 0.1), (100, 1.0), (1000, 10.0))) == pytest.approx(100)


def test_a_crossing_counts_only_if_attention_stays_ahead():
    noisy = rows((8, 1.5), (16, 0.5), (64, 2.0), (128, 4.0))
    assert time_crossing(noisy) == pytest.approx(32)


def test_no_crossing_is_nan_and_an_early_one_is_the_first_length():
    assert math.isnan(time_crossing(rows((8, 0.5), (16, 0.9))))
    assert time_crossing(rows((8, 1.5), (16, 3))) == 8


def test_time_checks_fail_for_exponents_outside_their_limits():
    good = PowerLaw(2.0, 1.0, 1.9, 2.1)
    laws = {"attention": PowerLaw(3.0, 1.0, 2.9, 3.1), "projections": PowerLaw(1.0, 1.0, 0.9, 1.1)}
    found = {check.id: check.holds for check in complexity.time_checks(laws, 400.0, 512)}
    assert found == {"time-attention": False, "time-projections": True, "time-crossing": True}
    late = {check.id: check.holds for check in complexity.time_checks(laws | {"attention": good}, 700.0, 512)}
    assert not late["time-crossing"] and late["time-attention"]
    never = {check.id: check.holds for check in complexity.time_checks(laws, math.nan, 512)}
    assert not never["time-crossing"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lengths": (8, 16)}, "lengths"),
        ({"lengths": (0, 8, 16)}, "lengths"),
        ({"heads": 5}, "divide"),
        ({"heads": 64}, "heads"),
        ({"lengths": (64, 128, 60_000)}, "GiB"),
        ({"turns": 1}, "turns"),
    ],
)
def test_a_setting_out_of_range_is_refused(change, said, monkeypatch):
    monkeypatch.setattr(settings, "free_memory", lambda: 8.0 * 2**30)
    with pytest.raises(BadInput) as refused:
        run(replace(SMALL, **change), 0)
    assert said in refused.value.message and refused.value.hint


def test_a_note_says_that_times_differ_from_run_to_run(quick_result):
    assert any("differ from run to run" in note.text for note in quick_result.notes)


def test_the_result_is_plain_data_in_ascii(quick_result):
    plain = str(to_plain_data(quick_result))
    assert plain.isascii() and "nan" not in plain


def test_the_answer_is_the_ratio_of_two_times_of_attention():
    found = run(complexity.Settings(lengths=(16, 24, 32, 40)), 0, quick=True)
    time = {row["n"]: row["attention_ms"] for row in found.rows}
    assert "From n = 16 to 32," in found.question.prompt and found.question.answer == time[32] / time[16]
    assert complexity.asked_pair((5, 9, 17)) == (9, 17) and complexity.asked_pair((64, 128, 256)) == (128, 256)


def test_what_is_said_is_what_was_counted_and_measured():
    """With a clock that runs exactly as the products are counted, at d = 32."""
    found = BREAKS.run(complexity)
    peak = {row["n"]: row["peak_mib"] for row in found.rows}
    exponent = np.polyfit(np.log([32, 64, 128, 256]), np.log([peak[n] for n in (32, 64, 128, 256)]), 1)[0]
    assert [note.text for note in found.notes[:2]] == [
        "By its products attention overtakes its projections at n = 2 d_model = 64, in time near n = 64. At n = 256 it "
        "takes 4.0 times as long as they do.",
        "Between the products n^2 numbers pass through the softmax: few FLOPs, much memory. At n = 256 the softmax "
        "takes 10% of the time of attention.",
    ]
    assert found.question.answer == pytest.approx((256 / 128) ** 2)
    assert [plot.title for plot in found.plots] == [
        "Time of attention grows like n^2.00, of projections like n^1.00; they cross near n = 64",
        "Counted, attention costs as much as its projections at n = 64; measured, they cross near n = 64",
        f"Peak memory of attention, h n^2 + n d numbers: {peak[256]:.3g} MiB at n = 256, from n = 32 on like "
        f"n^{exponent:.2f}",
    ]


def test_where_attention_does_not_overtake_the_words_say_so():
    found = BREAKS.run(complexity, next(one for one in BREAKS.broken if one.failing == {"time-crossing"}))
    assert "at n = 2 d_model = 64, in time not up to n = 256." in found.notes[0].text
    assert found.plots[0].title.endswith("of projections like n^1.00; they do not cross here")
