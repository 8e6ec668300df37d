"""Writing all words at once: learnt where one answer is right, and not where two are."""

import numpy as np
import pytest

from tfx.data.fertility import Translations, draw_dictionary, either_order, translate
from tfx.data.toys.tasks import held_out_sequences, training_sequences
from tfx.models import EncoderDecoder
from tfx.models.non_autoregressive import NonAutoregressive
from tfx.ops.basics.softmax import softmax_forward
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train import PairBatch, train, translation_loss
from tfx.train.non_autoregressive import fertility_loss

N_WORDS = 8
N_TARGET_WORDS = 6  # fewer than words, so that different words share translations
DICTIONARY = draw_dictionary(np.random.default_rng(1), N_WORDS, N_TARGET_WORDS)


def trained(model, batches, loss, steps, learning_rate, seed=0):
    """The model after training, and the mean loss of its last tenth."""
    records = train(
        model, batches, loss, AdamW(model), lambda s: warmup_cosine(s, learning_rate, 20, steps), steps, seed=seed
    )
    losses = [record.loss for record in records]
    return model, float(np.mean(losses[-steps // 10 :]))


def translator(length: int, steps: int, learning_rate: float, seed: int = 0, copy: str = "fertility"):
    model = NonAutoregressive(
        N_WORDS,
        tgt_vocab=N_TARGET_WORDS,
        d_model=32,
        n_heads=4,
        d_ff=64,
        n_layers=1,
        activation="relu",
        copy=copy,
        seed=seed,
    )

    def batch(rng: np.random.Generator) -> Translations:
        return translate(DICTIONARY, training_sequences(rng, 64, length, N_WORDS))

    return trained(model, batch, fertility_loss(), steps, learning_rate, seed)[0]


def share_right(model: NonAutoregressive, length: int, n: int) -> float:
    """The share of whole sentences, none of them seen in training, that are translated without a mistake."""
    test = translate(DICTIONARY, held_out_sequences(np.random.default_rng(0), n, length, N_WORDS))
    right = 0
    for src, target, size in zip(test.src, test.targets, test.lengths, strict=True):
        ids, lengths = model.translate(src[None])
        right += lengths[0] == size and np.array_equal(ids[0], target[:size])
    return right / n


def test_words_that_become_none_to_three_words_are_learnt():
    """200 steps: most whole sentences are right already; what is reached in the end is the slow test below."""
    assert share_right(translator(4, 200, 1e-2), 4, 120) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_longer_sentences_are_learnt_whatever_the_seed(seed):
    assert share_right(translator(5, 700, 6e-3, seed), 5, 500) > 0.95


def pairs(rng: np.random.Generator) -> Translations:
    return either_order(rng, 64, 4)


def drawn(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """logits: (..., V) -> (...) ids drawn from their softmax."""
    ends = softmax_forward(logits)[0].cumsum(axis=-1)
    return (ends < rng.random((*ends.shape[:-1], 1))).sum(axis=-1)


def mixtures(written: np.ndarray, src: np.ndarray) -> float:
    """The share of answers that are neither of the two right ones."""
    right = (written == src).all(axis=1) | (written == src[:, ::-1]).all(axis=1)
    return 1 - right.mean()


@pytest.fixture(scope="module")
def non_autoregressive():
    model = NonAutoregressive(4, d_model=24, n_heads=3, d_ff=32, n_layers=1, activation="relu")
    return trained(model, pairs, fertility_loss(), 150, 6e-3)


@pytest.fixture(scope="module")
def autoregressive():
    start = 4

    def batch(rng: np.random.Generator) -> PairBatch:
        src, _, targets, _ = pairs(rng)
        return PairBatch(src, np.concatenate([np.full((64, 1), start), targets], axis=1))

    model = EncoderDecoder(5, d_model=24, n_heads=3, d_ff=32, n_layers=1, activation="relu", tied=False)
    return trained(model, batch, translation_loss(), 150, 6e-3)


def test_with_two_right_answers_half_of_what_is_written_at_once_is_a_mixture(non_autoregressive):
    model, loss = non_autoregressive
    src, fertilities, _, _ = either_order(np.random.default_rng(7), 2000, 4)
    logits = model.forward(src, fertilities, 2)[0].logits
    written = drawn(logits, np.random.default_rng(8))
    assert mixtures(written, src) == pytest.approx(0.5, abs=0.05)
    twice = (written[:, 0] == written[:, 1]).mean()
    assert twice == pytest.approx(mixtures(written, src), abs=0.02), "a mixture is one word twice: AA or BB"
    # each place on its own is as good as it can be: half A, half B, which costs ln 2 a word
    assert loss == pytest.approx(np.log(2), abs=0.04)


def test_the_likeliest_words_are_no_way_out(non_autoregressive):
    """Both places are a tie between A and B; which side each falls on is an accident of training."""
    model, _ = non_autoregressive
    src, fertilities, _, _ = either_order(np.random.default_rng(7), 2000, 4)
    p = softmax_forward(model.forward(src, fertilities, 2)[0].logits)[0]
    best = p.max(axis=-1)
    assert 0.5 - 0.02 < best.mean() < 0.62


def test_a_decoder_that_writes_word_after_word_keeps_to_one_answer(autoregressive):
    model, loss = autoregressive
    src = either_order(np.random.default_rng(7), 2000, 4).src
    rng, written = np.random.default_rng(8), np.full((2000, 1), 4)
    for _ in range(2):
        logits, _ = model.forward(src, written)
        written = np.concatenate([written, drawn(logits[:, -1], rng)[:, None]], axis=1)
    assert mixtures(written[:, 1:], src) < 0.02
    assert (written[:, 1:] == src).all(axis=1).mean() == pytest.approx(0.5, abs=0.06), "and it writes both of them"
    # the first word costs ln 2, the second nothing
    assert loss == pytest.approx(np.log(2) / 2, abs=0.04)
