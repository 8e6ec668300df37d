from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, nan_for
from tfx.errors import BadInput
from tfx.gradcheck.mistakes.ops.attention import masks as wrong_masks
from tfx.lab import frame
from tfx.lab.attention import mask_probes, masking
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import to_plain_data

DEFAULT = masking.Settings()

MISTAKES = "tfx.gradcheck.mistakes.ops.attention.masks"


def causal_unless_told(attention):
    def causal(q, k, v, mask=None):
        return attention(q, k, v, causal_mask(q.shape[-2]) if mask is None else mask)

    return causal


def masked_before(scores, mask):
    """No mistake."""
    return softmax_forward(np.where(mask, scores, -np.inf))[0]


def another_mistake(name, failing):
    """Of the bank, in the place of the one that a case is about."""
    return lambda put: Broken(f"{put.__name__} for {name}", failing, planted={f"{MISTAKES}.{name}": instead(put)})


def lost(name, dtype, failing):
    return Broken(f"{name}: NaN in {dtype}", failing, planted={f"{MISTAKES}.{name}": nan_for(dtype)})


BREAKS = Table(
    DEFAULT,
    Broken("no mask", {"causal", "padding", "padded-alone", "combined", "gradient", "blocked-ours"}, mask=False),
    Broken("a small penalty", {"blocked-single", "blocked-half", "penalty-normal"}, penalty=-30.0),
    Broken("a penalty of -inf", {"blocked-single", "blocked-double"}, penalty=float("-inf")),
    Broken(
        "causal also without a mask",
        {"no-mask-leaks", "padded-alone"},
        planted={"tfx.lab.attention.mask_probes.attention_forward": causal_unless_told},
    ),
    another_mistake("mask_after_softmax", {"late-loses", "late-leaks"})(masked_before),
    another_mistake("softmax_then_mask_then_divide", {"late-divide"})(wrong_masks.mask_after_softmax),
    another_mistake("softmax_over_queries", {"wrong-axis"})(wrong_masks.minus_infinity_unguarded),
    another_mistake("blocked_scores_zero", {"zero-leaks"})(wrong_masks.minus_infinity_unguarded),
    Broken(
        "-inf with care",
        {"blocked-inf"},
        planted={f"{MISTAKES}.minus_infinity_unguarded": lambda o: lambda s, m: np.nan_to_num(o(s, m))},
    ),
    Broken(
        "nothing left",
        {"small-leaks"},
        planted={"tfx.lab.attention.masking_cases.blocked_weight": instead(lambda *_: 0.0)},
    ),
    Broken(
        "the division forgotten",
        {"before-division"},
        planted={"tfx.lab.attention.masking_cases.blocked_weight": lambda o: lambda heads, penalty: o(heads, -30.0)},
    ),
    Broken(
        "attention: NaN in float32",
        {"causal", "no-mask-leaks", "padding", "padded-alone", "combined", "gradient", "late-divide", "blocked-ours"},
        planted={"tfx.lab.attention.mask_probes.attention_forward": nan_for("float32")},
    ),
    lost("mask_after_softmax", "float32", {"late-loses", "late-leaks", "late-divide"}),
    lost("softmax_then_mask_then_divide", "float32", {"late-divide"}),
    lost("softmax_over_queries", "float32", {"wrong-axis"}),
    lost("blocked_scores_zero", "float32", {"zero-leaks"}),
    lost("finite_penalty", "float16", {"penalty-normal"}),
    lost("finite_penalty", "float32", {"penalty-normal", "blocked-single"}),
    lost("finite_penalty", "float64", {"penalty-normal", "blocked-double", "small-leaks", "before-division"}),
)


def run(settings, seed, **asked):
    return frame.run(masking, settings, seed, **asked)


SHORTCUTS = {
    "no mask, future changed",
    "after softmax",
    "after softmax, future changed",
    "softmax over queries",
    "padding scores set to 0",
    "all blocked, bare -inf",
    "all blocked, -1e+09 added",
    "-30 on blocked keys",
    "-30 before / sqrt(d_k)",
}


def verdicts(result):
    return {check.id: check.holds for check in result.checks}


@pytest.mark.parametrize("seed", range(10))
def test_all_checks_hold(seed):
    result = run(DEFAULT, seed)
    assert all(verdicts(result).values()), result.checks


@pytest.mark.parametrize("change", [{"tokens": 4, "pads": 1}, {"tokens": 33, "pads": 20}, {"d_k": 2}, {"d_k": 200}])
def test_all_checks_hold_for_other_sizes(change):
    assert all(verdicts(run(replace(DEFAULT, **change), 0)).values())


def test_exactly_the_shortcuts_are_wrong():
    rows = run(DEFAULT, 0).rows
    assert {row["case"] for row in rows if row["verdict"] == "fails, as it must"} == SHORTCUTS
    assert {row["verdict"] for row in rows if row["case"] not in SHORTCUTS} == {"right"}


def test_the_same_seed_gives_the_same_result():
    assert run(DEFAULT, 4) == run(DEFAULT, 4)
    assert run(DEFAULT, 4).rows != run(DEFAULT, 5).rows


SCORES = np.array([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]])
MASK = np.array([[True, False, False], [True, True, False]])


def test_masking_late_keeps_the_blocked_scores_in_the_denominator():
    weights = wrong_masks.mask_after_softmax(SCORES, MASK)
    np.testing.assert_allclose(weights[0], [np.exp(2) / (np.exp(2) + np.exp(1) + 1), 0, 0])
    repaired = wrong_masks.softmax_then_mask_then_divide(SCORES, MASK)
    np.testing.assert_allclose(repaired.sum(axis=-1), 1)


