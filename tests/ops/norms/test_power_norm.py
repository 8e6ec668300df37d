"""PowerNorm: what is exact, what is the paper's approximation, and where the second becomes the first."""

import numpy as np
import pytest

from tfx.gradcheck import numeric_gradient
from tfx.ops.norms.batch_norm import batch_norm_backward, batch_norm_forward
from tfx.ops.norms.power_norm import PowerStatistics, power_norm_backward, power_norm_forward, updated_nu, updated_psi2
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward

RNG = np.random.default_rng(0)
X, DY = 1.0 + 2.0 * RNG.standard_normal((2, 5, 8)), RNG.standard_normal((2, 5, 8))
GAMMA, BETA = 1.0 + 0.5 * RNG.standard_normal(8), RNG.standard_normal(8)
PSI2, NU = 3.0 + RNG.random(8), RNG.standard_normal(8)


def test_with_batch_statistics_it_is_rms_norm_of_the_transposed_batch_both_ways():
    rows, dy = X.reshape(-1, 8), DY.reshape(-1, 8)
    y, cache = power_norm_forward(rows, np.ones(8), np.zeros(8))
    across, across_cache = rms_norm_forward(rows.T)
    np.testing.assert_allclose(y, across.T, rtol=1e-13)
    dx = rms_norm_backward(dy.T, across_cache)[0].T
    np.testing.assert_allclose(power_norm_backward(dy, cache)[0], dx, rtol=1e-12, atol=1e-14)


def test_with_batch_statistics_and_features_of_mean_zero_it_is_batch_norm_forward():
    x = X - X.mean(axis=(0, 1))
    np.testing.assert_allclose(
        power_norm_forward(x, GAMMA, BETA)[0], batch_norm_forward(x, GAMMA, BETA)[0], rtol=1e-12, atol=1e-14
    )


def test_unlike_batch_norms_its_gradient_keeps_its_mean():
    power = power_norm_backward(DY, power_norm_forward(X, GAMMA, BETA)[1])[0]
    batch = batch_norm_backward(DY, batch_norm_forward(X, GAMMA, BETA)[1])[0]
    np.testing.assert_allclose(batch.sum(axis=(0, 1)), 0, atol=1e-13)
    assert (np.abs(power.sum(axis=(0, 1))) > 1e-3).all()


def test_in_training_the_gradient_of_the_input_is_the_papers_line_and_not_the_derivative():
    y, cache = power_norm_forward(X, GAMMA, BETA, PowerStatistics(PSI2, NU), eps=0.0)
    np.testing.assert_allclose(y, X / np.sqrt(PSI2) * GAMMA + BETA, rtol=1e-13)
    dx, dgamma, dbeta = power_norm_backward(DY, cache)
    np.testing.assert_allclose(dx, (DY * GAMMA - NU * (X / np.sqrt(PSI2))) / np.sqrt(PSI2), rtol=1e-12)

    def loss(x=X, gamma=GAMMA, beta=BETA):
        return (DY * power_norm_forward(x, gamma, beta, PowerStatistics(PSI2, NU), eps=0.0)[0]).sum()

    derivative = numeric_gradient(loss, X)
    np.testing.assert_allclose(derivative, DY * GAMMA / np.sqrt(PSI2), rtol=1e-9)  # psi is a constant here
    assert np.abs(dx - derivative).max() > 0.1 * np.abs(derivative).max()
    np.testing.assert_allclose(dgamma, numeric_gradient(lambda gamma: loss(gamma=gamma), GAMMA), rtol=1e-9)
    np.testing.assert_allclose(dbeta, numeric_gradient(lambda beta: loss(beta=beta), BETA), rtol=1e-9)


