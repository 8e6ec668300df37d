"""Few labels: an encoder that has filled gaps in texts without labels learns to name the subject of a text from a few.

A text is about one of K subjects: most of its words are drawn from that subject's own, the others from all.  A few
labelled texts hold a part of the words only.  Who starts from nothing knows nothing of the others; who has filled gaps
has learned which words stand together, and needs labels for the names of the subjects alone.

    scratch       random weights, all of them tuned
    fine-tuned    weights from the gaps, all of them tuned
    frozen        weights from the gaps, which stay; a new head alone is tuned
    far           fine-tuned, but the gaps were in texts where the same words stand in other company

A text is named by the mean of its places' scores.
Sources: Devlin et al. 2019, "BERT", sections 3.1 and 5.3; few labels: Howard and Ruder 2018, "Universal Language Model
Fine-tuning for Text Classification".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from tfx.data.masked_tokens import mask_tokens
from tfx.models import Encoder
from tfx.models.word_vectors import nearest
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import LossValue, train
from tfx.train.losses import learn_targets
from tfx.tuning import Part

SUBJECTS, OWN, LENGTH, STRAY = 4, 12, 6, 0.3
WORDS = SUBJECTS * OWN
MASK = WORDS
SIZES: dict[str, Any] = {"d_model": 16, "n_heads": 2, "d_ff": 32, "n_layers": 1, "positions": "none", "tied": False}
#: of filling gaps: texts in a batch, step size; of the labels: step size, steps
BATCH, RATE, TUNING_RATE, TUNED = 64, 3e-2, 1e-2, 60
SCRATCH, TUNE, FROZEN, FAR = "scratch", "fine-tuned", "frozen", "far"
WAYS = (SCRATCH, TUNE, FROZEN, FAR)


class Texts(NamedTuple):
    """ids: (n, LENGTH), the words of subject s are numbered from s * OWN; subjects: (n,)."""

    ids: np.ndarray
    subjects: np.ndarray


def draw(n: int, rng: np.random.Generator) -> Texts:
    """The subjects take turns, so that each has as many texts."""
    subjects = rng.permutation(n) % SUBJECTS
    own = subjects[:, None] * OWN + rng.integers(OWN, size=(n, LENGTH))
    stray = rng.random((n, LENGTH)) < STRAY
    return Texts(np.where(stray, rng.integers(WORDS, size=(n, LENGTH)), own), subjects)


@lru_cache(maxsize=16)
def pretrained(steps: int, seed: int, far: bool = False) -> Encoder:
    """An encoder that has filled gaps in ever new texts, and was told no subject.  Its weights are not to be changed.

    far: in texts of another kind, where the same words stand in other company.
    """
    model = Encoder(WORDS + 1, n_outputs=WORDS, max_len=LENGTH, seed=seed, **SIZES)
    company = np.random.default_rng((seed, 2)).permutation(WORDS)

    def batch(rng: np.random.Generator) -> Any:
        ids = draw(BATCH, rng).ids
        return mask_tokens(company[ids] if far else ids, rng, WORDS + 1, MASK, rate=1 / 3)

    def loss(model: Encoder, batch: Any, rng: Any) -> LossValue:
        logits, cache = model.forward(batch.ids)
        return learn_targets(model, logits, cache, batch.targets, keep=batch.chosen)

    _fit(model, model, batch, loss, RATE, steps, seed)
    return model


def named(way: str, labels: int, pretraining: int, asked: int, seed: int) -> float:
    """The share of `asked` new texts whose subject is told rightly after tuning on so many labelled ones.

    pretraining: steps of filling gaps before.  All ways of a seed see the same labelled texts and are asked the same.
    """
    model = Encoder(WORDS + 1, n_outputs=SUBJECTS, max_len=LENGTH, seed=seed, **SIZES)
    if way != SCRATCH:
        known = (pretrained(pretraining, seed, True) if way == FAR else pretrained(pretraining, seed)).state()
        model.load_state(_with_body(model, known))
    part = Part(model, lambda name: name.startswith("output.")) if way == FROZEN else model
    rng = np.random.default_rng((seed, 1))
    few, new = draw(labels, rng), draw(asked, rng)

    def loss(model: Encoder, few: Texts, rng: Any) -> LossValue:
        logits, cache = model.forward(few.ids)
        return learn_targets(model, logits, cache, np.repeat(few.subjects[:, None], LENGTH, axis=1))

    _fit(model, part, lambda rng: few, loss, TUNING_RATE, TUNED, seed)
    return float((model.forward(new.ids)[0].mean(axis=1).argmax(axis=-1) == new.subjects).mean())


def _with_body(model: Encoder, known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The state of a model whose head is new, and stays so."""
    return {name: value if name.startswith("output.") else known[name] for name, value in model.state().items()}


def _fit(
    model: Encoder, part: Any, batches: Callable[[Any], Any], loss: Any, peak: float, steps: int, seed: int
) -> None:
    rate = partial(warmup_cosine, peak=peak, warmup=max(steps // 10, 1), total=steps)
    for _ in train(model, batches, loss, AdamW(part), rate, steps, seed=seed):
        pass


def words_seen(labels: int, seed: int) -> int:
    """How many of the words stand in the labelled texts."""
    return len(np.unique(draw(labels, np.random.default_rng((seed, 1))).ids))


def same_subject(model: Encoder) -> float:
    """The share of words whose nearest word, by the angle of their vectors, is of the same subject."""
    vectors = model.embedding.table.value[:WORDS]
    return float(np.mean([nearest(vectors, word, 1)[0] // OWN == word // OWN for word in range(WORDS)]))
