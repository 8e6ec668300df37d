"""Repetition: why the likeliest token each time ends in a loop, how that is measured, and what holds it back."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.generate import Shaping, WholePass, beam_search, greedy, sample
from tfx.generate.beam import log_probability
from tfx.generate.shaping import probabilities_of, repetition_penalty
from tfx.lab.generation.repetition import BEGINNINGS, once_more
from tfx.measure.estimates import mean_with_error
from tfx.measure.repetition import loop_period, repeated_share
from tfx.shipped.load import load

DEFAULT_TEXT, LONGEST, SHOWN = "the function returns", 64, 36
#: Beginnings that all ways go on with, tokens of each, tokens of a gram, width of the beam.
TEXTS, TOKENS, GRAM, WIDTH = 4, 28, 3, 4
SMALL = ("the", "cat", "sees", "the", "cat", "sees", "me")
WORDS, WINDOW = 4, 2  # of the random tables
PHRASE = 6
LOGITS = np.array([[2.0, 1.5, -1.0]])


@dataclass(frozen=True)
class Settings:
    penalty: float = setting(1.3, 1.0, 5.0, "scores of tokens that were written are divided by this, if positive")


class Measured:
    """Shares in percent, log_p in nats a token: means over the texts of one way."""

    def __init__(self, run: "Run", texts: list[np.ndarray]) -> None:
        self.repeated = 100 * float(np.mean([repeated_share(text, GRAM) for text in texts]))
        self.different = 100 * float(np.mean([len(set(text.tolist())) / len(text) for text in texts]))
        self.log_p = float(np.mean([log_probability(run.model, prompt, text.tolist()) / len(text) for prompt, text in zip(run.prompts, texts, strict=True)]))  # fmt: skip


class Run:
    """prompt: (T,) ids of the reader's text.  prompts: of the beginnings that ways are compared on."""

    def __init__(self, request: Request) -> None:
        self.shipped, self.penalty, self.seed = load("language"), request.settings.penalty, request.seed
        self.model, self.encode = self.shipped.model, self.shipped.tokenizer.encode
        self.text = DEFAULT_TEXT if request.text is None else request.text
        self.prompt = self.shipped.read(self.text).ids
        if len(self.prompt) > LONGEST:
            raise BadInput(f"the text has {len(self.prompt)} tokens; this topic goes on from {LONGEST} at most.", f"--text '{DEFAULT_TEXT}'")  # fmt: skip
        self.prompts = [self.encode(text) for text in BEGINNINGS[:TEXTS]]

    def write(self, **shaping: Any) -> list[np.ndarray]:
        return list(sample(self.model, self.prompts, TOKENS, self.seed, Shaping(**shaping)).ids)

    @cached_property
    def ways(self) -> dict[str, Measured]:
        with blas_threads(1):
            beams = [np.array(beam_search(self.model, prompt, TOKENS, WIDTH)[0].ids) for prompt in self.prompts]
            texts = {
                "drawn": self.write(), "drawn, top-p 0.9": self.write(top_p=0.9), "drawn, temperature 0.3": self.write(temperature=0.3),
                f"beam of {WIDTH}": beams, "greedy": self.write(temperature=0),
            }  # fmt: skip
            return {way: Measured(self, written) for way, written in texts.items()}

    @cached_property
    def penalised(self) -> dict[float, Measured]:
        factors = sorted({1.0, self.penalty, 5.0})
        with blas_threads(1):
            return {c: Measured(self, self.write(temperature=0, repetition_penalty=c)) for c in factors}

    @cached_property
    def again(self) -> tuple[float, float]:
        """By how much likelier a drawn phrase is in its sixth time than in its second, nats a token, and the error."""
        with blas_threads(1):
            phrases = sample(self.model, [self.encode(text) for text in BEGINNINGS], PHRASE, self.seed).ids
            return mean_with_error(once_more(self.model, np.array(phrases)))


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("The likeliest text says the same thing again")
def again_and_again(run: Run) -> Iterator[Shown]:
    ids = greedy(run.model, run.prompt, SHOWN)
    text = run.shipped.tokenizer.decode(ids.tolist())
    share, period = repeated_share(ids, GRAM), loop_period(ids)
    yield f'"{run.text[:44]}", and {SHOWN} more tokens, the likeliest each time:'
    yield text[:300]
    yield question(f"{SHOWN} tokens have {SHOWN - GRAM + 1} runs of {GRAM}. {round(share * (SHOWN - GRAM + 1))} of these stood there before. As a share?", share, "A text of a person has nearly none.")  # fmt: skip
    yield f"Such writing is called degenerate: {share:.0%} of its runs of {GRAM} tokens are repeats. " + (f"It ends in a loop of {period}." if period else "It has not closed a loop yet.")  # fmt: skip
    yield exactly("written", "tokens written", SHOWN, len(ids))
    yield greedy
    yield Try.here(text="x")