def test_on_a_batch_that_repeats_the_approximation_becomes_the_exact_gradient_of_batch_statistics():
    exact = power_norm_backward(DY, power_norm_forward(X, GAMMA, BETA, eps=0.0)[1])[0]
    psi2, nu, errors = np.ones(8), np.zeros(8), []
    for _ in range(400):
        _, cache = power_norm_forward(X, GAMMA, BETA, PowerStatistics(psi2, nu), eps=0.0)
        dx, dgamma, _ = power_norm_backward(DY, cache)
        psi2, nu = updated_psi2(psi2, cache), updated_nu(nu, dgamma, cache)
        errors.append(np.abs(dx - exact).max() / np.abs(exact).max())
    assert errors[0] > 0.1 and errors[-1] < 1e-12


def test_the_updates_are_those_of_the_algorithm():
    _, cache = power_norm_forward(X, GAMMA, BETA, PowerStatistics(PSI2, NU), eps=0.0)
    _, dgamma, _ = power_norm_backward(DY, cache)
    xhat, a = X / np.sqrt(PSI2), 0.2
    mean = lambda z: z.mean(axis=(0, 1))  # noqa: E731
    np.testing.assert_allclose(updated_psi2(PSI2, cache, a), (1 - a) * PSI2 + a * mean(X * X), rtol=1e-13)
    want = NU * (1 - a * mean(xhat * xhat)) + a * mean(DY * GAMMA * xhat)
    np.testing.assert_allclose(updated_nu(NU, dgamma, cache, a), want, rtol=1e-12)


def test_a_token_sees_the_others_with_batch_statistics_only():
    moved = X.copy()
    moved[0, 0] += 5.0
    for running, seen in ((None, 10), (PowerStatistics(PSI2, NU), 1), (PowerStatistics(PSI2, None), 1)):
        before, after = (power_norm_forward(x, GAMMA, BETA, running)[0] for x in (X, moved))
        assert (before != after).any(axis=-1).sum() == seen


@pytest.mark.parametrize("running", [None, PowerStatistics(PSI2, NU), PowerStatistics(PSI2, None)])
def test_padding_is_as_if_it_were_not_there_whatever_it_holds(running):
    keep = RNG.random((2, 5)) < 0.6
    y, cache = power_norm_forward(np.where(keep[..., None], X, np.nan), GAMMA, BETA, running, keep)
    alone, alone_cache = power_norm_forward(X[keep], GAMMA, BETA, running)
    np.testing.assert_allclose(y[keep], alone, rtol=1e-12)
    dx, dgamma, _ = power_norm_backward(DY, cache)
    want_dx, want_dgamma, _ = power_norm_backward(DY[keep], alone_cache)
    np.testing.assert_allclose(dx[keep], want_dx, rtol=1e-11, atol=1e-14)
    nu, want_nu = updated_nu(NU, dgamma, cache), updated_nu(NU, want_dgamma, alone_cache)
    np.testing.assert_allclose(nu, want_nu, rtol=1e-11)
    np.testing.assert_allclose(updated_psi2(PSI2, cache), updated_psi2(PSI2, alone_cache), rtol=1e-12)
    assert not y[~keep].any() and not dx[~keep].any()


def test_length_zero_works_both_ways():
    y, cache = power_norm_forward(np.zeros((2, 0, 8)), GAMMA, BETA)
    dx, dgamma, dbeta = power_norm_backward(y, cache)
    assert dx.shape == (2, 0, 8) and not dgamma.any() and not dbeta.any()


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: power_norm_forward(X, np.ones(7), BETA), ValueError, r"width 8 but gamma is \(7,\)"),
        (lambda: power_norm_forward(X, GAMMA, BETA, PowerStatistics(PSI2, NU[:2])), ValueError, r"but nu is \(2,\)"),
        (lambda: power_norm_forward(X, GAMMA, BETA, keep=np.ones(5, dtype=bool)), ValueError, r"keep is \(5,\)"),
        (lambda: power_norm_forward(X, GAMMA, BETA, keep=np.ones((2, 5))), TypeError, "must be boolean"),
    ],
)
def test_what_does_not_fit_is_named(make, error, said):
    with pytest.raises(error, match=said):
        make()
