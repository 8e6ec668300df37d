"""One encoder for four kinds of data: what order has to say, and what a bag cannot tell, is known beforehand."""

import functools

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.data.toys.tones import sounds, spectrogram
from tfx.lab.beyond_text import four_kinds, kinds_of_data
from tfx.lab.beyond_text.four_kinds import BAG, NAMES, OWN, SHARED, Settings

PLACE = "tfx.lab.beyond_text.four_kinds"
READ = {"text", "pictures", "sounds", "dna"}


def changed(way, **changes):
    return lambda row: {**row, **changes} if row["way"] == way else row


BREAKS = Table(
    Settings(steps=90, models=1),
    Broken("nobody says where a piece stood", READ, positions="none"),
    *(Broken(f"{name} that is read like a bag", {name.lower()}, row=changed(SHARED, **{name: 51.0})) for name in NAMES),
    Broken("a bag with an order", {"bag"}, row=changed(BAG, DNA=90.0)),
    Broken("blocks that are not shared", {"blocks"}, row=changed(SHARED, parameters=40000)),
    always={f"{PLACE}.learned": instead(functools.cache(four_kinds.learned))},
)


def test_what_a_bag_can_tell_by_looking_through_many_pictures():
    """Pixels that are lost make it harder; none is lost here."""
    shapes = kinds_of_data.Shapes(8)
    drawn = shapes.pictures(6000, np.random.default_rng(0))
    lower = drawn.box[:, 0] + drawn.box[:, 2] / 2 > 0.5
    bags = {}
    for picture, label in zip(drawn.images, lower, strict=True):
        squares = [picture[i : i + 2, j : j + 2].tobytes() for i in range(0, 8, 2) for j in range(0, 8, 2)]
        bags.setdefault(tuple(sorted(squares)), [0, 0])[int(label)] += 1
    best = sum(max(both) for both in bags.values()) / len(drawn.images)
    assert kinds_of_data.most_of_a_bag_of_squares() == pytest.approx(7 / 12)
    assert best == pytest.approx(7 / 12, abs=0.08)  # an eighth of the pictures is held out


def test_a_sound_backwards_has_the_same_frames_and_another_answer():
    drawn = sounds(200, np.random.default_rng(1))
    backwards = spectrogram(drawn.waves[:, ::-1])
    np.testing.assert_allclose(backwards[:, :, ::-1], drawn.spectrograms, atol=1e-5)


def test_each_string_holds_the_motif_or_is_read_backwards():
    drawn = kinds_of_data.dna(300, np.random.default_rng(2))
    letters = ["".join("ACGT"[i] for i in row) for row in drawn.images[:, 0].argmax(axis=-1)]
    assert all(("GCAT" if back else "TACG") in row for row, back in zip(letters, drawn.labels, strict=True))
    assert 0.4 < drawn.labels.mean() < 0.6


def test_the_blocks_of_all_kinds_are_the_same_objects_or_none_is():
    shared, own = (four_kinds.Readers(together, "none", np.random.default_rng(0)) for together in (True, False))
    assert len({id(reader.stack) for reader in shared.readers}) == 1
    assert len({id(reader.stack) for reader in own.readers}) == 4
    stack = shared.readers[0].stack.n_parameters
    assert own.n_parameters - shared.n_parameters == 3 * stack


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(four_kinds)
    rows = {row["way"]: [row[name] for name in NAMES] for row in found.rows}
    said = {way: ", ".join(f"{value:.3g}" for value in values) for way, values in rows.items()}
    assert found.notes[0].text == (
        f"One encoder, the same numbers for all, reads {said[SHARED]} percent of text, pictures, sounds and DNA "
        f"rightly. Encoders of their own: {said[OWN]}."
    )
    assert found.question.answer == rows[BAG][3]
    assert found.plots[0].title == (
        f"One encoder reads {min(rows[SHARED]):.3g} to {max(rows[SHARED]):.3g}% of four kinds; without positions "
        f"{min(rows[BAG]):.3g} to {max(rows[BAG]):.3g}%"
    )
