"""Multi-head attention: one softmax makes one average, and several heads bring home several answers at once."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.heads.published import BLEU
from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, proof, question,
    setting, table,
)  # fmt: skip
from tfx.lab.attention.shape_trace import Traced, Weights, random_weights, trace_many_heads
from tfx.lab.attention.two_sources import OFFSETS, learn_two_sources, most_with_one_head, share_of_pairs
from tfx.lab.attention.word_vectors import word_vectors
from tfx.measure import counting
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.multi_head import (
    Maps, MultiHeadCache, multi_head_attention_backward, multi_head_attention_forward, split_heads,
)  # fmt: skip
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.entropy import entropy
from tfx.shipped.load import load

DEFAULT_TEXT = "the function returns a list of the names that it found"
WIDTH, SHARP = 4, 30.0
#: Of the models that learn to name two past tokens: different tokens, width, tokens in a text, training updates.
TASK = {"n_tokens": 6, "width": 16, "length": 12, "steps": 120}


@dataclass(frozen=True)
class Settings:
    first: float = setting(10.0, -1e6, 1e6, "the fact that the first token holds")
    second: float = setting(40.0, -1e6, 1e6, "the fact that the second token holds")
    heads: int = setting(2, 2, 16, f"H, heads; each is {WIDTH} numbers wide")


class Run:
    """words: the sentence.  x: (T, C), a random vector for each word.  w: random maps of H heads."""

    def __init__(self, request: Request) -> None:
        self.first, self.second, self.heads = request.settings.first, request.settings.second, request.settings.heads
        self.text, self.seed, self.untrained = request.text or DEFAULT_TEXT, request.seed, request.untrained
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.width = self.heads * WIDTH
        self.x = word_vectors(self.words, self.width, request.seed)
        self.w: Weights = random_weights(np.random.default_rng(request.seed), self.width, self.heads, WIDTH)

    @cached_property
    def traced(self) -> Traced:
        x = self.x[None]
        return trace_many_heads(x, x, self.w, self.heads)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT, trained=True)


def fetch(wanted: list[list[float]], facts: list[list[float]]) -> np.ndarray:
    """wanted: a row for each query, 1 for each token that it looks for.  facts: (S, Dv) -> what each query gets."""
    return attention_forward(SHARP * np.array(wanted), np.eye(len(facts)), np.array(facts), scale=1.0)[0]


@lesson.step("One softmax makes one average")
def one_average(run: Run) -> Iterator[Shown]:
    mean, apart = (run.first + run.second) / 2, 5.0
    pairs = [(run.first, run.second), (mean, mean), (mean - apart, mean + apart)]
    got = [float(fetch([[1, 1, 0]], [[a], [b], [a - 70]])[0, 0]) for a, b in pairs]
    yield "A word often needs two things at once: its verb and its subject, an age and a house number. One head has one query, one row of weights and so one weighted average. Let it look at two tokens equally; a third one is ignored."
    yield question(f"The two tokens hold {run.first:g} and {run.second:g}. What does the head bring home?", mean, "Half of each, added up.")  # fmt: skip
    rows = [{"a": a, "b": b, "got": value} for (a, b), value in zip(pairs, got, strict=True)]
    yield table("one head, weights 1/2 and 1/2", rows, a="first token", b="second token", got="brought home")
    yield "Three different pairs of facts, one answer: nobody who reads it can tell which pair it was. Other weights would move the answer, not mend it: many pairs give the same weighted average."
    yield agree("blurred", "the three averages are equal", got, [mean] * 3, to=1e-9 * max(1.0, abs(run.first), abs(run.second)))  # fmt: skip
    yield attention_forward


@lesson.step("Two heads bring home both")
def two_heads(run: Run) -> Iterator[Shown]:
    facts = [[run.first], [run.second], [run.first - 70]]
    got = fetch([[1, 0, 0], [0, 1, 0]], facts)[:, 0]
    yield "Give the same token two queries, each with a softmax of its own. Each head looks at one place and reads one fact:"
    rows = [{"head": f"head {i + 1}", "looks": name, "got": float(value)} for i, (name, value) in enumerate(zip(("the first token", "the second token"), got, strict=True))]  # fmt: skip
    yield table("two heads", rows, head="head", looks="looks at", got="brings home")
    yield "The two answers are written side by side, so the next layer finds each in a place of its own. That is multi-head attention: several attentions in parallel, on the same tokens, with queries, keys and values of their own."
    yield agree("both", "the heads bring home both facts", got, [run.first, run.second], to=1e-6 * max(1.0, abs(run.first), abs(run.second)))  # fmt: skip
    yield Try.here(first=run.first + 5, second=run.second - 5)


@lesson.step("The formula: H heads, side by side, then W_O")
def the_formula(run: Run) -> Iterator[Shown]:
    h, c, x = run.heads, run.width, run.x
    cuts = [slice(i * WIDTH, (i + 1) * WIDTH) for i in range(h)]
    alone = [attention_forward(x @ run.w.w_q[:, cut], x @ run.w.w_k[:, cut], x @ run.w.w_v[:, cut])[0] for cut in cuts]
    rows = [row for row in run.traced.rows() if row["name"] not in ("X", "K", "V", "scores", "heads")]
    yield formula("O_h = attention(X W_Q^h, X W_K^h, X W_V^h)    h = 1 ... H", "(T, C) -> (T, D)")
    yield formula("output = [O_1 ... O_H] W_O", "(T, H*D) x (H*D, C) -> (T, C)")
    yield "X: the tokens. W_Q^h, W_K^h, W_V^h: the three maps of head h; there are H such sets in all, one for each head. [ ]: side by side. W_O brings the width back to C. By custom D = Dv = C / H. Code keeps one C x C matrix for the queries of all heads: each owns D of its columns."
    yield table("your sentence, as one batch (B = 1)", rows, name="array", made="made by", axes="axes", shape="shape")
    yield question(f"How many numbers do all four maps hold at C = {c}, without offsets?", 4 * c * c, "Four C x C matrices, whatever H is.", 0)  # fmt: skip
    yield agree("alone", "each head computed alone gives its part of the whole", np.stack(alone), run.traced.heads[0])


def mixed_rows(x: np.ndarray, split: Any, n_heads: int) -> np.ndarray:
    """(H, T): 1 where the part of a head changes when the vector of the first token does."""
    other = x.copy()
    other[0] += 1.0
    return (split(other, n_heads) != split(x, n_heads)).any(axis=-1).astype(float)


def reshape_alone(x: np.ndarray, n_heads: int) -> np.ndarray:
    """The usual mistake: (T, C) -> (H, T, C / H) without exchanging axes."""
    return x.reshape(n_heads, x.shape[0], -1)


@lesson.step("In code: cut, attend, merge, project")
def in_code(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    h, x = run.heads, run.x[:6]
    right, wrong = mixed_rows(x, split_heads, h), mixed_rows(x, reshape_alone, h)
    yield formula("(B,T,C) -> (B,T,H,D) -> (B,H,T,D)", "reshape, then swap T and H; back: swap, then reshape")
    yield "C must be divisible by H. Reshaping to (B,H,T,D) at once has the right shape and the wrong numbers: it cuts the text, not the width. A test finds it: change the first token, and see which rows of head 1 move (1) or stay (0)."
    yield matrix("does it move in head 1?", np.stack([right[0], wrong[0]]), "way, row", ("reshape, swap", "reshape"))
    y, cache = layer_of(rng, 2).forward(rng.standard_normal((1, 3, 8)), rng.standard_normal((1, 5, 8)))
    yield f"It works for two sequences as well: {3} queries and {5} keys in 2 heads return weights {cache.weights.shape}, (B, H, T, S), and an output {y.shape}."
    yield exactly("own-row", "rows of other tokens that move with token 1, in all heads", 0.0, float(right[:, 1:].sum()))  # fmt: skip
    yield at_least("mixed", "... and with the reshape alone", 1.0, float(wrong[:, 1:].sum()))
    yield exactly("shape", "weights are (B, H, T, S)", "(1, 2, 3, 5)", str(cache.weights.shape))
    shapes = {"x": (3, 6), "w_q": (6, 6), "w_k": (6, 6), "w_v": (6, 6), "w_o": (6, 6)}
    yield proof("the tokens and all four maps", *both_ways, {name: rng.standard_normal(s) for name, s in shapes.items()})  # fmt: skip
    yield split_heads
    yield multi_head_attention_forward


def layer_of(rng: np.random.Generator, n_heads: int, width: int = 8) -> MultiHeadAttention:
    return MultiHeadAttention(width, n_heads, rng, dtype="float64")


def _forward(x: np.ndarray, w_q: Any, w_k: Any, w_v: Any, w_o: Any) -> tuple[np.ndarray, MultiHeadCache]:
    return multi_head_attention_forward(x, x, Maps(w_q, w_k, w_v, w_o), n_heads=2)


def _backward(dy: np.ndarray, cache: MultiHeadCache) -> tuple[np.ndarray, ...]:
    grads = multi_head_attention_backward(dy, cache)
    return grads.dx_q + grads.dx_kv, grads.dw_q, grads.dw_k, grads.dw_v, grads.dw_o


both_ways = (_forward, _backward)


@lesson.step("Learned: two heads do what one cannot")
def learned(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    ids = rng.integers(TASK["n_tokens"], size=(200, TASK["length"]))
    named = [share_of_pairs(learn_two_sources(n_heads=h, seed=run.seed, **TASK), ids) for h in (1, 2)]
    bound, v = most_with_one_head(TASK["n_tokens"]), TASK["n_tokens"]
    yield f"Does training find it? A layer of attention alone reads random texts and names two past tokens at every place: the one {OFFSETS[0]} back and the one {OFFSETS[1]} back. Width {TASK['width']}, {TASK['steps']} training updates, then new texts:"
    yield question(f"By chance: {v} different tokens, two to name. Which share of pairs does a guess name?", 1 / v**2, f"One in {v} for each of the two.")  # fmt: skip
    yield table("pairs of tokens named right", [{"h": h, "d": TASK["width"] // h, "share": 100 * s} for h, s in zip((1, 2), named, strict=True)], h="heads", d="D", share="right [%] :3")  # fmt: skip
    yield f"One head blends the two tokens into one sum. A linear map that reads this sum and names all pairs of equal tokens can be right in no more than ({v} + 1) / (2 * {v}) = {bound:.0%} of all pairs. Two heads have the same number of parameters and no such limit."
    yield at_most("one", f"one head names at most ({v} + 1) / (2 * {v})", bound, named[0])
    yield at_least("two", "two heads name nearly all", 0.9, named[1])
    yield Try("tfx experiment rank-bottleneck")


@lesson.step("The price: nothing in parameters and products, something in memory")
def the_price(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n, c, h = len(run.words), run.width, run.heads
    owned = {k: layer_of(rng, k, c).n_parameters for k in (1, h)}
    work = {k: counting.total_matmul_flops((*counting.projections(n, c), *counting.attention_core(n, c, k))) // 2 for k in (1, h)}  # fmt: skip
    rows = [{"h": k, "owned": owned[k], "work": work[k], "weights": k * n * n} for k in (1, h)]
    yield "Several heads share out the width: each is C / H wide. So at one C, H narrow heads have the parameters, and take the multiply-adds, of one head of full width."
    yield table(f"C = {c}, T = {n} words, with offsets", rows, h="heads", owned="parameters", work="multiply-adds", weights="weights P")  # fmt: skip
    yield "Only P grows: T * T numbers for each head, and the softmax over them. And each head compares in fewer dimensions."
    yield exactly("owned", "parameters, for one head and for all", owned[1], owned[h])
    yield exactly("work", "multiply-adds, for one head and for all", work[1], work[h])
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.2")
    yield "Since 2017 many decoders let several query heads share one head of keys and values, to store less while they write (Shazeer 2019; Ainslie et al. 2023)."


def last_layer(run: Run) -> tuple[np.ndarray, tuple[str, ...]]:
    """(H, T, T), the weights of the last layer of the language model on the text, and the tokens."""
    shipped = load("language", untrained=run.untrained, seed=run.seed)
    reading = shipped.read(run.text)
    return shipped.model.forward(reading.ids[None])[1].stack.blocks[-1].attention.weights[0], reading.labels


@lesson.step("What the heads of a trained model do")
def trained_heads(run: Run) -> Iterator[Shown]:
    weights, names = last_layer(run)
    place = np.arange(len(names))
    back = (weights * np.maximum(place[:, None] - place, 0)).sum(axis=-1)[:, 1:].mean(axis=-1)
    spread = entropy(weights)[:, 1:].mean(axis=-1)
    rows = [{"head": h + 1, "top": names[int(w[-1].argmax())], "back": back[h], "spread": spread[h]} for h, w in enumerate(weights)]  # fmt: skip
    yield f'The small language model of this course{" (untrained)" * run.untrained} reads your text, {len(place)} tokens. Last layer: what the last token, "{names[-1]}", looks at most; on average over all but the first, how far back and how widely each head looks (entropy, with natural logarithms, in nats: 0 for one token, {math.log(len(place)):.2f} for all alike).'
    yield table("its heads on your text", rows, head="head", top="top", back="tokens back :3", spread="entropy [nats] :3")  # fmt: skip
    yield "Nobody assigned these jobs. A picture shows what is mixed, not what it is for."
    yield agree("causal", "no token looks at a later one: weight there", float((weights * (place > place[:, None])).max()), to=0)  # fmt: skip
    yield at_most("spread", "no entropy above log T", math.log(len(place)) + 1e-9, float(entropy(weights).max()))
    yield Said("Heads specialise, each in an aspect of language.", "true with conditions", "It is a tendency, found after training; nothing forces it.", "C067")  # fmt: skip


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    kept = fetch([[1, 1, 0]], [[run.first, 0.0], [0.0, run.second], [70.0, 70.0]])[0]
    yield f"Were the two facts kept in two coordinates, ({run.first:g}, 0) and (0, {run.second:g}), one head would bring home ({kept[0]:g}, {kept[1]:g}): half of each, and nothing is lost. The blur comes where the tokens hand over the same coordinates."
    yield agree("kept", "half of each, in coordinates of their own", kept, [run.first / 2, run.second / 2], to=1e-6 * max(1.0, abs(run.first), abs(run.second)))  # fmt: skip
    worst, best = BLEU[1], max(BLEU.values())
    yield Said("The more heads, the better.", "false", f"In the table of 2017 one head is {best - worst:.1f} below the best number in BLEU, a score of translations, and {max(BLEU)} heads are below it too, by {best - BLEU[max(BLEU)]:.1f}. Of a trained model many heads can go with little loss (Voita et al. 2019).", "C063")  # fmt: skip
    yield Said("The heads are an ensemble.", "true with conditions", "One of them can often be missed. But members of an ensemble answer alone; heads are trained to be mixed. Filters of a convolution are a better picture.", "C069")  # fmt: skip
    yield Source("Michel, Levy and Neubig", 2019, "Are Sixteen Heads Really Better than One?", "section 3")
    yield Try("tfx experiment head-pruning")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "One softmax gives one weighted average. A token that needs two things at once gets them blended. So the width C is shared out to H heads; each has its own queries, keys and values of width C / H, its own weights, and its own answer."
    yield "The answers are written side by side and mixed by W_O. At one width this costs no parameters and no multiply-adds, only H matrices of weights instead of one. What each head does is learned, and many turn out to be dispensable."
    yield Try("tfx quiz multi-head")
