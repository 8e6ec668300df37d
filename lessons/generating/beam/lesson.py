"""Greedy decoding and beam search: what each finds, checked against every text, and why more probable is not better."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.generate import Hypothesis, Stopping, beam_search, greedy
from tfx.generate.beam import length_divisor, log_probability
from tfx.lab.generation.greedy_vs_beam import HAND_MADE, ROUNDING, log_p_of_beam
from tfx.lab.generation.random_trees import START, Tree, all_log_probabilities, draw_tree, reader_of_tree
from tfx.measure.verdicts import largest
from tfx.shipped.load import load

DEFAULT_TEXT, LONGEST = "the function returns", 64
WIDTHS = (1, 2, 4, 8, 16)
#: Of the random models: how many, words, length of a text.
MODELS, WORDS, LENGTH = 40, 4, 5
NAMES = "ABC"


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(10, 4, 12, "most tokens that the language model writes")
    spread: float = setting(1.0, 0.5, 3.0, "how far the scores of the random models scatter")


class Run:
    """best: (MODELS,) log p of the likeliest text.  found: width -> (MODELS,) log p of what the beam finds."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed, self.shipped = request.settings, request.seed, load("language")
        self.text = DEFAULT_TEXT if request.text is None else request.text
        self.prompt, self.end = self.shipped.read(self.text).ids, self.shipped.tokenizer.id_of["<end>"]
        if len(self.prompt) > LONGEST:
            raise BadInput(f"the text has {len(self.prompt)} tokens; this topic goes on from {LONGEST} at most.", f"--text '{DEFAULT_TEXT}'")  # fmt: skip

    @cached_property
    def trees(self) -> list[Tree]:
        return [draw_tree(np.random.default_rng((self.seed, i)), WORDS, LENGTH, self.settings.spread) for i in range(MODELS)]  # fmt: skip

    @cached_property
    def best(self) -> np.ndarray:
        return np.array([all_log_probabilities(tree).max() for tree in self.trees])

    @cached_property
    def found(self) -> dict[int, np.ndarray]:
        return {width: np.array([log_p_of_beam(tree, width) for tree in self.trees]) for width in WIDTHS}

    @cached_property
    def texts(self) -> dict[int, Hypothesis]:
        """What the language model writes, the width that was kept -> the most probable text found."""
        stop, n = Stopping(self.end), self.settings.tokens
        return {width: beam_search(self.shipped.model, self.prompt, n, width, stop, rule="bound")[0] for width in WIDTHS}  # fmt: skip

    def words(self, ids: tuple[int, ...]) -> str:
        return self.shipped.tokenizer.decode(ids)[:46]


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("The likeliest word may lead nowhere")
def leads_nowhere(run: Run) -> Iterator[Shown]:
    first, second = (np.exp(log_p) for log_p in HAND_MADE.log_p)
    rows = [{"first": NAMES[i], "p": first[0, i], "second": NAMES[j], "then": second[i, j], "both": first[0, i] * second[i, j]} for i in (0, 1) for j in (0, 1)]  # fmt: skip
    taken = math.exp(log_p_of_beam(HAND_MADE, 1))
    yield "Greedy decoding takes the likeliest token, each time. That need not give the likeliest text. A model made by hand, with words A, B, C and texts of two (some left out):"
    yield table("chances", rows, first="first", p="p :2", second="second", then="p(second | first) :2")  # fmt: skip
    yield question("What is the chance of the text that greedy decoding writes?", taken, "A, as 0.6 is more than 0.4; then 1/3.")  # fmt: skip
    yield f"Three texts share the 0.6, and one gets most of the 0.4: B A has {rows[2]['both']:.2f}, {rows[2]['both'] / taken:.1f} times as much. To find it one must keep B."
    yield agree("greedy", "greedy finds, and all texts counted have", [taken, math.exp(all_log_probabilities(HAND_MADE).max())], [0.2, 0.36], to=1e-6)  # fmt: skip
    yield greedy


