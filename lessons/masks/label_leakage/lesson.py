"""Label leakage: a model that can see its answer copies it, and shift and mask are both needed against that."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, between, exactly, formula, matrix, question,
    setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training import label_leakage as lab
from tfx.measure.label_leakage import copying_entropy, future_leak, sees_answer, uniform_floor
from tfx.measure.verdicts import largest, smallest
from tfx.ops.losses.cross_entropy import cross_entropy_forward

STEPS, NEW, ROWS = 100, 4000, 300
WORDS = ("we", "read", "a", "book")
START = "<start>"


@dataclass(frozen=True)
class Settings:
    symbols: int = setting(6, 3, 12, "different tokens")
    repeats: float = setting(0.8, 0.5, 0.9, "the chance that a token is a copy of the one before")


class Cell(NamedTuple):
    """loss: on new rows, in nats; least: of any honest model that sees as much; written: share of tokens that go on as
    they should; answer: how far an output moves when its answer and later tokens change."""

    loss: float
    least: float
    written: float
    answer: float


class Run:
    """cells: what became of the four ways to train, as (mask, shift)."""

    def __init__(self, request: Request) -> None:
        self.seed = request.seed
        given = request.settings
        self.settings = lab.Settings(symbols=given.symbols, length=5, steps=STEPS, repeats=given.repeats)

    @cached_property
    def cells(self) -> dict[tuple[bool, bool], Cell]:
        with blas_threads(1):
            return {cell: measured(self.settings, *cell, self.seed) for cell in lab.CELLS}


lesson = Lesson(Run, Settings)


def least(settings: lab.Settings, masked: bool, shifted: bool) -> float:
    """The mean over places of what no model can know: the first token, and each next one, where it is hidden."""
    first, following = uniform_floor(settings.symbols), copying_entropy(settings.symbols, settings.repeats)
    hidden = first + (settings.length - 1) * following if masked and shifted else following if shifted else 0.0
    return hidden / settings.length


def measured(settings: lab.Settings, masked: bool, shifted: bool, seed: int) -> Cell:
    model, _ = lab.learn(settings, masked, shifted, seed)
    rng = np.random.default_rng((seed, 1))
    new = lab.draw_rows(settings, NEW, rng)
    loss, _ = cross_entropy_forward(lab.logits_of(model, settings, masked, shifted, new)[0], new)
    rows = lab.write_on(model, settings, masked, shifted, ROWS, rng)
    moved = future_leak(lambda ids: np.asarray(lab.logits_of(model, settings, masked, shifted, ids)[0][:, 1:]), new[:20], settings.symbols)  # fmt: skip
    return Cell(float(loss), least(settings, masked, shifted), float((rows[:, 1:] == rows[:, :1]).mean()), moved)


def name(cell: tuple[bool, bool]) -> str:
    return {(True, True): "mask and shift", (True, False): "mask alone", (False, True): "shift alone", (False, False): "neither"}[cell]  # fmt: skip


@lesson.step("When the answer stands in the question")
def the_answer_inside(run: Run) -> Iterator[Shown]:
    shifted = (START, *WORDS[:-1])
    rows = [{"place": i + 1, "answer": w, "plain": w, "shifted": s} for i, (w, s) in enumerate(zip(WORDS, shifted, strict=True))]  # fmt: skip
    same = sum(row["answer"] == row["plain"] for row in rows)
    yield "A decoder is asked for a word at each place, with the whole sentence as input. A model that sees its answer there learns to copy it: label leakage."
    yield table("what goes in", rows, place="place", answer="asked for", plain="input as it is", shifted="input shifted right")  # fmt: skip
    yield question("Without the shift: at how many places is the answer the place's own input?", same, "At all of them.", 0)  # fmt: skip
    yield "Both are needed: the shift, by which place t gets word t - 1, and the causal mask, as then the answer stands one place on."
    yield exactly("own", "places with their own answer as input, as it is and shifted", "4, 0", f"{same}, {sum(row['answer'] == row['shifted'] for row in rows)}")  # fmt: skip


@lesson.step("Four ways, by hand: which place sees its answer?")
def by_hand(run: Run) -> Iterator[Shown]:
    length = len(WORDS)
    seen = np.array([sees_answer(*cell, length) for cell in lab.CELLS]).astype(int)
    yield "With the mask place t sees inputs 1 to t, without it all. The answer of place t is input t without the shift, and input t + 1 with it."
    yield matrix("1: the place sees its answer", seen, "way, place", [name(cell) for cell in lab.CELLS])
    yield "Mask alone: the answer is the place's own input, and the diagonal is visible. The mask hides nothing that matters. Shift alone: it stands one place on, and all but the last place look there; the last answer is no input at all."
    yield question("Shift without mask, 20 places: how many of them see their answer?", 19, "All but the last.", 0)
    yield exactly("counts", "places that see their answer", "0, 4, 3, 4", ", ".join(str(int(row.sum())) for row in seen))  # fmt: skip
    yield sees_answer


@lesson.step("The floor: no honest model gets below it")
def the_floor(run: Run) -> Iterator[Shown]:
    s, following = run.settings, copying_entropy(run.settings.symbols, run.settings.repeats)
    same = s.repeats + (1 - s.repeats) / s.symbols
    other, honest = (1 - s.repeats) / s.symbols, least(s, True, True)
    yield f"Make a text whose best loss is known: {s.length} tokens of {s.symbols}; the first is drawn evenly, each next one copies the one before with chance {s.repeats:g}, else it is drawn evenly. Who knows the one before is right with chance {same:.3f} at most."
    yield formula(
        "least loss = (log words + (T - 1) h) / T", "words: different tokens, h: entropy of the next one, - sum p log p"
    )
    yield f"log {s.symbols} = {math.log(s.symbols):.3f} for the first token. For each other h = -({same:.4g} log {same:.4g} + {s.symbols - 1} * {other:.4g} log {other:.4g}) = {following:.3f}."
    yield question("What is the least mean loss of a model that sees no answer?", honest, f"({math.log(s.symbols):.3f} + {s.length - 1} * {following:.3f}) / {s.length}.")  # fmt: skip
    yield "On new texts a mean loss that stays below the floor is the sign of a leak; on those of training the answers may have been learned by heart instead. Nobody knows the floor of real text, but a loss near 0 is below it."
    rng = np.random.default_rng(run.seed)
    rows = lab.draw_rows(s, 20_000, rng)
    copies = float((rows[:, 1:] == rows[:, :-1]).mean())
    yield between("copies", f"share of copies in 20,000 drawn rows, {same:.3f}", same - 0.01, same + 0.01, copies)


@lesson.step("Four ways, trained: the loss, and what is written")
def four_runs(run: Run) -> Iterator[Shown]:
    cells = run.cells
    rows = [{"way": name(cell), "least": c.least, "loss": c.loss, "written": 100 * c.written} for cell, c in cells.items()]  # fmt: skip
    honest, mask, shift, neither = cells.values()
    yield f"Four small models, {STEPS} updates each, on the same texts. Then each writes: it gets a first token, chooses the most likely next one, and so on. To go on right is to repeat. Where nothing is written yet, drawn tokens stand."
    yield table(f"{NEW:,} new texts (a mean over so many wavers a little about the floor)", rows, way="trained with", least="least loss :3", loss="loss [nats] :3", written="goes on right [%] :3")  # fmt: skip
    yield f"The three that leak look better in training, but at most {100 * largest((mask.written, shift.written, neither.written)):.0f} percent of what they write goes on right; guessing gives {100 / run.settings.symbols:.0f}. They copy what stands where the answer stood. The honest one has the highest loss, and can write."
    yield between("honest", "mask and shift: the loss, from the floor on", honest.least - 0.12, honest.least + 0.15, honest.loss)  # fmt: skip
    yield at_most("copied", "mask alone, or neither: the loss", 0.1, largest((mask.loss, neither.loss)))
    yield between("last", "shift alone: the loss, of the last place only", shift.least - 0.1, shift.least + 0.15, shift.loss)  # fmt: skip
    yield at_least("writes", "mask and shift: goes on right", 0.9, honest.written)
    yield at_most("useless", "the others, at most", 1 / run.settings.symbols + 0.25, largest((mask.written, shift.written, neither.written)))  # fmt: skip
    yield lab.write_on


@lesson.step("How to find a leak: change the answer")
def the_probe(run: Run) -> Iterator[Shown]:
    cells = run.cells
    rows = [{"way": name(cell), "moved": c.answer} for cell, c in cells.items()]
    yield "A test that needs no floor: change the answer of a place and all later tokens, and leave what stands before. An output that moves has seen what it must not."
    yield table("largest change of an output", rows, way="trained with", moved="by its answer and later tokens :3")
    yield "With mask and shift it is exactly 0. The usual test of a causal mask, changing later tokens alone, would miss the second row: with the mask alone no later token moves anything, and still the answer is copied."
    honest, *others = cells.values()
    yield agree("blind", "mask and shift", honest.answer, to=0)
    yield at_least("found", "every other way, at least", 0.1, smallest(c.answer for c in others))
    yield future_leak
    yield Try("tfx experiment label-leakage")


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    mask = run.cells[True, False]
    yield Said("Label leakage means that future tokens are seen.", "too strong", "That is one case. The word is for anything in the input that tells the answer and will be missing in use (Kaufman et al. 2012); with the mask alone it is the present token.")  # fmt: skip
    yield Said("The causal mask is what stops a decoder from copying its answer.", "true with conditions", f"If the input is shifted as well. Here the mask alone left a loss of {mask.loss:.4f}.", "C034")  # fmt: skip
    yield "In GPT-like code the shift is often done on the other side: input tokens 1 to T - 1, answers 2 to T. That is the same. Done twice, the model learns to say the token after the next."
    yield "Since 2017 the same trouble has a larger form: test questions that stood in the training text of a large model (contamination). No mask helps there."
    yield at_most("copy", "mask alone: the loss", 0.1, mask.loss)
    yield Source("Kaufman et al.", 2012, "Leakage in Data Mining: Formulation, Detection, and Avoidance")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Label leakage: the model sees its own target in the input, learns to copy it, and the training loss means nothing. A decoder needs two measures: the input is shifted right by one, and a causal mask hides later places."
    yield "Without the shift even a causal mask lets position t read token t. Without the mask it reads one place ahead. The signs are a loss too good to be true and useless generation; the test is to change the answer and see whether the output moves."
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")
    yield Try("tfx quiz label-leakage")
