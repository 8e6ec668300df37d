"""Transfer learning: pre-train on texts without labels, then adapt with a few; what is gained, and when nothing is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_least, at_most, between, exactly, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training.few_labels import (
    FAR, FROZEN, LENGTH, OWN, SCRATCH, STRAY, SUBJECTS, TUNE, WORDS, draw, named, pretrained, same_subject, words_seen,
)  # fmt: skip
from tfx.measure.emergence import expected_exact_match
from tfx.tuning import Part

ASKED, LETTERS, ANSWER = 400, "ABCD", 20
CHANCE = 1 / SUBJECTS


@dataclass(frozen=True)
class Settings:
    labels: int = setting(12, 8, 20, "texts whose subject is told")
    steps: int = setting(150, 150, 300, "updates of pre-training, on texts without labels")


class Run:
    """seen: words in the labelled texts."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        self.few = draw(self.settings.labels, np.random.default_rng((request.seed, 1)))
        self.seen = words_seen(self.settings.labels, request.seed)

    def right(self, way: str) -> float:
        with blas_threads(1):
            return named(way, self.settings.labels, self.settings.steps, ASKED, self.seed)

    @cached_property
    def told(self) -> dict[str, float]:
        return {way: self.right(way) for way in (SCRATCH, TUNE, FROZEN)}

    @cached_property
    def far(self) -> float:
        return self.right(FAR)

    @cached_property
    def alike(self) -> dict[str, float]:
        """Share of words whose nearest word is of the same subject, before pre-training and after it."""
        with blas_threads(1):
            return {"before": same_subject(pretrained(0, self.seed)), "after": same_subject(pretrained(self.settings.steps, self.seed))}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("Two stages: read much, then learn a little")
def two_stages(run: Run) -> Iterator[Shown]:
    stray = 100 * STRAY
    yield "Few people can pay for a million labels, and few need to. Stage 1, pre-training: learn from much text that nobody labelled. Stage 2, adaptation: start a task from these weights, with few labels."
    yield f"A small case. There are {SUBJECTS} subjects, with {OWN} words each. A text of {LENGTH} words is about one; {stray:.0f} percent of its words are drawn from all {WORDS}. Each text below was given its subject by a person (word 7 of subject B is B7):"
    rows = [{"text": " ".join(f"{LETTERS[id // OWN]}{id % OWN + 1}" for id in ids), "label": LETTERS[subject]} for ids, subject in zip(run.few.ids[:3], run.few.subjects[:3], strict=True)]  # fmt: skip
    yield table(f"three of {run.settings.labels} labelled texts", rows, text="text", label="label")
    yield f"They hold {run.seen} of the {WORDS} words. From labels alone the other {WORDS - run.seen} mean nothing."
    yield exactly("seen", "different words in the labelled texts", len(set(run.few.ids.ravel().tolist())), run.seen)


@lesson.step("Stage 1: which words keep company")
def company(run: Run) -> Iterator[Shown]:
    chance = (OWN - 1) / (WORDS - 1)
    yield f"An encoder with one block fills gaps in new texts, {run.settings.steps} updates. Nobody names a subject. But words of one subject stand together, so to fill a gap they have to be told from the others. Is the nearest word vector one of the same subject?"
    yield question("Of random vectors: for which share of the words, on average?", chance, f"{OWN - 1} of the other {WORDS - 1} words are of the same subject.")  # fmt: skip
    yield table("share of words whose nearest word is of the same subject", [{"when": when, "share": share} for when, share in run.alike.items()], when="pre-training", share="share :3")  # fmt: skip
    yield "The subjects are there before any label. Labels only have to give them their names."
    yield at_least("grouped", "after pre-training, the share", 0.8, run.alike["after"])
    yield at_most("random", "before it", 0.5, run.alike["before"])
    yield same_subject


@lesson.step("Stage 2: the same few labels, three ways")
def same_labels(run: Run) -> Iterator[Shown]:
    told = run.told
    about = {SCRATCH: "random start, all weights", TUNE: "pre-trained start, all weights", FROZEN: "pre-trained, a new head alone"}  # fmt: skip
    yield f"Now {run.settings.labels} labelled texts, the same for all, and {ASKED} new texts to be named:"
    yield question("Who guesses names how many percent rightly?", 100 * CHANCE, f"One of {SUBJECTS}.")
    yield table("new texts named rightly", [{"way": way, "what": about[way], "right": 100 * told[way]} for way in told], way="way", what="trained", right="right [%] :3")  # fmt: skip
    yield f"Pre-training is worth {100 * (told[TUNE] - told[SCRATCH]):.0f} points here, with the same labels. With many labels the gap closes: each word is then met with its subject often enough."
    yield at_least("ahead", "fine-tuned minus scratch", 0.02, told[TUNE] - told[SCRATCH])
    yield at_least("head", "a head on frozen weights minus scratch", 0.02, told[FROZEN] - told[SCRATCH])
    yield Source("Howard and Ruder", 2018, "ULMFiT")


