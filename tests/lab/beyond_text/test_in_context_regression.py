"""Linear attention that does gradient descent on the examples of a prompt."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.beyond_text import in_context_regression
from tfx.lab.beyond_text.in_context_regression import Settings, draw_tasks, left_by_one_step, through_attention

PLACE = "tfx.lab.beyond_text.in_context_regression"

BREAKS = Table(
    Settings(tasks=100, layers=(1, 4, 8)),
    Broken("too few examples", {"learns"}, examples=3),
    Broken("no step is taken", {"learns", "causal-many"}, rate=0.0),
    Broken(
        "steps of another length",
        {"same", "causal-one"},
        planted={f"{PLACE}.by_descent": lambda o: lambda tasks, steps, rate: o(tasks, steps, 0.99 * rate)},
    ),
    Broken(
        "the law of another rate",
        {"one-step"},
        planted={f"{PLACE}.left_by_one_step": instead(lambda d, n, r: 0.9)},
    ),
    Broken(
        "a causal mask that is none",
        {"causal-many"},
        planted={
            f"{PLACE}.through_attention": lambda o: lambda tasks, layers, rate, causal=False: o(tasks, layers, rate)
        },
    ),
    Broken("linear attention for softmax", {"softmax"}, row=lambda row: {**row, "smooth_off": 0.0}),
)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(in_context_regression, Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_one_layer_is_a_sum_over_the_examples():
    tasks = draw_tasks(frame.Run(Settings(tasks=6, examples=7, width=3)))
    want = [0.3 / 7 * sum(y[j, 0] * (x[j] @ x[-1]) for j in range(7)) for x, y in zip(tasks.x, tasks.y, strict=True)]
    np.testing.assert_allclose(through_attention(tasks, 1, 0.3), want, atol=1e-12)


def test_the_error_after_one_step_is_what_gaussian_examples_leave():
    run = frame.Run(Settings(tasks=40_000, examples=6, width=3), seed=1)
    tasks = draw_tasks(run)
    left = (through_attention(tasks, 1, 0.4) - tasks.y[:, -1, 0]) ** 2
    assert abs(left.mean() - left_by_one_step(3, 6, 0.4)) < 5 * left.std() / 40_000**0.5


def test_what_is_said_is_what_was_measured():
    """Gradient descent once more, through the eigenvalues of the examples."""
    found = BREAKS.run(in_context_regression)
    tasks, left = draw_tasks(frame.Run(BREAKS.settings)), []
    for x, y in zip(tasks.x, tasks.y, strict=True):
        values, vectors = np.linalg.eigh(x[:-1].T @ x[:-1] / 20)
        w = np.linalg.lstsq(x[:-1], y[:-1, 0], rcond=None)[0]
        left.append(float(x[-1] @ (vectors * (1 - 0.5 * values) ** 8) @ vectors.T @ w) ** 2)
    last = found.rows[-1]
    assert last["attention"] == pytest.approx(100 * np.mean(left), rel=1e-9)
    assert found.question.answer == found.rows[0]["attention"]
    assert found.notes[0].text == (
        f"8 layers of linear attention leave {100 * np.mean(left):.2g}% of the error, just as 8 steps of gradient "
        f"descent do: their answers differ by {last['difference']:.1g}. No weight changes."
    )
