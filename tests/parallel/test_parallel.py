"""Shared out among workers, everything gives the numbers of one machine."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.feed_forward import FeedForward
from tfx.nn.stacks import EncoderStack
from tfx.ops.attention.masks import causal_mask
from tfx.optim import Adam
from tfx.parallel import (
    AllReduce,
    TensorParallelAttention,
    TensorParallelFeedForward,
    data_parallel,
    gathered,
    pipeline_schedule,
    run_pipeline,
    tensor_parallel,
)
from tfx.params import Layer
from tfx.train import LabelledBatch, labelling_loss, next_token_loss, train
from tfx.train.accumulation import accumulated, split_rows

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 12))


def gradients(model: Layer) -> dict[str, np.ndarray]:
    return {name: parameter.grad.copy() for name, parameter in model.parameters().items()}


def assert_same(have: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> None:
    assert have.keys() == want.keys()
    for name, value in want.items():
        np.testing.assert_allclose(have[name], value, rtol=0, atol=1e-12 * max(1.0, np.abs(value).max()), err_msg=name)


@pytest.mark.parametrize("n_workers", [1, 2, 3, 7])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (0,), ()])
def test_all_reduce_gives_everybody_the_sum(n_workers, shape):
    parts = [RNG.standard_normal(shape) for _ in range(n_workers)]
    reduce = AllReduce()
    np.testing.assert_allclose(reduce(parts), sum(parts), atol=1e-14)
    assert reduce.calls == 1 and reduce.sent == pytest.approx(2 * (n_workers - 1) / n_workers * parts[0].size)


def test_all_reduce_refuses_what_cannot_be_added():
    with pytest.raises(ValueError, match="no worker"):
        AllReduce()([])
    with pytest.raises(ValueError, match="different shapes"):
        AllReduce()([np.ones(2), np.ones(3)])


def padded_batch(rows: int = 7) -> LabelledBatch:
    """Rows of very different lengths: parts with equally many rows have unequally many tokens."""
    rng = np.random.default_rng(1)
    ids = rng.integers(6, size=(rows, 8))
    return LabelledBatch(ids, np.roll(ids, 1, axis=1), np.array([8, 8, 7, 1, 2, 1, 3])[:rows])


def small_encoder() -> Encoder:
    return Encoder(6, d_model=12, n_heads=2, d_ff=8, n_layers=2, dtype="float64")


@pytest.mark.parametrize("n_workers", [1, 2, 3, 5, 7, 9])
def test_workers_with_parts_of_a_batch_give_the_loss_and_gradient_of_the_whole(n_workers):
    model, batch, rng = small_encoder(), padded_batch(), np.random.default_rng(0)
    model.zero_grad()
    whole = labelling_loss()(model, batch, rng)
    want = gradients(model)
    model.zero_grad()
    found = data_parallel(labelling_loss(), n_workers)(model, batch, rng)
    assert found.tokens == whole.tokens and found.loss == pytest.approx(whole.loss, rel=1e-13)
    assert_same(gradients(model), want)


def test_the_plain_mean_of_the_workers_gradients_is_wrong_when_lengths_differ():
    model, rng = small_encoder(), np.random.default_rng(0)
    model.zero_grad()
    labelling_loss()(model, padded_batch(), rng)
    name, parts = "stack.blocks.0.feed_forward.first.w", []
    want = gradients(model)[name]
    for part in split_rows(padded_batch(), 4):
        model.zero_grad()
        labelling_loss()(model, part, rng)
        parts.append(gradients(model)[name])
    assert np.abs(np.mean(parts, axis=0) - want).max() > 0.01 * np.abs(want).max()


def test_gradients_that_stood_there_before_are_added_to():
    model, batch, rng = small_encoder(), padded_batch(), np.random.default_rng(0)
    model.zero_grad()
    data_parallel(labelling_loss(), 2)(model, batch, rng)
    once = gradients(model)
    data_parallel(labelling_loss(), 2)(model, batch, rng)
    assert_same(gradients(model), {name: 2 * grad for name, grad in once.items()})


def test_workers_send_each_gradient_once_for_a_step():
    model, reduce = small_encoder(), AllReduce()
    data_parallel(labelling_loss(), 4, reduce)(model, padded_batch(), np.random.default_rng(0))
    assert reduce.calls == len(model.parameters()) and reduce.sent == pytest.approx(1.5 * model.n_parameters)


def test_whole_training_runs_agree():
    def ids(rng):
        return rng.integers(7, size=(6, 9))

    ends = []
    for loss in (next_token_loss(), data_parallel(next_token_loss(), 3), accumulated(next_token_loss(), 2)):
        model = DecoderOnly(7, d_model=12, n_heads=2, d_ff=8, n_layers=1, dtype="float64")
        records = list(train(model, ids, loss, Adam(model), lambda _: 1e-2, 5))
        ends.append((records[-1].loss, model.state()))
    for last_loss, state in ends[1:]:
        assert last_loss == pytest.approx(ends[0][0], rel=1e-9)
        for name, value in ends[0][1].items():
            if "key.b" not in name:  # its true gradient is 0, and Adam makes steps of rounding errors
                np.testing.assert_allclose(state[name], value, atol=1e-7)


def test_without_workers_or_rows_nothing_can_be_done():
    with pytest.raises(ValueError, match="not 0"):
        data_parallel(labelling_loss(), 0)
    empty = LabelledBatch(np.zeros((0, 8), int), np.zeros((0, 8), int))
    with pytest.raises(ValueError, match="row"):
        data_parallel(labelling_loss(), 2)(small_encoder(), empty, RNG)


@pytest.mark.parametrize("activation", ["gelu", "swiglu"])
@pytest.mark.parametrize("n_workers", [1, 2, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_a_shared_out_feed_forward_network_is_the_whole_one(activation, n_workers, bias):
    whole, reduce = FeedForward(12, 8, RNG, activation, "float64", bias), AllReduce()
    for parameter in whole.parameters().values():
        parameter.value += 0.1 * RNG.standard_normal(parameter.shape)
    shared = TensorParallelFeedForward(whole, n_workers, reduce)
    y, cache = whole.forward(X)
    y_shared, cache_shared = shared.forward(X)
    np.testing.assert_allclose(y_shared, y, atol=1e-12)
    assert reduce.calls == 1
    np.testing.assert_allclose(shared.backward(y, cache_shared), whole.backward(y, cache), atol=1e-11)
    assert reduce.calls == 2
    assert_same(gathered(shared), gradients(whole))
    assert_same(gathered(shared, "value"), whole.state())


@pytest.mark.parametrize(
    ("options", "n_workers"), [({}, 4), ({"n_kv_heads": 2}, 2), ({"bias": False, "scale": 0.2}, 2)]
)
def test_shared_out_heads_are_the_whole_attention(options, n_workers):
    whole, reduce = MultiHeadAttention(12, 4, RNG, dtype="float64", **options), AllReduce()
    shared = TensorParallelAttention(whole, n_workers, reduce)
    y, cache = whole.forward(X, mask=causal_mask(5))
    y_shared, cache_shared = shared.forward(X, mask=causal_mask(5))
    np.testing.assert_allclose(y_shared, y, atol=1e-12)
    np.testing.assert_allclose(shared.backward(y, cache_shared).dx, whole.backward(y, cache).dx, atol=1e-11)
    assert_same(gathered(shared), gradients(whole))
    assert reduce.calls == 2


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_block_needs_two_all_reduces_forward_and_two_backward(norm):
    whole, reduce = EncoderBlock(BlockSettings(12, 4, 8, norm_place=norm, dtype="float64"), RNG), AllReduce()
    shared = tensor_parallel(whole, 2, reduce)
    y, cache = whole.forward(X, causal_mask(5))
    y_shared, cache_shared = shared.forward(X, causal_mask(5))
    np.testing.assert_allclose(y_shared, y, atol=1e-12)
    assert reduce.calls == 2 and reduce.sent == 2 * X.size
    np.testing.assert_allclose(shared.backward(y, cache_shared), whole.backward(y, cache), atol=1e-11)
    assert reduce.calls == 4
    assert_same(gathered(shared), gradients(whole))


def test_a_whole_model_is_shared_out_and_the_original_stays():
    model, reduce = small_encoder(), AllReduce()
    shared, batch = tensor_parallel(model, 2, reduce), padded_batch()
    value = labelling_loss()(model, batch, RNG)
    found = labelling_loss()(shared, batch, RNG)
    assert found.loss == pytest.approx(value.loss, rel=1e-13)
    assert_same(gathered(shared), gradients(model))
    assert reduce.calls == 2 * 4 and "workers" not in " ".join(model.parameters())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: TensorParallelFeedForward(FeedForward(12, 8, RNG), 3, AllReduce()), "8 hidden units .* 3 workers"),
        (lambda: TensorParallelAttention(MultiHeadAttention(12, 4, RNG), 0, AllReduce()), "0 workers"),
        (
            lambda: TensorParallelAttention(MultiHeadAttention(12, 4, RNG, n_kv_heads=2), 4, AllReduce()),
            "2 key and value heads .* 4 workers",
        ),
    ],
)
def test_units_that_cannot_be_shared_out_evenly_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_workers_have_neither_past_nor_all_the_weights():
    shared = TensorParallelAttention(MultiHeadAttention(12, 4, RNG), 2, AllReduce())
    _, cache = shared.forward(X)
    with pytest.raises(ValueError, match="past"):
        shared.forward(X, past=X)
    with pytest.raises(ValueError, match="weights of all heads"):
        shared.backward(X, cache, X)


@pytest.mark.parametrize("kind", ["gpipe", "1f1b"])
@pytest.mark.parametrize(("p", "m"), [(1, 1), (1, 5), (4, 1), (4, 4), (4, 16), (3, 2), (8, 5)])
@pytest.mark.parametrize("backward", [1.0, 2.0])
def test_the_bubble_is_p_minus_1_of_m_plus_p_minus_1(kind, p, m, backward):
    timetable = pipeline_schedule(p, m, kind, backward=backward)
    assert timetable.bubble == pytest.approx((p - 1) / (m + p - 1), abs=1e-12)
    assert timetable.duration == pytest.approx((m + p - 1) * (1 + backward))
    assert len(timetable.events) == 2 * p * m


def test_one_forward_one_backward_keeps_fewer_activations():
    gpipe, in_turn = (pipeline_schedule(4, 10, kind) for kind in ("gpipe", "1f1b"))
    assert [gpipe.held(stage) for stage in range(4)] == [10] * 4
    assert [in_turn.held(stage) for stage in range(4)] == [4, 3, 2, 1]


@pytest.mark.parametrize("kind", ["gpipe", "1f1b"])
def test_nobody_starts_before_what_is_needed_and_nobody_does_two_things_at_once(kind):
    timetable = pipeline_schedule(3, 5, kind, forward=1.0, backward=1.7)
    at = {(event.stage, event.micro_batch, event.direction): event for event in timetable.events}
    for stage, micro_batch, direction in at:
        event = at[stage, micro_batch, direction]
        before = stage - 1 if direction == "forward" else stage + 1
        if 0 <= before < 3:
            assert at[before, micro_batch, direction].stop <= event.start
        if direction == "backward":
            assert at[stage, micro_batch, "forward"].stop <= event.start
    for stage in range(3):
        own = [event for event in timetable.events if event.stage == stage]
        assert all(a.stop <= b.start for a, b in pairwise(own))


@pytest.mark.parametrize("kind", ["gpipe", "1f1b"])
def test_micro_batches_through_stages_give_the_gradient_of_the_whole_batch(kind):
    stack = EncoderStack(StackSettings(12, 3, 8, 4, norm_place="post", dtype="float64"), RNG)
    x, dy = RNG.standard_normal((6, 5, 12)), RNG.standard_normal((6, 5, 12))
    y, cache = stack.forward(x)
    dx = stack.backward(dy, cache)
    want = gradients(stack)
    stack.zero_grad()
    timetable = pipeline_schedule(4, 3, kind)
    ys, dxs = run_pipeline(stack.blocks, np.split(x, 3), lambda _, i: np.split(dy, 3)[i], timetable)
    np.testing.assert_allclose(np.concatenate(ys), y, atol=1e-12)
    np.testing.assert_allclose(np.concatenate(dxs), dx, atol=1e-12)
    assert_same(gradients(stack), want)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pipeline_schedule(2, 2, "zigzag"), 'not "zigzag"'),
        (lambda: pipeline_schedule(0, 2), "not 0 and 2"),
        (lambda: pipeline_schedule(2, 0), "not 2 and 0"),
        (lambda: run_pipeline([None], [X], lambda y, _: y, pipeline_schedule(2, 1)), "2 stages and 1 micro-batches"),
    ],
)
def test_impossible_pipelines_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
