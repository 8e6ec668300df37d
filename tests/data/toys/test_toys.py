"""The toy worlds: their answers are right by rule, training and held-out rows never meet, seeds decide everything."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.data.toys import grid_world
from tfx.data.toys.addition import Addition
from tfx.data.toys.agreement import Agreement
from tfx.data.toys.brackets import Brackets, partners
from tfx.data.toys.entities import OUTSIDE, Entities
from tfx.data.toys.expressions import Expressions, is_expression, spelled
from tfx.data.toys.grid_world import AGENT, FREE, GOAL, WALL, GridMoves, GridWorld, best_actions, distances
from tfx.data.toys.labelled_sequences import NOT, LabelledSequences
from tfx.data.toys.lookup import ASK, Lookup
from tfx.data.toys.marked_summary import MARK, MarkedSummary
from tfx.data.toys.melodies import Melodies
from tfx.data.toys.motifs import LETTERS, Motifs
from tfx.data.toys.next_items import NextItems
from tfx.data.toys.repeats import Repeats
from tfx.data.toys.series import Series
from tfx.data.toys.shapes import KINDS, LOST, ShapePixels, Shapes, stamp
from tfx.data.toys.styles import Styles
from tfx.data.toys.tones import sounds, spectrogram
from tfx.data.toys.translation import Translation

PLACES = [
    LabelledSequences(),
    LabelledSequences(negation=True),
    Entities(),
    Motifs(),
    Agreement(),
    Styles(),
    Brackets(),
    Lookup(),
    Addition(),
    Expressions(),
    Series(),
    NextItems(),
    Melodies(),
    Repeats(),
    ShapePixels(Shapes(lost=0.1)),
    ShapePixels(Shapes(lost=0.1), "clean"),
    GridMoves(),
]
PAIRS = [Translation(), Translation(n_languages=3), MarkedSummary()]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("toy", PLACES, ids=repr)
def test_places_are_in_range_and_the_same_for_a_seed(toy):
    drawn, again = toy.draw(30, rng()), toy.draw(30, rng())
    assert drawn.ids.shape == drawn.targets.shape == drawn.asked.shape and len(drawn.ids) == 30
    assert drawn.asked.dtype == bool and drawn.asked.any(axis=1).mean() > 0.5
    assert drawn.ids.min() >= 0 and drawn.ids.max() < toy.n_tokens
    assert drawn.targets.min() >= 0 and drawn.targets.max() < toy.n_answers
    assert all((one == other).all() for one, other in zip(drawn, again, strict=True))


@pytest.mark.parametrize("toy", [*PLACES, *PAIRS], ids=repr)
def test_training_and_held_out_rows_never_meet(toy):
    rows = [{tuple(row) for row in np.asarray(toy.draw(60, rng(side), side == 1)[0]).tolist()} for side in (0, 1)]
    causal = getattr(toy, "causal", False)  # their last token is a target only, so that prefixes may meet
    assert causal or not rows[0] & rows[1]


def test_negation_turns_a_word_and_hides_the_label_from_whoever_counts_words():
    toy = LabelledSequences(negation=True)
    drawn = toy.draw(400, rng())
    per_class = toy.words_per_class
    for ids, label in zip(drawn.ids.tolist(), drawn.targets[:, 0].tolist(), strict=True):
        says = [
            ((token - 2) // per_class) ^ (ids[place - 1] == NOT)
            for place, token in enumerate(ids)
            if 2 <= token < 2 + 2 * per_class
        ]
        assert says == [label, label]
    assert 0.4 < (drawn.ids == NOT).any(axis=1).mean() < 0.6
    with pytest.raises(ValueError, match="two classes"):
        LabelledSequences(n_classes=3, negation=True).draw(1, rng())


def test_the_label_is_what_most_words_speak_for():
    toy = LabelledSequences(n_classes=4)
    drawn = toy.draw(200, rng())
    kinds = (drawn.ids - 2) // toy.words_per_class
    counts = np.stack([((kinds == k) & (drawn.ids >= 2)).sum(axis=1) for k in range(4)], axis=1)
    np.testing.assert_array_equal(counts.argmax(axis=1), drawn.targets[:, 0])


def test_names_are_tagged_only_after_an_announcing_word():
    toy = Entities()
    ids, tags, _ = toy.draw(300, rng())
    is_name = (ids >= toy.n_kinds) & (ids < toy.n_kinds + toy.n_names)
    assert (tags[~is_name] == OUTSIDE).all()
    assert 0.1 < (tags[is_name] == OUTSIDE).mean() < 0.6, "some names are none"
    for row in range(300):
        for place in range(1, ids.shape[1]):
            before, tag = ids[row, place - 1], tags[row, place]
            if is_name[row, place] and before < toy.n_kinds:
                assert tag == 1 + 2 * before
            if tag and tag % 2 == 0:
                assert tags[row, place - 1] == tag - 1, "I follows B of the same kind"


def test_motifs_are_found_where_a_search_of_the_text_finds_them():
    toy = Motifs()
    ids, tags, _ = toy.draw(50, rng())
    for row, tag in zip(ids, tags, strict=True):
        text, inside = "".join(LETTERS[i] for i in row), np.zeros(toy.length, dtype=int)
        for i in range(toy.length - 3):
            if text[i : i + 2] == "TA" and text[i + 3] == "A":
                inside[i : i + 4] = 1
        np.testing.assert_array_equal(tag, inside)
    with pytest.raises(ValueError, match="motif"):
        Motifs("TAX").draw(1, rng())


@pytest.mark.parametrize("toy", [Translation(), Translation(n_languages=3)], ids=repr)
def test_translation_there_and_back_loses_nothing(toy):
    src, tgt = toy.draw(50, rng())
    np.testing.assert_array_equal(toy.translate_back(tgt), src)
    assert tgt.max() < toy.n_tokens and not (tgt[:, 1:] == src[:, 1:]).any()
    assert len(np.unique(toy.lexicon())) == toy.lexicon().size, "no word stands for two"


def test_a_summary_is_what_follows_the_marks():
    src, tgt = MarkedSummary().draw(50, rng())
    assert ((src == MARK).sum(axis=1) == 2).all()
    for row, out in zip(src.tolist(), tgt.tolist(), strict=True):
        assert out[1:] == [row[i + 1] for i, token in enumerate(row) if token == MARK]
    with pytest.raises(ValueError, match="do not fit"):
        MarkedSummary(length=3, n_marks=2).draw(1, rng())


def test_repair_changes_the_number_of_one_word_and_its_clause_outvotes_it():
    ids, right, _ = Agreement().draw(100, rng())
    assert ((ids != right).sum(axis=1) == 1).all() and (ids // 2 == right // 2).all()
    assert np.isin((right % 2).reshape(-1, 3).sum(axis=1), [0, 3]).all()


def test_a_paraphrase_keeps_the_meaning_and_has_the_wanted_style():
    toy = Styles()
    ids, targets, _ = toy.draw(50, rng())
    np.testing.assert_array_equal(toy.meaning(targets[:, 1:]), toy.meaning(ids[:, 1:]))
    assert (toy.style(targets[:, 1:]) == ids[:, :1]).all() and (targets != ids).any()


def test_brackets_are_partners_of_each_other():
    ids, places, _ = Brackets(length=10).draw(100, rng())
    np.testing.assert_array_equal(np.take_along_axis(places, places, axis=1), np.broadcast_to(np.arange(10), ids.shape))
    np.testing.assert_array_equal(np.take_along_axis(ids, places, axis=1), ids ^ 1)
    for wrong, why in ([[0, 2], "never closed"], [[1, 0], "closes nothing"], [[0, 3], "closes nothing"]):
        with pytest.raises(ValueError, match=why):
            partners(np.array([wrong]))
    with pytest.raises(ValueError, match="even"):
        Brackets(length=3).draw(1, rng())


def test_an_answer_is_the_value_after_its_key():
    ids, targets, asked = Lookup().draw(50, rng())
    for row, target, where in zip(ids.tolist(), targets.tolist(), asked.tolist(), strict=True):
        facts = dict(zip(row[:6:2], row[1:6:2], strict=True))
        assert row[6] == ASK
        assert [facts[row[i]] for i in range(10) if where[i]] == [target[i] for i in range(10) if where[i]]
    with pytest.raises(ValueError, match="different keys"):
        Lookup(n_keys=2).draw(1, rng())


@pytest.mark.parametrize("from_back", [True, False])
def test_sums_are_right(from_back):
    toy = Addition(3, from_back)
    ids, targets, asked = toy.draw(50, rng())
    for row, target in zip(ids.tolist(), targets[asked].reshape(50, 4).tolist(), strict=True):
        number = lambda digits: int("".join(map(str, digits)))  # noqa: E731
        assert number(row[:3]) + number(row[4:7]) == number(target[::-1] if from_back else target)


def test_expressions_parse_and_pieces_of_them_do_not():
    ids = Expressions().draw(50, rng()).ids
    assert all(is_expression(spelled(row[1:]) + ";") for row in ids)
    assert not any(map(is_expression, (";", "a+;", "(a;", "a", "ab+;")))


def test_a_season_comes_back_after_its_period():
    toy = Series(periods=(5,), noise=0.0, slope=0.0)
    values = toy.values(20, rng())
    np.testing.assert_allclose(values[:, 5:], values[:, :-5], atol=1e-12)
    rows, place = toy.with_spike(20, rng())
    assert ((rows[:, 5:] != rows[:, :-5]).sum(axis=1) <= 2).all() and (place >= toy.warm_up).all()
    assert np.abs(toy.centres()[[0, -1]]).max() == pytest.approx(1.5)


def test_visitors_follow_the_chain_of_their_shelf_unless_they_wander():
    toy = NextItems(wander=0.0)
    ids, targets, _ = toy.draw(20, rng())
    after = dict(zip(toy.shelves().ravel().tolist(), np.roll(toy.shelves(), -1, axis=1).ravel().tolist(), strict=True))
    assert (np.vectorize(after.get)(ids) == targets).all()
    assert toy.popularity().sum() == pytest.approx(1)


def test_a_figure_comes_again_a_step_away():
    ids = Melodies(n_notes=7).draw(50, rng()).ids
    steps = (ids[:, 3:] - ids[:, :-3]) % 7
    assert (steps == steps[:, :1]).all() and set(np.unique(steps)) == {0, 1, 6}


def test_a_text_repeats_after_its_period():
    ids, targets, asked = Repeats().draw(50, rng())
    period = (~asked).sum(axis=1)
    for row, target, p in zip(ids, targets, period.tolist(), strict=True):
        np.testing.assert_array_equal(row[p:], row[:-p])
        np.testing.assert_array_equal(target[p:], row[1 : len(row) - p + 1])


def test_pictures_hold_one_shape_in_its_box():
    pictures = Shapes(lost=0.1).pictures(60, rng())
    for clean, kind, box in zip(pictures.clean, pictures.kind, pictures.box, strict=True):
        top, left, height, width = (box * 8).round().astype(int)
        inside = clean[top : top + height, left : left + width]
        np.testing.assert_array_equal(inside, stamp(int(kind), int(height)))
        assert inside.sum() == clean.sum()
    assert set(np.unique(pictures.kind)) == set(range(len(KINDS)))
    known = pictures.images != LOST
    np.testing.assert_array_equal(pictures.images[known], pictures.clean[known])
    np.testing.assert_array_equal(pictures.pixels, pictures.clean * (1 + pictures.kind[:, None, None]))


def test_a_steady_tone_stays_in_its_band():
    time = np.arange(128) / 16
    picture = spectrogram(np.sin(2 * np.pi * 3 * time)[None])[0, :, :, 0]  # three cycles in a frame: band 3, from 1
    assert (picture.argmax(axis=0) == 2).all()
    drawn = sounds(10, rng())
    assert drawn.spectrograms.shape == (10, 8, 8, 1) and drawn.spectrograms.dtype == np.float32


def test_the_way_round_a_wall_is_found():
    cells = np.array([[AGENT, WALL, GOAL], [FREE, WALL, FREE], [FREE, FREE, FREE]])
    assert distances(cells)[0, 0] == 6 and best_actions(cells) == [1]
    assert grid_world.walk(cells, lambda now: best_actions(now)[0], 6) == 1
    assert grid_world.walk(cells, lambda now: best_actions(now)[0], 5) == 0
    world = GridWorld(cells)
    after, reward, done = world.step(3)
    assert (after == cells).all() and reward == 0 and not done, "a wall does not move"
    shut = np.array([[AGENT, WALL], [WALL, GOAL]])
    assert best_actions(shut) == []
    with pytest.raises(ValueError, match="one agent"):
        GridWorld(np.zeros((2, 2)))


def test_the_imitated_move_is_a_best_one():
    ids, targets, asked = GridMoves().draw(30, rng())
    for row, target, where in zip(ids, targets, asked, strict=True):
        assert target[where][0] in best_actions(row.reshape(4, 4))