@lesson.step("Two measures, by hand")
def measures(run: Run) -> Iterator[Shown]:
    ids = np.array([SMALL.index(word) for word in SMALL])
    grams = [" ".join(SMALL[i : i + GRAM]) for i in range(len(SMALL) - GRAM + 1)]
    rows = [{"n": i + 1, "gram": gram, "new": "no" if gram in grams[:i] else "yes"} for i, gram in enumerate(grams)]
    distinct = len(set(grams))
    yield f"Repetition is counted in n-grams, runs of n tokens; here {GRAM}: {' '.join(SMALL)}."
    yield table("its runs", rows, n="run", gram="tokens", new="new")
    yield formula("repeated share = 1 - distinct n-grams / all n-grams")
    yield question("What is the repeated share of this text?", 1 - distinct / len(grams), f"1 - {distinct} / {len(grams)}.")  # fmt: skip
    yield "Distinct-n is the rest. A text that ends with three equal pieces is in a loop; the period is their length."
    yield agree("share", "repeated share by the library", repeated_share(ids, GRAM), 1 - distinct / len(grams))
    yield exactly("period", "period of a b a b a b", 2, loop_period(np.array([0, 1] * 3)) or 0)


@lesson.step("Why: greedy writing is a function")
def must_loop(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores, enough = rng.standard_normal((WORDS,) * (WINDOW + 1)), 4 * WORDS**WINDOW
    scores[:, range(WORDS), range(WORDS)] = -np.inf  # no token twice in a row

    def logits_of(ids: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        before = np.concatenate([np.zeros((len(ids), 1), dtype=np.int64), ids[:, :-1]], axis=1)
        return np.asarray(scores[before, ids])

    ids = greedy(WholePass(logits_of, window=WINDOW), [0], enough)
    period = loop_period(ids) or 0
    yield "Taking the likeliest token leaves no choice: the same context gives the same next token. If a context comes back, so does all that followed it."
    yield f"A table of random scores, {WORDS} tokens, none twice in a row, that sees the last {WINDOW}, writes: {' '.join(map(str, ids[:24]))} ..."
    yield question(f"How many contexts of {WINDOW} tokens are there at most?", WORDS**WINDOW, f"{WORDS}^{WINDOW}. After so many steps one has come back.", 0)  # fmt: skip
    yield f"It loops with period {period}. A Transformer sees a long window, so it need not meet the very same context; but contexts that end alike get alike answers, and loops come soon."
    yield "Holtzman et al. found in GPT-2 that each repetition of a phrase makes the next one likelier: the loop feeds itself. " + reinforced(run)  # fmt: skip
    yield at_least("loops", "period of the loop of the table", 1, period)
    yield at_most("contexts", "... and it is at most", WORDS**WINDOW, period)
    yield Source("Holtzman et al.", 2020, "The Curious Case of Neural Text Degeneration", "section 4")


def reinforced(run: Run) -> str:
    gain, error = run.again
    seen = "it is so here, too" if gain > 2 * error else "in this model of two blocks that is not seen"
    return f"Drawn phrases gain {gain:+.2f} +- {2 * error:.2f} nats a token from time 2 to time 6: {seen}."


@lesson.step("What repeats, and what does not")
def compared(run: Run) -> Iterator[Shown]:
    ways = run.ways
    rows = [{"way": way, "repeated": m.repeated, "different": m.different, "log_p": m.log_p} for way, m in ways.items()]
    taken, drawn = ways["greedy"], ways["drawn"]
    yield f"{TEXTS} beginnings, {TOKENS} tokens each. Drawn texts, the model's own language, are the control."
    yield table(f"runs of {GRAM} tokens", rows, way="tokens are", repeated="repeated [%] :3", different="different [%] :3", log_p="mean log p :3")  # fmt: skip
    yield question("By how many nats a token are greedy texts likelier?", taken.log_p - drawn.log_p, "The difference of the two means.")  # fmt: skip
    yield "What maximises probability repeats: greedy, beams, low temperatures. The likeliest text is dull, and not typical: people, too, write less likely words. An overfitted model adds what it knows by heart."
    yield at_least("more", "repeated, greedy less drawn, percent", 5.0, taken.repeated - drawn.repeated)
    yield at_least("likelier", "log p a token, greedy less drawn", 0.5, taken.log_p - drawn.log_p)


@lesson.step("A penalty, by hand and on the model")
def penalty(run: Run) -> Iterator[Shown]:
    found = run.penalised
    shaped = repetition_penalty(LOGITS, [[0, 2]], 2.0)
    rows = [{"c": c, "repeated": m.repeated, "different": m.different, "log_p": m.log_p} for c, m in found.items()]
    yield "It makes tokens that the text has less likely:"
    yield formula("logit / penalty  if positive,   logit * penalty  if negative")
    yield question("Penalty 2, logits 2, 1.5, -1, tokens 1, 3 written. The third?", shaped[0, 2], "-1 * 2. Divided, it would rise to -0.5.")  # fmt: skip
    yield table(f"greedy, runs of {GRAM} tokens", rows, c="penalty :3", repeated="repeated [%] :3", different="different [%] :3", log_p="mean log p :3")  # fmt: skip
    yield "More penalty, less repetition. But words that are needed again, as the and of, go too: log p falls, and fluency with it. Harder: no n-gram twice."
    yield agree("logits", "logits 2, 1.5, -1 after penalty 2", shaped, [[1.0, 1.5, -2.0]])
    yield at_most("less", "repeated at penalty 5, less at 1, percent", 0.0, found[5.0].repeated - found[1.0].repeated)
    yield at_most("costs", "log p a token at penalty 5, less at 1", 0.0, found[5.0].log_p - found[1.0].log_p)
    yield Source("Keskar et al.", 2019, "CTRL: A Conditional Transformer Language Model", "section 4.1")


@lesson.step("What is said, and what else helps")
def often_said(run: Run) -> Iterator[Shown]:
    even = probabilities_of(repetition_penalty(LOGITS, [[0]], 2.0))[0]
    yield Said("A high repetition penalty makes a model repeat itself.", "false", "It holds repetition back. Set too high it harms fluency: the text runs out of the words it needs.")  # fmt: skip
    yield Said("Repetition shows that a model is too small.", "too strong", "GPT-2, a large model then, looped where probability was maximised, and did not where tokens were drawn.")  # fmt: skip
    yield "Where texts are open, draw, with the tail cut off. Training can help: unlikelihood training lowers the chance of tokens that repeat; duplicates taken out of the data leave less to learn by heart."
    yield question(f"Logits 2, 1.5, -1; the first was written, penalty 2. Its chance was {probabilities_of(LOGITS)[0, 0]:.3f}. And now?", even[0], "softmax of 1, 1.5, -1.")  # fmt: skip
    yield at_most("falls", "its chance, over what it was", 1.0, float(even[0] / probabilities_of(LOGITS)[0, 0]))
    yield Source("Welleck et al.", 2020, "Neural Text Generation with Unlikelihood Training")
    yield Try("tfx experiment repetition")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Repetitive or generic output comes mostly from decoding that maximises probability: greedy, wide beams, low temperature. Greedy decoding is a function of the context, so what comes back is continued as before, and repetition can reinforce itself. Overfitting adds phrases known by heart. The likeliest text is not a typical text."
    yield "One measures repeated or distinct n-grams and loops. Sampling with top-p leaves the loop. A repetition penalty reduces repetition; too high it harms fluency. Blocking n-grams and unlikelihood training are other means."
    yield Try("tfx quiz decoding-degeneration")
