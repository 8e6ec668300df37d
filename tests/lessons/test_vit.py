"""vit: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.architectures.vit.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.data.digits import draw
from tfx.models import VisionTransformer
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
READ = {"learned": {"right": 0.5, "moved": 7.0}, "none": {"right": 0.3, "moved": 1e-6}}


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def read(places, **wrong):
    def spoil(run, patch, by):
        run.read = READ | {places: READ[places] | {k: v if by == by else by for k, v in wrong.items()}}

    return spoil


def darkest(run, patch, by):
    """The vector of the square with most ink is off by a little."""
    forward = run.map.forward

    def wrong(picture):
        y, cache = forward(picture)
        y[0, run.squares[0].sum(axis=-1).argmax()] *= 1 + (by - 1) * 1e-9
        return y, cache

    patch.setattr(run.map, "forward", wrong)


def one_less(run, patch, by):
    run.squares = run.squares[:, 1:]


def off(positions, shift, value):
    """What the step measures with those positions and that shift is value * by."""

    def spoil(run, patch, by):
        def wrong(f, x, by_pixels, moved, axis):
            if (f.args[0] if hasattr(f, "args") else "cnn", by_pixels) == (positions, shift):
                return value * by
            return KEPT["shift_error"](f, x, by_pixels, moved, axis)

        patch.setattr(topic, "shift_error", wrong)

    return spoil


class TestVit(TopicTests):
    lesson, steps = topic, 8
    changed = [["digit=0", "side=4"], ["digit=9", "steps=300"]]
    refused = ["digit=-1", "digit=10", "side=3", "steps=99", "steps=301"]
    known = {"learned": lambda steps, square, places, seed, number: READ[places]}
    spoilt = {
        "back": Spoilt("row_of_squares", result(topic, "patches_backward")),
        "first-square": Spoilt("to_a_vector", darkest, also={"convolution"}),
        "convolution": Spoilt("to_a_vector", output(
            topic, "convolution_forward", lambda y, by: y * (1 + (by - 1) * 1e-9))),
        "base": Spoilt("the_rest", instead(topic, "COLOURS", lambda by: 4), no_nan="a count"),
        "small": Spoilt("the_rest", one_less, no_nan="a count"),
        "placed": Spoilt("without_positions", read("none", right=0.46)),
        "bag": Spoilt("without_positions", read("none", moved=1.1e-3)),
        "order": Spoilt("without_positions", read("learned", moved=0.09)),
        "pairs": Spoilt("half_as_wide", output(topic, "patches_forward", lambda y, by: y[:, 1:]), no_nan="a count"),
        "work": Spoilt("half_as_wide", result(topic, "attention_core", lambda costs, by: 3 * costs), no_nan="a count"),
        "cnn": Spoilt("against_cnn", output(
            topic, "convolution_forward", lambda y, by: y + (by - 1) * 1e-9 * np.arange(y.shape[-1]))),
        "square": Spoilt("against_cnn", off("none", 2, 1e-11)),
        "pixel": Spoilt("against_cnn", off("none", 1, 0.016)),
        "places": Spoilt("against_cnn", off("learned", 2, 0.016)),
    }  # fmt: skip


@pytest.mark.parametrize(("digit", "side"), [(3, 2), (8, 4)])
def test_the_picture_is_cut_as_it_is_drawn(digit, side):
    run = run_of(f"digit={digit}", f"side={side}")
    shown = records_of(topic.row_of_squares, run)
    (table,) = tables(shown)
    lines = ["".join(row[f"c{j}"] for j in range(8 // side)) for row in table.rows]
    pixels = draw(digit)
    assert lines == ["".join(".:+##"[math.floor(4 * v)] for v in row) for row in pixels]
    n = (8 // side) ** 2
    assert table.title.startswith(f"{n} squares") and table.rows[-side]["which"].endswith(f" to {n}")
    assert ask(topic.row_of_squares, run).answer == {2: 4, 4: 16}[side]


def test_one_number_of_a_vector_is_computed_by_hand():
    run = run_of()
    (sentence,) = [text for text in sentences(records_of(topic.to_a_vector, run)) if "most ink" in text]
    pixels, w = draw(3), run.map.linear.w.value[:, 0]
    sums = {4 * i + j + 1: pixels[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] for i in range(4) for j in range(4)}
    dark = max(sums, key=lambda at: sums[at].sum())
    terms = list(zip(sums[dark].ravel(), w, strict=True))
    assert sentence.startswith(f"Square {dark} holds the most ink, 4 numbers.")
    assert sentence.endswith(
        " + ".join(f"({a:.2f})({b:.2f})" for a, b in terms) + f" = {sum(a * b for a, b in terms):.2f}."
    )
    asked = ask(topic.to_a_vector, run)
    assert asked.answer == (224 / 16) ** 2 and asked.explanation.endswith("16 * 16 * 3 = 768 numbers.")
    assert not run.map.parameters()["linear.b"].value.any(), "the sentence says b = 0"


def test_vit_base_is_counted_again():
    c, f = 768, 3072
    attention, network = 12 * 4 * (c * c + c), 12 * (2 * c * f + f + c)
    places, rest = 197 * c, 768 * c + c + c + 25 * 2 * c
    shown = records_of(topic.the_rest, run_of())
    assert sentences(shown)[-1].startswith(
        f"ViT-Base has 12 blocks, C = 768, 12 heads. In millions: attention {attention / 1e6:.1f}, networks "
        f"{network / 1e6:.1f}, PE {places / 1e6:.2f}, the rest {rest / 1e6:.2f}; without head "
        f"{(attention + network + places + rest) / 1e6:.1f}, the paper prints 86."
    )
    assert attention + network + places + rest == 85_798_656 and ask(topic.the_rest, run_of()).answer == 197


def test_a_model_with_a_class_token_is_counted_by_the_same_rule():
    model = VisionTransformer((8, 12), 4, 5, channels=3, d_model=16, n_heads=2, d_ff=24, n_layers=2)
    counted = topic.count(topic.vit(2, 16, 2, 6, 48, 24)).total
    assert model.n_parameters == counted + 16 * 5 + 5


def test_what_was_read_is_told():
    run = run_of()
    run.read = READ
    shown = records_of(topic.without_positions, run)
    assert [(row["right"], row["moved"]) for row in tables(shown)[0].rows] == [(50, 7.0), (30, 1e-6)]
    assert sentences(shown)[1] == (
        "A bag of squares still says which strokes there are, and 30% are right, where guessing gives 10%. Only "
        "positions say where they stood, counted line by line: that square 5 lies below square 1 has to be learned."
    )
    assert ask(topic.without_positions, run).answer == 0


def test_the_work_of_finer_squares_is_counted_again():
    shown = records_of(topic.half_as_wide, run_of())
    c, found = 768, []
    for row, side in zip(tables(shown)[0].rows, (32, 16, 8), strict=True):
        n = (224 // side) ** 2
        maps, core = 12 * n * (4 * c * c + 2 * c * 4 * c) / 1e9, 12 * 2 * n * n * c / 1e9
        assert [row[k] for k in ("side", "n", "pairs")] == [side, n, n * n]
        assert (row["maps"], row["core"], row["all"]) == pytest.approx((maps, core, maps + core))
        found.append(maps + core)
    text = " ".join(sentences(shown))
    assert f"grows {found[2] / found[1]:.1f} times" in text and "grows 16 times." in text and "50,176 tokens" in text
    assert ask(topic.half_as_wide, run_of()).answer == 16


@pytest.mark.parametrize("side", [2, 4])
def test_shifts_are_measured_again(side):
    run = run_of(f"side={side}", seed=1)
    rows = tables(records_of(topic.against_cnn, run))[0].rows
    wide = np.zeros((1, 16, 16, 1))
    wide[0, 4:12, 4:12, 0] = draw(3)

    def encoded(kind, by):
        model = run.model(16, kind)
        cut = np.roll(wide, by, 2).reshape(16 // side, side, 16 // side, side).swapaxes(1, 2).reshape(-1, side**2)
        x = cut @ model.patches.linear.w.value + model.patches.linear.b.value
        return model.stack.forward(model.positions.forward(x[None])[0])[0].reshape(16 // side, 16 // side, 32)

    for row, kind in zip(rows[1::2], ("none", "learned"), strict=True):
        still, moved = encoded(kind, 0), encoded(kind, side)
        assert row["shift"] == f"a square, {side} pixels"
        difference = np.roll(still, 1, axis=1) - moved
        assert row["off"] == pytest.approx(math.sqrt((difference**2).sum() / (still**2).sum()), abs=1e-12)
    still, moved = encoded("none", 0), encoded("none", 1)
    nearest = min(np.linalg.norm(np.roll(still, by, axis=1) - moved) for by in range(16 // side))
    assert rows[2]["off"] == pytest.approx(nearest / np.linalg.norm(still)) and rows[0]["off"] == 0


def test_sayings_and_answers_have_their_reasons():
    run = run_of()
    run.read = READ
    assert {step: ask(getattr(topic, step), run).explanation for step in WHY} == WHY
    said = [r for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["too strong", "true with conditions"]


WHY = {
    "row_of_squares": "2 in a line, 2 lines.",
    "the_rest": "196 squares and [CLS].",
    "without_positions": "The same bag of squares goes in, and the mean comes out.",
    "half_as_wide": "4 times the squares, and each attends to 4 times as many.",
    "against_cnn": "The same kernel meets the same pixels, one further on.",
}
