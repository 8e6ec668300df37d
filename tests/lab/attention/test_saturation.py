import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, nan_where
from tfx.errors import BadInput
from tfx.gradcheck.mistakes.ops.basics.softmax import maximum_not_subtracted
from tfx.lab import frame
from tfx.lab.attention import saturation
from tfx.lab.attention.sharpened_softmax import closed_slope, closed_top_weight, logits_in_words
from tfx.records import to_plain_data

PLACE = "tfx.lab.attention.saturation"
DEFAULT = saturation.Settings()

FIVE = {"reaches-99", "cross-entropy-stays", "squared-error-fades", "overflow-float64", "overflow-float32"}

BREAKS = Table(
    DEFAULT,
    Broken("equal scores", FIVE, pattern=(1.0, 1.0, 1.0)),
    Broken("another gap", {"reaches-99"}, pattern=(0.0, 0.0, 2.0)),
    Broken("the same gaps, higher up", {"overflow-float64", "overflow-float32"}, pattern=(101.0, 101.0, 102.0)),
    Broken(
        "the closed form of four scores",
        {"top-weight"},
        planted={f"{PLACE}.closed_top_weight": lambda o: lambda a, pattern: o(a, (*pattern, pattern[0]))},
    ),
    Broken("p for p (1 - p)", {"slope"}, planted={f"{PLACE}.closed_slope": instead(closed_top_weight)}),
    Broken("a step that is too long", {"differences"}, planted={f"{PLACE}.STEP": instead(0.1)}),
    Broken(
        "a slope that stays",
        {"fades"},
        row=lambda row: {**row, **{key: row[key] + 0.1 for key in ("slope", "closed_slope", "difference_slope")}},
    ),
    Broken(
        "the mean over the classes",
        {"cross-entropy-stays"},
        planted={f"{PLACE}.cross_entropy_backward": lambda o: lambda dy, cache: o(dy, cache) / 3},
    ),
    Broken(
        "no Jacobian for the squared error",
        {"squared-error-fades"},
        planted={f"{PLACE}.squared_error_gradient": instead(saturation.cross_entropy_gradient)},
    ),
    Broken(
        "a norm that only grows",
        {"rises-then-falls"},
        planted={f"{PLACE}.jacobian_norm": instead(lambda weights: weights.max(axis=-1))},
    ),
    Broken(
        "float32 made float64",
        {"overflow-float32"},
        planted={f"{PLACE}.maximum_not_subtracted": lambda o: lambda x: o(x.astype("float64"))},
    ),
    Broken(
        "float64 made float32",
        {"overflow-float64"},
        planted={f"{PLACE}.maximum_not_subtracted": lambda o: lambda x: o(x.astype("float32"))},
    ),
    Broken(
        "the maximum not subtracted",
        {"no-overflow", "reaches-99"},
        planted={f"{PLACE}.softmax_forward": lambda o: lambda x: (maximum_not_subtracted(x), o(x)[1])},
    ),
    Broken(
        "NaN for scores that are neither the smallest nor the largest",
        {"top-weight", "slope", "differences", "reaches-99", "rises-then-falls"},
        planted={f"{PLACE}.softmax_forward": nan_where(lambda x: 2.5 < abs(x).max() < 60)},
    ),
    quick=True,
)


def run(settings, seed, **asked):
    return frame.run(saturation, settings, seed, **asked)


def verdicts(result):
    return {check.id: check.holds for check in result.checks}


@pytest.mark.parametrize("seed", range(10))
def test_all_checks_hold_for_a_a_2a(seed):
    result = run(DEFAULT, seed, quick=True)
    assert all(verdicts(result).values()), result.checks


def test_the_closed_forms_reduce_to_the_known_ones():
    for a in (0.0, 0.5, 3.0, 12.0):
        p = 1 / (1 + 2 * math.exp(-a))
        assert closed_top_weight(a, (1, 1, 2)) == pytest.approx(p, rel=1e-14)
        assert closed_slope(a, (1, 1, 2)) == pytest.approx(p * (1 - p), rel=1e-9)


def test_adding_a_number_to_every_logit_changes_no_weight():
    one = run(DEFAULT, 0, quick=True).rows
    other = run(replace(DEFAULT, pattern=(101.0, 101.0, 102.0)), 0, quick=True).rows
    np.testing.assert_allclose([r["top"] for r in one], [r["top"] for r in other], atol=1e-12)


def test_the_slope_is_largest_where_the_top_weight_is_a_half():
    rows = run(replace(DEFAULT, a=(0.0, math.log(2), 3.0)), 0, quick=True).rows
    assert rows[1]["top"] == pytest.approx(0.5) and rows[1]["slope"] == pytest.approx(0.25)


