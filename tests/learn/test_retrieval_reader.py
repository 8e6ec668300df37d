"""Reading instead of remembering: answers about facts that were never trained on, and stores that change."""

from itertools import chain

import numpy as np
import pytest

from tfx.data.facts import FactBatch, FactLanguage, fact_batch
from tfx.models.retrieval_reader import RetrievalReader, TextEncoder
from tfx.nn.block_settings import StackSettings
from tfx.nn.embedding import Embedding
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train import LossValue, train
from tfx.train.retrieval import answer_loss

LANGUAGE = FactLanguage()
KNOWN, NEW = LANGUAGE.pairs(held_out=False), LANGUAGE.pairs(held_out=True)
CHANCE = 1 / LANGUAGE.n_values
N_DOCUMENTS = 12


def schedule(steps: int):
    return lambda step: warmup_cosine(step, 5e-3, 20, steps)


def untrained(seed: int = 0) -> RetrievalReader:
    return RetrievalReader(
        LANGUAGE.n_tokens, d_model=32, n_heads=4, d_ff=64, n_retrieved=4, max_len=7, activation="relu", seed=seed
    )


def trained(steps: int, reader_first: int, seed: int = 0) -> RetrievalReader:
    """In every step the world is another one: the same question has another answer, so nothing can be remembered."""
    model = untrained(seed)

    def batch(rng: np.random.Generator) -> FactBatch:
        return fact_batch(LANGUAGE, LANGUAGE.draw_values(rng), KNOWN, rng, 32, N_DOCUMENTS)

    optimizer, rate = AdamW(model), schedule(steps)
    alone = train(model, batch, answer_loss(retriever=False), optimizer, rate, reader_first, seed=seed)
    together = train(model, batch, answer_loss(), optimizer, rate, steps, seed=seed, start=reader_first)
    for _ in chain(alone, together):
        pass
    return model


def new_facts(seed: int) -> FactBatch:
    """A new world, and a store of facts about pairs that training never asked about and never stored."""
    rng = np.random.default_rng((100, seed))
    return fact_batch(LANGUAGE, LANGUAGE.draw_values(rng), NEW, rng, 50, N_DOCUMENTS)


def accuracy(model: RetrievalReader) -> float:
    right = [model.answer(b.questions, b.documents).argmax(axis=-1) == b.answers for b in map(new_facts, range(6))]
    return float(np.mean(right))


def found_first(model: RetrievalReader) -> float:
    """How often the first document is the one about the pair in question."""
    shares = []
    for batch in map(new_facts, range(6)):
        chosen = model.forward(batch.questions, batch.documents)[0].chosen[:, 0]
        shares.append((batch.documents[chosen, 1:3] == batch.questions[:, 1:]).all(axis=1))
    return float(np.mean(shares))


@pytest.fixture(scope="module")
def reader() -> RetrievalReader:
    return trained(160, reader_first=50)


def test_it_answers_about_facts_that_are_in_the_store_and_were_never_trained_on(reader):
    assert accuracy(reader) > 0.9
    assert accuracy(untrained()) < 3 * CHANCE


def test_the_retriever_has_learnt_what_nobody_told_it(reader):
    assert found_first(untrained()) < 0.7 and found_first(reader) > 0.85


def test_changing_a_fact_in_the_store_changes_the_answer_and_no_other(reader):
    batch = new_facts(0)
    before = reader.answer(batch.questions, batch.documents).argmax(axis=-1)
    asked = next(i for i in range(50) if before[i] == batch.answers[i])
    about = (batch.documents[:, 1:3] == batch.questions[asked, 1:]).all(axis=1)
    documents = batch.documents.copy()
    documents[about, 3] = other = LANGUAGE.answers((documents[about, 3] - LANGUAGE.answers(0) + 1) % LANGUAGE.n_values)
    after = reader.answer(batch.questions, documents).argmax(axis=-1)
    same = (batch.questions == batch.questions[asked]).all(axis=1)
    assert (after[same] == other).all()
    assert (after[~same] == before[~same]).mean() > 0.95


def test_without_the_fact_in_the_store_it_is_at_chance(reader):
    right = []
    for batch in map(new_facts, range(6)):
        asked = (batch.documents[:, None, 1:3] == batch.questions[None, :, 1:]).all(axis=-1)  # (N, B)
        for i in range(len(batch.questions)):
            answer = reader.answer(batch.questions[i : i + 1], batch.documents[~asked[:, i]])
            right.append(answer[0].argmax() == batch.answers[i])
    assert np.mean(right) < 3 * CHANCE


def test_a_reader_without_a_store_remembers_what_it_was_told_and_guesses_the_rest():
    """The same encoder, the question alone, and one world that never changes."""
    rng = np.random.default_rng(0)
    settings = StackSettings(32, 4, 64, 1, activation="relu")
    model = TextEncoder(Embedding(LANGUAGE.n_tokens, 32, rng), LANGUAGE.n_tokens, "first", 3, settings, rng)
    values = LANGUAGE.draw_values(np.random.default_rng(1))

    def answers(pairs: np.ndarray) -> np.ndarray:
        return LANGUAGE.answers(values[pairs[:, 0], pairs[:, 1]])

    def loss(model: TextEncoder, pairs: np.ndarray, rng: np.random.Generator) -> LossValue:
        logits, cache = model.forward(LANGUAGE.questions(pairs))
        value, entropy = cross_entropy_forward(logits, answers(pairs))
        model.backward(cross_entropy_backward(1.0, entropy), cache)
        return LossValue(float(value), len(pairs))

    for _ in train(model, lambda rng: KNOWN, loss, AdamW(model), schedule(150), 150):
        pass
    right = {
        name: (model.forward(LANGUAGE.questions(pairs))[0].argmax(axis=-1) == answers(pairs)).mean()
        for name, pairs in (("known", KNOWN), ("new", NEW))
    }
    assert right["known"] == 1.0
    assert right["new"] < 4 * CHANCE


@pytest.mark.slow
def test_every_seed_learns_in_300_steps_if_the_reader_begins_alone_and_not_every_one_otherwise():
    """While the reader guesses, what it tells the retriever is noise, and Adam makes large steps of small noise."""
    reader_first = [accuracy(trained(300, 50, seed)) for seed in range(4)]
    together = [accuracy(trained(300, 0, seed)) for seed in range(4)]
    assert min(reader_first) > 0.95
    assert min(together) < 0.8
