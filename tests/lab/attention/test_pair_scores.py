"""Dot-product and additive scores side by side."""

import numpy as np

from tfx.lab.attention.pair_scores import draw_scorer, seconds, spread, work
from tfx.ops.attention.additive_attention import additive_scores_forward


def test_dot_products_spread_like_the_root_of_the_width_and_additive_scores_do_not():
    rows = spread(np.random.default_rng(0), (16, 64, 1024), 64, 8)
    for row in rows:
        assert abs(row["dot"] / np.sqrt(row["d"]) - 1) < 0.1 and abs(row["scaled"] - 1) < 0.1
        assert 0.2 < row["additive"] < 1 and row["largest"] <= row["bound"]


def test_the_counted_work_is_what_the_operation_does():
    n, d, hidden = 5, 3, 4
    counted = {row["part"]: row for row in work(n, d, hidden)}
    rng = np.random.default_rng(0)
    q, k, scorer = rng.standard_normal((n, d)), rng.standard_normal((n, d)), draw_scorer(rng, d, hidden)
    additive, cache = additive_scores_forward(q, k, *scorer)
    assert counted["tanh"]["additive"] == cache.hidden.size
    assert counted["scores"]["additive"] == cache.hidden.size  # one product with v for each hidden number
    assert counted["scores"]["dot"] == additive.size * d
    assert counted["extra parameters"]["additive"] == sum(part.size for part in scorer)


def test_the_weights_keep_variance_one_over_the_width():
    scorer = draw_scorer(np.random.default_rng(0), 400, 300, np.float32)
    assert abs(scorer.w_q.var() * 400 - 1) < 0.02 and abs(scorer.v.var() * 300 - 1) < 0.3 and not scorer.b.any()
    assert {part.dtype for part in scorer} == {np.dtype("float32")}


def test_both_are_timed():
    times = seconds(np.random.default_rng(0), 16, 8, 4)
    assert set(times) == {"dot", "additive"} and all(timing.median > 0 for timing in times.values())
