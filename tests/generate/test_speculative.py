"""Speculative decoding: the target's own distribution, proved by counting every path and tested by drawing."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.counting_array import count_in, counted
from tests.generate.tables import distribution_of_texts, next_of, reader_of_table, table
from tfx.generate import Draws, Shaping, Stopping, exact_distribution, greedy, sample, speculative, speculative_sample
from tfx.generate.speculative import acceptance, acceptance_rate, expected_tokens, judge, residual
from tfx.models import DecoderOnly, RecurrentLanguageModel

V, PROMPT = 3, [1, 2]
TARGET, DRAFT = table(V, 0), table(V, 1)
SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 16, "dtype": "float64"}

WRONG_RULES = {
    "accept everything": ("acceptance", lambda p, q, token: 1.0),
    "p and q exchanged": ("acceptance", lambda p, q, token: min(1.0, float(q[token] / p[token]))),
    "accept with p": ("acceptance", lambda p, q, token: float(p[token])),
    "p instead of the residual": ("residual", lambda p, q: p),
    "q instead of the residual": ("residual", lambda p, q: q),
    "residual of q - p": ("residual", lambda p, q: np.maximum(q - p, 0) / np.maximum(q - p, 0).sum()),
}


def run(draws, n: int = 3, n_draft: int = 2, shaping: Shaping | None = None, end: int | None = None):
    readers = reader_of_table(TARGET), reader_of_table(DRAFT)
    found = speculative_sample(*readers, PROMPT, n, draws, n_draft, shaping, Stopping(end))
    return tuple(int(token) for token in found.ids)


def distance(one: dict, other: dict) -> float:
    """Total variation."""
    return 0.5 * sum(abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in one.keys() | other.keys())


@pytest.mark.parametrize(("n", "n_draft"), [(1, 2), (2, 1), (3, 2), (3, 3), (4, 2), (3, 0)])
def test_the_distribution_of_texts_is_exactly_that_of_the_target_alone(n, n_draft):
    have = exact_distribution(lambda draws: run(draws, n, n_draft))
    assert distance(have, distribution_of_texts(TARGET, PROMPT, n)) < 1e-14


def test_texts_that_end_have_exactly_their_probability_too():
    have = exact_distribution(lambda draws: run(draws, 4, 2, end=0))
    assert distance(have, distribution_of_texts(TARGET, PROMPT, 4, end=0)) < 1e-14


@pytest.mark.parametrize("shaping", [Shaping(temperature=0.6), Shaping(top_k=2), Shaping(top_p=0.7)])
def test_a_shaped_distribution_is_kept_as_well(shaping):
    shaped = np.array([shaping(rows, [[]] * V) for rows in TARGET])
    have = exact_distribution(lambda draws: run(draws, 3, 2, shaping))
    want = {ids: p for ids, p in distribution_of_texts(shaped, PROMPT, 3).items() if p}
    assert distance(have, want) < 1e-14


def test_penalties_see_the_drafted_tokens_in_front_of_them():
    shaping = Shaping(repetition_penalty=1.5, no_repeat_ngram=2)

    def alone(draws):
        text = list(PROMPT)
        for _ in range(3):
            p = np.exp(shaping(TARGET[text[-2], text[-1]][None], [text])[0])
            text.append(draws.token(p / p.sum()))
        return tuple(text[len(PROMPT) :])

    assert distance(exact_distribution(lambda d: run(d, 3, 2, shaping)), exact_distribution(alone)) < 1e-14


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_rule_is_caught_by_counting(name, monkeypatch):
    monkeypatch.setattr(speculative, *WRONG_RULES[name])
    have = exact_distribution(lambda draws: run(draws, 2, 2))
    assert distance(have, distribution_of_texts(TARGET, PROMPT, 2)) > 0.01


def chi_squared(n_texts: int = 2000) -> tuple[float, float]:
    """Pearson's statistic of drawn texts of two tokens, and where it should stay below (five deviations)."""
    want = distribution_of_texts(TARGET, PROMPT, 2)
    counts = Counter(run(Draws(7, stream), 2, 2) for stream in range(n_texts))
    statistic = sum((counts[ids] - n_texts * p) ** 2 / (n_texts * p) for ids, p in want.items())
    freedom = len(want) - 1
    return statistic, freedom + 5 * math.sqrt(2 * freedom)


def test_drawn_texts_pass_a_test_against_the_target():
    statistic, limit = chi_squared()
    assert statistic < limit


@pytest.mark.parametrize("name", ["accept everything", "p instead of the residual"])
def test_a_wrong_rule_fails_that_test(name, monkeypatch):
    monkeypatch.setattr(speculative, *WRONG_RULES[name])
    statistic, limit = chi_squared()
    assert statistic > 2 * limit


def test_acceptance_and_residual_add_up_to_the_target_token_by_token():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p, q = rng.dirichlet(np.ones(6)), rng.dirichlet(np.full(6, 0.3))
        kept = np.array([q[x] * acceptance(p, q, x) for x in range(6)])
        np.testing.assert_allclose(kept, np.minimum(p, q), atol=1e-15)
        rate = acceptance_rate(p, q)
        assert rate == pytest.approx(1 - 0.5 * np.abs(p - q).sum(), abs=1e-14)
        np.testing.assert_allclose(kept + (1 - rate) * residual(p, q), p, atol=1e-14)


