"""Length, and what is learned: sums from a table of digit patterns, positions never trained, more keys, and what helps."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.data.toys.addition import Addition
from tfx.lab.cost.needle import needle_weight
from tfx.lab.position.length_extrapolation import Settings as Lengths, lost_by_half_length
from tfx.lab.sequences.digit_tables import (
    carry_in, copied_right, learn_patterns, right_from_back, right_from_front, share_right, sums,
)  # fmt: skip

SHORT = Lengths(length=8, steps=80, width=16)
MANY, FEW, ASKED, PAIRS, CARRIES = 2000, 40, 100, 4000, 10  # two digits that sum to CARRIES carry


@dataclass(frozen=True)
class Settings:
    digits: int = setting(10, 2, 18, "digits of a long number")
    lead: float = setting(4.0, 3.0, 5.0, "by how much the right key's score is ahead of the others")


class Run:
    """drawn: sums of two digits.  asked: held-out sums, by digits.  a, b: (PAIRS, digits), numbers of random digits."""

    def __init__(self, request: Request) -> None:
        self.digits, self.lead = request.settings.digits, request.settings.lead
        rng = np.random.default_rng(request.seed)
        self.drawn = sums(Addition(2), MANY, rng, held_out=False)
        self.asked = {n: sums(Addition(n), ASKED, rng, held_out=True) for n in sorted({2, 3, 5, self.digits})}
        self.a, self.b = rng.integers(10, size=(2, PAIRS, self.digits))
        self.model_seed = int(rng.integers(2**31))


lesson = Lesson(Run, Settings)


@lesson.step("New is not the same as different")
def new_texts(run: Run) -> Iterator[Shown]:
    many, few, apart = map(learn_patterns, (run.drawn, run.drawn[:FEW], [one for one in run.drawn if sum(one[0][0]) < CARRIES]))  # fmt: skip
    carrying = [one for one in run.asked[2] if sum(one[0][0]) >= CARRIES]
    rows: list[dict[str, Any]] = [{"after": f"{MANY:,}", "asked": "two digits", "right": share_right(many, run.asked[2])},
            {"after": f"{FEW}", "asked": "two digits", "right": share_right(few, run.asked[2])},
            {"after": "those with no carry from the last column", "asked": "two digits, such a carry", "right": share_right(apart, carrying)},
            {"after": f"{MANY:,}", "asked": "three digits", "right": share_right(many, run.asked[3])}]  # fmt: skip
    yield "With a text it never saw, a model recombines what it learned. A learner that we can read: it adds by a table of columns (place, two digits, carry), filled from sums of two digits. A column not met is a mistake."
    yield question("How many columns can sums of two digits have? In the last no carry comes in.", len({(place, i, j, carry) for place in (0, 1) for i in range(10) for j in range(10) for carry in range(place + 1)}), "100 for the last, 200 for the first.", 0)  # fmt: skip
    yield table("share of sums right, none of which was in training", rows, after="trained on sums of two digits", asked="asked", right="right :2")  # fmt: skip
    yield "New sums of the trained kind (in distribution) come out right, given enough examples. Combinations of a kind left out, and longer sums (both out of distribution), do not. Transformers are weak there too."
    yield at_least("many", "new sums right after many examples", 0.9, rows[0]["right"])
    yield at_most("few", "... after few", 0.5, rows[1]["right"])
    yield exactly("apart", "... with a carry of a kind that was left out", 0.0, rows[2]["right"])
    yield exactly("longer", "... of three digits", 0.0, rows[3]["right"])


@lesson.step("What is tied to a place ends with the places")
def by_length(run: Run) -> Iterator[Shown]:
    tied, free = learn_patterns(run.drawn), learn_patterns(run.drawn, by_place=False)
    rows = [{"n": n, "tied": share_right(tied, asked), "free": share_right(free, asked, by_place=False)} for n, asked in run.asked.items()]  # fmt: skip
    yield "The same examples, and a table that does not ask for the place: a column is a column, wherever it stands. In a Transformer, a code for each position ties to a place; one for distances need not."
    yield question(f"Each of {run.digits + 1} digits of a sum is right with 99%, independently. With what chance are all of them?", 0.99 ** (run.digits + 1), f"0.99 to the power {run.digits + 1}.")  # fmt: skip
    yield table("share of sums right after sums of two digits", rows, n="digits asked", tied="with the place :2", free="without :2")  # fmt: skip
    yield "So accuracy falls with length in two ways: rules that end, all at once, and small errors that multiply."
    yield at_least("free", "share of the longest sums right, without the place", 0.6, rows[-1]["free"])
    yield at_most("tied", "... with the place", 0.0, rows[-1]["tied"])


@lesson.step("The carry runs from right to left, writing from left to right")
def order(run: Run) -> Iterator[Shown]:
    rows = [{"n": n, "one": right_from_front(a, b, 1), "two": right_from_front(a, b, 2), "back": right_from_back(a, b)} for n, a, b in ((n, run.a[:, :n], run.b[:, :n]) for n in sorted({2, run.digits}))]  # fmt: skip
    ends = carry_in(np.array([[4, 9, 9], [4, 9, 9]]), np.array([[5, 0, 0], [5, 0, 1]]))[:, 0]
    yield f"499 + 500 has {ends[0]} thousands, 499 + 501 has {ends[1]}: only the last digit differs. A column whose digits sum to 9 passes on what comes from its right."
    yield formula("carry into the next column = 1 if digit + digit + carry >= 10, else 0")
    yield question("Two random digits: with what chance do they sum to 9?", sum(i + j == 9 for i in range(10) for j in range(10)) / 100, "10 pairs of 100.")  # fmt: skip
    yield table("share right; from the front, seeing 1 or 2 columns to the right", rows, n="digits", one="sees 1 :3", two="sees 2 :3", back="from back :3")  # fmt: skip
    yield "From the back, a digit needs its column, the one before and the digit written there. Trained so, small Transformers needed fewer examples. Tokens of several digits hide columns."
    yield carry_in
    yield exactly("back", "sums right from the back", 1.0, rows[-1]["back"])
    yield at_most("front", "sums right from the front, one column seen, over two", 0.98, rows[-1]["one"] / rows[-1]["two"])  # fmt: skip
    yield within("nine", "columns that pass a carry on", 0.1, float((run.a + run.b == 9).mean()), 0.02)
    yield Source("Lee et al.", 2023, "Teaching Arithmetic to Small Transformers")


@lru_cache(maxsize=16)
def lost(positions: str, seed: int) -> np.ndarray:
    """What a small trained model loses in each half training length of texts four times as long."""
    with blas_threads(1):  # small products: a second thread is only waited for
        return lost_by_half_length(SHORT, positions, seed)


@lesson.step("Transformers beyond their trained length")
def beyond(run: Run) -> Iterator[Shown]:
    found = {name: lost(name, run.model_seed) for name in ("sinusoidal", "rotary", "alibi")}
    rows: list[dict[str, Any]] = [{"positions": name, "inside": float(by_half[:2].mean()), "near": float(by_half[2:4].mean()), "far": float(by_half[4:].mean())} for name, by_half in found.items()]  # fmt: skip
    yield f"Three models of one block, trained here on texts of {SHORT.length} tokens. A token follows from the last two, which attention fetches. 0: all is known that can be; 1: as good as a guess."
    yield question("Sinusoids are defined at each position. How much more is lost from twice the trained length on than inside it?", rows[0]["far"] - rows[0]["inside"], "No map met tokens with those codes.", 0.04)  # fmt: skip
    yield table("share that is lost, by place in a longer text", rows, positions="positions", inside=f"1 to {SHORT.length} :2", near=f"to {2 * SHORT.length} :2", far=f"to {4 * SHORT.length} :2")  # fmt: skip
    yield Said("Sinusoids let a model handle texts longer than those of training.", "false", "The codes are there; the maps have not met them.", "C083")  # fmt: skip
    yield at_least("sinusoidal", "lost far out with sinusoids, less what is lost inside", 0.2, rows[0]["far"] - rows[0]["inside"])  # fmt: skip
    yield at_least("alibi", "lost far out: sinusoids less ALiBi", 0.1, rows[0]["far"] - rows[2]["far"])
    yield Try("tfx experiment length-extrapolation")
    yield Source("Press et al.", 2022, "Train Short, Test Long")


@lesson.step("More keys, less weight for the right one")
def spreading(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = [{"keys": n, "weight": needle_weight(n, run.lead), "right": copied_right(n, run.lead, 10, 1000, rng)} for n in (16, 256, 4096, 65536)]  # fmt: skip
    yield f"A longer text has more keys. Attention copies a token: the right key scores {run.lead:g} more than each other one; these hold random tokens of 10 kinds."
    yield formula("weight of the right key = exp(lead) / (exp(lead) + keys - 1)")
    yield question("With how many keys is its weight a half?", math.exp(run.lead) + 1, "exp(lead) + 1, as the others then weigh as much together.")  # fmt: skip
    yield table("copying with the heaviest token", rows, keys="keys", weight="weight :3", right="copied right :2")
    yield "Training on short texts needs only a lead that is enough there. ALiBi hides far keys and so keeps them few."
    yield copied_right
    yield agree("formula", "weights, by the formula", [row["weight"] for row in rows], [1 / (1 + (row["keys"] - 1) * math.exp(-run.lead)) for row in rows])  # fmt: skip
    yield exactly("short", "copied right with 16 keys", 1.0, rows[0]["right"])
    yield at_most("long", "... with 65,536", 0.99, rows[-1]["right"])


@lesson.step("What helps, and when")
def what_helps(run: Run) -> Iterator[Shown]:
    met, new = run.asked[3][: ASKED // 2], run.asked[3][ASKED // 2 :]
    right, of_new = (share_right(learn_patterns([*run.drawn, *met]), each) for each in (met, new))
    rows = [{"what": "relative positions", "when": "distance counts; plain rotary ones get worse"}, {"what": "ALiBi", "when": "what counts is near; far keys are hidden"},
            {"what": "steps written down", "when": "each is like trained ones; texts get longer"},
            {"what": "more lengths in training", "when": "up to about those lengths"}]  # fmt: skip
    yield "Each remedy has its condition:"
    yield table("remedies", rows, what="what", when="helps when")
    yield question(f"The table by place meets {len(met)} sums of three digits besides. What share of these {len(met)} is right?", right, "Their columns have been met.", 0)  # fmt: skip
    yield f"Of {len(new)} new ones {of_new:.0%} are right: so test on what was held out, at each length by itself. With codes for a digit's place in its number, models trained on at most 20 digits added 100, about 99% right (McLeish et al. 2024)."
    yield exactly("heart", "sums right that were in training", 1.0, right)
    yield See("positional-alibi", "short_to_long")


@lesson.step("Often said; and said in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "On unseen text a Transformer recombines learned patterns; it generalises and memorises. It is good within the training distribution and weak under shifts of length and composition: positions never trained, attention spread over more keys."
    yield "Arithmetic it learns from many examples, as digit patterns and carries. Tokenisation and digit order matter: from the back each carry is local. Beyond trained lengths it is weak; steps written out help, and so do relative positions and more lengths, each under a condition."
    yield Said("Models generalise by abstraction and do not memorise.", "false", "They do both: random strings can only be kept by heart.", "C294")  # fmt: skip
    yield Said("Arithmetic is learned from patterns of digits, given examples.", "true with conditions", "If all were met at the place where they are asked for.", "C301")  # fmt: skip
    yield Try("tfx quiz generalization")
