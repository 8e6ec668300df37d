"""Workers that share out the rows of a batch: the gradient of the whole batch, the same bytes every time."""

import numpy as np
import pytest

from tfx.models import GPT, Encoder
from tfx.params import flatten, replica
from tfx.train.losses import LabelledBatch, labelling_loss, next_token_loss
from tfx.train.workers import enough_work_for, shared_out

V, T = 11, 6


def gpt(dropout=0.0):
    return GPT(V, 12, 3, n_layers=2, max_len=T, dropout=dropout, dtype="float64")


def ids(rows=5, seed=0):
    return np.random.default_rng(seed).integers(0, V, (rows, T + 1))


def gradients(model, loss, batch, rng=None):
    model.zero_grad()
    value = loss(model, batch, rng)
    return value, {name: parameter.grad.copy() for name, parameter in model.parameters().items()}


@pytest.mark.parametrize("n_workers", [1, 2, 3, 5, 8])
def test_the_gradient_is_that_of_the_whole_batch(n_workers):
    model, loss = gpt(), next_token_loss()
    want, whole = gradients(model, loss, ids())
    have, shared = gradients(model, shared_out(loss, n_workers, least=0), ids())
    assert have.tokens == want.tokens and have.loss == pytest.approx(want.loss, abs=1e-13)
    for name in whole:
        np.testing.assert_allclose(shared[name], whole[name], rtol=0, atol=1e-13, err_msg=name)


def test_rows_of_unequal_length_count_by_their_tokens():
    rng = np.random.default_rng(0)
    batch = LabelledBatch(rng.integers(0, V, (5, T)), rng.integers(0, V, (5, T)), np.array([6, 1, 2, 6, 3]))
    model, loss = Encoder(V, 12, 3, 24, dtype="float64"), labelling_loss()
    want, whole = gradients(model, loss, batch)
    have, shared = gradients(model, shared_out(loss, 2, least=0), batch)
    assert have.tokens == want.tokens == 18 and have.loss == pytest.approx(want.loss, abs=1e-13)
    for name in whole:
        np.testing.assert_allclose(shared[name], whole[name], rtol=0, atol=1e-13, err_msg=name)


def test_it_adds_to_the_gradients_that_are_there():
    model, loss = gpt(), shared_out(next_token_loss(), 2, least=0)
    _, once = gradients(model, loss, ids())
    loss(model, ids(), None)
    for name, parameter in model.parameters().items():
        np.testing.assert_allclose(parameter.grad, 2 * once[name], rtol=0, atol=1e-13)


def test_dropout_differs_between_workers_and_is_the_same_in_each_run():
    model, loss = gpt(dropout=0.3), shared_out(next_token_loss(), 2, least=0)
    same_rows = np.repeat(ids(rows=1), 2, axis=0)
    runs = [gradients(model, loss, same_rows, np.random.default_rng(7)) for _ in range(2)]
    assert runs[0][0] == runs[1][0]
    assert all(np.array_equal(runs[0][1][name], runs[1][1][name]) for name in runs[0][1])
    seen = []

    def watched(worker, part, rng):
        seen.append(rng.random())
        return next_token_loss()(worker, part, rng)

    shared_out(watched, 2, least=0)(model, same_rows, np.random.default_rng(7))
    assert len(set(seen)) == 2


def test_workers_follow_a_model_whose_arrays_were_replaced():
    model, loss = gpt(), shared_out(next_token_loss(), 2, least=0)
    loss(model, ids(), None)
    flatten(model)
    for parameter in model.parameters().values():
        parameter.value *= 0.5
    _, have = gradients(model, loss, ids())
    _, want = gradients(model, next_token_loss(), ids())
    assert all(np.allclose(have[name], want[name], rtol=0, atol=1e-13) for name in want)


def test_a_replica_reads_the_same_values_and_has_its_own_gradients():
    model = gpt()
    twin = replica(model)
    for name, parameter in model.parameters().items():
        other = twin.parameters()[name]
        assert other is not parameter and other.value is parameter.value and other.grad is not parameter.grad
    assert twin.output.embedding is twin.embedding  # tied in the model, tied in the replica


def test_running_statistics_and_fewer_than_one_worker_are_refused():
    with pytest.raises(ValueError, match="n_workers must be at least 1, not 0"):
        shared_out(next_token_loss(), 0)
    model = Encoder(V, 12, 3, 24, norm="batch_norm", dtype="float64")
    batch = LabelledBatch(np.zeros((4, T), dtype=int), np.ones((4, T), dtype=int))
    with pytest.raises(ValueError, match="running statistics"):
        shared_out(labelling_loss(), 2, least=0)(model, batch, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("width", "rows", "n_workers", "enough"),
    [(64, 4, 2, 1), (64, 16, 2, 2), (128, 4, 2, 2), (128, 16, 2, 2), (256, 4, 2, 2), (256, 16, 2, 2), (64, 16, 8, 3)],
)
def test_a_small_step_is_for_one_worker(width, rows, n_workers, enough):
    model = GPT(256, width, 4, n_layers=4, max_len=128)
    assert enough_work_for(model, np.zeros((rows, 129), dtype=int), n_workers) == enough


def test_there_are_no_more_workers_than_rows_and_never_none():
    model = gpt()
    assert enough_work_for(model, ids(rows=3), 8, least=0) == 3
    assert enough_work_for(model, ids(rows=3), 8, least=2**60) == 1
    pair = LabelledBatch(ids(rows=3), ids(rows=3), None)
    assert enough_work_for(model, pair, 8, least=model.n_parameters * pair.ids.size // 2) == 2


def test_a_step_for_one_worker_is_the_loss_as_it_was_bit_for_bit():
    for batch in (ids(), ids(rows=1)):
        want, whole = gradients(gpt(dropout=0.3), next_token_loss(), batch, np.random.default_rng(7))
        have, alone = gradients(gpt(dropout=0.3), shared_out(next_token_loss(), 2), batch, np.random.default_rng(7))
        assert have == want and all(np.array_equal(alone[name], whole[name]) for name in whole)
