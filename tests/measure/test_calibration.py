"""Calibration: known errors, and a temperature that finds back what was scaled."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.measure.calibration import expected_calibration_error, fit_temperature, reliability
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_forward


def honest(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that are drawn from exactly their softmax."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.standard_normal((n, 4))
    p, _ = softmax_forward(logits)
    return logits, (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)


def test_two_bins_by_hand():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    result = reliability(p, np.array([0, 1, 0, 1]), n_bins=5)
    np.testing.assert_array_equal(result.counts, [0, 0, 0, 2, 2])
    np.testing.assert_allclose(result.accuracy[3:], [1.0, 0.5])
    np.testing.assert_allclose(result.confidence[3:], [0.6, 0.9])
    assert result.error == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_labels_drawn_from_the_predictions_are_calibrated_and_sharper_logits_are_not():
    logits, labels = honest(20_000, seed=0)
    assert expected_calibration_error(softmax_forward(logits)[0], labels) < 0.015
    assert expected_calibration_error(softmax_forward(3 * logits)[0], labels) > 0.1


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_fitted_temperature_undoes_a_scale_and_no_other_does_better(scale):
    logits, labels = honest(20_000, seed=1)
    temperature = fit_temperature(scale * logits, labels)
    assert temperature == pytest.approx(scale, rel=0.05)
    losses = [
        float(cross_entropy_forward(scale * logits / t, labels)[0]) for t in temperature * np.array([0.9, 1, 1.1])
    ]
    assert losses[1] == min(losses)


def test_certainty_falls_into_the_last_bin_and_wrong_shapes_are_refused():
    assert reliability(np.array([[1.0, 0.0]]), np.array([0])).counts[-1] == 1
    with pytest.raises(ValueError, match="do not fit"):
        reliability(np.ones((2, 2)) / 2, np.array([0]))


@pytest.mark.parametrize(("odd", "said"), [(np.nan, "nan"), (np.inf, "inf"), (-0.5, "-0.5"), (1.5, "1.5")])
def test_what_is_no_probability_is_named(odd, said):
    with pytest.raises(ValueError, match=f"a probability is a number from 0 to 1, not {said}; logits need a softmax"):
        expected_calibration_error(np.array([[odd, 0.0]]), np.array([1]))
