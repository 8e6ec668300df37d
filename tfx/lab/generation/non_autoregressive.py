"""All tokens at once: positions that do not see each other cannot agree on one of several right answers.

The answer is A A ... A or B B ... B, both equally good; with M such answers and n places,

    places at random      each place has every word with probability 1 / M, so all agree with probability M^(1 - n)
    one after another     the first word is a free choice, and the others copy it: always valid

The best model with independent places has exactly those marginals: cross-entropy is least there, at log M nats a token
instead of log(M) / n.  With one answer in the data, as a teacher would give, nothing is left to agree on.
Source: Gu et al. 2018, "Non-Autoregressive Neural Machine Translation", who call it the multimodality problem and use a
teacher.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.data.fertility import Translations
from tfx.generate.shaping import probabilities_of
from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import agree, at_least, at_most, largest, smallest
from tfx.models import DecoderOnly, NonAutoregressive
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import next_token_loss, train
from tfx.train.non_autoregressive import fertility_loss

QUESTION = "How often does a model that writes all tokens at once mix two right answers?"
TITLE = "Two or more right answers, written all at once and one after another"
CLAIM = (
    "Writing all tokens at once needs one pass, but the tokens are independent: where several answers are right they "
    "mix, and the more so the longer the text is."
)
BREAK_IT = ("--set steps=1", "--set answers=1")
HOST_ONLY = "Models of a few numbers: nothing for a card."

#: What a trained model's share of valid texts may be off, as a share of M^(1 - n), and its loss of log M, in nats.
SLACK, LOSS_SLACK = 0.05, 0.01
#: What is valid nearly always.
ALWAYS = 0.9
WIDTH, RATE = 16, 0.02
#: Words that no answer has; one of them starts the texts that are written one by one.
OTHERS = 4


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((2, 3, 5, 8), 2, 32, "tokens of a text", at_least=2)
    answers: int = setting(2, 1, 16, "right answers, each one word over and over")
    steps: int = setting(100, 1, 5000, "of training, for each model")

    def quick(self) -> Settings:
        """Three of the lengths, fewer steps."""
        lengths = sorted(set(self.lengths))
        return replace(self, lengths=(lengths[0], lengths[len(lengths) // 2], lengths[-1]), steps=min(60, self.steps))

    def full(self) -> Settings:
        """More steps, and longer texts."""
        return replace(self, lengths=(*self.lengths, 12, 16), steps=max(1000, self.steps))

    def bytes_needed(self) -> float:
        """Two small models, and their activations for one batch."""
        return 8.0 * 400 * self.answers * max(self.lengths) * WIDTH + 2e6


COLUMNS = (
    Column("length", "tokens of the text"),
    Column("at_once", "valid, all at once", "%", digits=3),
    Column("by_count", "valid, by counting", "%", digits=3),
    Column("in_turn", "valid, one by one", "%", digits=3),
    Column("one_answer", "at once, one answer", "%", digits=3),
    Column("loss", "loss a token, at once", "nats", digits=4, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    for n in run.over(sorted(set(run.settings.lengths)), "{} tokens"):
        yield measure_row(run, n)


def measure_row(run: Run[Settings], n: int) -> dict[str, Any]:
    """Shares are probabilities that the trained models give to valid texts, not counts of draws."""
    settings = run.settings
    answers = np.repeat(np.arange(settings.answers)[:, None], n, axis=1)  # (M, n)
    seed = int(run.generator(n).integers(2**31))
    at_once, loss = all_at_once(answers, settings.steps, seed)
    return {
        "length": n,
        "at_once": 100 * at_once,
        "by_count": 100.0 * settings.answers ** (1 - n),
        "in_turn": 100 * one_by_one(answers, settings.steps, seed),
        "one_answer": 100 * all_at_once(answers[:1], settings.steps, seed)[0],
        "loss": loss,
    }


def all_at_once(answers: np.ndarray, steps: int, seed: int) -> tuple[float, float]:
    """answers: (M, n), all in every batch, for one and the same source -> the probability of any of them, and the last
    loss in nats a token."""
    n_answers, n = answers.shape
    src = np.full((n_answers, n), 0)
    batch = Translations(src, np.ones_like(src), answers, np.full(n_answers, n))
    vocab = int(answers.max()) + 1 + OTHERS
    model = NonAutoregressive(vocab, WIDTH, 2, d_ff=2 * WIDTH, n_layers=1, max_fertility=1, seed=seed)
    losses = trained(model, batch, fertility_loss(), steps)
    logits = model.forward(src[:1], np.ones_like(src[:1]), n)[0].logits[0]
    p = probabilities_of(np.asarray(logits))  # (n, V): independent places
    return float(sum(p[np.arange(n), answer].prod() for answer in answers)), losses[-1]


def one_by_one(answers: np.ndarray, steps: int, seed: int) -> float:
    """The probability of any answer, for a model that sees what it has written."""
    n_answers, n = answers.shape
    vocab = n_answers + OTHERS
    texts = np.concatenate([np.full((n_answers, 1), vocab - 1), answers], axis=1)  # the last word starts a text
    model = DecoderOnly(vocab, WIDTH, 2, d_ff=2 * WIDTH, n_layers=1, max_len=n + 1, seed=seed, tied=False)
    trained(model, texts, next_token_loss(), steps)
    logits, _ = model.forward(texts[:, :-1])
    p = probabilities_of(np.asarray(logits).reshape(-1, vocab)).reshape(n_answers, n, -1)
    return float(np.take_along_axis(p, answers[..., None], axis=-1)[..., 0].prod(axis=1).sum())


def trained(model: Any, batch: Any, loss: Any, steps: int) -> list[float]:
    """Every step on the same batch, which holds every answer once."""
    optimizer = AdamW(model, weight_decay=0.0)
    schedule = lambda step: warmup_cosine(step, RATE, max(steps // 10, 1), steps)  # noqa: E731
    return [record.loss for record in train(model, lambda rng: batch, loss, optimizer, schedule, steps)]


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, log_m = run.rows, math.log(run.settings.answers)
    return (
        at_most(
            "by-count",
            "valid texts, all at once, over M^(1 - n): off by, worst length",
            SLACK,
            largest(abs(row["at_once"] / row["by_count"] - 1) for row in rows),
        ),
        at_most("mixes", "valid texts, all at once, at the longest: percent", 50.0, rows[-1]["at_once"]),
        at_least(
            "one-by-one",
            "valid texts, one after another: percent, fewest",
            100 * ALWAYS,
            smallest(row["in_turn"] for row in rows),
        ),
        at_least(
            "one-answer",
            "valid texts, all at once, with one answer in the data: percent, fewest",
            100 * ALWAYS,
            smallest(row["one_answer"] for row in rows),
        ),
        agree(
            "loss",
            "loss all at once is log M a token, no less: largest difference, nats",
            [row["loss"] for row in rows],
            log_m,
            to=LOSS_SLACK,
        ),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    settings = run.settings
    return (
        f"{settings.answers} answers are right, each one word said {max(settings.lengths)} times. How many percent of "
        "the texts written all at once are valid?"
    )


def question(run: Run[Settings]) -> Question:
    last = run.rows[-1]
    explanation = f"{run.settings.answers}^(1 - {last['length']}) of them: every place but the first has to agree."
    return Question(prompt(run), last["at_once"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return (0, len(run.rows) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, first, last = run.settings, run.rows[0], run.rows[-1]
    return (
        Text(
            f"Of {settings.answers} right answers a model that writes all at once makes {first['at_once']:.3g}% valid "
            f"texts of {first['length']} tokens and {last['at_once']:.2g}% of {last['length']}. One by one "
            f"{last['in_turn']:.3g}% are valid."
        ),
        Text(
            "It is not badly trained: its loss is the least that independent places can have, log M a token. It lacks "
            "a way to agree (Gu et al. 2018 call it the multimodality problem)."
        ),
        Text(
            f"With one answer in the data {last['one_answer']:.3g}% of the texts are valid. So a teacher that always "
            "answers alike helps, as they found, and so does whatever settles the choice beforehand."
        ),
        Text(
            "The gain is passes: one for a text of any length, where one token after another takes as many as "
            "there are tokens. Where only one answer is right, all at once costs no quality here."
        ),
        Text(
            f"Models of one layer, new ones for each length, {settings.steps} steps. Shares are probabilities that the "
            "models give, not counts of draws, so they have no sampling error; the seed draws the first weights."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    n, last = [row["length"] for row in run.rows], run.rows[-1]

    def curve(label: str, key: str, kind: Any = "points") -> Series:
        return Series(label, n, [row[key] for row in run.rows], kind=kind)

    return (
        Plot(
            f"All at once, {last['at_once']:.2g}% of the texts of {last['length']} tokens are valid; one by one, "
            f"{last['in_turn']:.3g}%",
            "tokens of the text",
            "valid texts (%)",
            (
                curve("all at once", "at_once"),
                curve("M^(1 - n)", "by_count", "line"),
                curve("one after another", "in_turn"),
                curve("all at once, one answer in the data", "one_answer"),
            ),
            log_y=True,
        ),
    )