@lesson.step("Beam search: keep the best few beginnings")
def by_hand(run: Run) -> Iterator[Shown]:
    first, second = (np.exp(log_p) for log_p in HAND_MADE.log_p)
    kept = np.argsort(-first[0], kind="stable")[:2]
    every = sorted(((first[0, i] * second[i, j], NAMES[i] + " " + NAMES[j]) for i in kept for j in range(3)), key=lambda one: -one[0])  # fmt: skip
    rows = [{"rank": n, "text": text, "p": p, "log": math.log(p), "kept": "yes" if n <= 2 else "no"} for n, (p, text) in enumerate(every[:4], start=1)]  # fmt: skip
    two = beam_search(reader_of_tree(HAND_MADE), [START], 2, 2)[0]
    yield "Keep a few beginnings, `width` of them. Continue each by every token, put all in order of log p, keep the best, and so on. Width 1 is greedy decoding. At width 2 A and B are kept; then:"
    yield table("the first four of six", rows, rank="rank", text="text", p="p :3", log="log p :3", kept="kept")
    yield question("Width 4, a vocabulary of 1,000: continuations to put in order at a step?", 4 * 1000, "Each of 4 beginnings goes on with each token.", 0)  # fmt: skip
    yield "Scores are summed logarithms. What is dropped is gone, even if its best word was to come."
    yield agree("two", "width 2 finds the best: its log p", two.log_probability, math.log(every[0][0]), to=1e-6)
    yield exactly("which", "the text it finds", every[0][1], " ".join(NAMES[i] for i in two.ids))
    yield beam_search


@lesson.step("Checked against every text")
def every_text(run: Run) -> Iterator[Shown]:
    hits = {width: run.found[width] >= run.best - ROUNDING for width in WIDTHS}
    worse = {width: run.found[width] < run.found[1] - ROUNDING for width in WIDTHS}
    short = {width: float(np.where(hits[width], 0.0, run.best - run.found[width]).mean()) for width in WIDTHS}
    rows = [{"width": width, "found": int(hits[width].sum()), "short": short[width], "worse": int(worse[width].sum())} for width in WIDTHS]  # fmt: skip
    yield f"{MODELS} random models of {WORDS} words, texts of {LENGTH}: all texts can be counted."
    yield question("How many texts has such a model?", WORDS**LENGTH, f"{WORDS}^{LENGTH}.", 0)
    yield table(f"of {MODELS} models", rows, width="width", found="best text found", short="log p missing :2", worse="worse than greedy")  # fmt: skip
    yield f"Wider finds more, as a rule. Nothing promises it: beginnings that lead nowhere can push out what greedy keeps. Exact is the width that drops nothing: {WORDS}^{LENGTH - 1} = {WORDS ** (LENGTH - 1)} here, hopeless for real."
    yield at_most("beyond", "log p above the best of all texts", ROUNDING, largest((run.found[w] - run.best).max() for w in WIDTHS))  # fmt: skip
    yield at_least("wider", f"models where width {WIDTHS[-1]} finds it, less those of greedy", 1, int(hits[WIDTHS[-1]].sum() - hits[1].sum()))  # fmt: skip
    yield Try("tfx experiment greedy-vs-beam")


@lesson.step("The language model: wider, more probable, shorter")
def wider(run: Run) -> Iterator[Shown]:
    rows = [{"width": width, "text": run.words(text.ids), "n": len(text.ids), "log": text.log_probability} for width, text in run.texts.items()]  # fmt: skip
    one, last = run.texts[1], run.texts[WIDTHS[-1]]
    below = [w for w in WIDTHS if run.texts[w].log_probability < one.log_probability - ROUNDING]
    yield f'"{run.text[:44]}", at most {run.settings.tokens} tokens, <end> finishes a text:'
    yield table("the most probable text found", rows, width="width", text="writes", n="tokens", log="log p :4")
    each = one.log_probability / len(one.ids)
    yield question(f"Greedy: {each:.3f} nats a token. What would log p of 8 such tokens be?", 8 * each, f"8 * {each:.3f}. A text that ends at once pays for few.")  # fmt: skip
    yield "log p falls with each token, so the most probable texts tend to be short, and wide beams find them. " + (f"Width {below[0]} found a less probable text than greedy did: a beam is no guarantee." if below else "No width did worse than greedy here; nothing forbids it.")  # fmt: skip
    yield exactly("one", "width 1 writes what greedy writes", str(tuple(greedy(run.shipped.model, run.prompt, len(one.ids)).tolist())), str(one.ids))  # fmt: skip
    yield agree("log", "log p of the widest beam's text, from one pass", log_probability(run.shipped.model, run.prompt, last.ids), last.log_probability)  # fmt: skip
    yield Try.here(text="return true if")


