"""Reformer: hash to find the keys that matter, and compute activations again in place of keeping them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.efficient.lsh_attention import lsh_attention_forward
from tfx.efficient.lsh_hashing import lsh_buckets, random_rotations
from tfx.lab.cost.hashing import compared, found_by_round, twins
from tfx.measure.held_memory import held_bytes
from tfx.measure.verdicts import largest
from tfx.nn.block_settings import StackSettings
from tfx.nn.reversible import ReversibleStack, Streams
from tfx.ops.attention.scaled_dot_product import attention_forward

T, D, BUCKETS, ROUNDS = 128, 16, 16, (1, 2, 4, 8)
HAND = np.array([3.0, 1.0])  # a vector that is hashed by hand


@dataclass(frozen=True)
class Settings:
    noise: float = setting(0.5, 0.1, 1.0, "how far a vector's twin is moved, in lengths of the vector")


class Run:
    """x: (T, D), vectors of length 1 in pairs of twins.  buckets: (R, T), of eight rounds."""

    def __init__(self, request: Request) -> None:
        self.noise, self.seed = request.settings.noise, request.seed
        self.x = twins(T, D, self.noise, np.random.default_rng(self.seed))
        self.buckets = lsh_buckets(self.x, random_rotations(D, BUCKETS, max(ROUNDS), self.seed))

    def stack(self, layers: int, recompute: bool = True) -> ReversibleStack:
        sizes = StackSettings(d_model=8, n_heads=2, d_ff=16, n_layers=layers, dtype="float64")
        return ReversibleStack(sizes, np.random.default_rng((self.seed, layers)), recompute)


lesson = Lesson(Run, Settings)


@lesson.step("Which keys matter? Those that point the same way")
def which_keys(run: Run) -> Iterator[Shown]:
    weights = attention_forward(6 * run.x, 6 * run.x, run.x, ~np.eye(T, dtype=bool))[1].weights
    top = np.sort(weights, axis=1)[:, ::-1]
    even = 4 / (T - 1)
    yield "A softmax looks mainly at its largest scores. For keys of one length these are the keys that point where the query points. If they could be found without trying all T, the other scores need not be made."
    yield f"Reformer makes queries and keys of one map, keys at length 1, so that near means near for both. A token would then look at itself first, q . k = |q|; it is told not to, unless it finds nobody else. Here {T} vectors in pairs of twins:"
    yield question("All weights even: which share would 4 of 127 keys have?", even, "4 / 127.")
    yield f"Measured, with q six times as long: the 4 largest of a row have {top[:, :4].sum(axis=1).mean():.0%}."
    yield at_least("top", "share of the 4 largest weights", 2 * even, float(top[:, :4].sum(axis=1).mean()))
    yield Source("Kitaev et al.", 2020, "Reformer: The Efficient Transformer", "section 2")


@lesson.step("By hand: a hash that keeps neighbours together")
def by_hand(run: Run) -> Iterator[Shown]:
    rotation = np.eye(2)[None]
    names = ("right", "up", "left", "down")
    vectors = {"(3, 1)": HAND, "(2, 1)": np.array([2.0, 1.0]), "(1, 2)": np.array([1.0, 2.0]), "(-3, -1)": -HAND}
    rows = [{"x": name, "both": ", ".join(f"{n:g}" for n in (*x, *-x)), "bucket": names[int(lsh_buckets(x[None], rotation)[0, 0])]} for name, x in vectors.items()]  # fmt: skip
    yield "Turn all vectors by one random R, and ask along which axis, with its sign, a vector points most. That axis is its bucket. Near vectors mostly share it, opposite ones never."
    yield formula("bucket(x) = argmax(x R, -x R)", "R: random directions, half as many")
    yield table("two dimensions, R left out: four buckets", rows, x="x", both="x, -x", bucket="bucket")
    yield "(2, 1) and (1, 2) are near, and a border runs between them. Another R has other borders: so hash several times, with a new R each time, and let a token read what it met in any round."
    yield exactly("opposite", "buckets that x and -x share, all rounds", 0, int((lsh_buckets(run.x, random_rotations(D, BUCKETS, 8, run.seed)) == lsh_buckets(-run.x, random_rotations(D, BUCKETS, 8, run.seed))).sum()))  # fmt: skip
    yield lsh_buckets


@lesson.step("More rounds find more, and cost more")
def rounds(run: Run) -> Iterator[Shown]:
    found, pairs = found_by_round(run.x, run.buckets), compared(run.buckets)
    rows = [{"rounds": r, "found": 100 * found[r - 1], "pairs": 100 * pairs[r - 1]} for r in ROUNDS]
    miss = (1 - found[0]) ** 4
    yield f"{T} vectors of width {D}, {BUCKETS} buckets. Found: the nearest other vector shares a bucket in one of the rounds. Compared: share of all pairs that do."
    yield question(f"One round finds {100 * found[0]:.0f}%. If rounds missed independently with that chance, how many percent would 4 find?", 100 * (1 - miss), "100 (1 - miss^4).")  # fmt: skip
    yield table("hashing", rows, rounds="rounds", found="nearest found [%] :3", pairs="pairs compared [%] :3")
    yield "Some twins are farther apart: what one round missed, the next misses more often. The share compared grows too."
    yield at_least("more", "found in 8 rounds less found in one, %", 10.0, rows[-1]["found"] - rows[0]["found"])
    yield at_most("pairs", "pairs compared in one round, %", 20.0, rows[0]["pairs"])
    yield found_by_round


@lesson.step("Sort, cut, attend")
def sort_and_cut(run: Run) -> Iterator[Shown]:
    rows = []
    for t in (1024, 4096, 16384):
        chunk = 64
        rows.append({"t": t, "full": t * t, "four": 4 * t * 2 * chunk, "share": 100 * 4 * 2 * chunk / t})
    v = np.random.default_rng((run.seed, 1)).standard_normal((T, D))
    whole, _ = lsh_attention_forward(run.x, v, n_buckets=1, chunk=T)
    unit = run.x / np.sqrt((run.x * run.x).sum(axis=-1, keepdims=True) + 1e-6)
    exact, _ = attention_forward(run.x, unit, v, ~np.eye(T, dtype=bool))
    yield "Buckets differ in size. So sort the tokens by bucket, cut the row into chunks of one length, and let a token read its bucket in its chunk and the one before. Sorting costs T log T, the rest is linear."
    yield formula("scores: rounds * T * 2 chunk", "in place of T^2")
    yield question(
        "T = 4,096, chunks of 64, 4 rounds: how many scores a head?", rows[1]["four"], "4 * 4,096 * 2 * 64.", 0
    )
    yield table(
        "scores of a head, chunks of 64, 4 rounds",
        rows,
        t="T",
        full="full :10",
        four="Reformer :10",
        share="share [%] :3",
    )
    yield "All rounds are one softmax over what a token met. With one bucket and one chunk that is exact attention with shared queries and keys."
    yield agree("exact", "one bucket, one chunk, and attention with shared queries and keys", whole, exact, to=1e-5)
    yield lsh_attention_forward


@lesson.step("Reversible layers: compute inputs again")
def reversible(run: Run) -> Iterator[Shown]:
    x = np.random.default_rng((run.seed, 2)).standard_normal((1, 6, 8))
    stack = run.stack(12)
    y = Streams(x, 0.5 * x)
    for block in stack.blocks:
        y, _ = block.forward(y)
    for block in reversed(stack.blocks):
        y, _ = block.undo(y, Streams(np.zeros_like(x), np.zeros_like(x)))
    off = largest([float(np.abs(y.first - x).max()), float(np.abs(y.second - 0.5 * x).max())])
    kept = {(layers, again): held_bytes(run.stack(layers, again).forward(x)[1], run.stack(layers, again)) for layers in (2, 12) for again in (True, False)}  # fmt: skip
    yield "The way back needs what each layer read. Two streams that take turns can be undone by subtraction, from the output alone:"
    yield formula("y_1 = x_1 + f(x_2)        x_2 = y_2 - g(y_1)", "f: attention")
    yield formula("y_2 = x_2 + g(y_1)        x_1 = y_1 - f(x_2)", "g: the network")
    yield question("By hand: x_1 = 1, x_2 = 2, f(x) = 3 x, g(x) = x^2. What is y_2?", 2 + (1 + 3 * 2) ** 2, "y_1 = 7; then 2 + 49.", 0)  # fmt: skip
    yield table("bytes kept for the way back", [{"layers": n, "usual": kept[n, False], "again": kept[n, True]} for n in (2, 12)], layers="layers", usual="usual :8", again="reversible :8")  # fmt: skip
    yield f"Undoing 12 blocks gives the input back to {off:.0e}: rounding. It costs one more forward pass. The network is computed a few tokens at a time, so its hidden layer is small, too."
    yield at_most("undone", "largest difference of the input that came back", 1e-9, off)
    yield exactly("depth", "bytes kept for 12 blocks over those for 2", 1.0, kept[12, True] / kept[2, True])
    yield Source("Gomez et al.", 2017, "The Reversible Residual Network")


@lesson.step("What is often said, and what came of it")
def often_said(run: Run) -> Iterator[Shown]:
    yield Said("Reversible layers save the memory of activations.", "true", "Inputs come back from outputs, to rounding; what is kept does not grow with the number of layers.", "C189")  # fmt: skip
    yield Said(
        "Reformer finds the largest scores.",
        "true with conditions",
        "With a chance that grows with the number of rounds; a near key behind a border in each round is missed.",
    )
    yield Said(
        "Hashing approximates softmax attention of a trained model.",
        "too strong",
        "Queries and keys are one map, keys have length 1, and a token leaves itself out: a model has to be trained that way.",
    )
    yield question("4 rounds, chunks of 64: below which T are T^2 scores fewer?", 4 * 2 * 64, "T^2 = 4 * T * 128.", 0)
    yield "Sorting runs badly on graphics cards, and FlashAttention made full attention cheap in memory; few models of today hash. Choosing by content which blocks of keys are read came back (NSA)."
    yield Source("Yuan et al.", 2025, "Native Sparse Attention")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Reformer hashes vectors that serve as queries and keys: those that point the same way mostly share a bucket. Tokens are sorted by bucket, cut into chunks, and attend within them; several rounds lower the chance to miss a near key. Cost T log T."
    yield "Reversible residual layers recompute inputs from outputs, so activation memory does not grow with depth; it costs one more forward pass. A network computed in chunks of tokens keeps the peak low."
    yield Try("tfx quiz efficient-reformer")
