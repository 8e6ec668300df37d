"""Concatenation and W_O: the answers of the heads keep a place of their own, and one more map decides who writes where."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.lab.attention.shape_trace import random_weights, trace_many_heads
from tfx.lab.attention.word_vectors import word_vectors
from tfx.measure.verdicts import largest
from tfx.ops.attention.multi_head import merge_heads
from tfx.ops.basics.linear import linear_forward

DEFAULT_TEXT = "the cat sat on the mat"


@dataclass(frozen=True)
class Settings:
    heads: int = setting(3, 2, 8, "H, heads; the model is 6 H wide")
    d_v: int = setting(6, 1, 32, "Dv, width of what one head brings home")


class Run:
    """heads: (H, T, Dv), what each head brings home for each word of the sentence.  w_o: (H Dv, C)."""

    def __init__(self, request: Request) -> None:
        self.n, self.d_v = request.settings.heads, request.settings.d_v
        self.c = 6 * self.n
        self.words = read_words(request.text, DEFAULT_TEXT)
        x = word_vectors(self.words, self.c, request.seed)[None]
        w = random_weights(np.random.default_rng(request.seed), self.c, self.n, self.d_v)
        traced = trace_many_heads(x, x, w, self.n)
        self.heads, self.out, self.w_o, self.w_v = traced.heads[0], traced.out[0], w.w_o, w.w_v

    def rows_of(self, head: int) -> slice:
        """The rows of W_O, and columns of W_V, that belong to a head."""
        return slice(head * self.d_v, (head + 1) * self.d_v)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


PAIRS = ((10.0, 40.0), (40.0, 10.0), (25.0, 25.0))


@lesson.step("Side by side, not added up")
def side_by_side(run: Run) -> Iterator[Shown]:
    rows = [{"one": a, "two": b, "sum": a + b, "joined": f"({a:g}, {b:g})"} for a, b in PAIRS]
    yield "Each head brings home an answer of its own. They could simply be added. Then the next layer gets one number, and cannot tell which head said what:"
    yield table("two heads of width 1, three cases", rows, one="head 1", two="head 2", sum="added", joined="side by side")  # fmt: skip
    yield "Written side by side (concatenated), each answer has a slot of its own, and the three cases stay apart. That was the reason for several heads in the first place: not to blend what was read."
    yield exactly("blend", "different sums of the three cases", 1, len({row["sum"] for row in rows}))
    yield exactly("apart", "different pairs", 3, len({row["joined"] for row in rows}))
    yield merge_heads


SMALL = np.array([[1.0, 0.0], [0.5, -1.0]])


@lesson.step("By hand: W_O weighs the slots")
def by_hand(run: Run) -> Iterator[Shown]:
    slots = np.array([10.0, 40.0])
    out = linear_forward(slots[None], SMALL)[0][0]
    yield "One more learned map, W_O, reads all slots of a token and writes the output. Two heads of width 1 brought home 10 and 40:"
    yield matrix("W_O", SMALL, "slot, output coordinate", ("head 1", "head 2"))
    yield formula("output = [O_1 ... O_H] W_O", "(T, H*Dv) x (H*Dv, C) -> (T, C)")
    yield question("What is coordinate 1 of the output?", out[0], "10 * 1 + 40 * 0.5: each head through its own row.")
    yield f"Coordinate 2 is 10 * 0 + 40 * (-1) = {out[1]:g}. So head 1 writes to coordinate 1 alone, head 2 to both, to the second one with a minus. Training decides such weights; each head has its own rows of W_O for them."
    yield agree("hand", "the output, by hand", out, [10 + 20, -40])
    yield linear_forward


@lesson.step("The same as a sum over the heads")
def sum_of_heads(run: Run) -> Iterator[Shown]:
    shares = np.stack([run.heads[h] @ run.w_o[run.rows_of(h)] for h in range(run.n)])  # (H, T, C)
    total, last = shares.sum(axis=0), shares[:, -1]
    yield "Cut W_O into H blocks of Dv rows, one for each head. Then the product is a sum:"
    yield formula("[O_1 ... O_H] W_O = O_1 W_O^1 + ... + O_H W_O^H", "W_O^h: (Dv, C), the rows of head h")
    names = [*(f"head {h + 1}" for h in range(run.n)), "sum"]
    yield matrix(f'what each head writes for "{run.words[-1]}", first coordinates', np.vstack([last, total[-1]])[:, :6], "share, coordinate", names)  # fmt: skip
    yield f"Concatenate and multiply, or add up {run.n} shares: the same, but for rounding, here {np.abs(total - run.out).max():.0e}."
    yield agree("sum", "concat then W_O, less the sum of the shares", run.out, total, to=1e-12)


def reach(run: Run, mixes: np.ndarray) -> np.ndarray:
    """(H, width): 1 where an output coordinate of the last word moves when the answer of one head does."""
    joined, moved = merge_heads(run.heads), []
    for head in range(run.n):
        other = joined.copy()
        other[:, run.rows_of(head)] += 1.0
        moved.append(np.abs(other @ mixes - joined @ mixes)[-1] > 1e-9)
    return np.array(moved).astype(float)


@lesson.step("Without W_O each head writes only to its own slice")
def without(run: Run) -> Iterator[Shown]:
    free, mixed = reach(run, np.eye(run.n * run.d_v)), reach(run, run.w_o)
    rows = [{"head": f"head {h + 1}", "free": int(free[h].sum()), "mixed": int(mixed[h].sum())} for h in range(run.n)]
    yield "Take W_O out, that is, put the identity in its place. Then change what one head brings home, and count which numbers of the output move."
    yield table("coordinates of the output that a head reaches", rows, head="head", free=f"without W_O, of {run.n * run.d_v}", mixed=f"with W_O, of {run.c}")  # fmt: skip
    yield f"Without it head h owns its slice of {run.d_v} coordinates and nothing else. With it the rows of a head decide in which directions it writes, and two heads can write to the same place, where they support or cancel each other."
    shared = float((free.sum(axis=0) > 1).sum())
    yield exactly("slices", "coordinates that two heads reach without W_O", 0.0, shared)
    yield agree("every", "with W_O each head reaches every coordinate", mixed, np.ones_like(mixed), to=0)
    yield Said("Without W_O heads could never exchange anything.", "too strong", "Not inside this layer. The layers that follow read all slices, and mix them.")  # fmt: skip
    yield Try.here(heads=run.n % 8 + 1 if run.n % 8 else 2)


@lesson.step("Back to the width of the model")
def width(run: Run) -> Iterator[Shown]:
    joined, c = run.n * run.d_v, run.c
    yield "What attention gives is added to the token's own vector, X + output (the residual connection). So it must be as wide as the token, C."
    rows = [{"array": name, "shape": shape} for name, shape in (("one head, O_h", f"({len(run.words)}, {run.d_v})"), ("concatenated", f"({len(run.words)}, {joined})"), ("W_O", str(run.w_o.shape)), ("output", str(run.out.shape)))]  # fmt: skip
    yield table(f"your sentence, H = {run.n}, Dv = {run.d_v}, C = {c}", rows, array="array", shape="shape")
    yield question(f"How many numbers does W_O hold here, with H = {run.n}, Dv = {run.d_v} and C = {c}, without an offset?", joined * c, "H * Dv rows, C columns.", 0)  # fmt: skip
    fits = "happens to be C too" if joined == c else f"is {joined}, not {c}"
    yield f"Here H * Dv {fits}. With the usual Dv = C / H it always is C, and W_O is a square matrix, a quarter of the four maps."
    yield exactly("shape", "the output has the shape of X", f"({len(run.words)}, {c})", str(run.out.shape))
    yield exactly("holds", "numbers in W_O", float(joined * c), float(run.w_o.size))
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.2")


@lesson.step("W_V and W_O work as one map for each head")
def one_map(run: Run) -> Iterator[Shown]:
    both = [run.w_v[:, run.rows_of(h)] @ run.w_o[run.rows_of(h)] for h in range(run.n)]
    ranks = [int(np.linalg.matrix_rank(m)) for m in both]
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((run.d_v, run.d_v)))[0]
    changed = largest(float(np.abs((run.w_v[:, run.rows_of(h)] @ turn) @ (turn.T @ run.w_o[run.rows_of(h)]) - both[h]).max()) for h in range(run.n))  # fmt: skip
    yield "Between W_V and W_O stands only a weighted average, with the weights P_h of head h. So for each head the two act as one C x C map, from what a token is to what is written about it:"
    yield formula("P_h (X W_V^h) W_O^h = P_h X (W_V^h W_O^h)", "rank Dv at most")
    yield f"Here its rank is {min(ranks)}, of C = {run.c}: a head writes in {min(ranks)} directions, and W_O chooses which. W_V^h alone has no meaning of its own: turn its columns and turn them back in W_O^h, and the output moves by {changed:.0e}."
    wanted = min(run.d_v, run.c)
    yield agree("rank", "the rank is Dv, or C where that is smaller", ranks, wanted, to=0)
    yield agree("turned", "the product does not see the turn", changed, to=1e-9)
    yield "This view is from later work on what heads do (Elhage et al. 2021). DeepSeek-V2 (2024) stores one short vector for the keys and values of all heads, beside one short key for positions, and merges the maps that read the first into W_Q and W_O."
    yield Source("Elhage et al.", 2021, "A Mathematical Framework for Transformer Circuits")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "The heads are concatenated so that each keeps its own slots, and W_O, of shape H * Dv by C, weighs the slots one by one. It is the same as adding the heads, each through its own rows of W_O."
    yield "It does two things: it brings H * Dv numbers back to the width of the model, so that the output can be added to the token, and it decides for every head in which directions it writes. Without it heads would not mix inside the layer."
    yield Try("tfx quiz output-projection")
