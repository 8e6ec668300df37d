"""The run of the whole model: its parts add up, forward and back, and every gradient is a slope of its loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.gradcheck import check_gradients
from tfx.ops.positions.positions import sinusoidal_positions
from tfx.shipped.load import load
from tfx.trace import attention_case, run_whole
from tfx.trace.heads import Change
from tfx.trace.whole import WholeRun, loss_and_backward
from tfx.trace.words import between_words, to_words

PRONOUN = "yesterday the river was not crossed by the cat because it was too deep"
ANY = "The trophy did not fit in the suitcase because it was too big."
BOTH = [("pointing", PRONOUN), ("plain", PRONOUN), ("language", ANY)]


def run_of(name: str, text: str, *how) -> WholeRun:
    shipped = load(name)
    return run_whole(shipped, shipped.read(text), *how)


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_embedding_and_positions_are_what_the_first_block_reads(name, text):
    run = run_of(name, text)
    assert np.array_equal(run.embedded, run.table[run.ids] * math.sqrt(run.table.shape[1]))
    assert np.array_equal(run.placed, run.embedded + sinusoidal_positions(*run.embedded.shape))
    assert np.array_equal(run.blocks[0].x, run.placed)


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_a_block_adds_what_its_parts_give_and_hands_it_on(name, text):
    run = run_of(name, text)
    for block, above in zip(run.blocks, [*run.blocks[1:], None], strict=True):
        assert np.array_equal(block.middle, block.x + block.mixed)
        assert np.array_equal(block.y, block.middle + block.fed)
        layer = block.layer
        assert np.allclose(block.read, _norm(block.x, layer.norm1), atol=1e-12)
        assert np.allclose(block.inner, _norm(block.middle, layer.norm2), atol=1e-12)
        assert above is None or np.array_equal(block.y, above.x)
    assert np.allclose(run.hidden, _norm(run.blocks[-1].y, run.norm), atol=1e-12)


def _norm(x, layer):
    centred = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return centred / std * layer.gamma.value + layer.beta.value


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_the_heads_are_joined_by_the_output_map(name, text):
    for block in run_of(name, text).blocks:
        out = block.layer.attention.output
        assert np.allclose(np.concatenate(list(block.heads.out), axis=1) @ out.w.value + out.b.value, block.mixed)


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_logits_are_dot_products_with_the_table_and_the_loss_is_theirs(name, text):
    run = run_of(name, text)
    assert np.allclose(run.logits, run.hidden[run.asked] @ run.table.T)
    right = run.probabilities[np.arange(len(run.asked)), run.targets]
    assert run.loss == pytest.approx(-np.log(right).mean())
    wanted = np.eye(len(run.table))[run.targets]
    assert np.allclose(run.dlogits, (run.probabilities - wanted) / len(run.asked), atol=1e-16)


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_gradients_of_sums_are_sums(name, text):
    run = run_of(name, text)
    for block, below in zip(run.blocks[::-1], [*run.blocks[-2::-1], None], strict=True):
        assert np.allclose(block.dmiddle, block.dy + block.dmiddle_branch, atol=1e-16)
        assert np.allclose(block.dx, block.dmiddle + block.dx_branch, atol=1e-16)
        assert below is None or np.array_equal(block.dx, below.dy)
    assert np.array_equal(run.blocks[0].dx, run.dembedded) and np.array_equal(run.dtop, run.blocks[-1].dy)


@pytest.mark.parametrize(("name", "text"), BOTH)
def test_the_table_gets_its_gradient_from_both_ends(name, text):
    run = run_of(name, text)
    looked_up = np.zeros_like(run.table)
    for place, token in enumerate(run.ids):
        looked_up[token] += run.dembedded[place] * run.scale
    assert np.allclose(run.dtable, looked_up + run.dlogits.T @ run.hidden[run.asked], atol=1e-14)


@pytest.mark.parametrize(("name", "text"), [("pointing", PRONOUN), ("language", "Yes, it works!")])
@pytest.mark.parametrize("change", [None, Change(1, 1.0, "none"), Change(2, 0.5, "causal")])
def test_every_gradient_is_a_slope_of_the_loss(name, text, change):
    run = run_of(name, text, None, None if change is None else (1, change))
    forward, backward, inputs = loss_and_backward(run)
    assert float(forward(**inputs)[0]) == run.loss
    assert check_gradients(forward, backward, inputs, directions=1, method="central").worst < 1e-7


def test_a_head_with_another_scale_and_mask_is_that_head_and_the_others_stay():
    usual, changed = run_of("plain", PRONOUN), run_of("plain", PRONOUN, None, (1, Change(2, 1.0, "causal")))
    heads, n = changed.blocks[1].heads, len(changed.ids)
    scores = np.where(np.tri(n, dtype=bool), heads.q[2] @ heads.k[2].T, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    assert np.allclose(heads.weights[2], weights, atol=1e-12)
    assert np.allclose(heads.out[2], weights @ heads.v[2], atol=1e-12)
    for other in (0, 1, 3):
        assert np.array_equal(heads.weights[other], usual.blocks[1].heads.weights[other])
    assert heads.scales == pytest.approx([12**-0.5, 12**-0.5, 1.0, 12**-0.5])
    assert changed.loss != usual.loss


def test_the_queries_of_a_changed_head_are_those_of_the_map():
    """The cache holds q * turned; what is noted is q, or the lesson's by-hand lines would be wrong."""
    case = attention_case(PRONOUN, load("plain"), 1, 2, scale=1.0)
    assert np.allclose(case.x @ case.w_q, case.q, atol=1e-12)
    assert np.array_equal(case.scores, case.q @ case.k.T) and case.scale == 1.0


