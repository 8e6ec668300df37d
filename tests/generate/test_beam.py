"""Beam search: both ends are exact, and every score can be computed again."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.generate.tables import distribution_of_texts, reader_of_table, table
from tfx.generate import Stopping, beam_search, greedy, translation_of
from tfx.generate.beam import length_divisor, log_probability
from tfx.models import DecoderOnly, EncoderDecoder

V, N, END = 3, 4, 2
SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 16, "dtype": "float64"}
DIVISORS = [("sum", 0.6), ("mean", 0.6), ("gnmt", 0.6), ("gnmt", 1.0)]


def every_text(logits: np.ndarray, divisor: str, alpha: float) -> list[tuple[float, tuple[int, ...]]]:
    """All texts with their scores, best first."""
    found = distribution_of_texts(logits, [0, 1], N, END)
    scored = [(math.log(p) / length_divisor(len(ids), divisor, alpha), ids) for ids, p in found.items()]
    return sorted(scored, reverse=True)


def search(logits: np.ndarray, width: int, **settings: Any) -> list[Any]:
    return beam_search(reader_of_table(logits), [0, 1], N, width, Stopping(END), **settings)


@pytest.mark.parametrize("rule", ["length", "bound"])
@pytest.mark.parametrize(("divisor", "alpha"), DIVISORS)
def test_a_beam_wide_enough_finds_the_best_of_all_texts(divisor, alpha, rule):
    for seed in range(6):
        logits = table(V, seed, spread=2.0)
        have = search(logits, V ** (N - 1), divisor=divisor, alpha=alpha, rule=rule)
        score, ids = every_text(logits, divisor, alpha)[0]
        assert have[0].ids == ids
        assert have[0].score == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize(("divisor", "alpha"), DIVISORS)
def test_with_width_v_to_the_n_the_whole_ranking_is_that_of_brute_force(divisor, alpha):
    logits = table(V, 1)
    every = every_text(logits, divisor, alpha)
    have = search(logits, V**N, divisor=divisor, alpha=alpha, rule="length", n_best=len(every))
    assert [hypothesis.ids for hypothesis in have] == [ids for _, ids in every]
    np.testing.assert_allclose([h.score for h in have], [score for score, _ in every], rtol=0, atol=1e-12)
    assert sum(math.exp(hypothesis.log_probability) for hypothesis in have) == pytest.approx(1.0, abs=1e-12)


def test_no_width_finds_better_than_the_best_and_texts_do_not_repeat():
    for seed, width in product(range(8), (1, 2, 3, 5)):
        logits = table(V, seed, spread=2.0)
        best = every_text(logits, "mean", 0.6)[0][0]
        have = search(logits, width, divisor="mean", rule="length", n_best=10)
        assert have[0].score <= best + 1e-12
        assert len({hypothesis.ids for hypothesis in have}) == len(have)
        assert [h.score for h in have] == sorted((h.score for h in have), reverse=True)


@pytest.mark.parametrize("kind", ["table", "language", "translation"])
def test_width_1_is_greedy(kind):
    for seed in range(5):
        if kind == "table":
            reader, begin, want = (lambda s=seed: reader_of_table(table(6, s))), [0, 1], None
        elif kind == "language":
            model = DecoderOnly(9, **SIZE, tied=False, seed=seed)
            reader, begin = (lambda m=model: m), [4, 1]
        else:
            translator = EncoderDecoder(9, **SIZE, tied=False, seed=seed)
            src = np.random.default_rng(seed).integers(9, size=(1, 5))
            reader, begin = (lambda m=translator, s=src: translation_of(m, s)), [7]
        want = greedy(reader(), [begin], 8)[0]
        end = int(want[5])
        upto = want.tolist()[: want.tolist().index(end) + 1]
        have = beam_search(reader(), begin, 8, 1, Stopping(end))[0]
        assert list(have.ids) == upto
        assert have.reason == "end"


@pytest.mark.parametrize("positions", ["rotary", "alibi", "learned"])
def test_scores_are_recomputed_sums_of_log_probabilities(positions):
    model = DecoderOnly(9, **SIZE, positions=positions, tied=False)
    have = beam_search(model, [4, 1, 3], 7, 5, Stopping(2), "gnmt", 0.7, "length", n_best=5)
    assert len(have) == 5
    for hypothesis in have:
        total = log_probability(model, [4, 1, 3], hypothesis.ids)
        assert hypothesis.log_probability == pytest.approx(total, abs=1e-11)
        divisor = ((5 + len(hypothesis.ids)) / 6) ** 0.7
        assert hypothesis.score == pytest.approx(total / divisor, abs=1e-11)


def test_a_translation_beam_reads_its_source_and_its_scores_can_be_recomputed():
    model = EncoderDecoder(9, **SIZE, positions="rotary", tied=False)
    src, lengths = np.random.default_rng(0).integers(9, size=(1, 6)), np.array([4])
    for hypothesis in beam_search(translation_of(model, src, lengths), [7], 6, 4, Stopping(2), n_best=4):
        total = log_probability(translation_of(model, src[:, :4]), [7], hypothesis.ids)
        assert hypothesis.log_probability == pytest.approx(total, abs=1e-11)


def test_finished_texts_take_no_place_from_open_ones():
    """Token 0 ends.  Two texts end in the second step, and two others are still continued, with width 2."""
    logits = np.log(np.array([0.45, 0.3, 0.25]))[None, None] * np.ones((3, 3, 1))
    have = beam_search(reader_of_table(logits), [1], 3, 2, Stopping(0), rule="length", n_best=6)
    assert [hypothesis.ids for hypothesis in have] == [(0,), (1, 0), (2, 0), (1, 1, 0), (1, 2, 0), (1, 1, 1)]
    assert [hypothesis.reason for hypothesis in have] == ["end"] * 5 + ["length"]


def test_the_rules_stop_when_they_say():
    """Ending costs 0.45 at any time, going on 0.3 or 0.25."""
    logits = np.log(np.array([0.45, 0.3, 0.25]))[None, None] * np.ones((3, 3, 1))
    steps = {}
    for rule in ("first", "bound", "length"):
        reader = reader_of_table(logits)
        best = beam_search(reader, [1], 6, 2, Stopping(0), rule=rule)[0]
        steps[rule] = reader.length
        assert best.ids == (0,)
    assert steps == {"first": 2, "bound": 1, "length": 6}


def test_first_stops_at_as_many_texts_as_the_beam_is_wide():
    reader = reader_of_table(np.log(np.array([0.6, 0.4]))[None, None] * np.ones((2, 2, 1)))
    assert [h.ids for h in beam_search(reader, [1], 6, 1, Stopping(0), rule="first", n_best=6)] == [(0,)]
    assert reader.length == 1


def test_the_bound_stops_where_the_best_open_beam_can_only_equal_the_best_text():
    reader = reader_of_table(np.zeros((2, 2, 2)))
    assert beam_search(reader, [1], 6, 1, Stopping(0), rule="bound")[0].ids == (0,)
    assert reader.length == 1


def test_a_text_that_ends_below_the_best_continuations_is_not_finished():
    """Tokens 0 and 1 end.  With width 1 the better of them is finished, and token 2, the least likely, goes on."""
    logits = np.log(np.array([0.5, 0.3, 0.2]))[None, None] * np.ones((3, 3, 1))
    have = beam_search(reader_of_table(logits), [2], 1, 1, Stopping((0, 1)), rule="length", n_best=6)
    assert [hypothesis.ids for hypothesis in have] == [(0,), (2,)]


def test_scores_of_a_model_in_float32_are_added_up_in_float64():
    logits = table(V, 0).astype("float32")
    best = search(logits, 3)[0]
    text, total = [0, 1], 0.0
    for token in best.ids:
        row = logits[text[-2], text[-1]].astype("float64")
        total += float(row[token] - np.log(np.exp(row).sum()))
        text.append(token)
    assert best.log_probability == pytest.approx(total, abs=1e-13)


def test_the_bound_never_loses_what_searching_to_the_end_would_find():
    for seed, width, n_best, (divisor, alpha) in product(range(10), (1, 2, 4), (1, 3), DIVISORS):
        settings = {"divisor": divisor, "alpha": alpha, "n_best": n_best}
        logits = table(V, seed, spread=2.0)
        bound, length = (search(logits, width, rule=rule, **settings) for rule in ("bound", "length"))
        assert [h.score for h in bound] == pytest.approx([h.score for h in length], abs=1e-12)


def test_the_sum_favours_short_texts_and_the_mean_does_not():
    """Ending at once: 0.3.  Going on with token 1 four times: 0.7 each."""
    logits = np.log(np.array([0.3, 0.7]))[None, None] * np.ones((2, 2, 1))
    texts = {}
    for divisor in ("sum", "mean"):
        texts[divisor] = beam_search(reader_of_table(logits), [1], 4, 8, Stopping(0), divisor, rule="length")[0].ids
    assert texts == {"sum": (0,), "mean": (1, 1, 1, 1)}


def test_the_length_divisor_is_the_published_one():
    assert length_divisor(10, "gnmt", 0.6) == pytest.approx((15 / 6) ** 0.6)
    assert length_divisor(1, "gnmt", 0.6) == 1.0
    assert length_divisor(7, "mean") == 7.0
    assert length_divisor(10, "gnmt") == length_divisor(10, "gnmt", 0.6)
    assert length_divisor(7, "sum") == length_divisor(7, "gnmt", 0.0) == 1.0


def test_alpha_0_is_the_sum_and_alpha_is_0_6_unless_told():
    logits = table(V, 0)
    scores = [
        [h.score for h in search(logits, 4, n_best=4, **given)]
        for given in (
            {"divisor": "gnmt", "alpha": 0.0},
            {"divisor": "sum"},
            {"divisor": "gnmt"},
            {"divisor": "gnmt", "alpha": 0.6},
        )
    ]
    assert scores[0] == scores[1]
    assert scores[2] == scores[3] != scores[0]


def test_a_wider_beam_may_find_a_worse_text():
    """So no test here, and no lesson, says that a beam is never worse than greedy."""

    def best(seed: int, width: int) -> float:
        return beam_search(reader_of_table(table(6, seed, 1.5)), [0, 1], 5, width)[0].score

    assert any(best(seed, 2) < best(seed, 1) - 1e-9 for seed in range(300))


def test_nothing_asked_for_is_the_empty_text_with_probability_1():
    assert beam_search(reader_of_table(table(3, 0)), [1], 0, 2) == [((), 0.0, 0.0, "length")]
    assert beam_search(reader_of_table(table(3, 0)), [1], 0, 2, divisor="mean")[0].score == 0.0
    assert log_probability(reader_of_table(table(3, 0)), [1], []) == 0.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prompt": []}, "at least one token"),
        ({"prompt": [[1]]}, "one prompt"),
        ({"width": 0}, "width must be at least 1, not 0"),
        ({"n_best": 0}, "n_best must be at least 1, not 0"),
        ({"n": -1}, "n must be at least 0, not -1"),
        ({"alpha": -1.0}, "alpha must be at least 0"),
        ({"divisor": "median"}, "divisor must be one of sum, mean, gnmt, not 'median'"),
        ({"rule": "never"}, "rule must be one of first, bound, length, not 'never'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        beam_search(reader_of_table(table(3, 0)), **{"prompt": [1], "n": 3, "width": 2, **settings})
