"""The benchmark of a training step: counted work, memory, the same numbers as PyTorch.  Seconds are not judged."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tfx.bench import train
from tfx.bench.machine import usable_cores
from tfx.bench.train import notes_on, time_plot, verdict
from tfx.bench.training_step import TrainingStep, new_gpt
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.measure.measuring import peak_bytes
from tfx.params import flatten
from tfx.records import to_plain_data

SMALL = replace(
    train.Settings(), d_model=(12, 24), batch=4, length=128, vocab=17, heads=3, layers=2, compare=4, turns=3
)


def run(settings: Any, seed: int, **asked: Any) -> Any:
    return frame.run(train, settings, seed, **asked)


@pytest.fixture(scope="module")
def without_torch():
    """As on a machine that has no PyTorch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", None)
        return run(SMALL, 0)


def test_every_width_and_number_of_threads_has_its_row(without_torch):
    threads = sorted({1, usable_cores()})
    assert [(row["d_model"], row["threads"]) for row in without_torch.rows] == [
        (d, n) for d in (12, 24) for n in threads
    ]
    for row in without_torch.rows:
        assert row["tfx_s"] > 0 and row["tfx_s_half_range"] >= 0
        assert row["tokens_per_s"] == pytest.approx(4 * 128 / row["tfx_s"])
        assert row["torch_s"] is row["ratio"] is row["loss_difference"] is None
    assert {check.id for check in without_torch.checks} == {"work-12", "work-24", "memory"}
    assert all(check.holds for check in without_torch.checks), without_torch.checks
    assert "PyTorch is not installed" in without_torch.notes[0].text
    shown = {column.key for column in without_torch.columns}
    assert shown == {"case", "tfx_s", "tokens_per_s", "gflop_per_s"} and without_torch.rows[0]["case"] == "12, 1 thread"
    to_plain_data(without_torch)


def test_a_step_makes_scores_for_the_past_and_half_a_chunk():
    flops = train.counted_flops(SMALL, 24, 0)
    chunks = 128 // 64
    assert flops == train.formula_flops(SMALL, 24, (chunks + 1) / (2 * chunks))
    assert train.work_check(SMALL, 24, flops).holds
    assert not train.work_check(SMALL, 24, 2 * flops).holds
    assert not train.work_check(SMALL, 24, flops // 2).holds


def test_memory_of_a_step_is_linear_in_the_batch_and_bounded_by_what_backward_needs():
    """Numbers that are alive at once, for each token and block: a regression here is a new temporary or a leak."""
    c, t = 32, 128
    step = TrainingStep(new_gpt(17, c, 4, 3, t, 0))
    rng = np.random.default_rng(0)
    small, large = (rng.integers(0, 17, (rows, t + 1)) for rows in (2, 4))
    step(small)
    two, four = peak_bytes(lambda: step(small)), peak_bytes(lambda: step(large))
    a_row = (four - two) / 2 / 4  # numbers of float32
    weights = 4 * t * t * 0.75  # kept by the attention, in four heads
    kept = 3 * (
        weights + t * c * (14 + 2 * 4)
    )  # x, norms, q, k, v, heads ..., and three times the width of the network
    assert weights * 3 < a_row < 1.35 * kept
    assert peak_bytes(lambda: step(large)) <= 1.01 * four


def test_workers_take_the_step_of_one():
    one, two = (TrainingStep(new_gpt(17, 24, 3, 2, 16, 0), n) for n in (1, 2))
    ids = np.random.default_rng(0).integers(0, 17, (4, 17))
    for _ in range(3):
        assert one(ids) == pytest.approx(two(ids), abs=1e-5)
    np.testing.assert_allclose(one.parameters.value, two.parameters.value, rtol=0, atol=1e-4)


def test_the_model_attends_as_one_with_plain_attention_does():
    chunked = new_gpt(17, 24, 3, 2, 100, 0)
    plain = type(chunked)(17, 24, 3, n_layers=2, max_len=100)
    plain.load_state(chunked.state())
    ids = np.random.default_rng(0).integers(0, 17, (2, 100))
    np.testing.assert_allclose(chunked.forward(ids)[0], plain.forward(ids)[0], atol=1e-5)


def test_the_batch_can_be_learned_in_part():
    ids = train.batch(SMALL, 3, np.random.default_rng(0))
    assert ids.shape == (3, 129) and ids.min() >= 0 and ids.max() < SMALL.vocab
    assert set(np.unique((ids[:, 1:] - ids[:, :-1]) % SMALL.vocab)) == {1, 3, 7}


def test_the_aim_is_said_to_be_met_or_missed_as_measured():
    rows = [
        {
            "d_model": d,
            "threads": n,
            "ratio": ratio,
            "tfx_s": 0.1,
            "torch_s": 0.1,
            "tfx_s_half_range": 0,
            "torch_s_half_range": 0,
        }
        for d, n, ratio in ((64, 1, 0.9), (128, 1, 1.01), (128, 2, 1.0))
    ]
    assert verdict(rows[1]) == "missed with 1 thread (1.01)" and verdict(rows[2]) == "met with 2 threads (1.00)"
    assert notes_on(rows, True, True)[-1].text.count("thread") == 2
    assert notes_on(rows[:1], True, True)[-1].text.startswith("Medians")
    assert len(time_plot(rows)[0].series) == 4 and not time_plot(rows[:1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"heads": 5}, "5 does not divide 12"),
        ({"d_model": (0,)}, "d_model"),
        ({"turns": 1}, "turns"),
        ({"batch": 0}, "batch"),
        ({"threads": (-1,)}, "threads"),
    ],
)
def test_settings_that_make_no_benchmark_are_refused(change, words):
    with pytest.raises(BadInput, match=words):
        run(replace(SMALL, **change), 0)


# With PyTorch


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_both_libraries_take_the_same_steps(torch):
    compared = train.compare(replace(SMALL, compare=50), 24, 0, torch)
    assert compared.loss <= train.LOSS_TOLERANCE and compared.gradient <= train.GRADIENT_TOLERANCE
    assert all(check.holds for check in train.comparison_checks(24, compared, SMALL))


def test_a_wrong_gradient_is_seen_by_the_comparison(torch, monkeypatch):
    """GELU without the factor 3 of its cube's derivative: the loss still falls."""
    from tfx.ops import activations, feed_forward

    forward, backward = activations.ACTIVATIONS["gelu_tanh"]

    def wrong(dy, cache):
        z, s = cache
        slope = math.sqrt(2 / math.pi) * (1 + 0.044715 * z * z)
        return dy * (s + z * s * (1 - s) * 2 * slope)

    monkeypatch.setitem(feed_forward.ACTIVATIONS, "gelu_tanh", (forward, wrong))
    compared = train.compare(replace(SMALL, compare=2), 24, 0, torch)
    assert compared.gradient > train.GRADIENT_TOLERANCE
    assert backward is not wrong


def test_weights_and_gradients_get_their_names_in_pytorch(torch):
    from tfx.bench.torch_gpt import as_torch, torch_gpt

    model = new_gpt(17, 24, 3, 2, 16, 0)
    network = torch_gpt(torch, model)
    renamed = as_torch({name: parameter.value for name, parameter in model.parameters().items()})
    assert renamed.keys() == dict(network.named_parameters()).keys()
    assert sum(array.size for array in renamed.values()) == flatten(model).value.size
    ids = np.random.default_rng(0).integers(0, 17, (2, 16))
    np.testing.assert_allclose(model.forward(ids)[0], network(torch.from_numpy(ids)).detach().numpy(), atol=1e-5)
