"""Data: changed copies that keep the label, and the order in which examples come."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_least, at_most, exactly, formula, near, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.data.augmentation import delete_tokens, mask_tokens, replace_tokens, span_cutoff, swap_tokens
from tfx.lab.training import curriculum
from tfx.lab.training.augmented import OPINIONS, WAYS, told_apart
from tfx.lab.training.curriculum import FULL, LONG, SHORT
from tfx.measure.estimates import mean_with_error
from tfx.train.curriculum import growing_length, root_competence

SENTENCE = ("the", "film", "was", "not", "good", "at", "all")
BLANK, GONE = len(SENTENCE), len(SENTENCE) + 1
SHOWN = (*SENTENCE, "___", "")
NOT, COPIES, NETWORKS = 3, 20_000, 2
#: Lengths of a long run, and its steps; a run that is trained here has STEPS.
FIRST, LAST, LONG_RUN, STEPS = 128, 1024, 1000, 60


@dataclass(frozen=True)
class Settings:
    rate: float = setting(0.3, 0.1, 0.5, "chance that a word is changed")
    examples: int = setting(10, 6, 400, "sentences to learn from")


class Run:
    def __init__(self, request: Request) -> None:
        self.rate, self.examples, self.seed = request.settings.rate, request.settings.examples, request.seed

    @cached_property
    def right(self) -> dict[str, float]:
        """Share of new sentences that is classified right, mean of NETWORKS."""
        with blas_threads(1):
            return {way: float(np.mean([told_apart(way, self.examples, self.rate, (self.seed, i)) for i in range(NETWORKS)])) for way in WAYS}  # fmt: skip

    @cached_property
    def ordered(self) -> dict[str, tuple[int, int, float]]:
        """Steps, tokens and the share of places that are right at full length, in each order."""
        settings, found = curriculum.Settings(steps=STEPS), {}
        with blas_threads(1):
            for way in (SHORT, LONG, FULL):
                lengths = tuple(curriculum.lengths_of(settings, way, self.seed))
                right, _ = curriculum.taught(settings.task, settings.longest, lengths, settings.batch, self.seed)
                found[way] = (len(lengths), settings.batch * sum(lengths), right)
        return found


lesson = Lesson(Run, Settings)


@lesson.step("More examples out of few")
def more_out_of_few(run: Run) -> Iterator[Shown]:
    yield "Ten labelled sentences do not show what a model has to know. Augmentation makes changed copies and keeps their label: the model learns what does not matter."
    yield table("ways to change a text", [{"way": way, "does": does, "knows": knows} for way, does, knows in KINDS], way="way", does="what it does", knows="what it knows")  # fmt: skip
    yield "The last column decides what can be gained. Blanked words tell that no single word decides; the others bring in what a list or another model knows. A mirrored cat is a cat, but few changes of a text are safe."
    yield Source("Wei and Zou", 2019, "EDA: Easy Data Augmentation Techniques")
    yield Source("Sennrich, Haddow and Birch", 2016, "Improving Neural Machine Translation Models with Monolingual Data")  # fmt: skip


KINDS = (("token edits", "blank, delete, swap words", "nothing"), ("span masking", "blanks some neighbours", "nothing"), ("synonyms", "replaces words", "a word list"), ("paraphrase", "says it in other words", "a language model"), ("back-translation", "translates there and back", "two translators"))  # fmt: skip


@lesson.step("The edits, on one sentence")
def edits(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    ids, n = np.arange(len(SENTENCE))[None], len(SENTENCE)
    same = np.arange(GONE)[:, None].copy()
    same[1], same[4] = BLANK + 2, BLANK + 3
    shown = (*SHOWN, "movie", "great")
    many = (mask_tokens(np.repeat(ids, COPIES, axis=0), run.rate, BLANK, rng) == BLANK).sum(axis=1)
    drawn = [("as it is", ids), ("blank", mask_tokens(ids, run.rate, BLANK, rng)), ("delete", delete_tokens(ids, run.rate, GONE, rng)), ("swap two", swap_tokens(ids, 1, rng)), ("span masking", np.where(span_cutoff(1, n, run.rate, rng), ids, BLANK)), ("synonyms", replace_tokens(ids, 1.0, same, rng))]  # fmt: skip
    rows = [{"how": how, "text": " ".join(shown[i] for i in copy[0] if i != GONE)} for how, copy in drawn]
    yield f"Each word is blanked or deleted with probability {run.rate:g}; one run of neighbours is blanked; the word list knows film and good."
    yield table("one draw of each", rows, how="edit", text="copy")
    yield question(f"{n} words, each blanked at rate {run.rate:g}. How many on average?", n * run.rate, f"{n} * {run.rate:g}.")  # fmt: skip
    yield "A new draw in each step costs nothing to store. It is dropout, of words: the same idea, on the input."
    yield near("blanked", "words blanked in a copy, mean", n * run.rate, *mean_with_error(many))
    yield exactly("swap", "words that a swap loses", 0, n - len({*drawn[3][1][0].tolist()}))
    yield mask_tokens


@lesson.step("What must stay is the label")
def the_label(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    ids = np.repeat(np.arange(len(SENTENCE))[None], COPIES, axis=0)
    lost = (delete_tokens(ids, run.rate, GONE, rng) != NOT).all(axis=1)
    safe = mask_tokens(ids, run.rate, BLANK, rng, may_change=ids != NOT)
    example = " ".join(word for word in SENTENCE if word != "not")
    yield f'The label of this sentence is: bad. Delete one word and it reads "{example}". The copy is still labelled bad, and teaches the wrong thing.'
    yield question(f"Each word is deleted at rate {run.rate:g}. Which share of the copies lose their not?", run.rate, "It is one word like the others.")  # fmt: skip
    yield f"Drawn: {lost.mean():.3f} of {COPIES:,} copies. So tell the edit which words it may not touch; here it then loses {(safe != NOT).all(axis=1).mean():g}. What is safe depends on the task: word order may go for a topic, and not for grammar."
    yield Said("Augmentation makes a model better.", "true with conditions", "Where data are few and the label stays. Noisy edits can hurt, and with ample data there is little to gain.", "C337")  # fmt: skip
    yield near("lost", "share of copies without their not", run.rate, *mean_with_error(lost.astype(float)))
    yield exactly("safe", "... when not may not change: copies", 0, int((safe != NOT).all(axis=1).sum()))


@lesson.step("What it brings, measured")
def what_it_brings(run: Run) -> Iterator[Shown]:
    right, what = run.right, dict(zip(WAYS, ("the examples alone", "blanked words", "synonyms", "any word for any"), strict=True))  # fmt: skip
    rows = [{"way": what[way], "right": 100 * share} for way, share in right.items()]
    yield f"A small network reads sentences of 8 words, of which 3 are praise or 3 are blame, out of {OPINIONS} words each. It learns from {run.examples} sentences; then it reads 1,000 new ones."
    yield table(f"rate {run.rate:g}, mean of {NETWORKS} networks", rows, way="copies with", right="right [%] :3")
    yield f"Synonyms bring {100 * (right['synonyms'] - right['none']):.0f} points: they show words that no example holds, and that knowledge comes from the list. Blanked words bring {100 * (right['mask'] - right['none']):.0f}. Any word for any brings {100 * (right['any word'] - right['none']):.0f}: a blank that sometimes lies, since praise may turn into blame."
    yield "With 400 examples the network knows these words without help: try it."
    yield at_least("synonyms", "right with synonyms, above a quarter of what is possible", right["none"] + 0.25 * (1 - right["none"]) - 0.01, right["synonyms"])  # fmt: skip
    yield at_most("blank", "what blanked words bring, of what is possible", 0.5, (right["mask"] - right["none"]) / max(1 - right["none"], 0.05))  # fmt: skip
    yield Try.here(examples=400)


@lesson.step("Curriculum: short first, and what it saves")
def saves(run: Run) -> Iterator[Shown]:
    lengths = np.array([growing_length(step, FIRST, LAST, LONG_RUN) for step in range(1, LONG_RUN + 1)])
    tokens, pairs = float(lengths.mean() / LAST), float((lengths**2).mean() / LAST**2)
    r = FIRST / LAST
    yield f"A curriculum begins with what is easy, such as short sequences. Let lengths grow in a straight line from {FIRST} to {LAST} tokens:"
    yield formula("share of tokens = (1 + r) / 2        r: first length / last length")
    yield formula("share of pairs = (1 + r + r^2) / 3")
    yield question(f"r = {r:g}. Which share of the pairs of attention is left, over the whole run?", (1 + r + r * r) / 3, f"(1 + {r:g} + {r * r:g}) / 3.")  # fmt: skip
    yield f"Counted over {LONG_RUN:,} steps of equally many sequences: {tokens:.3f} of the tokens, {pairs:.3f} of the pairs, whose number grows with the square."
    yield f"By another difficulty, let in the easiest first: a root schedule from 10% has let in {root_competence(250, 1000, 0.1):.0%} of the examples after a quarter of the time."
    yield within("tokens", "share of tokens, counted, and by the formula", (1 + r) / 2, tokens, 2e-3)
    yield within("pairs", "share of pairs", (1 + r + r * r) / 3, pairs, 2e-3)
    yield Source("Platanios et al.", 2019, "Competence-based Curriculum Learning", "section 3")


@lesson.step("Does the order help?")
def does_it_help(run: Run) -> Iterator[Shown]:
    found, settings = run.ordered, curriculum.Settings()
    rows = [{"way": way, "steps": steps, "tokens": tokens, "right": 100 * right} for way, (steps, tokens, right) in found.items()]  # fmt: skip
    short, long, full = (found[way] for way in (SHORT, LONG, FULL))
    yield f"Small Transformers learn to {settings.task} {settings.longest} symbols. All read about as many tokens: in batches whose lengths grow, in the same batches in reverse, or at full length from the start."
    yield table("one model each, judged at full length", rows, way="order", steps="steps", tokens="tokens :6", right="right [%] :3")  # fmt: skip
    yield f"Short last costs {100 * (short[2] - long[2]):.0f} points: a model is as good as what it read lately. But short first is no better here than the full length from the start, {100 * short[2]:.0f}% against {100 * full[2]:.0f}%."
    yield Said("Starting with short sequences can help.", "true with conditions", "The saving is sure; whether the end is better depends on the task. Reports are mixed.", "C246")  # fmt: skip
    yield exactly("same", "tokens by which the two orders differ", 0, short[1] - long[1])
    yield at_most("fair", "tokens of the full length more or less, in batches", 1.0, abs(full[1] - short[1]) / (settings.batch * settings.longest))  # fmt: skip
    yield at_least("order", "short first above short last, share right", 0.02, short[2] - long[2])
    yield Try("tfx experiment curriculum")


@lesson.step("What came after")
def after(run: Run) -> Iterator[Shown]:
    yield "BERT read sequences of 128 tokens for 90% of its steps and of 512 for the rest, in which it learned the far positions. Many large language models go on like that: most training at some thousand tokens, then a short stage at long context."
    yield "For pictures the same idea is called progressive resizing: small pictures first."
    yield "With ample text other things decide: which text is let in, how often it is repeated, doubles taken out, and the mixture of sources, often with the best text last. Text that a model wrote is the augmentation of today, and needs the same care: is what it says true?"
    yield Said("A curriculum is needed to train a Transformer.", "false", "Most models see shuffled data, and the 2017 paper names no curriculum.")  # fmt: skip
    yield Source("Devlin et al.", 2019, "BERT", "appendix A.2")
    yield Source("Press, Smith and Lewis", 2021, "Shortformer", "section 3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Augmentation adds changed copies with the same label: words blanked, deleted, swapped or replaced by synonyms, spans masked, paraphrase, back-translation. It helps where data are few, and the gain is what the edit knows. The label must stay: whoever deletes a not has taught the opposite."
    yield "A curriculum starts with short or easy sequences. It saves attention cost early, since pairs grow with the square of the length; gains in final quality are mixed, and a run should end with what counts."
    yield Try("tfx quiz data-strategies")
