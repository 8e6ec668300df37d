"""The models that ship: they are there, small, quick to load, and as good as the lessons say."""

import time

import numpy as np
import pytest

from tfx.data import pronouns
from tfx.errors import BadInput
from tfx.shipped import load as shipped
from tfx.shipped.load import MAX_TOKENS, NAMES, choose, held_out_scores, language_held_out_scores, load
from tfx.trace import attention_case

FLAGSHIP = "the animal did not cross the street because it was too {}"


def test_all_files_together_are_at_most_a_megabyte_and_a_half():
    files = sorted(shipped._FOLDER.glob("*.npz"))
    assert [file.stem for file in files] == sorted(NAMES)
    assert sum(file.stat().st_size for file in files) <= 1_500_000


@pytest.mark.parametrize("name", NAMES)
def test_loading_takes_less_than_three_tenths_of_a_second(name):
    load(name)  # the first load may wait for the disk
    tries = []
    for _ in range(3):
        began = time.perf_counter()
        load(name)
        tries.append(time.perf_counter() - began)
    assert min(tries) < 0.3


@pytest.mark.parametrize("name", NAMES)
def test_values_have_the_dtype_asked_for(name):
    for dtype in ("float32", "float64"):
        assert {str(p.value.dtype) for p in load(name, dtype).model.parameters().values()} == {dtype}


@pytest.mark.parametrize(("adjective", "noun"), [("tired", "animal"), ("wide", "street")])
def test_the_flagship_sentence_points_at_the_noun_that_its_adjective_asks_for(adjective, noun):
    case = attention_case(FLAGSHIP.format(adjective), load("pointing"))
    assert case.tokens[case.row] == "it"
    assert case.tokens[case.weights[case.row].argmax()] == noun
    assert case.answers[0][0] == noun


def test_the_pointing_model_answers_and_points_on_unseen_pairs():
    scores = held_out_scores("pointing")
    assert scores.n >= 300 and scores.accuracy >= 0.97 and scores.pointing_rate >= 0.97


def test_the_plain_model_answers_as_well_but_points_less_often():
    plain, pointing = held_out_scores("plain"), held_out_scores("pointing")
    assert plain.accuracy >= 0.97
    assert plain.pointing_rate < pointing.pointing_rate
    assert plain.right_without_pointing, "there is a sentence that is answered without pointing"


def test_a_sentence_answered_without_pointing_really_looks_elsewhere():
    sentence = held_out_scores("plain").right_without_pointing[0]
    plain = load("plain")
    cases = [attention_case(sentence.text, plain, -1, head) for head in range(4)]
    assert cases[0].answers[0][0] == sentence.answer
    assert sum(case.weights[case.row] for case in cases).argmax() != sentence.referent


def test_an_untrained_pronoun_model_cannot_answer():
    from tfx.shipped.pronoun_scores import score_on_unseen_pairs

    assert score_on_unseen_pairs(load("pointing", untrained=True).model).accuracy < 0.3


def test_the_language_model_beats_counting_on_paragraphs_it_has_not_seen():
    scores = language_held_out_scores()
    assert scores.n > 1000
    assert scores.model < 0.5 * scores.unigram
    assert scores.model < scores.bigram


def test_every_seed_of_the_recipe_is_on_record_and_the_first_one_ships():
    for name in ("pointing", "plain"):
        meta = load(name).meta
        assert meta["seed"] == 0 and [run["seed"] for run in meta["spread"]] == [0, 1, 2]
        assert meta["held_out"] == meta["spread"][0]


def test_the_untrained_twin_has_the_same_shapes_other_values_and_a_seed():
    for name in NAMES:
        trained, twin, again, other = (
            load(name).model.state(),
            load(name, untrained=True, seed=1).model.state(),
            load(name, untrained=True, seed=1).model.state(),
            load(name, untrained=True, seed=2).model.state(),
        )
        assert {k: v.shape for k, v in trained.items()} == {k: v.shape for k, v in twin.items()}
        assert all(np.array_equal(twin[k], again[k]) for k in twin)
        assert not np.array_equal(twin["embedding.table"], other["embedding.table"])
        assert not np.array_equal(twin["embedding.table"], trained["embedding.table"])


def test_the_queries_have_no_offset_also_when_untrained():
    for untrained in (False, True):
        case = attention_case("the cat sat on the mat", load("language", untrained=untrained))
        assert case.b_q is None and np.allclose(case.x @ case.w_q, case.q, atol=1e-13)


def test_the_grammar_goes_to_the_pointing_model_and_everything_else_to_the_language_model():
    assert choose(FLAGSHIP.format("tired")) == "pointing"
    assert choose("The animal didn't cross the street, because it was too wide.") == "pointing"
    assert choose("the cat sat on the mat") == "language"
    assert choose(FLAGSHIP.format("electric")) == "language"


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_empty_text_is_refused(text):
    with pytest.raises(BadInput, match="empty"):
        load(choose(text)).read(text)


def test_ten_thousand_tokens_are_refused_at_once():
    model = load("language")
    began = time.perf_counter()
    with pytest.raises(BadInput, match=f"longer than {MAX_TOKENS} tokens"):
        model.read("word " * 10_000)
    assert choose("it " * 10_000) == "language"
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize("text", ["a", "\u65e5\u672c\u8a9e", "\U0001f600 !", "x" * 60, "it it it", "\x00", "the " * 64])
def test_any_other_text_is_read_by_the_language_model(text):
    case = attention_case(text, load("language"))
    assert len(case.tokens) == len(case.surfaces) <= MAX_TOKENS
    assert np.allclose(case.weights.sum(axis=1), 1)


def test_a_pronoun_model_refuses_text_outside_its_grammar():
    with pytest.raises(BadInput, match="grammar"):
        load("plain").read("the cat sat on the mat")


def test_an_unknown_model_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match='mean "pointing"'):
        load("ponting")


def test_trained_attention_is_further_from_uniform_than_untrained_attention():
    text = "return a new list with the elements of the given sequence"
    trained = attention_case(text, load("language"))
    untrained = attention_case(text, load("language", untrained=True), trained.layer, trained.head)
    assert trained.weights[trained.row].max() > 2 * untrained.weights[trained.row].max()


def test_the_recorded_scores_are_those_of_the_shipped_weights():
    recorded = load("plain").meta["held_out"]
    model = load("plain", "float32").model
    from tfx.shipped.pronoun_scores import score_pronouns

    asked = pronouns.sentences(recorded["n"], seed=10_000, held_out=True)
    measured = score_pronouns(model, asked)
    assert measured.accuracy == pytest.approx(recorded["accuracy"], abs=0.002)
    assert measured.pointing_rate == pytest.approx(recorded["pointing_rate"], abs=0.002)
