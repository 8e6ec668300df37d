"""What the shipped language model writes: greedy texts repeat, drawn ones do not."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.generate import greedy, sample
from tfx.lab import frame
from tfx.lab.generation import repetition
from tfx.shipped.load import load

PLACE = "tfx.lab.generation.repetition"


def of_way(way, **changes):
    """Rows in which one way has other numbers."""
    return lambda row: {**row, **changes} if row["way"].startswith(way) else row


BREAKS = Table(
    repetition.Settings(beginnings=6, tokens=32, draws=1, beams=1),
    Broken("no penalty", {"penalty-helps"}, penalty=1.0),
    Broken("only long pieces may not come twice", {"none-twice"}, ngram=20),
    Broken("greedy texts without repetition", {"greedy-repeats", "penalty-helps"}, row=of_way("greedy", repeated=0.0)),
    Broken("drawn texts that repeat a little", {"drawing-does-not"}, row=of_way("drawn", repeated=6.0)),
    Broken(
        "tokens that are unlikely",
        {"likelier"},
        planted={f"{PLACE}.log_probability": lambda o: lambda *given: -o(*given)},
    ),
    Broken(
        "tables that count up",
        {"must-loop"},
        planted={f"{PLACE}.greedy": instead(lambda reader, prompt, n: np.arange(n))},
    ),
)


@pytest.mark.parametrize("seed", range(2))
def test_all_checks_hold(seed):
    found = frame.run(repetition, repetition.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_a_phrase_is_read_at_its_own_places():
    """By one pass over each phrase alone, with everything before it."""
    model = load("language", "float64").model
    phrases = np.random.default_rng(0).integers(model.settings.vocab, size=(3, repetition.PHRASE))
    gained = repetition.once_more(model, phrases)
    for phrase, gain in zip(phrases, gained, strict=True):
        text, found = list(phrase) * repetition.REPEATS, []
        for start in (len(phrase), len(phrase) * (repetition.REPEATS - 1)):
            logits, _ = model.forward(np.array([text[: start + len(phrase)]]))
            log_p = logits[0] - np.log(np.exp(logits[0]).sum(axis=-1, keepdims=True))
            found.append(np.mean([log_p[at - 1, text[at]] for at in range(start + 1, start + len(phrase))]))
        assert gain == pytest.approx(found[1] - found[0], abs=1e-9)


def test_what_is_said_is_what_was_measured():
    """The shares once more, by counting pieces of four in what greedy and sample give."""
    found = BREAKS.run(repetition)
    shipped = load("language", "float32")
    prompts = [shipped.tokenizer.encode(text) for text in repetition.BEGINNINGS[:6]]

    def repeated(texts):
        shares = []
        for text in texts:
            pieces = [tuple(text[at : at + 4]) for at in range(len(text) - 3)]
            shares.append(100 * sum(piece in pieces[:at] for at, piece in enumerate(pieces)) / len(pieces))
        return float(np.mean(shares))

    taken = repeated([greedy(shipped.model, prompt, 32).tolist() for prompt in prompts])
    seed = int(frame.Run(BREAKS.settings).generator(1).integers(2**31))
    drawn = repeated([text.tolist() for text in sample(shipped.model, prompts, 32, seed).ids])
    rows = {row["way"]: row for row in found.rows}
    more = rows["greedy"]["log_p"] - rows["drawn"]["log_p"]
    assert found.question.answer == pytest.approx(taken)
    assert found.notes[0].text == (
        f"Of greedy texts {taken:.2g}% of the 4-grams are repeated, of drawn ones {drawn:.2g}%, although a greedy "
        f"token has {more:.2g} nats more. A penalty leaves {rows['greedy, penalty 1.3']['repeated']:.2g}%."
    )