def test_a_zeroed_score_keeps_its_weight():
    weights = wrong_masks.blocked_scores_zero(SCORES, MASK)
    np.testing.assert_allclose(weights[0], np.exp([2, 0, 0]) / (np.exp(2) + 2))


def test_normalising_over_queries_makes_columns_sum_to_one():
    np.testing.assert_allclose(wrong_masks.softmax_over_queries(SCORES, MASK | True).sum(axis=-2), 1)


def test_a_penalty_equals_minus_infinity_only_when_it_is_large():
    right = wrong_masks.minus_infinity_unguarded(SCORES, MASK)
    np.testing.assert_array_equal(wrong_masks.finite_penalty(SCORES, MASK, -1e9), right)
    assert abs(wrong_masks.finite_penalty(SCORES, MASK, -5.0) - right).max() > 1e-3


def test_a_fully_blocked_row_in_four_ways():
    nothing = np.zeros((1, 1), dtype=bool)
    scores = SCORES.astype(np.float32)
    assert np.isnan(wrong_masks.minus_infinity_unguarded(scores, nothing)).all()
    np.testing.assert_allclose(wrong_masks.finite_penalty(scores, nothing, -1e9), 1 / 3)
    unmasked = np.exp(SCORES) / np.exp(SCORES).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(wrong_masks.finite_penalty(SCORES, nothing, -1e9), unmasked, atol=1e-6)
    assert np.isnan(wrong_masks.finite_penalty(SCORES.astype(np.float16), nothing, -1e9)).all()


def test_shortcuts_keep_the_precision_of_their_scores():
    for dtype in (np.float16, np.float32, np.float64):
        for shortcut in (
            wrong_masks.mask_after_softmax,
            wrong_masks.softmax_then_mask_then_divide,
            wrong_masks.blocked_scores_zero,
            wrong_masks.minus_infinity_unguarded,
            wrong_masks.softmax_over_queries,
        ):
            assert shortcut(SCORES.astype(dtype), MASK).dtype == dtype
        assert wrong_masks.finite_penalty(SCORES.astype(dtype), MASK, -1e9).dtype == dtype


@pytest.fixture
def heads():
    return mask_probes.draw_heads(0, 6, 2, 4, "float64", np)


def test_probes_see_a_mask_that_is_off_by_one(heads):
    """One key too many: a mask that is almost right must be caught."""
    n = heads.q.shape[-2]
    generous = np.arange(n)[None, :] <= np.arange(n)[:, None] + 1
    assert mask_probes.pairs_against_mask(heads, heads.causal, heads.causal) == 0
    assert mask_probes.pairs_against_mask(heads, heads.causal, generous) == 2 * 2 * (n - 1)
    moved = mask_probes.change_of_earlier_outputs(heads, lambda q, k, v: attention_forward(q, k, v, generous)[0])
    assert moved > 0


def test_probes_see_padding_and_gradients_through_a_missing_mask(heads):
    assert mask_probes.change_by_filling(heads, heads.padding) == 0 < mask_probes.change_by_filling(heads, None)
    assert (
        mask_probes.padded_against_alone(heads, heads.padding) < 1e-12 < mask_probes.padded_against_alone(heads, None)
    )
    assert mask_probes.gradient_through_mask(heads, heads.both, heads.both) == 0
    assert mask_probes.gradient_through_mask(heads, heads.both, heads.causal) > 0


def test_heads_hold_the_same_numbers_in_every_precision():
    double = mask_probes.draw_heads(3, 5, 1, 4, "float64", np)
    single = mask_probes.draw_heads(3, 5, 1, 4, "float32", np)
    np.testing.assert_array_equal(single.k, double.k.astype(np.float32))
    assert single.q.dtype == np.float32 and single.eps == 2**-23


@pytest.mark.parametrize("change", [{"tokens": 3}, {"pads": 8}, {"pads": 0}, {"d_k": 1}, {"penalty": 1.0}])
def test_a_setting_out_of_range_is_refused(change):
    with pytest.raises(BadInput):
        run(replace(DEFAULT, **change), 0)


def test_the_result_is_plain_data_in_ascii():
    plain = str(to_plain_data(run(replace(DEFAULT, penalty=float("-inf")), 0)))
    assert plain.isascii() and "nan" not in plain


def test_what_is_said_is_what_was_measured():
    """The late mask and the penalties by bare formulas, on the same numbers."""
    found = run(DEFAULT, 0)
    heads = mask_probes.draw_heads(0, 8, 3, 16, "float64", np)
    weights = np.exp(heads.scores) / np.exp(heads.scores).sum(axis=-1, keepdims=True)
    kept = np.tril(weights).sum(axis=-1).mean(axis=(0, 1))
    assert found.notes[0].text == "8 of 8 ways that should work do, and 11 of 11 shortcuts fail, as they must."
    assert found.question.answer == 1 / 8
    assert found.plots[0].title == (
        f"Masked after the softmax, the first query keeps {kept[0]:.0%} of its weight, the last {kept[-1]:.0%}"
    )

    def left(penalty):
        moved = np.exp(heads.scores + np.triu(np.full((8, 8), penalty), 1))
        return (np.triu(moved, 1) / moved.sum(axis=-1, keepdims=True)).max()

    assert found.plots[1].title == (
        f"A penalty of -30 leaves {left(-30.0):.1g} on a blocked key; before the division by sqrt(16) it leaves "
        f"{left(-7.5):.1g}"
    )
