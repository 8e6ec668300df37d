"""The pronoun grammar: what it makes, what it accepts, and that no shortcut solves it."""

import numpy as np
import pytest

from tfx.data import pronouns

SAMPLE = pronouns.sentences(2000, seed=0) + pronouns.sentences(500, seed=1, held_out=True)


def test_the_flagship_sentence_flips_with_its_adjective():
    tired = pronouns.parse("the animal did not cross the street because it was too tired")
    wide = pronouns.parse("the animal did not cross the street because it was too wide")
    assert tired.answer == "animal" and wide.answer == "street"
    assert tired.words[tired.it] == wide.words[wide.it] == "it"


def test_the_flagship_pair_is_held_out_of_training():
    assert ("animal", "street") in pronouns.noun_pairs(held_out=True)


def test_no_held_out_pair_occurs_in_training_but_every_noun_does():
    training = pronouns.sentences(4000, seed=3)
    assert not any(pronouns.is_held_out(s.mover, s.place) for s in training)
    assert {s.mover for s in training} == set(pronouns.MOVERS)
    assert {s.place for s in training} == set(pronouns.PLACES)
    assert all(pronouns.is_held_out(s.mover, s.place) for s in pronouns.sentences(300, seed=4, held_out=True))


def test_both_sides_of_the_split_together_are_all_pairs():
    held_out, seen = pronouns.noun_pairs(True), pronouns.noun_pairs(False)
    assert len(held_out) + len(seen) == len(pronouns.MOVERS) * len(pronouns.PLACES)
    assert not set(held_out) & set(seen) and 0.15 < len(held_out) / 144 < 0.25


def test_every_generated_sentence_parses_back_to_itself():
    assert all(pronouns.parse(sentence.text) == sentence for sentence in SAMPLE)


def test_the_referent_is_the_noun_that_the_adjective_fits():
    for s in SAMPLE:
        assert s.words[s.it] == "it"
        assert s.answer == (s.mover if s.adjective in pronouns.FITS_MOVERS else s.place)


@pytest.mark.parametrize("rule", ["first", "last", "nearest", "mover", "place"])
def test_no_rule_about_position_or_kind_beats_a_coin_by_much(rule):
    hits = []
    for s in SAMPLE:
        mover, place = s.words.index(s.mover), s.words.index(s.place)
        guess = {
            "first": min(mover, place),
            "last": max(mover, place),
            "nearest": min(mover, place, key=lambda at: abs(at - s.it)),
            "mover": mover,
            "place": place,
        }[rule]
        hits.append(guess == s.referent)
    assert 0.45 < np.mean(hits) < 0.55


@pytest.mark.parametrize(
    "text",
    [
        "The animal didn't cross the street, because it was too wide.",
        "the animal did not cross the street because it was wide",
        "Although it was so tired, the dog entered the park!",
        "Yesterday the river was not crossed by the cat since it was very deep",
    ],
)
def test_capitals_commas_full_stops_and_contractions_are_accepted(text):
    assert pronouns.fits(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "it",
        "the cat sat on the mat",
        "the animal did not cross the street because it was too electric",
        "animal street it tired",
        "the animal did not cross the street because it was too tired and it was wide",
        "the animal did not cross the animal because it was too tired",
        "the \x00 animal",
        "animal " * 10_000,
    ],
)
def test_other_texts_do_not_fit(text):
    assert not pronouns.fits(text)


def test_the_same_seed_gives_the_same_sentences_and_another_seed_others():
    assert pronouns.sentences(50, seed=7) == pronouns.sentences(50, seed=7) != pronouns.sentences(50, seed=8)
    first, again = (pronouns.training_batch(np.random.default_rng(5), 16) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_batch_points_at_its_own_words():
    batch = pronouns.to_batch(SAMPLE[:40])
    rows = np.arange(40)
    assert all(pronouns.VOCABULARY[i] == "it" for i in batch.ids[rows, batch.it])
    assert [pronouns.VOCABULARY[i] for i in batch.answer] == [s.answer for s in SAMPLE[:40]]
    padded = np.arange(batch.ids.shape[1]) >= batch.lengths[:, None]
    assert np.array_equal(batch.ids == 0, padded)


def test_an_unknown_word_is_named():
    with pytest.raises(ValueError, match="zebra"):
        pronouns.encode(["the", "zebra"])
