"""How the three models that ship are trained from nothing, and how good they are.  `make weights` does it.

pointing, plain   one architecture, the same sentences in the same order; "pointing" has the pointing loss in addition.
                  Both are trained with seeds 0, 1 and 2.  Seed 0 ships, whatever it gives; the others show the spread.
language          next-token prediction on the documentation inside the running Python (tfx/data/python_docs.py).

Everything is seeded.  On one machine with one version of Python and NumPy the files come out byte for byte the same;
elsewhere the last bits of a matrix product differ, and after thousands of steps so do the weights.  Each model trains
in a process of its own with one thread, because that is faster here than threads inside small products, and repeatable.
Weights are stored in half precision; the scores in the file are those of the rounded weights.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfx.data import pronouns, python_docs
from tfx.io.model_file import save_model
from tfx.models import LanguageModel, Model, PronounModel
from tfx.ops.attention.pointing import pointing_backward, pointing_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import Adam, AdamW
from tfx.schedule import warmup_cosine
from tfx.shipped.language_scores import as_ids, score_language
from tfx.shipped.pronoun_scores import score_pronouns
from tfx.tokenizers import WordTokenizer
from tfx.train import LossValue, StepRecord, next_token_loss, train

WEIGHTS = Path(__file__).parent / "weights"
NAMES = ("pointing", "plain", "language")
SHIPPED_SEED = 0
STORAGE = "float16"
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Recipe(NamedTuple):
    """Every choice that is not the architecture."""

    seeds: tuple[int, ...] = (0, 1, 2)
    pronoun_steps: int = 500
    pronoun_batch: int = 64
    pronoun_rate: float = 3e-3
    smoothing: float = 0.1  # of the answer and of the pointer
    judged_on: int = 2000  # sentences about held-out pairs
    words: int = 1600
    pieces: int = 600
    docstrings: bool = True
    language_steps: int = 3500
    language_batch: int = 24
    window: int = 64  # tokens in one training example
    language_rate: float = 4e-3
    d_model: int = 64


QUICK = Recipe((0,), 6, 16, 3e-3, 0.1, 50, 150, 60, False, 4, 4, 16, 4e-3, 16)


#: What is told on the way, a line at a time; called in the processes that train, so it is a function of a module.
Say = Callable[[str], None]


def say_nothing(line: str) -> None:
    """For whoever does not want to hear of it."""


class Trained(NamedTuple):
    """A model with its rounded weights, the seed it came from, and what was measured with it."""

    model: Model
    seed: int
    meta: dict[str, Any]


def train_pronouns(name: str, seed: int, recipe: Recipe, say: Say = say_nothing) -> Trained:
    """name: "pointing" or "plain"."""
    model = PronounModel(len(pronouns.VOCABULARY), seed=seed)
    optimizer = Adam(model)
    schedule = partial(
        warmup_cosine, peak=recipe.pronoun_rate, warmup=min(50, recipe.pronoun_steps), total=recipe.pronoun_steps
    )
    batches = partial(pronouns.training_batch, batch_size=recipe.pronoun_batch)
    share = 1.0 if name == "pointing" else 0.0
    steps = train(
        model, batches, pronoun_loss(share, recipe.smoothing), optimizer, schedule, recipe.pronoun_steps, seed=seed
    )
    _follow(f"{name}, seed {seed}", steps, recipe.pronoun_steps, say)
    _round(model)
    scores = score_pronouns(model, pronouns.sentences(recipe.judged_on, seed=10_000, held_out=True))
    layer, head = scores.best_head
    measured = {
        "seed": seed,
        "n": scores.n,
        "accuracy": scores.accuracy,
        "pointing_rate": scores.pointing_rate,
        "best_head": {"layer": layer, "head": head, "pointing_rate": scores.by_head[layer][head]},
    }
    return Trained(model, seed, {"steps": recipe.pronoun_steps, "batch": recipe.pronoun_batch, "held_out": measured})


def pronoun_loss(share: float, smoothing: float) -> Any:
    """Cross-entropy of the answer, plus `share` times the pointing loss on the last layer's weights, all heads.

    With smoothed targets the models stay a little unsure, so that their gradients remain worth looking at.
    """

    def loss(model: PronounModel, batch: pronouns.Batch, rng: np.random.Generator) -> LossValue:
        logits, cache = model.forward(batch.ids, batch.it, batch.lengths)
        answer, answer_cache = cross_entropy_forward(logits, batch.answer, smoothing)
        total, dweights = float(answer), None
        if share:
            weights = cache.attention(1).weights  # (B, H, T, T)
            there = np.arange(weights.shape[-1]) < batch.lengths[:, None]
            pointing, pointing_cache = pointing_forward(weights, batch.it, batch.referent, smoothing, there)
            total += share * float(pointing)
            dweights = pointing_backward(share, pointing_cache)
        model.backward(cross_entropy_backward(1.0, answer_cache), cache, dweights)
        return LossValue(total, len(batch.ids))

    return loss


def train_language(recipe: Recipe, say: Say = say_nothing) -> Trained:
    """The language model, its vocabulary and its perplexity next to the baselines."""
    training_text = python_docs.paragraphs(held_out=False, docstrings=recipe.docstrings)
    tokenizer = WordTokenizer.train(training_text, recipe.words, recipe.pieces)
    training = as_ids(tokenizer, training_text)
    held_out = as_ids(tokenizer, python_docs.paragraphs(held_out=True, docstrings=recipe.docstrings))
    model = LanguageModel(
        len(tokenizer), d_model=recipe.d_model, n_heads=4, d_ff=4 * recipe.d_model, activation="relu", seed=SHIPPED_SEED
    )

    def batches(rng: np.random.Generator) -> np.ndarray:
        stream = _shuffled_stream(rng, training, recipe.language_batch * (recipe.window + 1))
        return stream.reshape(recipe.language_batch, recipe.window + 1)

    schedule = partial(
        warmup_cosine, peak=recipe.language_rate, warmup=min(100, recipe.language_steps), total=recipe.language_steps
    )
    steps = train(model, batches, next_token_loss(), AdamW(model), schedule, recipe.language_steps, seed=SHIPPED_SEED)
    _follow("language", steps, recipe.language_steps, say)
    _round(model)
    scores = score_language(model, training, held_out)
    meta = {
        "steps": recipe.language_steps,
        "batch": recipe.language_batch,
        "window": recipe.window,
        "vocabulary": list(tokenizer.tokens),
        "text": "documentation inside Python: pydoc_data.topics" + (" and docstrings" if recipe.docstrings else ""),
        "training_tokens": int(sum(len(ids) for ids in training)),
        "held_out": scores._asdict(),
    }
    return Trained(model, SHIPPED_SEED, meta)


def _shuffled_stream(rng: np.random.Generator, paragraphs: list[np.ndarray], n: int) -> np.ndarray:
    """n tokens of paragraphs in random order, each with its `<end>`, starting with the first token of one."""
    parts: list[np.ndarray] = []
    while sum(len(part) for part in parts) < n:
        parts += [paragraphs[i] for i in rng.integers(len(paragraphs), size=64)]
    return np.concatenate(parts)[:n]


def _round(model: Model) -> None:
    model.load_state({name: value.astype(STORAGE) for name, value in model.state().items()})


def _follow(what: str, steps: Iterator[StepRecord], total: int, say: Say) -> None:
    for record in steps:
        if record.step == total or record.step % 100 == 0:
            say(f"{what}: step {record.step} of {total}, loss {record.loss:.4f}")


def _write(name: str, folder: Path, trained: list[Trained], say: Say) -> None:
    """trained: one model, or the same model from several seeds; the shipped seed is written."""
    shipped = next(run for run in trained if run.seed == SHIPPED_SEED)
    meta = {
        "name": name,
        "seed": SHIPPED_SEED,
        "python": platform.python_version(),
        "numpy": np.__version__,
        **shipped.meta,
        "spread": [run.meta["held_out"] for run in trained],
    }
    path = folder / f"{name}.npz"
    save_model(path, shipped.model, meta, storage=STORAGE)
    for run in trained:
        measured = ", ".join(f"{key} {value}" for key, value in run.meta["held_out"].items())
        say(f"{name}: held-out: {measured}")
    say(f"{name}: wrote {path}, {path.stat().st_size} bytes")


def make(names: tuple[str, ...], folder: Path, recipe: Recipe, say: Say = say_nothing) -> None:
    """Trains `names` on two processes and writes one file each into `folder`, which is created when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with _one_thread_each(), ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        language = [pool.submit(train_language, recipe, say)] if "language" in names else []
        runs = {
            name: [pool.submit(train_pronouns, name, seed, recipe, say) for seed in recipe.seeds]
            for name in names
            if name != "language"
        }
        for name, futures in runs.items():
            _write(name, folder, [future.result() for future in futures], say)
        for future in language:
            _write("language", folder, [future.result()], say)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile read these variables before they import NumPy."""
    before = {variable: os.environ.get(variable) for variable in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                del os.environ[variable]
            else:
                os.environ[variable] = value
