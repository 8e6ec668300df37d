"""A translator small enough to learn its language while one waits: words spelt backwards, the noun first.

    old cow wet hen   ->   woc dlo neh tew

The language is tfx/data/toys/translation.py with four adjectives and four nouns; the model is an encoder-decoder of one
block on each side and one head, pre-LN, with learned positions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.data.toys.toy import Pairs
from tfx.data.toys.translation import Translation
from tfx.models import EncoderDecoder
from tfx.ops.basics.softmax import softmax_forward
from tfx.train.toys import learn_toy

TOY = Translation(n_words=4, n_pairs=2)
OWN = ("red", "big", "old", "wet", "cat", "dog", "hen", "cow")
STEPS, SENTENCES = 200, 50
WIDTH = 24
SIZES: dict[str, Any] = {
    "d_model": WIDTH,
    "d_ff": 48,
    "n_heads": 1,
    "n_layers": 1,
    "max_len": 8,
    "positions": "learned",
}
#: Places of a source (start mark, adjective, noun, adjective, noun) that are translated first, second, third, fourth.
TRANSLATED = np.array([2, 1, 4, 3])


def unseen(seed: int) -> Pairs:
    """SENTENCES of them, which training never saw.  src and tgt: (B, 5) ids, the start mark first."""
    return TOY.draw(SENTENCES, np.random.default_rng((seed, 1)), held_out=True)


def learn_translator(seed: int) -> EncoderDecoder:
    """Trained for STEPS updates of 32 sentences each."""
    with blas_threads(1):
        model = learn_toy(TOY, STEPS, seed, 1.2e-2, 32, held_out=4, **SIZES).model
    assert isinstance(model, EncoderDecoder)
    return model


def words(ids: np.ndarray) -> list[str]:
    """Tokens as words: the foreign language spells a word backwards."""
    lexicon = {0: "<start>"} | {1 + i: word for i, word in enumerate(OWN)}
    lexicon |= {int(foreign): OWN[i][::-1] for i, foreign in enumerate(TOY.lexicon()[0])}
    return [lexicon[int(i)] for i in ids]


def write_greedily(model: EncoderDecoder, src: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """src: (1, S) -> ids: (1, length + 1), the start mark first; p: (length, V), what each step chose from.

    The source is encoded once; nothing else is kept from step to step.
    """
    memory, source = model.encode(src)
    ids, chosen_from = src[:, :1], []
    for _ in range(length):
        logits, _ = model.decode(ids, memory, source)
        chosen_from.append(softmax_forward(logits[0, -1])[0])
        ids = np.concatenate([ids, [[chosen_from[-1].argmax()]]], axis=1)
    return ids, np.array(chosen_from)


def with_another_word(
    model: EncoderDecoder, src: np.ndarray, ids: np.ndarray, other: int
) -> tuple[np.ndarray, np.ndarray]:
    """src: (1, S), ids: (1, T), the start mark first -> (T, V) twice: the probabilities of all places in one pass, and
    the same when the first word of `ids` is `other`."""
    changed = ids.copy()
    changed[0, 1] = other
    right, misled = (softmax_forward(model.forward(src, given)[0][0])[0] for given in (ids, changed))
    return right, misled
