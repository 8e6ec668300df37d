"""Writing names what does not fit, and never writes nonsense out of NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.generate import (
    Draws,
    Shaping,
    Stopping,
    beam_search,
    greedy,
    greedy_seq2seq,
    reader_of,
    sample,
    speculative_sample,
    translation_of,
)
from tfx.generate.account import account
from tfx.generate.beam import length_divisor, log_probability
from tfx.generate.shaping import count_penalties, no_repeat_ngrams, probabilities_of, repetition_penalty, temperature
from tfx.generate.speculative import acceptance_rate, expected_tokens, residual
from tfx.models import ConvolutionDecoder, DecoderOnly, EncoderDecoder, RecurrentLanguageModel

V = 7
MODEL = DecoderOnly(V, 8, 2, 16, 1, max_len=10)
MODELS = (MODEL, RecurrentLanguageModel(V, 8), ConvolutionDecoder(V, 8))
BROKEN = DecoderOnly(V, 8, 2, 16, 1, seed=1)
for parameter in BROKEN.parameters().values():
    parameter.value[...] = np.nan
LOGITS = np.linspace(-1.0, 1.0, 2 * V).reshape(2, V)

WAYS = {
    "greedy": lambda model, prompt, n: greedy(model, prompt, n),
    "sample": lambda model, prompt, n: sample(model, prompt, n, 0),
    "beam": lambda model, prompt, n: beam_search(model, prompt, n, 2),
    "speculative": lambda model, prompt, n: speculative_sample(model, model, prompt, n, 0),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("prompt", [[], [V], [-1], [1.5], ["a"], [True], 5, [[[1]]], [math.nan]])
def test_a_prompt_that_is_no_row_of_ids_is_refused_by_every_way_of_writing(way, model, prompt):
    if way == "sample" and prompt == 5:
        return  # one id is a row of one
    with pytest.raises((ValueError, TypeError), match=r"prompt|id -?\d is outside"):
        WAYS[way](model, prompt, 3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("n", "error"), [(-1, ValueError), (1.5, TypeError), (None, TypeError)])
def test_the_number_of_new_tokens_is_whole_and_not_negative(way, n, error):
    with pytest.raises(error, match=r"n.* must be (at least 0|a whole number)"):
        WAYS[way](MODEL, [1, 2], n)


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_says_nan_is_refused_and_not_read_as_token_0(way):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="a logit is NaN"):
        WAYS[way](BROKEN, [1, 2], 3)


@pytest.mark.parametrize("way", WAYS)
def test_a_learned_position_table_ends_where_it_ends_and_the_model_reads_its_last_places(way):
    short = DecoderOnly(V, 8, 2, 16, 1, max_len=4, positions="learned")
    written = WAYS[way](short, [1, 2, 3], 5)
    ids = {"beam": lambda w: w[0].ids, "speculative": lambda w: w.ids, "sample": lambda w: w.ids[0]}.get(way, list)
    assert len(ids(written)) == 5


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"temperature": -1.0}, ValueError, "temperature must be at least 0"),
        ({"temperature": math.nan}, ValueError, "temperature must be at least 0, not nan"),
        ({"temperature": math.inf}, ValueError, "temperature must be at least 0, not inf"),
        ({"temperature": "a"}, TypeError, "temperature must be a number"),
        ({"top_k": 0}, ValueError, "top-k keeps at least 1 token, not 0"),
        ({"top_k": 1.5}, TypeError, "k of top-k must be a whole number"),
        ({"top_p": 0.0}, ValueError, "above 0 and up to 1, not 0.0"),
        ({"top_p": 1.1}, ValueError, "above 0 and up to 1, not 1.1"),
        ({"top_p": math.nan}, ValueError, "p of top-p must be finite"),
        ({"min_p": -0.1}, ValueError, "between 0 and 1, not -0.1"),
        ({"min_p": math.nan}, ValueError, "p of min-p must be finite"),
        ({"repetition_penalty": 0.0}, ValueError, "repetition penalty must be above 0"),
        ({"repetition_penalty": math.inf}, ValueError, "repetition penalty must be above 0, not inf"),
        ({"presence_penalty": math.nan}, ValueError, "a presence penalty must be finite"),
        ({"frequency_penalty": math.inf}, ValueError, "a frequency penalty must be finite"),
        ({"no_repeat_ngram": 0}, ValueError, "n of n-grams must be at least 1"),
        ({"no_repeat_ngram": 1.5}, TypeError, "n of n-grams must be a whole number"),
    ],
)
def test_shaping_out_of_range_is_named(settings, error, message):
    with pytest.raises(error, match=message):
        sample(MODEL, [1, 2], 3, 0, Shaping(**settings))


@pytest.mark.parametrize("t", [1e-300, 5e-324])
def test_the_smallest_temperature_is_the_limit_and_not_nan(t):
    shaped = probabilities_of(temperature(LOGITS, t))
    assert np.array_equal(shaped, probabilities_of(temperature(LOGITS, 0.0)))


def test_texts_and_logits_are_equally_many_and_texts_are_of_the_vocabulary():
    for shape in (
        lambda texts: repetition_penalty(LOGITS, texts, 1.2),
        lambda texts: count_penalties(LOGITS, texts, 1.0),
        lambda texts: no_repeat_ngrams(LOGITS, texts, 1),
    ):
        with pytest.raises(ValueError, match="1 texts do not fit 2 rows of logits"):
            shape([[1]])
        for token in (V, -1):
            with pytest.raises(ValueError, match=f"id {token} is outside a vocabulary of 7"):
                shape([[1], [token]])


def test_a_distribution_over_nothing_is_refused():
    with pytest.raises(ValueError, match="there is no token"):
        probabilities_of(np.zeros((1, 0)))
    for probabilities in ([], [0.0, 0.0], [math.nan, 1.0], [-1.0, 2.0]):
        with pytest.raises(ValueError, match="one of them above 0"):
            Draws(0).token(np.array(probabilities))
    for probability in (math.nan, 1.5, -0.5):
        with pytest.raises(ValueError, match="probability must be"):
            Draws(0).happens(probability)


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.5, TypeError), (None, TypeError), ("a", TypeError)])
def test_a_seed_is_a_whole_number_of_at_least_0(seed, error):
    with pytest.raises(error, match="seed must be"):
        sample(MODEL, [1], 1, seed)
    with pytest.raises(error, match="seed must be"):
        speculative_sample(MODEL, MODEL, [1], 1, seed)


def test_a_seed_of_numpy_is_a_seed():
    want = speculative_sample(MODEL, BROKEN, [1], 3, 5, n_draft=0).ids
    assert np.array_equal(speculative_sample(MODEL, BROKEN, [1], 3, np.int64(5), n_draft=0).ids, want)


@pytest.mark.parametrize(("width", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (None, TypeError)])
def test_a_beam_is_a_whole_number_wide(width, error):
    with pytest.raises(error, match="width must be"):
        beam_search(MODEL, [1], 2, width)


def test_a_beam_wider_than_there_are_texts_finds_them_all():
    found = beam_search(MODEL, [1], 2, V**2 + 100, n_best=V**2 + 100)
    assert len({hypothesis.ids for hypothesis in found}) == V**2


@pytest.mark.parametrize("alpha", [-1.0, math.nan, math.inf])
def test_the_exponent_of_the_length_is_finite_and_not_negative(alpha):
    with pytest.raises(ValueError, match="alpha must be at least 0"):
        beam_search(MODEL, [1], 2, 2, divisor="gnmt", alpha=alpha)


def test_unknown_names_are_answered_with_those_there_are():
    with pytest.raises(ValueError, match="divisor must be one of sum, mean, gnmt, not 'median'"):
        length_divisor(3, "median")
    with pytest.raises(ValueError, match="rule must be one of first, bound, length, not 'never'"):
        beam_search(MODEL, [1], 2, 2, rule="never")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"end": "a"}, "an end token must be a whole number"),
        ({"end": 1.5}, "an end token must be a whole number"),
        ({"sequences": [1, 2]}, "sequences are rows of tokens, not 1"),
        ({"sequences": ["ab"]}, "a token of a stop sequence must be a whole number"),
    ],
)
def test_what_ends_a_text_is_a_token(settings, message):
    with pytest.raises(TypeError, match=message):
        Stopping(**settings)


def test_an_end_token_of_numpy_ends_a_text():
    assert Stopping(end=np.int64(3)).reason([3]) == "end"


@pytest.mark.parametrize("token", [V, -1])
def test_an_account_and_a_probability_are_of_the_vocabulary(token):
    with pytest.raises(ValueError, match=f"id {token} is outside a vocabulary of 7"):
        account(MODEL, [1], [token])
    with pytest.raises(ValueError, match=f"id {token} is outside a vocabulary of 7"):
        log_probability(MODEL, [1], [token])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_reader_has_only_the_rows_it_has(model):
    reader = reader_of(model)
    reader.begin(2)
    reader.read(np.array([[1, 2], [3, 4]]))
    for rows in ([2], [-1]):
        with pytest.raises(ValueError, match="are not all among the 2 of this reader"):
            reader.select(rows)
    with pytest.raises(ValueError, match="the number of rows must be at least 0"):
        reader.begin(-1)


def test_left_padding_is_one_number_for_each_row_of_a_reader():
    with pytest.raises(ValueError, match=r"left padding is \(1,\) but there are 2 rows"):
        reader_of(MODEL).begin(2, np.array([1]))


def test_only_a_model_with_a_source_translates():
    with pytest.raises(TypeError, match="DecoderOnly reads no source"):
        translation_of(MODEL, np.zeros((1, 3), dtype=int))
    model = EncoderDecoder(V, 8, 2, 16, 1)
    for start in (V, -1):
        with pytest.raises(ValueError, match=f"id {start} is outside"):
            greedy_seq2seq(model, np.zeros((1, 3), dtype=int), 2, start)


def test_vocabularies_of_target_and_draft_are_the_same():
    p, q = np.full(2, 0.5), np.full(3, 1 / 3)
    for compare in (residual, acceptance_rate):
        with pytest.raises(ValueError, match="the target knows 2 tokens but the draft knows 3"):
            compare(p, q)


@pytest.mark.parametrize(("rate", "n_draft"), [(-0.1, 2), (1.1, 2), (math.nan, 2), (0.5, -1)])
def test_an_acceptance_rate_is_a_probability_and_a_draft_not_negative(rate, n_draft):
    with pytest.raises(ValueError, match=r"(rate|n_draft) must be at least 0"):
        expected_tokens(rate, n_draft)
