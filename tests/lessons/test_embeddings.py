"""embeddings: rows, gradients, cosines and lengths are found another way, and every check can fail."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import lessons.sequences.embeddings.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.errors import BadInput
from tfx.records import Matrix, Question, Said

run_of = runs_of(topic)


def test_an_odd_width_is_refused():
    with pytest.raises(BadInput, match="width must be even, a sine and a cosine each, not 33"):
        run_of("width=33")


def other_rows(run, patch, by):
    patch.setattr(topic, "embedding_forward", lambda ids, e: (by * e[ids], None))


def kinds(which):
    def spoil(run, patch, by):
        tables = list(run.learned)
        share = by / by * (0.79, 0.71)[1 - which]
        tables[which] = Table(tables[which].words, tables[which].vectors)
        object.__setattr__(tables[which], "share", share)
        run.learned = tuple(tables)

    return spoil


class Table(topic.WordTable):
    def same_kind(self):
        return self.share


def turned(run, patch, by):
    before, after = run.learned
    vectors = after.vectors.copy()
    vectors[after.words.index("because")] = by / by * vectors[after.words.index("dog")]
    run.learned = before, replace(after, vectors=vectors)


def longer_rows(run, patch, by):
    run.tables = {name: by * e for name, e in run.tables.items()}


class TestEmbeddings(TopicTests):
    lesson, steps = topic, 8
    changed = [asked("width=16", "steps=200", text="go go"), asked("width=2048", text=" ".join("abcdefgh" * 8))]
    changed_seeds = range(3)
    refused = ["width=33", "steps=0"]
    by = 1.1
    spoilt = {
        "rows": Spoilt("one_row", other_rows),
        "one-hot": Spoilt("product", result(topic, "one_hot")),
        "adds": Spoilt("way_back", result(topic, "embedding_backward"), also={"gradcheck"}),
        "gradcheck": Spoilt(
            "way_back", result(topic, "embedding_backward", lambda grad, by: grad * np.array([1, 1, 1, by]))
        ),
        "kinds": Spoilt("neighbours", kinds(1)),
        "random": Spoilt("neighbours", kinds(0)),
        "closer": Spoilt("angle", turned),
        "unit": Spoilt("scale", longer_rows),
        "position": Spoilt("scale", result(topic, "sinusoidal_positions")),
        "sum": Spoilt("the_input", result(topic, "sinusoidal_positions")),
    }


def test_the_gradient_of_a_word_is_how_often_it_stands():
    run = run_of(text="a b a c a b")
    shown = records_of(topic.way_back, run)
    (asked,), (grad,) = ([r for r in shown if isinstance(r, kind)] for kind in (Question, Matrix))
    assert asked.prompt == 'Every place sends 1. What arrives at the row of "a"?' and asked.answer == 3
    assert grad.values.tolist() == [[3] * 4, [2] * 4, [1] * 4] and grad.rows == ("a", "b", "c")


def test_the_cosine_is_worked_out_from_the_rows_that_are_shown():
    run = run_of()
    after = run.learned[1]
    a, b = (after.vectors[after.words.index(word)] for word in ("dog", "cat"))
    dot, la, lb = sum(a * b), math.dist(a, 0 * a), math.dist(b, 0 * b)
    shown = records_of(topic.angle, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx(dot / la / lb) == next(r for r in shown if isinstance(r, Matrix)).values[0, 0]
    assert sentences(shown)[1].endswith(f"+ ... = {dot:.3f}; |a| = {la:.3f}, |b| = {lb:.3f}.")


def test_neighbours_are_found_by_angles():
    run = run_of()
    _, after = run.learned
    row = next(row for row in tables(records_of(topic.neighbours, run))[0].rows if row["word"] == "street")
    dog = after.vectors[after.words.index("street")]
    angles = {
        word: math.acos(min(1, dog @ v / math.dist(dog, 0 * dog) / math.dist(v, 0 * v)))
        for word, v in zip(after.words, after.vectors, strict=True)
        if word != "street"
    }
    assert row["after"] == ", ".join(sorted(angles, key=angles.get)[:3])


@pytest.mark.parametrize("width", [16, 512])
def test_lengths_are_those_of_the_laws(width):
    shown = records_of(topic.scale, run_of(f"width={width}"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    said, false = (r for r in records_of(topic.the_input, run_of(f"width={width}")) if isinstance(r, Said))
    assert asked.answer == pytest.approx((width / 2) ** 0.5)
    unit, small, one = tables(shown)[0].rows
    assert unit["bare"] == pytest.approx(1, rel=0.05) and unit["scaled"] == pytest.approx(width**0.5, rel=0.05)
    assert small["bare"] == pytest.approx(0.02 * width**0.5, rel=0.05)
    assert one["share"] == pytest.approx(width / (width / 2) ** 0.5, rel=0.05)
    assert f"makes rows of {one['scaled']:.0f}, and the position drowns." in said.truth
    assert sentences(shown)[1].startswith(
        f"With entries of deviation 1/sqrt(C) rows have length {unit['bare']:.2f}; beside {(width / 2) ** 0.5:.1f} of "
        f"the position a word would drown. Times sqrt(C) it has {unit['scaled']:.1f}."
    )
    assert false.truth == f"What counts is the length of the whole vector: {(width / 2) ** 0.5:.1f} at C = {width}."


def test_the_product_is_counted():
    (asked,) = (r for r in records_of(topic.product, run_of("width=64")) if isinstance(r, Question))
    assert asked.answer == sum(50_000 for _ in range(64)) and asked.prompt.startswith("50,000 words and C = 64:")
    told = sentences(records_of(topic.neighbours, run_of()))[1]
    assert "Of the 44 movers (such as dog), places and adjectives, " in told
