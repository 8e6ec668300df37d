"""Why the likeliest next token, taken every time, ends in repetition, and what holds it back.

    repeated share     of the 4-grams of a text: those that stood in it before
    greedy decoding    a function of the context: where a context comes back, so does all that followed it

The model that ships writes on from fixed beginnings.  Texts drawn from its own distribution are what it says of the
language it learned: they are the control.
Sources: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", sections 4 and 5; the penalty, Keskar et
al. 2019, section 4.1; no n-gram twice, Paulus, Xiong and Socher 2018, section 2.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.generate import Shaping, WholePass, beam_search, greedy, sample
from tfx.generate.beam import log_probability
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.repetition import loop_period, repeated_share
from tfx.measure.verdicts import at_least, at_most, exactly
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.shipped.load import load

QUESTION = "Does a model that always takes the likeliest token repeat itself, and what stops it?"
TITLE = "What the language model that ships writes, by how its tokens are chosen"
CLAIM = (
    "Greedy decoding and beam search repeat themselves, though every token they take is likely. Drawing does not; "
    "penalties hold repetition back."
)
BREAK_IT = ("--set penalty=1", "--set ngram=20")
HOST_ONLY = "A small model writes a few short texts: nothing for a card."

BEGINNINGS = (
    "the function returns", "the list is", "this module defines", "if the argument is", "a new object is",
    "the value of the", "raise an exception when", "the class has", "return a string with", "the file is opened",
    "all items of the", "note that the", "the method can be", "names are bound to", "in this case the",
    "an iterator over the",
)  # fmt: skip

#: Repeated are 4-grams.
N = 4
#: Greedy decoding repeats so much more than drawing, and the penalty takes so much away, as shares; drawing repeats at
#: most so much.
MORE, LESS, DRAWN = 0.1, 0.1, 0.05
#: A greedy token is likelier than a drawn one by so many nats on average.
LIKELIER = 0.5
#: Tables of so many words that see two of them: after so many words all contexts have been met, and three times more.
TABLES, WORDS, ENOUGH = 10, 4, 4 * 4**2

#: A phrase of so many tokens is said so many times.
PHRASE, REPEATS = 6, 6

GREEDY, DRAW = "greedy", "drawn"


@dataclass(frozen=True)
class Settings:
    beginnings: int = setting(16, 4, 16, "texts to go on with")
    tokens: int = setting(48, 24, 120, "new tokens of each")
    draws: int = setting(2, 1, 100, "texts for each beginning, where tokens are drawn")
    beams: int = setting(4, 1, 16, "width of the beam")
    penalty: float = setting(1.3, 1.0, 10.0, "scores of tokens that were written are divided by this")
    ngram: int = setting(4, 1, 24, "so many tokens in a row may not come twice")

    def quick(self) -> Settings:
        """Half of the beginnings, shorter, one text each."""
        return replace(self, beginnings=max(4, self.beginnings // 2), tokens=min(32, self.tokens), draws=1)

    def full(self) -> Settings:
        """Longer texts, and more of them."""
        return replace(self, tokens=120, draws=25)

    def bytes_needed(self) -> float:
        """Keys and values, and scores over all words, of every text at once."""
        return 4.0 * 16 * self.draws * (128 * 64 * 2 * 2 + 12 * 2189)


COLUMNS = (
    Column("way", "tokens are"),
    Column("repeated", "4-grams repeated", "%", digits=3),
    Column("repeated_se", "standard error", "%", digits=2, detail=True),
    Column("loops", "texts end in a loop", "%", digits=3),
    Column("log_p", "log p a token", "nats", digits=3),
    Column("log_p_se", "standard error", "nats", digits=2, detail=True),
    Column("different", "different tokens", "%", digits=3),
    Column("texts", "texts", detail=True),
)


def ways(settings: Settings) -> dict[str, Shaping | None]:
    """What shapes each way of drawing; None for the beam.  Temperature 0 is greedy."""
    return {
        DRAW: Shaping(),
        "drawn, top-p 0.9": Shaping(top_p=0.9),
        GREEDY: Shaping(temperature=0),
        f"beam of {settings.beams}": None,
        f"greedy, penalty {settings.penalty:g}": Shaping(temperature=0, repetition_penalty=settings.penalty),
        f"greedy, no {settings.ngram}-gram twice": Shaping(temperature=0, no_repeat_ngram=settings.ngram),
    }


def rows(run: Run[Settings]) -> Measured:
    shipped = load("language", "float32")
    prompts = [shipped.tokenizer.encode(text) for text in BEGINNINGS[: run.settings.beginnings]]
    for way in run.over(list(ways(run.settings)), "{}"):
        yield measure_row(run, shipped.model, prompts, way)
    yield must_loop(run)


def measure_row(run: Run[Settings], model: Any, prompts: Sequence[Sequence[int]], way: str) -> dict[str, Any]:
    """One number for each beginning, the mean of its texts; errors are over beginnings."""
    texts = written(run, model, prompts, way)
    measured = {
        "repeated": lambda prompt, text: 100 * repeated_share(text, N),
        "loops": lambda prompt, text: 100.0 * (loop_period(text) is not None),
        "different": lambda prompt, text: 100 * len(set(text.tolist())) / len(text),
        "log_p": lambda prompt, text: log_probability(model, prompt, text.tolist()) / len(text),
    }
    row: dict[str, Any] = {"way": way, "texts": sum(map(len, texts))}
    for name, measure in measured.items():
        each = np.array([np.mean([measure(p, t) for t in of_one]) for p, of_one in zip(prompts, texts, strict=True)])
        row[name], row[f"{name}_se"] = mean_with_error(each)
    if way == DRAW:
        row["again"], row["again_se"] = mean_with_error(
            once_more(model, np.array([of_one[0][:PHRASE] for of_one in texts]))
        )
    return row


def written(run: Run[Settings], model: Any, prompts: Sequence[Sequence[int]], way: str) -> list[list[np.ndarray]]:
    """For each beginning its new tokens, (tokens,) each: several texts where tokens are drawn, else one."""
    settings, shaping = run.settings, ways(run.settings)[way]
    if shaping is None:
        found = (beam_search(model, prompt, settings.tokens, settings.beams)[0] for prompt in prompts)
        return [[np.array(text.ids)] for text in found]
    times = settings.draws if shaping.temperature else 1
    seed = int(run.generator(1).integers(2**31))
    texts = sample(model, [prompt for prompt in prompts for _ in range(times)], settings.tokens, seed, shaping).ids
    return [list(texts[at : at + times]) for at in range(0, len(texts), times)]


def once_more(model: Any, phrases: np.ndarray) -> np.ndarray:
    """phrases: (B, P) -> (B,): by how much likelier, in nats a token, a phrase is when it comes for the REPEATS-th time
    than when it comes for the second; its first token is left out."""
    ids = np.tile(phrases, (1, REPEATS))
    logits, _ = model.forward(ids[:, :-1])
    log_p = log_softmax_forward(logits.astype(np.float64))[0]
    of_token = np.take_along_axis(log_p, ids[:, 1:, None], axis=-1)[..., 0]  # (B, T - 1), of tokens 1, 2, ...
    n = phrases.shape[1]
    second, last = (of_token[:, n * at : n * at + n - 1].mean(axis=1) for at in (1, REPEATS - 1))
    return np.asarray(last - second)


def must_loop(run: Run[Settings]) -> Check:
    """Greedy decoding from random tables that see two tokens: after at most 4^2 of them a context has come back."""
    looping = 0
    for table in range(TABLES):
        logits = run.generator(2, table).standard_normal((WORDS, WORDS, WORDS))

        def logits_of(ids: np.ndarray, padding: Any, logits: np.ndarray = logits) -> np.ndarray:
            before = np.concatenate([np.zeros((len(ids), 1), dtype=np.int64), ids[:, :-1]], axis=1)
            return np.asarray(logits[before, ids])

        looping += loop_period(greedy(WholePass(logits_of, window=2), [0], ENOUGH)) is not None
    statement = f"greedy decoding from a table of {WORDS} tokens that sees two ends in a loop: of {TABLES} tables"
    return exactly("must-loop", statement, TABLES, looping)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    drawn, taken, penalised, no_twice = (of_way(run, way) for way in (DRAW, GREEDY, 4, 5))
    ngram = run.settings.ngram
    return (
        at_least(
            "greedy-repeats",
            "4-grams repeated, greedy over drawn: percent, less three s.e.",
            100 * MORE,
            sure(taken, drawn, "repeated"),
        ),
        at_most("drawing-does-not", "4-grams repeated when tokens are drawn: percent", 100 * DRAWN, drawn["repeated"]),
        at_least(
            "likelier",
            "a greedy token is likelier than a drawn one: nats, less three s.e.",
            LIKELIER,
            sure(taken, drawn, "log_p"),
        ),
        at_least(
            "penalty-helps",
            "what the penalty takes off: percent of 4-grams, less three s.e.",
            100 * LESS,
            sure(taken, penalised, "repeated"),
        ),
        exactly(
            "none-twice",
            f"4-grams repeated where no {ngram} tokens may come twice: percent",
            0.0,
            no_twice["repeated"],
        ),
    )


def of_way(run: Run[Settings], way: str | int) -> Mapping[str, Any]:
    """The row of that way, or of that number."""
    return next(row for row in run.rows if row["way"] == way) if isinstance(way, str) else run.rows[way]


def sure(more: Mapping[str, Any], less: Mapping[str, Any], key: str) -> float:
    """The difference of two means, less three standard errors of it."""
    error = (more[f"{key}_se"] ** 2 + less[f"{key}_se"] ** 2) ** 0.5
    return float(more[key] - less[key] - 3 * error)


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"Greedy decoding writes {run.settings.tokens} tokens. How many percent of their 4-grams have stood there "
        "before?"
    )


def question(run: Run[Settings]) -> Question:
    taken, drawn = of_way(run, GREEDY), of_way(run, DRAW)
    explanation = f"Of drawn texts it is {drawn['repeated']:.2g}."
    return Question(prompt(run), taken["repeated"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """Drawn, greedy, the beam, and what holds back."""
    return (0, 2, 3, 4, 5)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    drawn, taken, beam, penalised, no_twice = (run.rows[at] for at in (0, 2, 3, 4, 5))
    likelier = drawn["again"] > 2 * drawn["again_se"]
    feedback = (
        "Each repetition makes the next one likelier here too"
        if likelier
        else "That each repetition makes the next one likelier is not seen in this model of two layers"
    )
    return (
        Text(
            f"Of greedy texts {taken['repeated']:.2g}% of the 4-grams are repeated, of drawn ones "
            f"{drawn['repeated']:.2g}%, although a greedy token has {taken['log_p'] - drawn['log_p']:.2g} nats more. A "
            f"penalty leaves {penalised['repeated']:.2g}%."
        ),
        Text(
            "So the likeliest text is not a typical one: people, too, write less likely words than a beam does "
            f"(Holtzman et al. 2020, section 4). A {beam['way']} repeats {beam['repeated']:.2g}%."
        ),
        Text(
            f"{feedback}: a drawn phrase of {PHRASE} tokens gains {drawn['again']:+.2g} +- {2 * drawn['again_se']:.2g} "
            f"nats a token from its second time to time {REPEATS}. Holtzman et al. 2020, section 4, found it in GPT-2."
        ),
        Text(
            f"Greedy decoding has no choice: where a context comes back, so does what followed. With a window of two "
            f"and {WORDS} tokens that is after {WORDS**2} steps at most. No n-gram twice forbids it by force, at "
            f"{no_twice['log_p']:.2g} nats a token."
        ),
        Text(
            f"n = {run.settings.beginnings} beginnings of {run.settings.tokens} new tokens, drawn ones "
            f"{run.settings.draws} times; errors are over beginnings. The model is small."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    drawn, taken = of_way(run, DRAW), of_way(run, GREEDY)
    series = tuple(
        Series(row["way"], [row["log_p"]], [row["repeated"]], [row["repeated_se"]])
        for row in (run.rows[at] for at in decisive(run))
    )
    penalised = of_way(run, 4)
    return (
        Plot(
            f"Greedy texts repeat {taken['repeated']:.2g}% of their 4-grams, drawn ones {drawn['repeated']:.2g}%; a "
            f"penalty leaves {penalised['repeated']:.2g}%, for {taken['log_p'] - penalised['log_p']:.2g} nats a token",
            "log p of a token, under the model (nats)",
            "4-grams that stood in the text before (%)",
            series,
        ),
    )
