import math

import numpy as np
import pytest

from tfx.measure.estimates import (
    mean_with_error,
    student_t_distribution,
    student_t_quantile,
    variance_with_error,
)
from tfx.measure.power_laws import fit_power_law


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (7, 2.36462), (30, 2.04227)]
)
def test_student_t_quantile_agrees_with_the_printed_table(freedom, quantile):
    assert student_t_quantile(0.975, freedom) == pytest.approx(quantile, rel=1e-5)


def test_student_t_with_one_degree_of_freedom_is_the_cauchy_distribution():
    for t in (0.0, 0.3, 1.0, 7.0):
        assert student_t_distribution(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-14)


@pytest.mark.parametrize("freedom", [2, 3, 8, 15])
def test_student_t_distribution_is_the_integral_of_its_density(freedom):
    x = np.linspace(0.0, 2.5, 20_001)
    constant = math.gamma((freedom + 1) / 2) / math.sqrt(freedom * math.pi) / math.gamma(freedom / 2)
    density = constant * (1 + x * x / freedom) ** (-(freedom + 1) / 2)
    area = float(((density[1:] + density[:-1]) / 2).sum() * (x[1] - x[0]))
    assert student_t_distribution(2.5, freedom) == pytest.approx(0.5 + area, abs=1e-8)


@pytest.mark.parametrize("probability", [0.4, 1.0])
def test_student_t_quantile_refuses_other_probabilities(probability):
    with pytest.raises(ValueError, match="probability"):
        student_t_quantile(probability, 3)


def test_a_pure_power_law_is_found_with_an_interval_of_no_width():
    law = fit_power_law([1, 2, 4, 8], [3 * x**1.7 for x in (1, 2, 4, 8)])
    assert law.exponent == pytest.approx(1.7) and law.coefficient == pytest.approx(3.0)
    assert law.high - law.low < 1e-12


def test_two_points_fix_an_exponent_but_no_interval():
    law = fit_power_law([1, 10], [5, 500])
    assert law.exponent == pytest.approx(2.0) and law.low == -math.inf and law.high == math.inf


def test_the_interval_of_the_exponent_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    x = [16.0, 32.0, 64.0, 128.0, 256.0]
    covered = 0
    for _ in range(1000):
        law = fit_power_law(x, [v**2 * math.exp(0.3 * rng.standard_normal()) for v in x])
        covered += law.low <= 2.0 <= law.high
    assert abs(covered / 1000 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 1000)


@pytest.mark.parametrize(("x", "y"), [([1], [1]), ([2, 2], [1, 3]), ([1, 2], [0, 1]), ([1, 2, 3], [1, 2])])
def test_a_power_law_needs_two_different_positive_points(x, y):
    with pytest.raises(ValueError, match="power law"):
        fit_power_law(x, y)


def test_mean_and_variance_agree_with_numpy():
    x = np.random.default_rng(1).standard_normal(500)
    assert mean_with_error(x)[0] == pytest.approx(x.mean())
    assert mean_with_error(x)[1] == pytest.approx(x.std(ddof=1) / math.sqrt(500))
    assert variance_with_error(x)[0] == pytest.approx(x.var(ddof=1))


def test_the_standard_error_of_a_variance_is_the_spread_of_repeated_variances():
    """Products of two normal numbers: heavy tails, for which the formula for normal draws is half of the truth."""
    rng = np.random.default_rng(2)
    draws = rng.standard_normal((2000, 2000)) * rng.standard_normal((2000, 2000))
    estimates = [variance_with_error(row) for row in draws]
    spread = np.std([variance for variance, _ in estimates])
    stated = math.sqrt(np.mean([error**2 for _, error in estimates]))
    assert stated == pytest.approx(spread, rel=0.1)
    assert math.sqrt(2 / 1999) < 0.6 * spread


def test_signs_have_a_variance_with_a_tiny_but_positive_error():
    x = np.array([1.0, -1.0] * 50)
    variance, error = variance_with_error(x)
    assert abs(variance - 1.0) <= error < 0.02
