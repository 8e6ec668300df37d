"""Low-rank attention: a few mixed keys or landmarks stand for all; when that is enough, and what it forbids."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.efficient.linformer import linformer_forward
from tfx.efficient.nystrom_attention import nystrom_attention_forward, segment_means
from tfx.lab.cost.attention_variants import work
from tfx.lab.cost.efficient_variants import error, random_rows, smooth_rows
from tfx.lab.cost.spectrum import energy, heads_of_language_model
from tfx.ops.attention.scaled_dot_product import attention_forward

T, D = 128, 16
KEPT = (4, 16, 64)
HAND = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]) / 2


@dataclass(frozen=True)
class Settings:
    marks: int = setting(16, 4, 64, "mixed keys, or landmarks, that stand for all keys")


class Run:
    """smooth, rough: q, k, v (T, D) of rows that change slowly, and of random rows.  means: mixes by segments."""

    def __init__(self, request: Request) -> None:
        self.n, self.seed = request.settings.marks, request.seed
        self.smooth, self.rough = (self.in_float64(rows(np.random.default_rng(self.seed), T, D)) for rows in (smooth_rows, random_rows))  # fmt: skip

    @staticmethod
    def in_float64(heads: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        q, k, v = heads
        return q.astype("float64"), k.astype("float64"), v.astype("float64")

    def means(self, n: int) -> np.ndarray:
        return np.asarray(segment_means(T, n, None, "float64", np)[0])

    @cached_property
    def shares(self) -> dict[str, np.ndarray]:
        """Mean over heads of the energy in the first directions: of each block, and of the model untrained."""
        trained, start = heads_of_language_model(), heads_of_language_model(untrained=True, seed=self.seed)
        return {"block 1": energy(trained[0]).mean(axis=0), "block 2": energy(trained[-1]).mean(axis=0), "untrained": energy(start).mean(axis=(0, 1))}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("Do a few directions hold the weights?")
def directions(run: Run) -> Iterator[Shown]:
    even = energy(np.full((8, 8), 1 / 8))[0]
    rows = [
        {"what": name, **{f"k{k}": 100 * share[k - 1] for k in (1, 4, 8, 16, 32)}} for name, share in run.shares.items()
    ]
    yield "If rows of weights are much alike, a few patterns and their mixtures give all of them. Singular values say how far that holds: the share of a matrix (of its summed squares) that its k strongest directions carry."
    yield question(
        "All weights equal, 1/T: which share has the first direction?",
        float(even),
        "All rows are the same: one pattern.",
    )
    yield table("weights of the shipped language model, 58 tokens, mean over heads", rows, what="whose", **{f"k{k}": f"first {k} [%] :3" for k in (1, 4, 8, 16, 32)})  # fmt: skip
    yield "Untrained rows are nearly even. Training points rows at single tokens, which takes more directions: here fewer in block 2 than in block 1. Wang et al. find weights of trained models close to low rank, in upper layers more so."
    yield exactly("even", "share of the first direction of even weights", 1.0, round(float(even), 9))
    yield at_least("upper", "share of 16 directions, block 2 over block 1", 1.0, run.shares["block 2"][15] / run.shares["block 1"][15])  # fmt: skip
    yield energy
    yield Source("Wang et al.", 2020, "Linformer", "section 3")


@lesson.step("Linformer: mix keys along the text")
def linformer(run: Run) -> Iterator[Shown]:
    keys = np.array([[2.0], [4.0], [6.0], [10.0]])
    mixed = HAND @ keys
    yield "Linformer makes a few mixed keys of all keys, and a few mixed values, by one learned matrix each. Queries then attend to these. It is the length that shrinks, from T to some fixed number of marks; the width of a key stays."
    yield formula("K' = G K        V' = G' V", "(marks, S) x (S, D) -> (marks, D)")
    yield formula("O = softmax(Q K'^T / sqrt(D)) V'", "scores: (T, marks)")
    yield f"By hand: four keys of width 1, 2, 4, 6 and 10, and a G that averages neighbours, rows (1/2, 1/2, 0, 0) and (0, 0, 1/2, 1/2): K' = {mixed[0, 0]:g}, {mixed[1, 0]:g}."
    yield question(
        "T = 4,096 queries, 256 marks: how many scores a head?", 4096 * 256, "4,096 * 256, in place of 4,096^2.", 0
    )
    yield "Papers write E and F for the two matrices and k for marks. Heads, or all layers, can share them. Trained, a model learns what to keep; G is no average then."
    yield agree("hand", "mixed keys", mixed[:, 0], np.array([3.0, 8.0]))
    whole, same = attention_forward(*run.rough)[0], linformer_forward(*run.rough, np.eye(T))[0]
    yield agree("identity", "as many marks as tokens, G = I: attention itself", same, whole)
    yield linformer_forward
    yield Source("Wang et al.", 2020, "Linformer", "section 4, equation 7")


@lesson.step("How good, and what it costs")
def how_good(run: Run) -> Iterator[Shown]:
    noise = np.random.default_rng((run.seed, 1))
    rows = []
    for n in sorted({*KEPT, run.n}):
        ways = {
            "means": self_mean(run, n),
            "noise": partial(linformer_forward, e=noise.standard_normal((n, T)) / np.sqrt(T)),
        }
        rows.append({"marks": n, "work": work(ways["means"], run.rough), "smooth": 100 * error(ways["means"], run.smooth), "rough": 100 * error(ways["means"], run.rough), "noise": 100 * error(ways["noise"], run.smooth)})  # fmt: skip
    first = {row["marks"]: row for row in rows}
    yield f"One untrained head, T = {T}, D = {D}. G takes means of segments, or is random. Off: distance from softmax attention over its size."
    yield table("off from attention, on smooth rows unless told", rows, marks="marks", work="multiply-adds :8", smooth="means [%] :2", rough="on random rows [%] :2", noise="random G [%] :2")  # fmt: skip
    yield question("Multiply-adds with 64 marks over those with 16?", first[64]["work"] / first[16]["work"], "Mixing and scores are each T * marks * D.", 0)  # fmt: skip
    yield "Where neighbours are alike, a mean per segment is nearly the key of each. Where they are not, or G was not learned, the output is another."
    yield at_most("smooth", "off, smooth rows, 16 segments, %", 30.0, first[16]["smooth"])
    yield at_least("rough", "off, random rows, 16 segments, %", 40.0, first[16]["rough"])
    yield exactly("work", "multiply-adds with 16 marks", 4 * T * 16 * D, first[16]["work"])


def self_mean(run: Run, n: int) -> partial:
    return partial(linformer_forward, e=run.means(n))


@lesson.step("What a mixed key forbids")
def forbids(run: Run) -> Iterator[Shown]:
    q, k, v = run.rough
    later = v.copy()
    later[-1] += 1.0
    moved = float(np.abs(linformer_forward(q, k, later, run.means(run.n))[0][0] - linformer_forward(q, k, v, run.means(run.n))[0][0]).max())  # fmt: skip
    try:
        linformer_forward(q, np.concatenate([k, k[:1]]), np.concatenate([v, v[:1]]), run.means(run.n))
        longer = "read"
    except ValueError:
        longer = "refused"
    yield "A mixed key holds tokens from all over the text. So there is no causal form: to hide the future from a query one would need other mixed keys for each query."
    yield question(
        "Change the last value. By how much may the first output move under a causal mask?", 0, "It must not see it."
    )
    yield f"In Linformer it moves by {moved:.2g}. So it suits encoders, which read a whole text, and not models that write."
    yield f"And G has a column for each place: a text longer than those of training finds none. Here {T + 1} tokens for a G of {T} columns: {longer}. Shorter texts use the first columns."
    yield "Padding must be blocked before the mixing, by zeros: behind it one mixed key cannot be half hidden."
    yield at_least("leaks", "first output moves with the last value by", 1e-6, moved)
    yield exactly("length", "a text one token longer than G", "refused", longer)


@lesson.step("Nystromformer: landmarks")
def nystrom(run: Run) -> Iterator[Shown]:
    rows = [{"marks": n, **{name: 100 * error(partial(nystrom_attention_forward, n_landmarks=n), heads) for name, heads in (("smooth", run.smooth), ("rough", run.rough))}} for n in sorted({*KEPT, run.n})]  # fmt: skip
    first = {row["marks"]: row for row in rows}
    exact, _ = attention_forward(*run.rough)
    whole, _ = nystrom_attention_forward(*run.rough, n_landmarks=T, n_iterations=40)
    yield "Landmarks are means of segments; three small matrices of weights rebuild the large one:"
    yield formula("O = P_1 P_2^+ P_3 V", "P_2^+: pseudo-inverse")
    yield "P_1: queries to landmark keys. P_2: among landmarks. P_3: from them to all keys."
    yield question(
        f"T = {T}, 16 landmarks: how many weights in the three?", 2 * T * 16 + 16 * 16, "T * 16, 16 * 16 and 16 * T.", 0
    )
    yield table("off from attention", rows, marks="landmarks", smooth="smooth rows [%] :2", rough="random rows [%] :2")
    yield at_most("near", "off, smooth rows, 16 landmarks, %", 30.0, first[16]["smooth"])
    yield at_least("far", "off, random rows, 16 landmarks, %", 40.0, first[16]["rough"])
    yield agree("all", "each token a landmark: attention itself", whole, exact, to=1e-3)
    yield Source("Xiong et al.", 2021, "Nystromformer", "section 3.2")


@lesson.step("What is often said, and what came after")
def often_said(run: Run) -> Iterator[Shown]:
    yield Said("Linformer is linear in length, because attention has low rank.", "true with conditions", "Linear, since the number of marks is fixed. Good, if the weights really have low rank: random rows do not.", "C177")  # fmt: skip
    yield Said("The Nystromformer is linear and a good approximation.", "true with conditions", "Linear, with a fixed number of landmarks. Good where neighbours are alike.", "C191")  # fmt: skip
    yield Said(
        "Linformer projects keys to a smaller width.",
        "false",
        "It is the length that shrinks: G acts on the axis of tokens.",
    )
    yield Said(
        "Linformer is the linear Transformer.",
        "false",
        "That name belongs to attention with another kernel (Katharopoulos et al. 2020).",
    )
    yield "MLA of DeepSeek-V2 squeezes another axis: for each token it keeps one short vector in place of keys and values of all heads. All tokens stay."
    yield Source("DeepSeek-AI", 2024, "DeepSeek-V2")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Linformer projects keys and values along the sequence: learned matrices of shape marks x T make a fixed number of mixed keys and values, so scores are T x marks, and time and memory linear in T. Width is not touched. Its length is fixed by training, and it has no causal form."
    yield "Nystromformer takes segment means as landmarks and rebuilds softmax attention from three small matrices with a pseudo-inverse in the middle: linear for a fixed number of landmarks. Both are good where weights are smooth or of low rank."
    yield Try("tfx quiz efficient-low-rank")
