"""Mixtures of experts: their exact settings, what depends on what, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.nn.auxiliary_losses import auxiliary_loss, auxiliary_losses, weigh
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.feed_forward import FeedForward, FeedForwardSettings
from tfx.nn.hash_experts import HashExperts
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.nn.soft_experts import SoftExperts
from tfx.nn.stacks import DecoderStack, EncoderStack
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

C, F, E = 6, 5, 4
X = np.random.default_rng(0).standard_normal((2, 7, C))


def mixture(**options):
    layer = MixtureOfExperts(C, **{"d_ff": F, "rng": np.random.default_rng(1), "dtype": "float64", "n": E, **options})
    for parameter in layer.parameters().values():
        parameter.value = parameter.value + 0.1 * np.random.default_rng(2).standard_normal(parameter.shape)
    return layer


def make_experts_equal(layer):
    for expert in layer.experts[1:]:
        expert.load_state(layer.experts[0].state())


@pytest.mark.parametrize(
    "options", [{"k": 1, "renormalise": True}, {"k": 2}, {"k": E}, {"k": 2, "activation": "swiglu"}]
)
def test_equal_experts_are_one_network(options):
    layer = mixture(**options)
    make_experts_equal(layer)
    y, cache = layer.forward(X)
    one, one_cache = layer.experts[0].forward(X)
    np.testing.assert_allclose(y, one, atol=1e-14)
    layer.zero_grad()
    dx = layer.backward(y, weigh(cache, 0.0))
    shares = [expert.first.w.grad.copy() for expert in layer.experts]
    layer.zero_grad()
    np.testing.assert_allclose(dx, layer.experts[0].backward(y, one_cache), atol=1e-13)
    np.testing.assert_allclose(sum(shares), layer.experts[0].first.w.grad, atol=1e-13)


def test_with_every_expert_chosen_it_is_the_dense_mixture():
    layer = mixture(k=E)
    p, _ = softmax_forward(layer.router.forward(X)[0])
    dense = sum(p[..., e, None] * expert.forward(X)[0] for e, expert in enumerate(layer.experts))
    np.testing.assert_allclose(layer.forward(X)[0], dense, atol=1e-14)


def test_switch_scales_the_one_expert_by_its_probability():
    layer = mixture(k=1)
    p, _ = softmax_forward(layer.router.forward(X)[0])
    for b, t in np.ndindex(X.shape[:2]):
        best = p[b, t].argmax()
        by_hand = p[b, t, best] * layer.experts[best].forward(X[b, t][None])[0][0]
        np.testing.assert_allclose(layer.forward(X)[0][b, t], by_hand, atol=1e-14)


def test_a_shuffled_batch_gives_shuffled_outputs_when_nothing_is_dropped():
    layer, order = mixture(k=2), np.random.default_rng(3).permutation(14)
    rows = X.reshape(14, C)
    np.testing.assert_allclose(layer.forward(rows[order])[0], layer.forward(rows)[0][order], atol=1e-15)


def test_with_drops_a_token_depends_on_who_stands_in_front_of_it():
    layer, rows = mixture(k=1, capacity_factor=0.5), X.reshape(14, C)
    y, cache = layer.forward(rows)
    backwards, other = layer.forward(rows[::-1])
    assert cache.n_dropped == other.n_dropped > 0
    assert np.abs(backwards[::-1] - y).max() > 0.01


def test_dropped_tokens_get_zeros_and_give_no_gradient_to_experts():
    layer = mixture(k=1, capacity_factor=0.5, losses={})
    rows = X.reshape(14, C)
    y, cache = layer.forward(rows)
    dropped = cache.plan.tokens[sum(cache.counts) :]
    assert cache.n_dropped == len(dropped) and not y[dropped].any()
    dy = np.zeros_like(y)
    dy[dropped] = 1.0
    assert not layer.backward(dy, cache).any()
    assert not any(parameter.grad.any() for parameter in layer.parameters().values())


@pytest.mark.parametrize("by_importance", [False, True])
def test_room_for_all_is_the_same_as_no_limit(by_importance):
    limited, free = mixture(k=2, capacity_factor=float(E), by_importance=by_importance), mixture(k=2)
    np.testing.assert_array_equal(limited.forward(X)[0], free.forward(X)[0])


def test_by_importance_the_tokens_with_the_largest_gates_keep_their_expert():
    layer = mixture(k=1, capacity_factor=0.5, by_importance=True)
    layer.router.w.value[:, 1:] = 0.0
    layer.router.w.value[:, 0] = 0.0
    layer.router.w.value[0, 0] = 1.0  # expert 0 where feature 0 is positive
    rows = np.zeros((6, C))
    rows[:, 0] = [1, 3, 2, 6, 5, 4]
    _, cache = layer.forward(rows)
    assert cache.counts == (1, 0, 0, 0) and cache.plan.tokens[0] == 3


def test_a_sequence_chooses_once_for_all_of_its_tokens():
    layer = mixture(k=2, level="sequence")
    _, cache = layer.forward(X)
    chosen = cache.chosen.reshape(2, 7, 2)
    assert (chosen == chosen[:, :1]).all()
    alone, _ = layer.forward(X[1:])
    np.testing.assert_allclose(alone[0], layer.forward(X)[0][1], atol=1e-14)


def test_noise_changes_choices_in_training_only_and_equal_seeds_are_equal():
    layer = mixture(k=1, noisy=True)
    quiet = layer.forward(X)[1].chosen
    loud = [layer.forward(X, np.random.default_rng(seed))[1].chosen for seed in (0, 0, 1)]
    assert (loud[0] == loud[1]).all() and (loud[0] != loud[2]).any() and (loud[0] != quiet).any()


def test_experts_without_tokens_do_no_harm():
    layer = mixture(k=1)
    layer.router.w.value[...] = 0.0  # ties: everybody goes to expert 0
    y, cache = layer.forward(X)
    assert cache.counts == (14, 0, 0, 0)
    layer.backward(y, cache)
    assert layer.experts[0].first.w.grad.any() and not layer.experts[3].first.w.grad.any()


@pytest.mark.parametrize("shape", [(2, 0, C), (0, 5, C), (2, 1, C)])
@pytest.mark.parametrize("options", [{"k": 2}, {"k": 1, "capacity_factor": 1.0}, {"level": "sequence"}])
def test_empty_batches_and_single_tokens_work(shape, options):
    layer = mixture(**options)
    y, cache = layer.forward(np.ones(shape))
    assert layer.backward(y, cache).shape == y.shape == shape and np.isfinite(cache.auxiliary.value)


def test_float32_stays_float32():
    layer = mixture(dtype="float32", k=2, noisy=True, losses={"balance": 0.1, "z": 0.1, "importance": 0.1, "load": 0.1})
    layer.astype("float32")
    y, cache = layer.forward(X.astype("float32"), np.random.default_rng(0))
    assert y.dtype == layer.backward(y, cache).dtype == cache.auxiliary.value.dtype == np.float32
    assert {parameter.grad.dtype for parameter in layer.parameters().values()} == {np.dtype("float32")}


def test_parameters_grow_with_the_experts_and_work_with_the_choices():
    few, many = mixture(n=4, k=2), mixture(n=16, k=2)
    one = FeedForward(C, F, np.random.default_rng(0))
    assert many.n_parameters == 16 * one.n_parameters + 16 * C
    assert many.n_active_parameters == 2 * one.n_parameters + 16 * C
    assert many.flops(10) - few.flops(10) == 2 * 10 * 12 * C  # the router alone
    assert few.flops(10) == 2 * 10 * (4 * C + 2 * 2 * C * F)


def test_experts_of_several_scales():
    layer = mixture(d_ff=[2, 4, 8, 16], k=2)
    assert [expert.first.w.shape[1] for expert in layer.experts] == [2, 4, 8, 16]
    assert layer.n_active_parameters == sum(e.n_parameters for e in layer.experts[2:]) + E * C
    assert layer.forward(X)[0].shape == X.shape


def test_their_weight_scales_the_gradient_of_the_losses_alone():
    layer = mixture(k=2, losses={"balance": 0.3, "z": 0.2})
    y, cache = layer.forward(X)
    grads = []
    for weight in (0.0, 1.0, 3.0):
        layer.zero_grad()
        layer.backward(y, weigh(cache, weight))
        grads.append((layer.router.w.grad.copy(), layer.experts[0].first.w.grad.copy()))
    np.testing.assert_allclose(grads[2][0] - grads[0][0], 3 * (grads[1][0] - grads[0][0]), atol=1e-13)
    np.testing.assert_array_equal(grads[2][1], grads[0][1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n": 0}, "at least one expert, not 0"),
        ({"k": 5}, "1 to 4 of 4 experts, not 5"),
        ({"k": 0}, "not 0"),
        ({"capacity_factor": 0.0}, "factor of 0.0"),
        ({"level": "word"}, 'not "word"'),
        ({"losses": {"gini": 1.0}}, "not gini"),
        ({"losses": {"load": 1.0}}, "needs noisy=True"),
        ({"losses": {"load": 1.0}, "noisy": True, "k": E}, "k < n"),
        ({"d_ff": [3, 4]}, "2 widths for 4 experts"),
    ],
)
def test_impossible_mixtures_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        mixture(**options)


def test_a_choice_for_a_sequence_needs_sequences():
    with pytest.raises(ValueError, match=r"\(B, T, C\), not \(7, 6\)"):
        mixture(level="sequence").forward(X[0])


def test_experts_stand_in_every_second_block_of_a_stack():
    stack = EncoderStack(
        StackSettings(C, 3, F, 4, norm_place="pre", experts={"n": 3, "k": 1}, expert_every=2), np.random.default_rng(0)
    )
    kinds = [type(block.feed_forward) for block in stack.blocks]
    assert kinds == [FeedForward, MixtureOfExperts] * 2
    _, cache = stack.forward(X.astype("float32"))
    assert len(auxiliary_losses(cache)) == 2
    with pytest.raises(ValueError, match="every 0th"):
        EncoderStack(
            StackSettings(C, 3, F, 2, norm_place="pre", experts={"n": 3, "k": 1}, expert_every=0),
            np.random.default_rng(0),
        )


def test_every_kind_of_block_may_hold_experts():
    rng, experts = np.random.default_rng(0), {"n": 3, "k": 2, "noisy": True}
    for parallel in (False, True):
        stack = EncoderStack(StackSettings(C, 3, F, 1, norm_place="pre", parallel=parallel, experts=experts), rng)
        assert isinstance(stack.blocks[0].feed_forward, MixtureOfExperts)
        quiet, loud = stack.forward(X)[0], stack.forward(X, rng=np.random.default_rng(0))[0]
        assert (quiet != loud).any()
    decoder = DecoderStack(StackSettings(C, 3, F, 2, norm_place="pre", experts=experts), rng)
    assert len(auxiliary_losses(decoder.forward(X, X)[1])) == 2


def test_a_block_with_equal_experts_is_the_dense_block():
    sparse = EncoderBlock(BlockSettings(C, 3, F, dtype="float64", experts={"n": E, "k": 2}), np.random.default_rng(0))
    dense = EncoderBlock(BlockSettings(C, 3, F, dtype="float64"), np.random.default_rng(0))
    make_experts_equal(sparse.feed_forward)
    dense.feed_forward.load_state(sparse.feed_forward.experts[0].state())
    np.testing.assert_allclose(sparse.forward(X)[0], dense.forward(X)[0], atol=1e-14)


def test_the_gradient_of_a_model_includes_its_auxiliary_losses():
    """Loss plus the sum of cache.auxiliary, against central differences of both together."""
    experts = {"n": 3, "k": 1, "losses": {"balance": 2.0, "z": 0.5}}
    model = DecoderOnly(7, d_model=6, n_heads=2, d_ff=5, n_layers=2, dtype="float64", experts=experts)
    ids = np.random.default_rng(0).integers(0, 7, (2, 6))

    def total():
        logits, cache = model.forward(ids[:, :-1])
        loss, ce = cross_entropy_forward(logits, ids[:, 1:])
        return loss + auxiliary_loss(cache), ce, cache

    _, ce, cache = total()
    model.zero_grad()
    model.backward(cross_entropy_backward(1.0, ce), cache)
    weight = model.stack.blocks[0].feed_forward.router.w
    direction, step = np.random.default_rng(1).standard_normal(weight.shape), 1e-6
    sides = []
    for sign in (1, -1):
        weight.value += sign * step * direction
        sides.append(total()[0])
        weight.value -= sign * step * direction
    slope = (sides[0] - sides[1]) / (2 * step)
    assert slope == pytest.approx((weight.grad * direction).sum(), rel=1e-7)


def test_without_a_limit_a_decoder_with_experts_is_causal_and_continues_from_its_past():
    model = DecoderOnly(7, d_model=6, n_heads=2, d_ff=5, n_layers=2, dtype="float64", experts={"n": 3, "k": 2})
    ids = np.random.default_rng(0).integers(0, 7, (2, 6))
    whole, _ = model.forward(ids)
    first, cache = model.forward(ids[:, :4])
    rest, _ = model.forward(ids[:, 4:], past=cache.stack.present)
    np.testing.assert_allclose(np.concatenate([first, rest], axis=1), whole, atol=1e-12)


@pytest.mark.parametrize("options", [{"level": "sequence"}, {"k": 1, "capacity_factor": 0.5, "by_importance": True}])
def test_a_choice_for_the_sequence_and_places_by_importance_let_the_future_in(options):
    layer, changed = mixture(**options), X.copy()
    changed[:, -1] *= -50
    assert np.abs(layer.forward(changed)[0] - layer.forward(X)[0])[:, :-1].max() > 1e-3


#: Which tokens of X are no filling: 5 and 3 of 7, not all of them in front.
KEEP = np.array([[1, 1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 0, 0, 0]], dtype=bool)
OF_TOKENS = [
    {"k": 2},
    {"k": 1, "capacity_factor": 0.6},
    {"k": 2, "capacity_factor": 0.6, "by_importance": True},
    {"k": 2, "noisy": True, "losses": {"balance": 0.1, "z": 0.1, "importance": 0.1, "load": 0.1}},
]


@pytest.mark.parametrize("options", OF_TOKENS)
def test_with_filling_real_tokens_get_what_they_get_when_there_is_none(options):
    """Outputs, drops, losses and every gradient; filling gets 0, passes nothing on and may hold anything."""
    layer, rows, filled = mixture(**options), X[KEEP], np.where(KEEP[..., None], X, 1e3)
    y, cache = layer.forward(filled, np.random.default_rng(5), KEEP)
    alone, alone_cache = layer.forward(rows, np.random.default_rng(5))
    np.testing.assert_array_equal(y[KEEP], alone)
    assert not y[~KEEP].any() and cache.n_dropped == alone_cache.n_dropped and cache.counts == alone_cache.counts
    assert cache.auxiliary.value == alone_cache.auxiliary.value
    grads = []
    for dy, one in ((X, cache), (rows, alone_cache)):
        layer.zero_grad()
        grads.append((layer.backward(dy, one), [p.grad.copy() for p in layer.parameters().values()]))
    (dx, have), (dalone, want) = grads
    np.testing.assert_array_equal(dx[KEEP], dalone)
    assert not dx[~KEEP].any()
    for one, other in zip(have, want, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_sequence_chooses_by_the_mean_of_its_real_tokens():
    layer = mixture(k=1, level="sequence")
    y, cache = layer.forward(np.where(KEEP[..., None], X, 1e3), keep=KEEP)
    for row in range(2):
        np.testing.assert_allclose(y[row, KEEP[row]], layer.forward(X[row, KEEP[row]][None])[0][0], atol=1e-13)
    assert not layer.backward(X, cache)[~KEEP].any()
    nothing, cache = layer.forward(X, keep=np.zeros_like(KEEP))
    assert not nothing.any() and not layer.backward(X, cache).any()


def test_without_a_mask_filling_takes_the_places_of_later_tokens():
    """Why keep is there: 4 tokens want one expert, which has room for 2, and the first 2 are filling."""
    layer = mixture(k=1, capacity_factor=2.0)
    layer.router.w.value[...] = 0.0  # ties: everybody goes to expert 0
    rows, keep = np.ones((4, C)), np.array([False, False, True, True])
    assert layer.forward(rows)[0].any(axis=1).tolist() == [True, True, False, False]
    assert layer.forward(rows, keep=keep)[0].any(axis=1).tolist() == [False, False, True, False]


def test_a_keep_that_is_not_about_the_tokens_is_refused():
    with pytest.raises(ValueError, match=r"keep is \(2, 6\) but x has tokens \(2, 7\)"):
        mixture().forward(X, keep=np.ones((2, 6), dtype=bool))


MODEL = {"d_model": 6, "n_heads": 2, "d_ff": 5, "n_layers": 2, "dtype": "float64"}
CROWDED = {"n": 3, "k": 1, "capacity_factor": 0.7, "losses": {"balance": 0.5}}


@pytest.mark.parametrize("parallel", [False, True])
def test_what_stands_in_the_filling_of_a_batch_does_not_matter_to_a_model_with_experts(parallel):
    """Random ids or zeros, although experts are full: the logits of real places and the loss stay equal."""
    ids, lengths = np.random.default_rng(0).integers(1, 7, (3, 6)), np.array([6, 2, 4])
    inside = np.arange(6) < lengths[:, None]
    told = []
    for content in (ids, np.where(inside, ids, 0)):
        encoder = Encoder(7, **MODEL, experts=CROWDED, parallel=parallel)
        decoder = DecoderOnly(7, **MODEL, experts=CROWDED, parallel=parallel)
        both = EncoderDecoder(7, **MODEL, experts=CROWDED)
        runs = [
            (encoder.forward(content, lengths), inside),
            (decoder.forward(content, lengths), inside),
            (decoder.forward(content[:, ::-1], left_padding=6 - lengths), inside[:, ::-1]),
            (both.forward(content, content, lengths, lengths), inside),
        ]
        told.append([(logits[real], auxiliary_loss(cache)) for (logits, cache), real in runs])
    for (logits, loss), (others, other) in zip(*told, strict=True):
        np.testing.assert_allclose(logits, others, rtol=0, atol=1e-13)
        assert loss == pytest.approx(other, rel=1e-13) and loss > 0


def test_a_batch_that_goes_on_from_its_past_is_told_which_new_tokens_are_filling():
    decoder = DecoderOnly(7, **MODEL, experts=CROWDED)
    ids, lengths = np.random.default_rng(0).integers(1, 7, (3, 6)), np.array([6, 4, 5])
    _, first = decoder.forward(ids[:, :4], np.array([4, 4, 4]))
    runs = [
        decoder.forward(
            np.where(np.arange(4, 6) < lengths[:, None], ids[:, 4:], blank), lengths, past=first.stack.present
        )
        for blank in (0, 3)
    ]
    new = np.arange(4, 6) < lengths[:, None]
    np.testing.assert_array_equal(runs[0][0][new], runs[1][0][new])
    assert [sum(block.feed_forward.counts) + block.feed_forward.n_dropped for block in runs[0][1].blocks] == [3, 3]


def soft(**options):
    return SoftExperts(FeedForwardSettings(C, F, dtype="float64"), np.random.default_rng(1), **options)


def test_soft_routing_is_the_formula_of_the_paper():
    layer = soft(n=3, n_slots=2)
    y, cache = layer.forward(X)
    for b in range(2):
        logits = X[b] @ layer.phi.w.value
        d = np.exp(logits) / np.exp(logits).sum(0)
        c = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        slots = d.T @ X[b]
        out = np.concatenate([e.forward(slots[2 * i : 2 * i + 2])[0] for i, e in enumerate(layer.experts)])
        np.testing.assert_allclose(y[b], c @ out, atol=1e-13)
    np.testing.assert_allclose(cache.dispatch.weights.sum(-1), 1, atol=1e-14)
    np.testing.assert_allclose(cache.combine.weights.sum(-1), 1, atol=1e-14)


def test_soft_routing_without_preferences_gives_every_token_the_same():
    layer = soft(n=2)
    layer.phi.w.value[...] = 0
    mean = X.mean(1, keepdims=True)
    by_hand = (layer.experts[0].forward(mean)[0] + layer.experts[1].forward(mean)[0]) / 2
    np.testing.assert_allclose(layer.forward(X)[0], np.broadcast_to(by_hand, X.shape), atol=1e-14)


def test_soft_routing_lets_the_future_in_and_shuffles_with_its_tokens():
    layer, order = soft(n=3), np.random.default_rng(3).permutation(7)
    y, _ = layer.forward(X)
    np.testing.assert_allclose(layer.forward(X[:, order])[0], y[:, order], atol=1e-14)
    changed = X.copy()
    changed[:, -1] += 1
    assert np.abs(layer.forward(changed)[0] - y)[:, 0].max() > 1e-3


def hashed(table):
    return HashExperts(FeedForwardSettings(C, F, dtype="float64"), table, np.random.default_rng(1))


def test_hashed_tokens_go_through_the_expert_of_their_id():
    table = np.array([1, 0, 2, 1])
    layer = hashed(table)
    ids = np.random.default_rng(2).integers(0, 4, (2, 7))
    y, cache = layer.forward(X, ids)
    for b, t in np.ndindex(ids.shape):
        one, _ = layer.experts[table[ids[b, t]]].forward(X[b, t][None])
        np.testing.assert_allclose(y[b, t], one[0], atol=1e-14)
    assert sum(stop - start for start, stop in cache.ranges) == 14
    assert "table" in layer.state()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: soft(n=0), "experts of a soft mixture, must be at least 1, not 0"),
        (lambda: soft(n=2, n_slots=0), "n_slots must be at least 1, not 0"),
        (lambda: hashed(np.array([0.5])), "the table"),
        (lambda: hashed(np.array([-1])), "the table"),
        (
            lambda: hashed(np.array([0, 1])).forward(X, np.zeros((2, 6), int)),
            r"ids are \(2, 6\) but x has tokens \(2, 7\)",
        ),
    ],
)
def test_impossible_soft_and_hashed_mixtures_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
