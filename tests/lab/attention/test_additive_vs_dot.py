from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, exact_clock, instead, times
from tfx.gradcheck import check_gradients
from tfx.lab import frame
from tfx.lab.attention import additive_vs_dot
from tfx.lab.attention.additive_head import AdditiveHead
from tfx.lab.attention.pair_scores import counted_flops, scoring_calls

PLACE = "tfx.lab.attention.additive_vs_dot"
SETTINGS = replace(additive_vs_dot.Settings(), widths=(4, 16, 64), n=64, seeds=3)


def learning(dot, additive, unscaled):
    """Shares right that depend a little on the seed, and on nothing else once there are steps."""

    def trained(scorer, d, seed, settings):
        share = {"dot": dot, "additive": additive, "unscaled": unscaled}[scorer]
        return (share if settings.steps > 1 else 0.1) + 0.001 * (seed % 7)

    return {f"{PLACE}.trained": instead(trained)}


def clock(additive, chunks=None):
    return exact_clock(lambda name: {"dot": 1.0, "additive": additive, "chunks": chunks or additive}[name])


BREAKS = Table(
    SETTINGS,
    Broken("no training", {"scale-counts", "learned"}, steps=1),
    Broken("the clock of the claim", {"slower"}, planted=clock(2.5)),
    Broken("chunks that need no time", {"slower"}, planted=clock(20.0, 2.0)),
    Broken(
        "tanh is free",
        {"flops"},
        planted={f"{PLACE}.counted_flops": instead(lambda rng, d: {"dot": 2 * d, "additive": 3 * d})},
    ),
    Broken("twice the memory", {"memory"}, row=times(2, "memory")),
    Broken("the last chunk lost", {"chunks"}, row=lambda row: {**row, "chunks_differ": 0.1}),
    Broken("additive is better", {"no-lead"}, planted=learning(0.9, 0.95, 0.3)),
    Broken("no scale is as good", {"scale-counts"}, planted=learning(0.9, 0.6, 0.88)),
    Broken("a hard task", {"learned"}, planted=learning(0.4, 0.3, 0.2)),
    always={**clock(20.0), **learning(0.9, 0.6, 0.3)},
)


def run(settings=SETTINGS, seed=0, **asked):
    return frame.run(additive_vs_dot, settings, seed, **asked)


def test_the_model_learns_with_every_score_in_time_and_the_scaled_one_first():
    short = replace(SETTINGS, length=5, steps=60)
    right = {scorer: additive_vs_dot.trained(scorer, 32, 3, short) for scorer in ("dot", "additive", "unscaled")}
    assert right["dot"] > right["additive"] > 0.3 and right["dot"] > right["unscaled"] + 0.3
    assert additive_vs_dot.trained("additive", 32, 3, replace(short, steps=200)) > 0.95


def test_the_additive_head_is_the_formula_and_its_backward_fits():
    rng = np.random.default_rng(0)
    head = AdditiveHead(4, rng, "float64")
    q, k, v = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4)), rng.standard_normal((2, 5, 6))
    out, _ = head.forward(q, k, v)
    scores = np.tanh(q[:, :, None] + k[:, None]) @ head.v.value
    p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(out, p @ v, atol=1e-14)

    def forward(q, k, v, u):
        head.v.value = u
        return head.forward(q, k, v)

    def backward(dout, cache):
        head.v.grad = np.zeros_like(head.v.value)
        return (*head.backward(dout, cache), head.v.grad)

    report = check_gradients(forward, backward, {"q": q, "k": k, "v": v, "u": head.v.value.copy()}, seed=0)
    assert report.worst < 1e-9


def test_what_is_counted_is_two_and_four_for_each_number_of_a_pair():
    assert counted_flops(np.random.default_rng(0), 5, n=3) == {"dot": 2 * 9 * 5, "additive": 4 * 9 * 5}


def test_chunks_and_all_pairs_at_once_give_the_same_scores_also_where_the_last_chunk_is_short():
    calls = scoring_calls(np.random.default_rng(1), 37, 3)
    np.testing.assert_allclose(calls["chunks"](), calls["additive"](), rtol=1e-6)
    assert calls["dot"]().shape == calls["additive"]().shape == (37, 37)


def test_the_interval_is_that_of_student():
    mean, half = additive_vs_dot.interval(np.array([1.0, 2.0, 3.0]))
    assert mean == 2 and half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)


def test_a_clock_that_cannot_tell_is_said_and_a_lead_as_well():
    row = {"d": 4, "told_apart": False, "slower": 9.0, "lead": 0.2, "lead_error": 0.05}
    assert additive_vs_dot.clock_says([row]) == (
        "How much slower additive scores are, this machine is too busy to say."
    )
    assert additive_vs_dot.learning_says([row]) == "The additive model learns faster at d = 4."


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(additive_vs_dot)
    right = {key: np.mean([row[f"{key}_right"] for row in found.rows[:1]]) for key in ("dot", "additive")}
    assert found.notes[0].text == (
        "Additive scores take 20 to 20 times as long as dot products, not 2 or 3. Additive scores are no better at "
        f"small d: {right['additive']:.0%} right at d = 4, with dot products {right['dot']:.0%}."
    )
    assert found.question.answer == 20 and "in chunks 20 times" in found.question.explanation


def test_more_is_measured_in_full_and_less_when_quick():
    settings = additive_vs_dot.Settings()
    assert settings.quick().widths == (4, 16, 64) and settings.quick().seeds == 3
    assert settings.full().seeds == 24 and len(settings.full().widths) == 8
