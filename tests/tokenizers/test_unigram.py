"""Unigram: EM climbs, characters stay, cuts are those of the model."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokenizers.corpora import made_up_language
from tests.tokenizers.test_lattice import every_cut
from tfx.tokenizers import Unigram
from tfx.tokenizers.lattice import expected_edges, lattice_of
from tfx.tokenizers.unigram import SPACE, UNKNOWN_PENALTY
from tfx.tokenizers.unigram_training import expectation, learn_unigram, loss_without, maximization, pruned, seed
from tfx.tokenizers.word_table import WordTable

CORPUS = made_up_language(n_words=400)
WORDS = Counter(SPACE + word for text in CORPUS for word in text.split())
TOKENIZER = Unigram.train([*CORPUS, "the cats and the cat"], 150)


def test_em_never_lowers_what_it_maximises():
    for prior in (0.0, 0.01, 0.5):
        model = seed(WORDS, 150, longest=6)
        table = WordTable(WORDS, list(model))
        objectives = []
        for _ in range(8):
            log_likelihood, counts = expectation(table, model)
            penalty = prior * sum(model.values()) if prior else 0.0
            objectives.append(log_likelihood + penalty)
            model = maximization({piece: max(count, 1e-300) for piece, count in counts.items()}, prior)
        assert all(b >= a - 1e-9 * abs(a) for a, b in pairwise(objectives))
        assert objectives[-1] > objectives[0] + 1


def test_the_e_step_is_the_sum_over_every_cut():
    words = {"abab": 3, "ba": 2}
    model = {"a": math.log(0.3), "b": math.log(0.2), "ab": math.log(0.4), "aba": math.log(0.1)}
    log_likelihood, counts = 0.0, Counter()
    for word, times in words.items():
        cuts = {cut: math.exp(sum(model[p] for p in cut)) for cut in every_cut(word) if all(p in model for p in cut)}
        log_likelihood += times * math.log(sum(cuts.values()))
        for cut, p in cuts.items():
            for piece in cut:
                counts[piece] += times * p / sum(cuts.values())
    found = expectation(WordTable(words, list(model)), model)
    assert found[0] == pytest.approx(log_likelihood, rel=1e-14)
    assert found[1] == pytest.approx(dict(counts), rel=1e-12)


def test_all_words_together_give_what_the_lattice_of_each_gives():
    pieces = list(seed(WORDS, 150, longest=6))
    model = {piece: -1.0 - 0.1 * i for i, piece in enumerate(pieces) if i % 3 or len(piece) == 1}  # some are dropped
    numbered = {piece: (i, score) for i, (piece, score) in enumerate(model.items())}
    log_likelihood, counts = 0.0, Counter()
    for word, times in WORDS.items():
        lattice = lattice_of(word, numbered, 6, (-1, 0.0))
        total, chances = expected_edges(lattice)
        log_likelihood += times * total
        for edge, chance in zip(lattice.edges, chances, strict=True):
            counts[word[edge.start : edge.end]] += times * chance
    found = expectation(WordTable(WORDS, pieces), model)
    assert found[0] == pytest.approx(log_likelihood, rel=1e-13)
    assert set(found[1]) == set(model)
    assert found[1] == pytest.approx({piece: counts[piece] for piece in model}, rel=1e-10, abs=1e-12)


def test_probabilities_sum_to_one_and_ids_run_from_the_most_probable_down():
    scores = [score for _, score in TOKENIZER.scores]
    assert math.fsum(map(math.exp, scores)) == pytest.approx(1, abs=1e-12)
    assert scores == sorted(scores, reverse=True)


def test_the_seed_holds_all_characters_and_the_substrings_that_cover_most():
    model = seed({"_abc": 3, "_abd": 2, "_x": 1}, 8, longest=3)
    assert list(model) == ["_", "a", "b", "c", "d", "x", "_ab", "_a"]


def test_pruning_keeps_every_character_and_what_is_hard_to_replace():
    model = {"a": math.log(0.1), "b": math.log(0.1), "ab": math.log(0.4), "ba": math.log(0.02), "aa": math.log(0.38)}
    assert set(pruned(model, {"a": 1, "b": 1, "ab": 40, "ba": 2, "aa": 20}, 4)) == {"a", "b", "ab", "aa"}
    assert set(pruned(model, {"a": 1, "b": 1, "ab": 40, "ba": 2, "aa": 20}, 0)) == {"a", "b"}


def test_each_round_drops_a_quarter_until_so_many_are_left_as_were_asked_for():
    told: list[str] = []
    learn_unigram(WORDS, 40, 150, 8, report=told.append)
    sizes = [int(line.split()[0]) for line in told]
    assert sizes[0] == 150 and sizes[-1] == 40
    assert sizes[1:] == [max(40, size * 3 // 4) for size in sizes[:-1]]


def test_the_loss_of_a_piece_is_that_of_the_best_way_to_write_it_without():
    model = {"a": -1.0, "b": -2.0, "c": -3.0, "ab": -1.5, "abc": -2.0}
    assert loss_without("abc", model, 3.0) == pytest.approx(3 * (-2.0 - (-1.5 - 3.0)))
    assert loss_without("ab", model, 1.0) == pytest.approx(-1.5 - (-1.0 - 2.0))


def test_an_em_model_writes_held_out_text_shorter_than_characters():
    held_out = made_up_language(seed=0, n_words=500)[-1]
    assert len(TOKENIZER.encode(held_out)) < 0.7 * len(held_out)


def test_frequent_words_are_whole_with_the_space_in_front():
    tokenizer = Unigram.train(["the cat and the dog and the bird in the house"] * 3, 60)
    assert tokenizer.tokens[tokenizer.encode("the")[0]] == SPACE + "the"
    assert tokenizer.encode("the the") == tokenizer.encode("the") * 2


@given(st.text("abthe cats\n", max_size=30))
def test_known_characters_come_back_with_all_their_spaces(text):
    known = "".join(character for character in text if character in TOKENIZER.id_of or character == " ")
    assert TOKENIZER.decode(TOKENIZER.encode(known)) == known


def test_an_unknown_character_is_one_unknown_token_and_its_neighbours_stay():
    ids = TOKENIZER.encode("the\u2603\u2603cat")
    assert ids.count(TOKENIZER.id_of["<unk>"]) == 2
    assert TOKENIZER.decode(ids) == "the<unk><unk>cat"
    lowest = min(score for _, score in TOKENIZER.scores)
    assert TOKENIZER.score([0]) == lowest - UNKNOWN_PENALTY


def test_the_symbol_for_the_space_comes_back_as_a_space():
    assert TOKENIZER.decode(TOKENIZER.encode(f"the{SPACE}cat")) == "the cat"


def test_the_best_cut_is_the_first_of_the_n_best_and_scores_add_up():
    text = " ".join(CORPUS[0].split()[:4])
    found = TOKENIZER.n_best(text, 8)
    assert found[0][1] == TOKENIZER.encode(text)
    assert len({tuple(ids) for _, ids in found}) == 8
    for score, ids in found:
        assert TOKENIZER.decode(ids) == text
        assert TOKENIZER.score(ids) == pytest.approx(score, abs=1e-12)


def test_samples_differ_from_each_other_and_all_say_the_text():
    text = CORPUS[0]
    rng = np.random.default_rng(0)
    drawn = {tuple(TOKENIZER.sample(text, rng, temperature=3.0)) for _ in range(30)}
    assert len(drawn) > 20 and {TOKENIZER.decode(ids) for ids in drawn} == {text}
    again = np.random.default_rng(0)
    assert TOKENIZER.sample(text, again) == TOKENIZER.sample(text, np.random.default_rng(0))
    assert TOKENIZER.sample(text, rng, temperature=1e-3) == TOKENIZER.encode(text)


def test_bad_settings_are_refused():
    rng = np.random.default_rng(0)
    for temperature in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="the temperature must be above 0"):
            TOKENIZER.sample("the", rng, temperature)
    with pytest.raises(ValueError, match="n must be at least 1"):
        TOKENIZER.n_best("the", 0)
    with pytest.raises(ValueError, match="a finite number"):
        Unigram([("a", float("-inf"))])


def test_a_trained_tokenizer_encodes_every_short_word_as_brute_force_would():
    score = dict(TOKENIZER.scores)
    short = [word for word in WORDS if len(word) <= 9]
    assert len(short) > 50
    for word in short:
        cuts = [cut for cut in every_cut(word) if all(piece in score for piece in cut)]
        best = max(math.fsum(score[piece] for piece in cut) for cut in cuts)
        ids = TOKENIZER.encode(word.removeprefix(SPACE))
        assert "".join(TOKENIZER.tokens[i] for i in ids) == word
        assert TOKENIZER.score(ids) == pytest.approx(best, abs=1e-9)
        assert len(cuts) == 1 or min(math.fsum(score[piece] for piece in cut) for cut in cuts) < best - 1e-6