@lesson.step("Length: divide log p by it")
def divided(run: Run) -> Iterator[Shown]:
    stop, n, width = Stopping(run.end), run.settings.tokens, WIDTHS[-1]
    rules = {"none": "sum", "power 0.6": "gnmt", "length": "mean"}
    best = {name: beam_search(run.shipped.model, run.prompt, n, width, stop, rule, rule="bound")[0] for name, rule in rules.items()}  # fmt: skip
    rows = [{"by": name, "text": run.words(text.ids)[:32], "n": len(text.ids), "score": text.score} for name, text in best.items()]  # fmt: skip
    plain, mean = best["none"], best["length"]
    yield "So texts of different lengths are compared by log p over a divisor:"
    yield formula("score = log p(text) / length,    or / ((5 + length) / 6)^power")
    yield question(f"{len(plain.ids)} tokens, log p {plain.log_probability:.3f}: divided by the length?", plain.log_probability / len(plain.ids), "The mean log p of a token.")  # fmt: skip
    yield table(f"the best text, width {width}", rows, by="divisor", text="writes", n="tokens", score="score :3")
    yield "The mean asks how well each token fits, and lets long texts win; the power lies between. Both are added from outside: the model itself says log p."
    yield at_least("longer", "tokens of the text by the mean, less those by log p", 0, len(mean.ids) - len(plain.ids))
    yield agree("scores", "the mean, and log p over the divisor", mean.score, mean.log_probability / length_divisor(len(mean.ids), "mean"))  # fmt: skip
    yield Source("Wu et al.", 2016, "Google's Neural Machine Translation System", "section 7")


@lesson.step("What is often said")
def often_said(run: Run) -> Iterator[Shown]:
    short = {width: len(run.texts[width].ids) for width in (1, WIDTHS[-1])}
    yield Said("Beam search finds better texts than greedy decoding.", "true with conditions", f"More probable ones, on average. More probable is not better: greedy's text has {short[1]} tokens here, width {WIDTHS[-1]}'s {short[WIDTHS[-1]]}.", "C271")  # fmt: skip
    yield Said("A wider beam is better, if you can pay for it.", "false", "In translation quality falls when beams grow wide. For a Transformer the most probable translation was the empty one in over half of the sentences; narrow beams miss it.")  # fmt: skip
    yield "A beam costs `width` rows in each pass, with keys and values for each. It fits tasks with one right answer: translation, speech. For open texts and chat tokens are drawn, as likeliest texts are dull and repeat themselves."
    yield question("Width 4 writes 10 tokens. Rows through the model, after the prompt?", 4 * 9, "The first choice needs the prompt alone; nine more passes of 4 rows.", 0)  # fmt: skip
    yield at_least("more", "mean log p found by the widest beam, less greedy's", 0.0, float((run.found[WIDTHS[-1]] - run.found[1]).mean()))  # fmt: skip
    yield Source("Stahlberg and Byrne", 2019, "On NMT Search Errors and Model Errors: Cat Got Your Tongue?")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Greedy decoding takes the most probable token each time: fast, the same every time, and not the most probable text. Beam search keeps the few best prefixes by summed log-probability, and can find a more probable sequence. It is not exact, and may even do worse than greedy."
    yield "log p falls with every token, so short texts win unless scores are divided by length. Very wide beams find the model's own taste for short or empty texts, so quality falls. A beam costs its width in compute and memory. For open-ended text one samples instead."
    yield Try("tfx quiz decoding-beam")
