"""The flagship: one head of a trained model, forward and back, on the reader's own sentence."""

from __future__ import annotations

import numpy as np
import pytest

from lessons.attention.scaled_dot_product.run import run_head
from lessons.attention.scaled_dot_product.walkthrough import DEFAULT_TEXT, Settings, walkthrough
from lessons.course import Request
from tests.lessons.steps import failed
from tfx.errors import BadInput
from tfx.records import Check, Code, Matrix, Step, Text
from tfx.settings import apply_settings

OWN = "a function returns the value of its last argument"


def steps(text: str | None = None, *pairs: str, untrained: bool = False, seed: int = 0) -> list[Step]:
    settings = apply_settings(Settings(), pairs, "tfx explain attention --set help")
    return list(walkthrough(Request(text, seed, settings, untrained)))


def matrix(shown: list[Step], name: str) -> Matrix:
    return next(r for step in shown for r in step.records if isinstance(r, Matrix) and r.name.startswith(name))


def words(shown: list[Step]) -> str:
    return "\n".join(r.text for step in shown for r in step.records if isinstance(r, Text))


@pytest.mark.parametrize("text", [None, OWN, "Yes!", "the cat saw 3 dogs; 日本 too"])
def test_every_check_holds_on_any_sentence(text):
    assert failed(steps(text)) == []


@pytest.mark.parametrize(
    "pairs",
    [
        ("scale=1",), ("mask=causal",), ("mask=none",), ("model=plain",), ("model=language", "layer=0", "head=3"),
        ("word=street",), ("answer=street",),
    ],
)  # fmt: skip
def test_every_check_holds_with_changed_settings(pairs):
    assert failed(steps(None, *pairs)) == []


def test_every_step_shows_code_that_it_ran():
    for text in (None, OWN):
        assert all(any(isinstance(r, Code) for r in step.records) for step in steps(text))


@pytest.mark.parametrize(("adjective", "noun"), [("tired", "animal"), ("wide", "street")])
def test_the_heat_map_flips_with_the_adjective(adjective, noun):
    shown = steps(DEFAULT_TEXT.replace("tired", adjective))
    assert '"it" gives its largest weight, ' in matrix(shown, "P").note
    assert matrix(shown, "P").note.endswith(f'to "{noun}".')


def test_the_matrices_are_the_numbers_of_the_model():
    shown = steps(OWN)
    run = run_head(Request(OWN, 0, Settings()), DEFAULT_TEXT)
    assert np.array_equal(matrix(shown, "P").values, run.case.weights)
    assert np.allclose(run.out, run.case.out, atol=1e-12)
    assert np.allclose(np.asarray(matrix(shown, "S").values) * run.scale, run.case.q @ run.case.k.T * run.scale)


def test_a_word_of_the_reader_sees_no_later_word_in_the_language_model():
    weights = np.asarray(matrix(steps(OWN), "P").values)
    assert not np.triu(weights, 1).any()


def test_a_causal_mask_on_the_pronoun_model_says_that_the_model_ran_without():
    assert "no longer what the model computed" in words(steps(None, "mask=causal"))


def test_another_right_answer_pulls_harder():
    def loudest(shown: list[Step]) -> float:
        return float(np.abs(matrix(shown, "dO").values).max())

    assert loudest(steps(None, "answer=street")) > 3 * loudest(steps())


def test_untrained_weights_are_random_seeded_and_still_exact():
    first, again, other = (steps(None, untrained=True, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(matrix(first, "P").values, matrix(again, "P").values)
    assert not np.array_equal(matrix(first, "P").values, matrix(other, "P").values)
    assert "weights are random" in words(first) and failed(first) == []


def test_unknown_characters_keep_the_readers_spelling():
    shown = steps("日本 too")
    assert "日" in matrix(shown, "P").rows and "unknown token" in words(shown)


def test_the_gradient_check_is_part_of_it():
    checks = {r.id: r for step in steps(OWN) for r in step.records if isinstance(r, Check)}
    assert checks["gradcheck"].measured < 1e-7 and checks["blocked"].measured == 0.0


@pytest.mark.parametrize(
    ("text", "pairs", "says"),
    [
        ("", (), "empty"),
        ("word " * 10_000, (), "longer than 64 tokens"),
        (None, ("word=zebra",), "zebra"),
        (None, ("layer=7",), "no layer 7"),
        (None, ("mask=diagonal",), "mask must be"),
        (None, ("model=gpt",), "no model"),
        (None, ("scale=nan",), "finite"),
        (OWN, ("model=pointing",), "grammar"),
        (None, ("answer=zebra",), "zebra"),
    ],
)
def test_bad_input_gets_one_clear_sentence(text, pairs, says):
    with pytest.raises(BadInput, match=says):
        steps(text, *pairs)
