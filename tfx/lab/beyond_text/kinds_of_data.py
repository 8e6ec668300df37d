"""Text, pictures, sounds and DNA as rows of tokens, each with a question that their order answers.

    text        is a sentence good or bad, where <not> turns the next word round
    pictures    does a shape stand in the lower half, in 16 squares of 2 x 2 pixels
    sounds      steady, rising, falling or trembling, in 8 frames of 8 frequencies
    DNA         TACG or, read backwards, GCAT

What the same tokens in any order can tell has a limit.  In half of the sentences the words alone decide, in the others
they leave two answers: 3 / 4.  A rising sound backwards is a falling one, and as likely: 3 / 4.  A string of letters
backwards is as likely as it is forwards: 1 / 2.  The pictures are few, so that all of them are looked through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfx.data.toys.labelled_sequences import LabelledSequences
from tfx.data.toys.motifs import LETTERS, Motifs
from tfx.data.toys.shapes import KINDS as SHAPES
from tfx.data.toys.shapes import SIZES, Shapes, stamp
from tfx.data.toys.tones import CLASSES, N_BANDS, N_FRAMES, sounds
from tfx.data.toys.toy import Rng
from tfx.train.classification import ImageBatch

TEXT = LabelledSequences(words_per_class=3, n_neutral=6, length=6, negation=True)
PICTURES = Shapes(8, lost=0.05)
DNA = Motifs("TACG", 8)
SQUARE = 2


class Kind(NamedTuple):
    """draw(n, rng, held_out) -> images: (n, height, width, channels), labels.  bag: the share right of a reader to whom
    the order of the tokens says nothing, at most."""

    name: str
    draw: Callable[[int, Rng, bool], ImageBatch]
    size: tuple[int, int]
    patch: int
    channels: int
    classes: int
    bag: Callable[[], float]

    @property
    def tokens(self) -> int:
        return self.size[0] * self.size[1] // self.patch**2


def one_hot(ids: np.ndarray, n_tokens: int) -> np.ndarray:
    """ids: (n, T) -> (n, 1, T, n_tokens): a linear map of it is a row of an embedding table."""
    return np.eye(n_tokens, dtype="float32")[ids][:, None]


def text(n: int, rng: Rng, held_out: bool = False) -> ImageBatch:
    drawn = TEXT.draw(n, rng, held_out)
    return ImageBatch(one_hot(drawn.ids, TEXT.n_tokens), drawn.targets[:, 0])


def pictures(n: int, rng: Rng, held_out: bool = False) -> ImageBatch:
    drawn = PICTURES.pictures(n, rng, held_out)
    top, height = drawn.box[:, 0], drawn.box[:, 2]
    return ImageBatch(drawn.images[..., None].astype("float32"), (top + height / 2 > 0.5).astype("int64"))


def tones(n: int, rng: Rng, held_out: bool = False) -> ImageBatch:
    """No sound is drawn twice, so none needs to be held out."""
    drawn = sounds(n, rng)
    return ImageBatch(drawn.spectrograms.transpose(0, 3, 2, 1), drawn.labels)  # (n, 1, frames, bands)


def dna(n: int, rng: Rng, held_out: bool = False) -> ImageBatch:
    """Strings that hold the motif, every second one backwards."""
    found = np.zeros((0, DNA.length), dtype="int64")
    while len(found) < n:
        drawn = DNA.draw(2 * n, rng, held_out)
        found = np.concatenate([found, drawn.ids[drawn.targets.any(axis=1)]])[:n]
    backwards = rng.integers(2, size=n)
    return ImageBatch(one_hot(np.where(backwards[:, None], found[:, ::-1], found), len(LETTERS)), backwards)


def most_of_a_bag_of_squares() -> float:
    """The best answer to each bag of squares, over all pictures: the lost pixels can only make it harder."""
    side, chances = PICTURES.side, defaultdict[tuple[bytes, ...], list[float]](lambda: [0.0, 0.0])
    for kind, size in ((kind, size) for kind in range(len(SHAPES)) for size in SIZES):
        places = side - size + 1
        for top, left in np.ndindex(places, places):
            picture = np.zeros((side, side), dtype=bool)
            picture[top : top + size, left : left + size] = stamp(kind, size)
            squares = picture.reshape(side // SQUARE, SQUARE, -1, SQUARE).swapaxes(1, 2).reshape(-1, SQUARE**2)
            bag = tuple(sorted(square.tobytes() for square in squares))
            chances[bag][int(top + size / 2 > side / 2)] += 1 / (len(SHAPES) * len(SIZES) * places**2)
    return sum(max(both) for both in chances.values())


KINDS = (
    Kind("text", text, (1, 1 + TEXT.length), 1, TEXT.n_tokens, 2, lambda: 3 / 4),
    Kind("pictures", pictures, (8, 8), SQUARE, 1, 2, most_of_a_bag_of_squares),
    Kind("sounds", tones, (1, N_FRAMES), 1, N_BANDS, len(CLASSES), lambda: 3 / 4),
    Kind("DNA", dna, (1, DNA.length), 1, len(LETTERS), 2, lambda: 1 / 2),
)