def test_what_was_noted_stays_when_the_model_runs_again():
    shipped = load("pointing")
    run = run_whole(shipped, shipped.read(PRONOUN))
    before = run.blocks[1].heads.weights.copy()
    shipped.model.last.attention.query.w.value[:] = 0
    run.once_more()
    assert np.array_equal(run.blocks[1].heads.weights, before)


def test_listening_leaves_the_model_as_it_was():
    shipped = load("language")
    run_whole(shipped, shipped.read(ANY))
    for block in shipped.model.stack.blocks:
        assert block.attention.kernel is None and "forward" not in vars(block) and "backward" not in vars(block.norm1)


def test_shares_to_a_word_are_summed_and_shares_from_it_averaged():
    weights = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.5, 0], [0.1, 0.2, 0.3, 0.4]])
    word_of = (0, 1, 1, 2)
    assert np.allclose(to_words(weights[3], word_of), [0.1, 0.5, 0.4])
    expected = [[1, 0, 0], [(0.5 + 0.25) / 2, (0.5 + 0.75) / 2, 0], [0.1, 0.5, 0.4]]
    assert np.allclose(between_words(weights, word_of), expected)


@pytest.mark.parametrize(
    ("text", "followed"),
    [
        (ANY, "it"),
        ("It rained, and it was cold.", "it"),
        ("She gave him her book because she liked him.", "she"),
        ("They sold their house.", "their"),
        ("It's late, and it's dark", "it's"),
        ("It rained.", "rained"),
        ("Was it good?", "it"),
    ],
)
def test_the_followed_row_is_the_last_place_of_the_first_pronoun_of_the_list(text, followed):
    case = attention_case(text, load("language"))
    word = case.reading.word_of[case.row]
    assert case.reading.words[word] == followed
    assert "'" not in case.surfaces[case.row]
    assert followed.lower() not in [later.lower() for later in case.reading.words[word + 1 :]]


@pytest.mark.parametrize("text", ["Dogs bark.", "no , yes , no !!!", "Where are you?"])
def test_without_a_pronoun_no_mark_is_followed(text):
    case = attention_case(text, load("language"))
    assert case.reading.words[case.reading.word_of[case.row]].isalnum()


def test_a_word_may_be_asked_for_whole_or_by_its_piece():
    for word, place in (
        ("Trophy", 4),
        ("trophy", 4),
        ("##op", 2),
        ("-op-", 2),
        ("suitcase", 15),
        ("the", 11),
        (".", 21),
    ):
        assert attention_case(ANY, load("language"), word=word).row == place


def test_pieces_are_shown_within_their_word():
    reading = load("language").read("She didn't fit")
    assert reading.words == ("She", "didn't", "fit")
    assert reading.labels == ("Sh-", "-e", "di-", "-d-", "-n-", "-'-", "-t", "f-", "-it")
    assert reading.word_of == (0, 0, 1, 1, 1, 1, 1, 2, 2)