def test_equal_distributions_leave_nothing_to_reject():
    p = np.array([0.2, 0.5, 0.3])
    assert [acceptance(p, p, x) for x in range(3)] == [1.0, 1.0, 1.0]
    np.testing.assert_array_equal(residual(p, p), p)
    assert acceptance_rate(p, p) == pytest.approx(1.0)


def test_the_measured_acceptance_rate_is_1_minus_the_total_variation():
    """Tables whose rows are all alike: every place accepts with the same rate."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    alike = [reader_of_table(np.log(row)[None, None] * np.ones((3, 3, 1))) for row in (p, q)]
    n, n_draft = 3000, 3
    found = speculative_sample(*alike, [0], n, 1, n_draft)
    rate = acceptance_rate(p, q)
    assert rate == pytest.approx(0.7)
    assert found.accepted / found.drafted == pytest.approx(rate, abs=5 * math.sqrt(rate * (1 - rate) / found.drafted))
    assert n / found.rounds == pytest.approx(expected_tokens(rate, n_draft), rel=0.05)
    assert expected_tokens(rate, n_draft) == pytest.approx((1 - rate**4) / (1 - rate))


def test_a_draft_that_is_the_target_is_always_accepted_and_saves_passes():
    model = DecoderOnly(9, **SIZE, positions="rotary")
    found = speculative_sample(model, model, [4, 1], 12, 0, n_draft=3)
    assert (found.rounds, found.accepted) == (3, found.drafted)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_at_temperature_0_it_says_what_greedy_says_with_any_draft(positions):
    """Rejected tokens leave no trace in the stored keys, inside the window of 16 and beyond."""
    target = DecoderOnly(9, **SIZE, positions=positions, tied=False)
    drafts = [
        DecoderOnly(9, **{**SIZE, "n_layers": 1}, seed=5, tied=False),
        RecurrentLanguageModel(9, 8, dtype="float64"),
    ]
    want = greedy(target, [4, 1, 3], 20)
    for draft in drafts:
        for n_draft in (1, 4):
            found = speculative_sample(target, draft, [4, 1, 3], 20, 0, n_draft, Shaping(temperature=0))
            np.testing.assert_array_equal(found.ids, want)
            assert found.accepted < found.drafted


def test_the_same_seed_says_the_same():
    target, draft = DecoderOnly(9, **SIZE), DecoderOnly(9, **SIZE, seed=3)
    first, again = (speculative_sample(target, draft, [4, 1], 12, 3) for _ in range(2))
    np.testing.assert_array_equal(first.ids, again.ids)


def test_a_round_costs_the_target_one_pass_over_what_it_has_not_yet_read():
    target, draft = DecoderOnly(9, **SIZE), DecoderOnly(9, **SIZE)
    count_in(target)
    found = speculative_sample(target, draft, [4], 8, 0, n_draft=3, shaping=Shaping(temperature=0))
    assert (found.rounds, found.accepted) == (2, 6)
    maps = 2 * (4 * 12 * 12 + 2 * 12 * 10) + 12 * 9
    assert counted.multiply_adds == 8 * maps + 2 * 2 * 12 * (4 * 4 + 4 * 8)  # four tokens looking at 4, then at 8 keys


def test_an_end_token_ends_the_text_in_the_middle_of_a_round():
    whole = speculative_sample(*(reader_of_table(t) for t in (TARGET, TARGET)), PROMPT, 8, 2, 4)
    end = int(whole.ids[1])
    cut = speculative_sample(*(reader_of_table(t) for t in (TARGET, TARGET)), PROMPT, 8, 2, 4, stopping=Stopping(end))
    assert cut.ids.tolist() == whole.ids.tolist()[: whole.ids.tolist().index(end) + 1]
    assert cut.reason == "end"
    assert whole.reason == "length"


def test_bad_input_is_refused():
    readers = reader_of_table(TARGET), reader_of_table(DRAFT)
    with pytest.raises(ValueError, match="at least one token"):
        speculative_sample(*readers, [], 3, 0)
    with pytest.raises(ValueError, match="n_draft must be at least 0, not -1"):
        speculative_sample(*readers, [1], 3, 0, n_draft=-1)
    with pytest.raises(ValueError, match="target knows 3 tokens but the draft knows 4"):
        speculative_sample(readers[0], reader_of_table(table(4, 0)), [1], 3, 0)
    assert len(speculative_sample(*readers, [1], 0, 0).ids) == 0


def test_without_drafts_it_is_plain_sampling():
    found = speculative_sample(reader_of_table(TARGET), reader_of_table(DRAFT), PROMPT, 9, 4, n_draft=0)
    np.testing.assert_array_equal(found.ids, sample(reader_of_table(TARGET), PROMPT, 9, 4).ids[0])
    assert judge(next_of(TARGET, PROMPT)[None], np.empty((0, V)), [], Draws(0))[0] == 0
