"""The small translator: it learns its language, writes greedily, and a changed word changes only what comes after."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.generate.greedy import greedy_seq2seq
from tfx.lab.sequences.small_translator import (
    OWN,
    SENTENCES,
    TOY,
    TRANSLATED,
    WIDTH,
    learn_translator,
    unseen,
    with_another_word,
    words,
    write_greedily,
)
from tfx.models import EncoderDecoder


@pytest.fixture(scope="module")
def model() -> EncoderDecoder:
    return learn_translator(0)


def test_words_are_spelt_backwards_and_the_noun_comes_first():
    drawn = unseen(3)
    assert drawn.src.shape == drawn.tgt.shape == (SENTENCES, 5)
    for src, tgt in zip(drawn.src, drawn.tgt, strict=True):
        read, written = words(src), words(tgt)
        assert read[0] == written[0] == "<start>"
        assert written[1:] == [read[place][::-1] for place in TRANSLATED]
        assert all(word in OWN for word in read[1:])
    assert len(set(words(np.arange(TOY.n_tokens)))) == TOY.n_tokens


def test_it_has_learnt_its_language(model):
    drawn = unseen(0)
    written = np.concatenate([write_greedily(model, drawn.src[i : i + 1], 4)[0] for i in range(20)])
    assert (written == drawn.tgt[:20]).mean() > 0.9
    assert model.embedding.table.value.shape == (TOY.n_tokens, WIDTH)


def test_what_is_written_is_what_the_library_writes_and_was_most_probable(model):
    src = unseen(0).src[:1]
    ids, p = write_greedily(model, src, 4)
    assert ids[0, 1:].tolist() == greedy_seq2seq(model, src, 4, start=0)[0].tolist() == p.argmax(axis=-1).tolist()
    assert p.sum(axis=-1) == pytest.approx(1, abs=1e-5) and p.shape == (4, TOY.n_tokens)


def test_another_first_word_changes_what_comes_after_it_and_nothing_else(model):
    src = unseen(0).src[:1]
    ids, p = write_greedily(model, src, 4)
    right, misled = with_another_word(model, src, ids[:, :-1], int(ids[0, 2]))
    assert right == pytest.approx(p, abs=1e-5) and misled[0] == pytest.approx(right[0], abs=1e-6)
    assert np.abs(misled[1] - right[1]).max() > 1e-6
