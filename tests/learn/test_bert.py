"""A tiny BERT fills gaps and matches sentences, and what it cannot know without positions and segments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from tfx.data.masked_tokens import mask_tokens
from tfx.data.sentence_pairs import ID_OF, IS_NEXT, MASK, SPECIAL, VOCABULARY, pack_pairs, sentence_pairs
from tfx.models import Bert
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train import PretrainingBatch, pretraining_loss, train

V = len(VOCABULARY)


def bert(n_layers: int = 1, **settings: Any) -> Bert:
    return Bert(V, d_model=32, n_heads=4, d_ff=64, n_layers=n_layers, max_len=12, activation="relu", **settings)


class Objectives(NamedTuple):
    """What a batch asks for, what makes a pair wrong, and whether the model is told the segments."""

    wrong: str = "random"
    words: bool = False
    pairs: bool = False
    segments: bool = True

    def batch(self, rng: np.random.Generator, n: int = 64, held_out: bool = False) -> PretrainingBatch:
        drawn = sentence_pairs(n, rng, self.wrong, held_out)
        batch = PretrainingBatch(drawn.ids, drawn.segments if self.segments else None, drawn.lengths)
        if self.words:
            batch = batch._replace(**mask_tokens(drawn.ids, rng, V, ID_OF[MASK], SPECIAL)._asdict())
        return batch._replace(labels=drawn.labels) if self.pairs else batch


def learn(model: Bert, objectives: Objectives, rate: float, steps: int, seed: int = 0) -> None:
    schedule = lambda step: warmup_cosine(step, rate, steps // 6, steps)  # noqa: E731
    for _ in train(model, objectives.batch, pretraining_loss(), AdamW(model), schedule, steps, seed=seed):
        pass


def next_sentence_accuracy(model: Bert, objectives: Objectives) -> float:
    """On 1000 pairs with couples of names that were never trained, half of them real."""
    pairs = objectives._replace(words=False, pairs=True).batch(np.random.default_rng(99), 1000, held_out=True)
    logits = model.forward(pairs.ids, pairs.segments, pairs.lengths)[0].nsp_logits
    return float((logits.argmax(axis=-1) == pairs.labels).mean())


def gap_accuracy(model: Bert) -> tuple[float, float]:
    """On gaps in real pairs that were never trained: share that is filled right, and by always saying one word."""
    asked = Objectives(words=True, pairs=True).batch(np.random.default_rng(99), 2000, held_out=True)
    assert asked.targets is not None and asked.chosen is not None and asked.labels is not None
    counts = asked.chosen & (asked.labels == IS_NEXT)[:, None]
    written = model.forward(asked.ids, asked.segments, asked.lengths)[0].mlm_logits.argmax(axis=-1)
    answers = asked.targets[counts]
    return float((written[counts] == answers).mean()), float(np.bincount(answers).max() / answers.size)


def test_gaps_are_filled_from_the_rest_of_the_pair():
    model = bert()
    learn(model, Objectives(wrong="order", words=True), rate=1e-2, steps=250)
    filled, one_word = gap_accuracy(model)
    assert one_word < 0.1
    assert filled > 0.5


@pytest.mark.parametrize(
    ("positions", "segments", "solved"),
    [("learned", True, True), ("learned", False, True), ("none", True, True), ("none", False, False)],
)
def test_which_sentence_comes_first_is_told_by_positions_or_by_segments_and_by_nothing_else(
    positions, segments, solved
):
    model = bert(positions=positions)
    objectives = Objectives(wrong="order", pairs=True, segments=segments)
    learn(model, objectives, rate=4e-3, steps=100)
    accuracy = next_sentence_accuracy(model, objectives)
    assert accuracy > 0.98 if solved else abs(accuracy - 0.5) < 0.07


def test_without_positions_no_weights_at_all_can_tell_who_did_what():
    """The words of both pairs are the same, segment by segment, so every such model says the same about them."""
    real = (("anna", "calls", "ben"), ("ben", "answers", "anna"))
    wrong = (("anna", "calls", "ben"), ("anna", "answers", "ben"))
    pairs = pack_pairs([real, wrong])
    for positions, alike in (("none", True), ("learned", False)):
        for seed in range(3):
            model = bert(n_layers=2, positions=positions, seed=seed, dtype="float64")
            logits = model.forward(pairs.ids, pairs.segments, pairs.lengths)[0].nsp_logits
            assert np.allclose(logits[0], logits[1], rtol=0, atol=1e-12) == alike


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_both_objectives_of_the_paper_are_learnt_together(seed):
    model = bert(n_layers=2, seed=seed)
    objectives = Objectives(words=True, pairs=True)
    learn(model, objectives, rate=3e-3, steps=1500, seed=seed)
    filled, one_word = gap_accuracy(model)
    assert one_word < 0.1 and filled > 0.85
    assert next_sentence_accuracy(model, objectives) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("positions", ["learned", "none"])
def test_who_did_what_is_learnt_with_positions_and_not_without(positions, seed):
    model = bert(n_layers=2, positions=positions, seed=seed)
    objectives = Objectives(wrong="roles", pairs=True)
    learn(model, objectives, rate=2e-3, steps=700, seed=seed)
    accuracy = next_sentence_accuracy(model, objectives)
    assert accuracy > 0.7 if positions == "learned" else abs(accuracy - 0.5) < 0.07
