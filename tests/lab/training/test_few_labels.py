"""Gaps filled without labels, then a few labels: what the small experiment draws, trains and leaves alone."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.training import few_labels
from tfx.lab.training.few_labels import (
    FAR,
    FROZEN,
    OWN,
    SCRATCH,
    STRAY,
    SUBJECTS,
    TUNE,
    WORDS,
    draw,
    named,
    pretrained,
    same_subject,
    words_seen,
)  # fmt: skip


def test_a_text_is_of_its_subject_but_for_the_stray_words():
    texts = draw(4000, np.random.default_rng(0))
    own = (texts.ids // OWN == texts.subjects[:, None]).mean()
    assert own == pytest.approx(1 - STRAY + STRAY / SUBJECTS, abs=0.01)
    assert np.bincount(texts.subjects).tolist() == [1000] * SUBJECTS and set(texts.ids.ravel()) == set(range(WORDS))


def test_filling_gaps_groups_the_words_of_a_subject():
    assert same_subject(pretrained(150, 5)) > 0.8 > 0.5 > same_subject(pretrained(0, 5))
    assert same_subject(pretrained(150, 5, far=True)) < 0.5


def test_pre_training_nearby_helps_and_far_away_does_not():
    right = {way: named(way, 12, 150, 400, 5) for way in (SCRATCH, TUNE, FROZEN, FAR)}
    assert min(right[TUNE], right[FROZEN]) > right[SCRATCH] + 0.03 > 0.5
    assert abs(right[FAR] - right[SCRATCH]) < 0.15
    assert named(TUNE, 12, 150, 400, 5) == right[TUNE]


def test_only_the_head_of_a_frozen_model_moves(monkeypatch):
    made = []

    class Kept(few_labels.Encoder):
        def __init__(self, *given, **named):
            super().__init__(*given, **named)
            made.append(self)

    before = {name: value.copy() for name, value in pretrained(20, 1).state().items()}
    monkeypatch.setattr(few_labels, "Encoder", Kept)
    for way in (FROZEN, TUNE, SCRATCH):
        named(way, 8, 20, 10, 1)
    tables = [model.embedding.table.value for model in made]
    same = [np.array_equal(table, before["embedding.table"]) for table in tables]
    assert same == [True, False, False] and np.abs(tables[1] - tables[0]).max() < np.abs(tables[2] - tables[0]).max()
    assert all((value == pretrained(20, 1).state()[name]).all() for name, value in before.items())


def test_words_seen_are_those_of_the_texts_that_are_learned_from():
    assert words_seen(12, 3) == len(set(draw(12, np.random.default_rng((3, 1))).ids.ravel().tolist()))
