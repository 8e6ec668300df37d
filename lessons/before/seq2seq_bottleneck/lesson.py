"""The fixed vector as a bottleneck, what else limits recurrent translators, and attention, which undid the first."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, matrix, question, setting, table, within,
)  # fmt: skip
from tfx.lab.sequences.reversal import Reverser, share_right
from tfx.measure.verdicts import smallest
from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq
from tfx.nn.memory_attention import MemoryAttention
from tfx.ops.attention.attend import attend_forward

DEFAULT_TEXT = "drawer"
LENGTHS, SYMBOLS, TEXTS, LONGEST = (2, 4, 8, 16, 32), 10, 400, 8


@dataclass(frozen=True)
class Settings:
    width: int = setting(32, 16, 128, "C, the numbers of the context vector")


class Run:
    """shares: for each length, what share of symbols is written right, by way."""

    def __init__(self, request: Request) -> None:
        self.width, self.seed = request.settings.width, request.seed
        self.letters = "".join(read_words(request.text, DEFAULT_TEXT, at_least=1))[:LONGEST]

    @cached_property
    def shares(self) -> dict[str, list[float]]:
        return {
            way: [
                share_right(np.random.default_rng((self.seed, n)), self.width, SYMBOLS, n, TEXTS, way) for n in LENGTHS
            ]
            for way in ("vector", "forced", "attention")
        }


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("The longer the text, the less comes back")
def falls(run: Run) -> Iterator[Shown]:
    wide = [
        share_right(np.random.default_rng((run.seed, n)), 2 * run.width, SYMBOLS, n, TEXTS, "vector") for n in LENGTHS
    ]
    rows = [{"n": n, "one": 100 * one, "two": 100 * two} for n, one, two in zip(LENGTHS, run.shares["vector"], wide, strict=True)]  # fmt: skip
    yield f"The hand-set reverser of the last topic gets longer and longer texts, over {SYMBOLS} different symbols. A wider vector moves the fall:"
    yield question("What share is right by guessing?", 1 / SYMBOLS, f"One of {SYMBOLS}.")
    yield table("symbols written right", rows, n="length", one=f"C = {run.width} [%] :3", two=f"C = {2 * run.width} [%] :3")  # fmt: skip
    yield Said("A vector of fixed size is a bottleneck that hurts long inputs.", "true", "A trained network may code better, in as finite a width.", "C302")  # fmt: skip
    yield at_least("falls", f"share right of {LENGTHS[0]} symbols, less that of {LENGTHS[-1]}", 0.2, run.shares["vector"][0] - run.shares["vector"][-1])  # fmt: skip
    yield at_least("wider", f"{LENGTHS[3]} symbols: share right in twice the width, less that in C", 0.0, wide[3] - run.shares["vector"][3])  # fmt: skip
    yield Source("Cho et al.", 2014, "On the Properties of Neural Machine Translation")


@lesson.step("Why: a right code against the sum of all others")
def why(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n, c = 17, run.width
    model, ids = Reverser(rng, c, 400), rng.integers(400, size=(400, n))
    context = model.encode(ids)[:, -1]
    last = ids[:, -1]
    fit = (context * model.codes[last]).sum(axis=-1)
    noise = context - model.codes[last]
    strangers = noise @ model.codes.T
    expected, spread = math.sqrt((n - 1) / c), float(np.sqrt((strangers**2).mean()))
    yield "The decoder asks: which code fits the state? The right one meets itself and answers with about 1. All other symbols of the text are in the state as well, turned away; each fits any code by chance, a little above or below 0, with variance 1/C. Variances add:"
    yield formula("noise = sqrt((n - 1) / C)", "standard deviation, n symbols in C numbers")
    yield question(f"{n} symbols in C = {c} numbers: how large is the noise?", expected, f"The root of {n - 1}/{c}.")
    yield f"Measured over 400 texts: the right code answers with {fit.mean():.2f} on average, the noise is {spread:.3f}. When it comes near 1, the wrong symbol wins often. What counts is the length over the width."
    yield within("noise", "noise over the formula", 1.0, spread / expected, 0.15)
    yield within("signal", "mean answer of the right code", 1.0, float(fit.mean()), 0.3)
    yield Try("tfx experiment fixed-vector")


@lesson.step("One mistake leads to the next")
def own_words(run: Run) -> Iterator[Shown]:
    rows = [{"n": n, "own": 100 * own, "told": 100 * told} for n, own, told in zip(LENGTHS, run.shares["vector"], run.shares["forced"], strict=True)]  # fmt: skip
    yield "The decoder takes away the code of what it wrote; a wrong one makes its state worse. Compare with one that is told the true symbol after each step, as in training:"
    yield table("symbols right", rows, n="length", own="own words [%] :3", told="told [%] :3")
    yield Said("Exposure bias is a fault of recurrent networks that masking cures.", "false", "The mismatch comes from training on true words and writing from one's own; Transformers have it, too. So it is with repetition and unknown words.")  # fmt: skip
    yield at_least("told", f"{LENGTHS[-1]} symbols: share right when told, less that from its own words", 0.05, run.shares["forced"][-1] - run.shares["vector"][-1])  # fmt: skip
    yield at_least("never-worse", "least gain of being told, over all lengths", -0.02, smallest(b - a for a, b in zip(run.shares["vector"], run.shares["forced"], strict=True)))  # fmt: skip
    yield Try("tfx experiment exposure-bias")


@lesson.step("What else limits a recurrent translator")
def limits(run: Run) -> Iterator[Shown]:
    faults = [
        {"fault": "one vector for the source", "cure": "attention over all states, 2014"},
        {"fault": "n steps that wait, in training too", "cure": "no recurrence, as in Transformers, 2017"},
        {"fault": "gradients fade or explode over time", "cure": "gates soften it; short paths"},
        {"fault": "exposure bias, repetition", "cure": "shared by Transformers"},
        {"fault": "unknown words", "cure": "subword tokens, in any model"},
    ]
    yield "Keep the troubles apart; they have different cures, from different years."
    yield table("faults of recurrent sequence-to-sequence models", faults, fault="fault", cure="what changed it")
    yield formula("work of h W_h: n steps of C^2 multiply-adds", "one by one; x W_x: as many, at once")
    yield question(f"C = {run.width}: how many multiply-adds are 100 such steps?", 100 * run.width**2, "100 times C times C.", 0.01)  # fmt: skip
    yield See("rnn-baseline", "measured")


@lesson.step("Attention: keep every state, look where it matters")
def attention(run: Run) -> Iterator[Shown]:
    scores, h = np.array([2.0, 0.0, 1.0]), np.array([10.0, 40.0, 20.0])
    powers = np.exp(scores)
    weights, (context, _) = powers / powers.sum(), attend_forward(scores[None], h[:, None])
    yield "Keep all states of the encoder. At each step the decoder's state s asks every one; a score e says how well it fits, softmax makes weights of the scores, and the context is the weighted sum: a new one for each output word."
    yield formula("e_tj = v_a . tanh(s_{t-1} W_q + h_j W_k)", "W_q, W_k, v_a are learned")
    yield formula("c_t = sum_j a_tj h_j", "a_tj: softmax of e_tj over j")
    yield f"By hand: scores 2, 0 and 1. e to their powers: {powers[0]:.3f}, {powers[1]:.3f}, {powers[2]:.3f}; divided by their sum: {weights[0]:.3f}, {weights[1]:.3f}, {weights[2]:.3f}."
    yield question("The three states are the numbers 10, 40 and 20. What is the context?", context[0, 0], f"{weights[0]:.3f} * 10 + {weights[1]:.3f} * 40 + {weights[2]:.3f} * 20.")  # fmt: skip
    yield agree("by-hand", "the library's context, and the sum by hand", context[0, 0], float(weights @ h))
    yield MemoryAttention
    yield Source("Bahdanau, Cho and Bengio", 2015, "Neural Machine Translation by Jointly Learning to Align and Translate", "section 3.1, appendix A.1.2")  # fmt: skip


@lesson.step("Which word was read? The weights say it")
def alignment(run: Run) -> Iterator[Shown]:
    model = Reverser(np.random.default_rng(run.seed), 64, 26)
    ids = np.array([[ord(letter) % 26 for letter in run.letters]])
    weights = model.with_attention(ids).weights
    assert weights is not None
    n = len(run.letters)
    yield f'The reverser again, now with attention: it writes "{run.letters}" from the end, and scores places by a dot product of place codes.'
    yield matrix("weights a_tj", weights[0], "output, source", [str(t + 1) for t in range(n)], list(run.letters))
    yield "The first output looks at the last letter, so the weights lie on the diagonal from the upper right to the lower left. In translation such a picture often shows which source word an output word came from: an alignment, which nobody had marked."
    yield agree("sums", "weights of every output sum to 1", weights[0].sum(axis=-1), 1.0)
    yield exactly("diagonal", "outputs whose largest weight is on that diagonal", n, int((weights[0].argmax(axis=-1) == np.arange(n)[::-1]).sum()))  # fmt: skip


@lesson.step("The same curve, with attention")
def cured(run: Run) -> Iterator[Shown]:
    rows = [{"n": n, "vector": 100 * a, "attention": 100 * b, "kept": n} for n, a, b in zip(LENGTHS, run.shares["vector"], run.shares["attention"], strict=True)]  # fmt: skip
    yield table("symbols written right", rows, n="length", vector="one vector [%] :3", attention="attention [%] :3", kept="vectors kept")  # fmt: skip
    yield "It is no better code, it is more room: n vectors in place of one, and n scores for each output word."
    yield Said("Sequence-to-sequence models with attention have the bottleneck of one vector.", "false", "Attention removed it, years before the Transformer: all states of the source are kept.", "C309")  # fmt: skip
    yield at_least(
        "attention", "attention: least share right over all lengths", 0.95, smallest(run.shares["attention"])
    )


@lesson.step("Fixed vector, attention, Transformer")
def compared(run: Run) -> Iterator[Shown]:
    model = RecurrentSeq2Seq(9, 8, seed=run.seed)
    kept = [model.encode(np.zeros((1, n), dtype=int))[0].shape[1] for n in (5, 40)]
    rows = [
        {"model": "fixed vector (2014)", "reads": "one vector", "steps": "n, one by one", "far": "up to n + m steps"},
        {"model": "with attention (2014-15)", "reads": "all n states", "steps": "n, one by one", "far": "1 step"},
        {"model": "Transformer (2017)", "reads": "all n states", "steps": "all at once", "far": "1 step"},
    ]
    yield "A source of n words, an output of m. What is read, how is the source encoded, and how far is a source word from an output word?"
    yield table("three ways to translate", rows, model="model", reads="decoder reads", steps="encoding", far="distance")
    yield "The Transformer keeps this attention (cross-attention) and takes the recurrence away. The fixed vector is what it did not have to cure."
    yield f"The library's translator with attention keeps {kept[0]} states of 5 words, {kept[1]} of 40."
    yield exactly("kept", "states kept of 40 words", 40, kept[1])
    equal = attend_forward(np.zeros((1, 2)), np.array([[1.0], [3.0]]))[0], attend_forward(np.zeros((1, 2)), np.array([[0.0], [4.0]]))[0]  # fmt: skip
    yield Said("With attention no information is lost.", "false", f"A context is a weighted mean: with equal weights 1 and 3 give {equal[0][0, 0]:g}, and so do 0 and 4.", "C310")  # fmt: skip
    yield agree("mean", "two pairs of values with one mean", equal[0], equal[1])


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A recurrent encoder-decoder without attention squeezes the source into one vector of fixed size, so quality falls as sentences get longer. Attention, in 2014, kept all encoder states and let each output word take a weighted sum of them."
    yield "What stayed were the steps: n of them, one after another, and gradients that fade over time. The Transformer kept the attention and removed the recurrence. Exposure bias and repetition are shared by both."
    yield Try("tfx quiz seq2seq-bottleneck")
