"""Why position must be added: attention moves its outputs with its tokens, and what breaks that symmetry."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.lab.position.permutation import BOTH_WAYS, CAUSAL, Settings as Naming, trained_to_name
from tfx.nn.convolution import Convolution1d
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.ops.basics.linear import linear_forward
from tfx.ops.positions.positions import add_positions_forward, concat_positions_forward, sinusoidal_positions

DEFAULT_TEXT = "the dog bit a man"
NAMING = Naming(tokens=5, words=4, width=16, layers=1, steps=60, models=2)


@dataclass(frozen=True)
class Settings:
    width: int = setting(16, 4, 256, "C, the numbers in a token's vector")


class Run:
    """x: (T, C), a random vector for each different word; order: the words backwards; w: W_Q, W_K, W_V, random."""

    def __init__(self, request: Request) -> None:
        self.words, self.width = read_words(request.text, DEFAULT_TEXT), request.settings.width
        tokens, rng = len(self.words), np.random.default_rng(request.seed)
        if len({*self.words}) < 2:
            raise BadInput("all words of the text are the same, so it has only one order.", "Try: --text 'dog bites man'")  # fmt: skip
        self.order = np.arange(tokens)[::-1]
        if self.words[::-1] == self.words:
            self.order = np.roll(np.arange(tokens), 1)
        vectors = {word: rng.standard_normal(self.width) for word in dict.fromkeys(self.words)}
        self.x = np.stack([vectors[word] for word in self.words])
        self.w = rng.standard_normal((3, self.width, self.width)) / self.width**0.5
        self.names = labels(self.words)
        self.positions = sinusoidal_positions(tokens, self.width)

    def attend(self, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        w_q, w_k, w_v = self.w
        return np.asarray(self_attention_forward(x, w_q, w_k, w_v, mask)[0])


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


def moved(after: np.ndarray, before: np.ndarray) -> float:
    """How far they are apart, relative to the size of what was there before."""
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


@lesson.step("Who bit whom? The words are the same")
def same_words(run: Run) -> Iterator[Shown]:
    here, there = run.attend(run.x), run.attend(run.x[run.order])
    other = " ".join(run.words[i] for i in run.order)
    word, place = run.words[1], run.order.tolist().index(1)
    yield f'Two texts: "{" ".join(run.words)}" and "{other}". As a rule they differ in meaning. One head of attention with random maps reads the vectors of both.'
    yield matrix(f'output of attention at "{word}", its first numbers', np.stack([here[1], there[place]])[:, :6], "text, number", ("this order", "other order"))  # fmt: skip
    yield f'The word "{word}" stood at place 2 and now stands at place {place + 1}, and its output is the same. So it is for every word.'
    yield question("A model that sums up a text by the mean of all outputs: how far apart are its two means?", 0.0, "Both means are taken over the same vectors, in another order.")  # fmt: skip
    yield f"They differ by {moved(there.mean(axis=0), here.mean(axis=0)):.0e} of their size: rounding. To such a model a text is a bag of words, each with its count."
    yield agree("pooled", "the mean output is the same for both orders", there.mean(axis=0), here.mean(axis=0))


@lesson.step("Outputs move with their tokens: equivariant, not invariant")
def equivariant(run: Run) -> Iterator[Shown]:
    here, there = run.attend(run.x), run.attend(run.x[run.order])
    weights, v = self_attention_forward(run.x, *run.w)[1].weights[0], run.x @ run.w[2]
    terms = [f"{p:.3f} ({x:.3f})" for p, x in zip(weights[:3], v[:3, 0], strict=False)]
    more = " + ..." if len(run.words) > 3 else ""
    yield "Shuffle the rows of X by any reordering R, and the output's rows are shuffled alike:"
    yield formula("attention(R X) = R attention(X)        no mask, no positions")
    yield f'Why: a score depends on two vectors alone, softmax divides by a sum over all words, and an output is a sum over all words. By hand, number 1 of the output at "{run.words[0]}": {" + ".join(terms)}{more} = {here[0, 0]:.3f}. A sum does not depend on the order of its terms.'
    yield f"Measured: off by {moved(there, here[run.order]):.0e} from the reordered outputs. Place by place the output differs by {moved(there, here):.0%} of its size."
    yield Said("Self-attention is permutation invariant.", "false", "It is equivariant: outputs move with their tokens. Invariant is only what pools them evenly, such as their mean.", "C076")  # fmt: skip
    yield at_most("equivariant", "off from reordered outputs", 1e-12, moved(there, here[run.order]))
    yield at_least("not-invariant", "off from the outputs before, place by place", 1e-6, moved(there, here))
    yield Source("Lee et al.", 2019, "Set Transformer", "section 3.1")


@lesson.step("The cure: add a vector that says the place")
def add_positions(run: Run) -> Iterator[Shown]:
    z, _ = add_positions_forward(run.x, run.positions)
    shuffled, _ = add_positions_forward(run.x[run.order], run.positions)
    apart = moved(run.attend(shuffled).mean(axis=0), run.attend(z).mean(axis=0))
    yield "Each place t has a vector PE_t, the same in every text, added once, at the input. Later layers read what is made of that sum."
    yield formula("z_t = x_t + PE_t", "(T, C) + (T, C) -> (T, C)")
    yield matrix("x_1, PE_1 and their sum, first numbers", np.stack([run.x[0], run.positions[0], z[0]])[:, :6], "vector, number", ("word", "place", "sum"))  # fmt: skip
    yield question(f"How many numbers are added to a text of {len(run.words)} words at C = {run.width}?", z.size, "A vector of C numbers for each word.", 0)  # fmt: skip
    yield f"Now the mean output of the other order differs by {apart:.0%} of its size."
    yield at_least("positions", "with positions the mean output moves by", 1e-6, apart)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.5")
    yield add_positions_forward


@lru_cache(maxsize=8)
def named(attention: str, scheme: str, seed: int) -> float:
    """The share of places that a small model, trained for that, names right."""
    with blas_threads(1):  # small products: a second thread is only waited for
        return float(trained_to_name(NAMING, attention, scheme, seed).mean())


@lesson.step("A causal mask gives some order away by itself")
def the_mask(run: Run) -> Iterator[Shown]:
    tokens = NAMING.tokens
    mark = np.eye(tokens)[:, :1]
    shares, _ = attend_forward(np.zeros((tokens, tokens)), mark, causal_mask(tokens))
    here, there = (run.attend(x, causal_mask(len(run.words))).mean(axis=0) for x in (run.x, run.x[run.order]))
    yield "A causal mask lets a token read itself and what came before. Let the first token carry a 1, the others a 0, and let each average what it may read:"
    yield matrix("the average at each place", shares.T, "number, place", ("average",))
    yield f"It is 1 divided by the place: the place can be read off, with no position added. On your two texts the mean output now moves by {moved(there, here):.0%}."
    yield Said("Without positional encodings a Transformer cannot know the order.", "true with conditions", "Where every token looks both ways, as in an encoder. A decoder can learn order from its causal mask.", "C077")  # fmt: skip
    yield agree("by-mask", "the average is 1 / place", shares[:, 0], 1 / np.arange(1, tokens + 1))
    yield at_least("mask-moves", "under a causal mask the mean output moves by", 1e-6, moved(there, here))
    yield Source("Haviv et al.", 2022, "Transformer Language Models without Positional Encodings Still Learn Positional Information")  # fmt: skip


@lesson.step("Can a trained model name the places?")
def named_places(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    tokens, seed = NAMING.tokens, int(rng.integers(2**31))
    rows: list[dict[str, Any]] = [
        {"attention": attention, "positions": scheme, "named": 100 * named(attention, scheme, seed)}
        for attention, scheme in ((BOTH_WAYS, "none"), (CAUSAL, "none"), (BOTH_WAYS, "sinusoidal"))
    ]
    yield "A small model is trained to say of every token at which place it stands: without positions both ways, with a causal mask, and with positions."
    yield question(f"Of {tokens} tokens the first is marked, the others are random words. Looking both ways without positions, what share of places can a model name on average, at best?", 2 / tokens, f"The mark, and a guess among {tokens - 1} that is right for 1 of them: 2 of {tokens}.")  # fmt: skip
    yield table(f"one block, trained {NAMING.steps} steps to name places", rows, attention="attention", positions="positions", named="named [%] :2")  # fmt: skip
    yield f"Both ways without positions it is near the predicted guess. The causal mask alone gives {rows[1]['named']:.0f}%, positions {rows[2]['named']:.0f}%."
    yield at_most("both-ways", "both ways, no positions: share named", 2 / tokens + 0.12, rows[0]["named"] / 100)
    yield at_least("with-places", "both ways, with positions: share named more", 0.25, (rows[2]["named"] - rows[0]["named"]) / 100)  # fmt: skip


@lesson.step("Why add it, and not write it beside the token?")
def add_or_join(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    width, features = run.width, 4
    x, p = run.x, rng.standard_normal((len(run.words), features))
    w = rng.standard_normal((width + features, width)) / width**0.5
    joined, _ = linear_forward(concat_positions_forward(x, p)[0], w)
    token, place = x @ w[:width], p @ w[width:]
    q, k = (run.x[0], run.positions[0]), (run.x[1], run.positions[1])
    m = run.w[0] @ run.w[1].T
    parts = [float(a @ m @ b) for a in q for b in k]
    whole = float((q[0] + q[1]) @ m @ (k[0] + k[1]))
    cosine = {c: float(np.abs((pair := rng.standard_normal((2, 1000, c))).prod(axis=0).sum(-1) / np.linalg.norm(pair, axis=-1).prod(axis=0)).mean()) for c in (4, 512)}  # fmt: skip
    yield f"Written beside it, a position of {features} numbers makes a token {width + features} wide, and a map W back to {width} is needed. W has two parts, and the product falls apart into two:"
    yield formula("[x, PE] W = x W_word + PE W_place", "W_word: the first C rows of W, W_place: the others")
    yield f"So joining and mapping back is adding as well, of a mapped position to a mapped token, and costs {w.size} weights. Plain addition costs none and keeps C. In wide vectors there is room for both: two random directions have a cosine of {cosine[512]:.3f} on average, sign aside, at C = 512, and of {cosine[4]:.2f} at C = 4."
    yield "Its price: a score q . k of sums has four terms, and training has to use the two mixed ones well."
    yield table(f'raw score of "{run.words[0]}" with "{run.words[1]}", in four terms', [{"word": parts[0], "wp": parts[1], "pw": parts[2], "place": parts[3], "sum": whole}], word="word, word :3", wp="word, place :3", pw="place, word :3", place="place, place :3", sum="the score :3")  # fmt: skip
    yield agree("joined", "joined and mapped equals mapped and added", joined, token + place)
    yield agree("terms", "the four terms sum to the score", sum(parts), whole)
    yield Try("tfx experiment concat-vs-add")


@lesson.step("What there is to choose from")
def kinds(run: Run) -> Iterator[Shown]:
    rows = [
        {"kind": "sinusoids", "where": "added at the input", "learned": "nothing", "topic": "positional-sinusoidal"},
        {"kind": "a learned table", "where": "added at the input", "learned": "a vector a place", "topic": "positional-learned"},
        {"kind": "relative terms", "where": "scores, by offset", "learned": "vectors or numbers", "topic": "positional-relative"},
        {"kind": "rotation (RoPE)", "where": "turns q and k", "learned": "nothing", "topic": "positional-rope"},
        {"kind": "ALiBi", "where": "scores, by distance", "learned": "nothing", "topic": "positional-alibi"},
    ]  # fmt: skip
    yield "Absolute schemes say which place it is. Relative ones tell a query and a key how far apart they are: their offset. A good code differs from place to place, stays bounded, and makes offsets easy to compute."
    yield table("five kinds, all explained in this module", rows, kind="kind", where="where it acts", learned="what is learned", topic="tfx explain")  # fmt: skip
    yield "Choose by need. A table or sinusoids are simplest, for texts of known length. Relative and rotary schemes follow offsets. A table ends at its last row. Sinusoids are defined anywhere, but to read longer texts than in training is extrapolation, and models with them do it poorly."
    yield exactly("kinds", "kinds that learn nothing", 3, sum(row["learned"] == "nothing" for row in rows))


@lesson.step("What is said of it, and what came after")
def said_of_it(run: Run) -> Iterator[Shown]:
    rng = np.random.default_rng(0)
    layer, x = Convolution1d(run.width, run.width, 3, rng, "same", dtype="float64"), run.x[None]
    apart = moved(layer.forward(x[:, run.order])[0], layer.forward(x)[0][:, run.order])
    yield Said("Sandwich combines several kinds of position.", "false", "It is one relative bias, without parameters, made from dot products of sinusoids.")  # fmt: skip
    yield Said("Transformers read tokens in parallel, unlike CNNs, and so lack order.", "false", "A convolution reads in parallel too, and its weights, one for each neighbour, know what is left and right. What lacks order is a weighted sum whose weights know no places.", "C100")  # fmt: skip
    yield "Since 2021 many open language models use rotation, Llama, Mistral and Qwen among them. Some leave positions out in some layers: SmolLM3 does so in every fourth."
    yield f"A convolution that reads three words at a time, on your two texts: off from reordered outputs by {apart:.0%} of their size."
    yield at_least("convolution", "a convolution is off from reordered outputs by", 1e-6, apart)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    here, there = (run.attend(add_positions_forward(x, run.positions)[0]) for x in (run.x, run.x[run.order]))
    yield "Self-attention is permutation equivariant: shuffle the tokens, and you get the same outputs, shuffled. So whatever pools the outputs of an encoder without positions cannot tell dog bites man from man bites dog."
    yield "The cure is a position vector added to each token, or a change of the scores by offset. A causal mask gives away some order by itself: the first token sees one token, the last sees all."
    yield at_least("closing", "with positions the reordered outputs are off by", 1e-6, moved(there, here[run.order]))
    yield Try("tfx experiment permutation")
    yield Try("tfx quiz positional-need")
