import numpy as np
import pytest

from tfx.lab.attention.vectors import KURTOSIS, Flaws, draw_pairs, draw_queries_and_keys, draw_standard
from tfx.measure.estimates import variance_with_error
from tfx.measure.verdicts import near

N = 40_000


def measured(flaws, d_k, seed=0):
    q, k = draw_queries_and_keys(np.random.default_rng(seed), flaws, N, 1, d_k)
    return variance_with_error((q.astype(np.float64) * k).sum(axis=-1))


@pytest.mark.parametrize("distribution", KURTOSIS)
def test_every_distribution_has_mean_0_variance_1_and_its_kurtosis(distribution):
    x = draw_standard(np.random.default_rng(0), (400_000,), distribution).astype(np.float64)
    assert x.mean() == pytest.approx(0, abs=0.01)
    assert (x**2).mean() == pytest.approx(1, abs=0.01)
    assert (x**4).mean() == pytest.approx(KURTOSIS[distribution], rel=0.02)


@pytest.mark.parametrize("distribution", KURTOSIS)
@pytest.mark.parametrize(
    "flaws",
    [
        {},
        {"mean": 0.5},
        {"mean": -2.0},
        {"correlation": 0.5},
        {"correlation": -0.8, "mean": 0.7},
        {"rank": 4},
        {"rank": 3, "mean": 0.5, "correlation": 0.3},
    ],
)
def test_the_law_predicts_the_measured_variance(flaws, distribution):
    made = Flaws(distribution=distribution, **flaws)
    for d_k in (1, 5, 16):
        variance, error = measured(made, d_k)
        assert abs(variance - made.variance_of_dot(d_k)) <= 4.5 * error


def test_the_laws_that_the_literature_states():
    assert Flaws().variance_of_dot(64) == 64
    assert Flaws(mean=0.5).variance_of_dot(64) == pytest.approx(64 * 1.5)
    assert Flaws(correlation=0.5).variance_of_dot(64) == pytest.approx(64 * 1.25)
    assert Flaws(rank=4).variance_of_dot(64) == 64**2 / 4
    assert Flaws(rank=100).variance_of_dot(64) == 64


def test_the_law_in_words():
    assert Flaws().law_in_words() == "d_k"
    assert Flaws(distribution="sign").law_in_words() == "d_k"
    assert Flaws(mean=0.5).law_in_words() == "1.5 d_k"
    assert Flaws(rank=4, correlation=0.5).law_in_words() == "1.25 d_k^2 / 4"


def test_rank_r_vectors_have_rank_r():
    q, k = draw_queries_and_keys(np.random.default_rng(0), Flaws(rank=3), 50, 2, 16)
    assert q.shape == (50, 1, 16) and k.shape == (50, 2, 16)
    both = np.concatenate([q.reshape(-1, 16), k.reshape(-1, 16)])
    assert np.linalg.matrix_rank(both) == 3


def test_keys_of_one_query_are_correlated_with_it_and_not_with_another():
    q, k = draw_queries_and_keys(np.random.default_rng(0), Flaws(correlation=0.5), N, 2, 1)
    own = np.corrcoef(q[:, 0, 0], k[:, 1, 0])[0, 1]
    other = np.corrcoef(q[1:, 0, 0], k[:-1, 1, 0])[0, 1]
    assert own == pytest.approx(0.5, abs=0.02) and other == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("flaws", [Flaws(), Flaws(mean=0.5), Flaws(correlation=0.5), Flaws(rank=4)])
def test_pairs_come_in_float64_with_the_law_of_their_variance(flaws):
    q, k, law = draw_pairs(np.random.default_rng(0), N, 16, flaws)
    assert q.shape == k.shape == (N, 16) and q.dtype == k.dtype == np.float64
    assert near("law", "Var(q.k)", law, *variance_with_error((q * k).sum(axis=-1))).holds
    assert not near("law", "Var(q.k)", 1.2 * law, *variance_with_error((q * k).sum(axis=-1))).holds