@lesson.step("What moves: four ways to adapt")
def ways(run: Run) -> Iterator[Shown]:
    model = pretrained(0, run.seed)
    head, body = Part(model, lambda name: name.startswith("output.")).n_parameters, Part(model, lambda name: not name.startswith("output.")).n_parameters  # fmt: skip
    own = head // WORDS * SUBJECTS
    rows = [
        {"way": "full fine-tuning", "moves": "all", "count": f"{body + own:,}", "copy": "the whole model"},
        {"way": "frozen features", "moves": "a new head", "count": f"{own:,}", "copy": "the head"},
        {"way": "a small module", "moves": "LoRA, adapters, prefix", "count": "few", "copy": "the module"},
        {"way": "prompting", "moves": "nothing", "count": "0", "copy": "a text"},
    ]
    yield f"The small encoder has {body:,} numbers below its head, with biases. A head for {SUBJECTS} subjects has a column of {head // WORDS - 1} numbers and a bias for each."
    yield question("How many numbers has that head?", own, f"{SUBJECTS} * ({head // WORDS - 1} + 1).", 0)
    yield table("what is trained, and what is stored for one more task", rows, way="way", moves="moves", count="here", copy="stored")  # fmt: skip
    yield "Frozen features can be computed once and kept, but can use only what the model already says. Fine-tuning can change it, and needs gradients and optimiser states for all. Large models can often do with a prompt alone."
    yield exactly("head-size", "numbers of body and head together", model.n_parameters, body + head)
    yield Part


@lesson.step("When it does not help: another world")
def another_world(run: Run) -> Iterator[Shown]:
    told = run.told
    yield "Now pre-train on texts where the same words keep other company: subjects made of other words. That is domain shift."
    rows = [{"start": "random", "right": 100 * told[SCRATCH]}, {"start": "pre-trained far away", "right": 100 * run.far}, {"start": "pre-trained nearby", "right": 100 * told[TUNE]}]  # fmt: skip
    yield table("new texts named rightly, all weights tuned", rows, start="start", right="right [%] :3")
    yield "Words that were drawn together are now to be told apart. It is not the training that helps, but what text and task have in common. Other risks: the old task is forgotten, and tasks learned together can get in each other's way."
    yield at_least("near", "nearby minus far away", 0.02, told[TUNE] - run.far)
    yield between("far", "far away minus random start", -0.25, 0.15, run.far - told[SCRATCH])


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    low, high = (float(expected_exact_match(p, ANSWER)) for p in (0.8, 0.95))
    yield Said("Fine-tuning is always better than training from scratch.", "false", "Not where labels are ample and the first task is another one.", "C297")  # fmt: skip
    yield "Learning from a prompt gets better with size. Suddenly? That depends on the measure. Let the chance of one right token grow from 0.8 to 0.95, errors being independent:"
    yield question(f"At 0.8: an answer of {ANSWER} tokens, all right?", low, f"0.8^{ANSWER}.")
    yield f"At 0.95 it is {high:.2f}. All or nothing shows a jump, token by token there is none."
    yield Said("Abilities emerge at a certain size.", "too strong", "Partly an effect of measures that are all or nothing.")  # fmt: skip
    yield at_least("jump", "whole answers right, 0.95 over 0.8, as a multiple", 10, high / low)
    yield Source("Schaeffer et al.", 2023, "Are Emergent Abilities of Large Language Models a Mirage?", "section 2")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Stage 1 is self-supervised on much unlabelled text: next tokens, masked tokens or spans. Stage 2 adapts with few labels: full fine-tuning, a head on frozen features, or a small trained module; large models can be adapted by a prompt alone, with no weight changed."
    yield "Gains: fewer labels and faster convergence. Risks: domain shift, forgetting, tasks that interfere. Ability to learn in context grows with scale; whether it looks sudden depends on the metric."
    yield Try("tfx quiz transfer-learning")
