"""Mistakes planted in answers in PyTorch: none passes that new inputs would see, and none gets a wrong name."""

from __future__ import annotations

import random

import pytest

from tests.lessons.practice.torch_here import solutions

torch = pytest.importorskip("torch")

from tests.mutation.tensors import changes, planted  # noqa: E402


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    torch.set_default_dtype(torch.float32)


def test_parts_are_cut_off_steps_done_in_place_and_words_left_out():
    texts = {text for _, text in changes(solutions()["attention"])}
    assert {"weights.detach()", "(weights @ v).detach()", "F.softmax(scores)"} <= texts
    assert "scores.masked_fill_(~mask & ~blocked, float('-inf'))" in texts
    assert not any(text.startswith(("torch.detach", "math.detach", "F.detach")) for text in texts)


def test_a_gradient_that_is_off_on_some_inputs_alone_is_seen():
    found = list(planted(solutions()["layer_norm"], 0, random.Random(0)))
    assert (
        len(found) > 9 and {one.fate for one in found} == {"unknown"} and {one.verdict for one in found} == {"gradient"}
    )


@pytest.mark.parametrize("answer", ["layer_norm", "rope"])
def test_some_of_the_mistakes(answer):
    found = list(planted(solutions()[answer], 12, random.Random(1)))
    assert not [one for one in found if one.fate in ("passed", "misnamed")]


@pytest.mark.slow
@pytest.mark.parametrize("answer", solutions())
def test_many_of_the_mistakes(answer):
    found = list(planted(solutions()[answer], 30, random.Random(2)))
    assert not [one for one in found if one.fate in ("passed", "misnamed")]