@pytest.mark.parametrize(("dtype", "limit"), [(np.float64, 354.8913), (np.float32, 44.3614)])
def test_bare_exp_is_nan_just_above_its_limit_and_right_just_below(dtype, limit):
    row = np.array([1.0, 1.0, 2.0])
    assert np.isnan(saturation.maximum_not_subtracted((row * limit * 1.001).astype(dtype))).any()
    np.testing.assert_allclose(
        saturation.maximum_not_subtracted((row * limit * 0.999).astype(dtype)), [0, 0, 1], atol=1e-12
    )


def test_cross_entropy_gradient_is_p_minus_y():
    gradient = saturation.cross_entropy_gradient(np.array([20.0, 0.0, 0.0]), 2)
    np.testing.assert_allclose(gradient, [1, 0, -1], atol=1e-8)


def test_squared_error_gradient_agrees_with_central_differences():
    logits, y = np.array([1.0, -0.5, 2.0]), np.array([0.0, 1.0, 0.0])

    def loss(x):
        p = np.exp(x) / np.exp(x).sum()
        return ((p - y) ** 2).sum()

    numeric = [(loss(logits + 1e-6 * e) - loss(logits - 1e-6 * e)) / 2e-6 for e in np.eye(3)]
    np.testing.assert_allclose(saturation.squared_error_gradient(logits, 1), numeric, atol=1e-9)


def test_first_failure_finds_the_threshold_or_says_nan():
    assert saturation.first_failure(lambda a: a >= 3.7, 1000.0) == pytest.approx(3.7)
    assert math.isnan(saturation.first_failure(lambda a: False, 1000.0))


def test_the_same_seed_gives_the_same_result():
    assert run(DEFAULT, 4, quick=True) == run(DEFAULT, 4, quick=True)
    assert run(DEFAULT, 4, quick=True).rows != run(DEFAULT, 5, quick=True).rows


def test_logits_in_words():
    assert logits_in_words((1.0, 0.0, 2.5)) == "[a, 0, 2.5a]"


@pytest.mark.parametrize(
    "change",
    [{"a": (1.0, 2.0)}, {"a": (-1.0, 0.0, 1.0)}, {"pattern": (1.0,)}, {"pattern": (math.nan, 1.0)}, {"keys": 1}],
)
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(BadInput):
        run(replace(DEFAULT, **change), 0)


def test_the_result_is_plain_data_in_ascii():
    plain = str(to_plain_data(run(replace(DEFAULT, pattern=(1.0, 1.0, 1.0)), 0, quick=True)))
    assert plain.isascii() and "nan" not in plain


def test_what_is_said_is_what_was_measured():
    """By bare formulas, for a wrong label: p - y, and 2 (p - y) sent through diag(p) - p p^T."""
    found = BREAKS.run(saturation)
    a, q = 30.0, 1 / (1 + 2 * math.exp(-30.0))
    p = np.array([(1 - q) / 2, (1 - q) / 2, q])
    error = p - [1.0, 0.0, 0.0]
    pull, fades = np.linalg.norm(error), np.linalg.norm(2 * p * (error - error @ p))
    assert found.notes[0].text == (
        f"At a = {a:g} a wrong label still pulls with a gradient of norm {pull:.3f} under cross-entropy, but of "
        f"{fades:.2g} under squared error."
    )
    assert found.question.answer == pytest.approx(1 / (1 + 2 * math.exp(-5)), rel=1e-12)
    norms = {row["a"]: row["random_jacobian"] for row in found.rows}
    peak = sorted(norms, key=lambda size: norms[size])[-1]
    assert [plot.title for plot in found.plots] == [
        f"[a, a, 2a]: top weight 0.33 at a = 0, {1 / (1 + 2 * math.exp(-15)):.6f} at a = 15; its slope is largest near "
        "a = 0.7",
        f"At a = 30 a wrong label pulls with {pull:.2f} under cross-entropy, {fades:.1g} under squared error",
        f"Random rows of 16 keys: the Jacobian norm peaks at a = {peak:g} ({norms[peak]:.2f}) and falls to "
        f"{norms[a]:.2g}",
    ]


def test_the_checks_name_the_pattern_that_was_run():
    result = run(replace(DEFAULT, pattern=(1.0, 1.0, 1.0)), 0, quick=True)
    said = {check.id: check.statement for check in result.checks}
    assert said["reaches-99"] == "[a, a, a] gives its top key 99% from a = log 198 on"
    assert said["overflow-float64"] == "bare exp of [a, a, a] overflows in float64"


def test_the_answer_names_the_slope_and_not_what_a_whole_unit_adds():
    result = run(DEFAULT, 0, quick=True)
    five, six = (closed_top_weight(a, (1.0, 1.0, 2.0)) for a in (5.0, 6.0))
    slope = five * (1 - five)
    assert six - five < 0.8 * slope
    assert result.question.explanation == f"Its slope there is {slope:.2g} per unit of a."
