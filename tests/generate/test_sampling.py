"""Sampling: the distribution is exactly the model's, the seed decides everything, and rows do not hear each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.generate.tables import distribution_of_texts, next_of, reader_of_table, table
from tfx.generate import Draws, Shaping, Stopping, exact_distribution, greedy, sample, translation_of
from tfx.generate.sampling import Sampler
from tfx.generate.writing import as_prompts, write
from tfx.models import DecoderOnly, EncoderDecoder, RecurrentLanguageModel

SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 8, "dtype": "float64"}
P = np.array([0.5, 0.25, 0.25])


def test_the_probability_of_every_text_is_the_product_of_its_steps():
    logits = table(3, 0)

    def run(draws):
        written = write(reader_of_table(logits), as_prompts([1, 2]), 3, Sampler([draws], Shaping()), Stopping(2))
        return tuple(int(token) for token in written.ids[0])

    have, want = exact_distribution(run), distribution_of_texts(logits, [1, 2], 3, end=2)
    assert have.keys() == want.keys()
    assert have == pytest.approx(want, abs=1e-14)
    assert sum(have.values()) == pytest.approx(1.0, abs=1e-14)


def test_draws_fall_as_often_as_they_should_and_never_on_probability_0():
    p = np.array([0.0, 0.5, 0.0, 0.125, 0.375, 0.0])
    draws = Draws(0)
    counts = np.bincount([draws.token(p) for _ in range(20_000)], minlength=6)
    deviation = np.sqrt(20_000 * p * (1 - p))
    assert (np.abs(counts - 20_000 * p) <= 4 * deviation).all()
    assert not any(draws.happens(0.0) for _ in range(100))
    assert all(draws.happens(1.0) for _ in range(100))


def test_only_the_shares_of_the_numbers_count():
    one, four = ([draws.token(p) for _ in range(200)] for draws, p in ((Draws(3), P), (Draws(3), 4 * P)))
    assert one == four and set(one) == {0, 1, 2}


def test_a_uniform_number_of_0_takes_the_first_token_that_can_be_drawn():
    draws = Draws(0)
    draws._rng = type("Edge", (), {"random": lambda self: 0.0})()
    assert draws.token(np.array([0.0, 0.0, 0.4, 0.6])) == 2


def test_a_uniform_number_just_below_1_takes_the_last_token_that_can_be_drawn():
    draws = Draws(0)
    draws._rng = type("Edge", (), {"random": lambda self: 1.0 - 2.0**-53})()
    assert draws.token(np.array([0.3, 0.3, 0.3, 0.0])) == 2
    assert draws.token(np.array([0.0, 5e-324, 0.0])) == 1  # the smallest number of all: a part of it rounds up to it


def test_the_same_seed_says_the_same_and_another_one_does_not():
    model = DecoderOnly(30, **SIZE)
    first, again, other = (sample(model, [4, 8, 1], 12, seed).ids[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_a_row_says_depends_neither_on_the_others_nor_on_how_many_there_are():
    model, prompts = DecoderOnly(30, **SIZE), [[4, 8, 1], [3], [2, 2, 9, 5]]
    together = sample(model, prompts, 6, 1).ids
    np.testing.assert_array_equal(sample(model, prompts[0], 6, 1).ids[0], together[0])
    np.testing.assert_array_equal(sample(model, prompts[:2], 6, 1).ids[1], together[1])
    changed = sample(model, [[7, 7, 7, 7, 7, 7], [3], [2, 2, 9, 5]], 6, 1).ids
    np.testing.assert_array_equal(changed[1], together[1])
    np.testing.assert_array_equal(changed[2], together[2])
    assert not np.array_equal(changed[0], together[0])
    equal = sample(model, [[4, 8, 1]] * 3, 6, 1).ids
    assert not np.array_equal(equal[0], equal[1])  # equal prompts, streams of their own


def test_a_row_that_ends_early_leaves_the_others_as_they_were():
    model, prompts = DecoderOnly(30, **SIZE), np.random.default_rng(0).integers(30, size=(5, 3))
    free = sample(model, prompts, 6, 2).ids
    stopped = sample(model, prompts, 6, 2, stopping=Stopping(int(free[0][1])))
    assert {row for row, reason in enumerate(stopped.reasons) if reason == "end"} == {
        row for row in range(5) if free[0][1] in free[row]
    }
    assert set(stopped.reasons) == {"end", "length"}
    for row, whole in zip(stopped.ids, free, strict=True):
        np.testing.assert_array_equal(row, whole[: len(row)])


@pytest.mark.parametrize("shaping", [Shaping(temperature=0), Shaping(top_k=1), Shaping(top_p=1e-9), Shaping(min_p=1)])
def test_the_sharpest_setting_of_each_rule_is_greedy(shaping):
    for model in (DecoderOnly(30, **SIZE), RecurrentLanguageModel(30, 12, dtype="float64")):
        np.testing.assert_array_equal(sample(model, [4, 8, 1], 10, 0, shaping).ids[0], greedy(model, [4, 8, 1], 10))


def test_penalties_hear_the_prompt_and_what_was_written():
    ids = sample(DecoderOnly(9, **SIZE), [4, 1], 7, 0, Shaping(no_repeat_ngram=1)).ids[0]
    assert sorted([4, 1, *ids]) == list(range(9))
    with pytest.raises(ValueError, match="every token is ruled out"):
        sample(DecoderOnly(9, **SIZE), [4, 1], 8, 0, Shaping(no_repeat_ngram=1))


def test_the_filling_in_front_of_a_short_prompt_is_not_part_of_its_text():
    seen = []
    write(
        reader_of_table(table(4, 0)), as_prompts([[3], [1, 2]]), 1, lambda _, texts, rows: seen.extend(texts) or [1, 1]
    )
    assert seen[:1] == [[3, 1]]  # the list goes on to hold what was written
    ids = sample(DecoderOnly(3, **SIZE), [[1], [1, 2]], 1, 0, Shaping(repetition_penalty=1e9, top_k=1)).ids
    assert ids[0][0] in (0, 2)


def test_a_translation_is_drawn_from_its_source():
    model = EncoderDecoder(20, **SIZE)
    src, lengths = np.random.default_rng(0).integers(20, size=(3, 6)), np.array([6, 2, 4])
    reader = translation_of(model, src, lengths)
    together = sample(reader, [[1]] * 3, 5, 3).ids
    alone = sample(translation_of(model, src[:1]), [[1]], 5, 3).ids
    np.testing.assert_array_equal(together[0], alone[0])


@pytest.mark.parametrize(
    ("prompts", "n", "message"),
    [
        ([], 1, "prompt is empty"),
        ([[]], 1, "prompt is empty"),
        ([[1], []], 1, "prompt is empty"),
        ([1], -1, "must be at least 0, not -1"),
    ],
)
def test_an_empty_prompt_and_a_negative_number_are_refused(prompts, n, message):
    with pytest.raises(ValueError, match=message):
        sample(DecoderOnly(5, **SIZE), prompts, n, 0)


def test_prompts_are_integer_ids_of_the_vocabulary_and_no_new_tokens_are_none():
    model = DecoderOnly(5, **SIZE)
    with pytest.raises(TypeError, match="integer ids, not of float64"):
        sample(model, [0.5], 1, 0)
    with pytest.raises(ValueError, match="5"):
        sample(model, [5], 1, 0)
    assert [len(row) for row in sample(model, [[1], [2, 3]], 0, 0).ids] == [0, 0]


def test_the_exact_distribution_counts_every_path():
    def two_coins(draws):
        return int(draws.happens(0.25)) + int(draws.happens(0.5))

    assert exact_distribution(two_coins) == {0: 0.375, 1: 0.5, 2: 0.125}
    assert exact_distribution(lambda draws: "certain") == {"certain": 1.0}
    p = next_of(table(4, 1), [2])
    assert exact_distribution(lambda draws: draws.token(p)) == pytest.approx(dict(enumerate(p)))
