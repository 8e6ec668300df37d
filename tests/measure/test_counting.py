"""The formulas against two counters that know none of them: scalar loops, and the library's own code, intercepted."""

import math

import numpy as np
import pytest

from tfx.measure import counting
from tfx.measure.counting import Cost
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_forward
from tfx.ops.recurrence.rnn import rnn_forward

N, D_MODEL, HEADS = 5, 12, 3
WIDTH = D_MODEL // HEADS


class Tally:
    """Counts arithmetic done one number at a time."""

    def __init__(self):
        self.products, self.other = 0, 0

    def dot(self, left, right):
        total = 0.0
        for a, b in zip(left, right, strict=True):
            total += a * b
            self.products += 2
        return total

    def once(self, value):
        self.other += 1
        return value


def loops_over_attention(q, k, v, tally):
    """One head, written with scalar loops: lists of rows in, list of rows out."""
    scale = 1 / math.sqrt(len(q[0]))
    out = []
    for query in q:
        query = [tally.once(number * scale) for number in query]
        scores = [tally.dot(query, key) for key in k]
        top = scores[0]
        for score in scores[1:]:
            top = tally.once(max(top, score))
        powers = [tally.once(math.exp(tally.once(score - top))) for score in scores]
        total = powers[0]
        for power in powers[1:]:
            total = tally.once(total + power)
        weights = [tally.once(power / total) for power in powers]
        out.append([tally.dot(weights, [value[c] for value in v]) for c in range(len(v[0]))])
    return out


def test_the_core_takes_as_many_flops_as_scalar_loops_do():
    rng = np.random.default_rng(0)
    tally = Tally()
    for _ in range(HEADS):
        q, k, v = rng.standard_normal((3, N, WIDTH))
        out = loops_over_attention(q.tolist(), k.tolist(), v.tolist(), tally)
        np.testing.assert_allclose(out, attention_forward(q, k, v)[0], atol=1e-12)
    costs = counting.attention_core(N, D_MODEL, HEADS)
    assert counting.total_matmul_flops(costs) == tally.products
    assert counting.total_flops(costs) == tally.products + tally.other


def test_a_projection_takes_as_many_flops_as_scalar_loops_do():
    rng = np.random.default_rng(0)
    tally = Tally()
    x, w = rng.standard_normal((N, D_MODEL)), rng.standard_normal((D_MODEL, D_MODEL))
    y = [[tally.dot(row, column) for column in w.T.tolist()] for row in x.tolist()]
    np.testing.assert_allclose(y, linear_forward(x, w)[0], atol=1e-12)
    assert counting.total_flops(counting.projections(N, D_MODEL)) == 4 * tally.products


def test_a_recurrence_takes_as_many_flops_as_scalar_loops_do():
    rng = np.random.default_rng(0)
    tally = Tally()
    x, (w_x, w_h) = rng.standard_normal((N, D_MODEL)), rng.standard_normal((2, D_MODEL, D_MODEL))
    state, states = [0.0] * D_MODEL, []
    for token in x.tolist():
        columns = zip(w_x.T.tolist(), w_h.T.tolist(), strict=True)
        state = [math.tanh(tally.dot(token, a) + tally.dot(state, b)) for a, b in columns]
        states.append(state)
    np.testing.assert_allclose(states, rnn_forward(x[None], np.zeros((1, D_MODEL)), w_x, w_h)[0][0], atol=1e-12)
    assert counting.total_flops(counting.recurrence(N, D_MODEL)) == tally.products


class Watched(np.ndarray):
    """An array that counts the FLOPs and bytes of every function applied to it."""

    matmul_flops = other_flops = read = written = 0

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [x.view(np.ndarray) if isinstance(x, Watched) else x for x in inputs]
        out = kwargs.pop("out", None)
        if out is not None:
            kwargs["out"] = tuple(x.view(np.ndarray) if isinstance(x, Watched) else x for x in out)
        result = getattr(ufunc, method)(*plain, **kwargs)
        arrays = [x for x in plain if isinstance(x, np.ndarray)]
        big = result.size == max(x.size for x in arrays)
        if ufunc is np.matmul and plain[1].shape[-1] > 1:
            Watched.matmul_flops += 2 * result.size * plain[0].shape[-1]
        elif method == "reduce" or ufunc is np.matmul:  # a product with a column of ones adds up rows
            Watched.other_flops += plain[0].size - result.size
        elif big and ufunc in (np.multiply, np.subtract, np.exp, np.divide):
            Watched.other_flops += result.size
        return np.asarray(result).view(Watched)


def test_attention_forward_itself_does_as_many_flops_as_the_formulas_say():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((HEADS, N, WIDTH)).view(Watched) for _ in range(3))
    Watched.matmul_flops = Watched.other_flops = 0
    out, _ = attention_forward(q, k, v)
    costs = counting.attention_core(N, D_MODEL, HEADS)
    assert isinstance(out, Watched)
    assert Watched.matmul_flops == counting.total_matmul_flops(costs)
    assert Watched.other_flops == counting.total_flops(costs) - counting.total_matmul_flops(costs)


def test_a_product_reads_both_inputs_and_writes_its_output_once():
    a, b = np.zeros((2, 3, 4), dtype=np.float32), np.zeros((2, 4, 5), dtype=np.float32)
    assert counting.matmul("", 2, 3, 4, 5).bytes(4) == a.nbytes + b.nbytes + (a @ b).nbytes


def test_elementwise_steps_and_reductions_read_and_write_what_they_must():
    assert counting.elementwise("", 6) == Cost("", 0, 6, 6, 6)
    assert counting.elementwise("", 6, flops_each=2, inputs=2) == Cost("", 0, 12, 12, 6)
    assert counting.reduction("", 3, 7) == Cost("", 0, 18, 21, 3)


@pytest.mark.parametrize("d_model", [1, 12, 64, 512])
def test_the_counted_crossings_are_at_2d_and_6d(d_model):
    def core(n):
        return counting.total_matmul_flops(counting.attention_core(n, d_model, 1))

    def projections(n):
        return counting.total_matmul_flops(counting.projections(n, d_model))

    def layer(n):
        return projections(n) + counting.total_matmul_flops(counting.feed_forward(n, d_model, 4 * d_model))

    assert counting.first_n_where(core, projections) == 2 * d_model
    assert counting.first_n_where(core, layer) == 6 * d_model


def test_the_numbers_of_a_well_known_example():
    """n = d = 512: Q K^T alone is 134 million multiply-adds, so 268 million FLOPs."""
    assert counting.scores(512, 512, 1)[1].flops == 268_435_456
    assert counting.total_matmul_flops(counting.attention_core(512, 512, 8)) == 536_870_912
    everything = (*counting.attention_core(512, 512, 8), *counting.projections(512, 512))
    assert counting.total_matmul_flops(everything) == 1_610_612_736


def test_first_n_where_agrees_with_a_walk_and_gives_up_past_its_limit():
    for other in (1, 2, 3, 7, 8, 9, 1000):
        assert counting.first_n_where(lambda n: n, lambda n, other=other: other) == other
    with pytest.raises(ValueError, match="crossing"):
        counting.first_n_where(lambda n: 0, lambda n: 1, limit=1000)
