"""Causal masking: a place sees itself and what stands before it, so that every place of a text can be trained at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting,
    table,
)  # fmt: skip
from tfx.generate import reader_of
from tfx.lab.attention.mask_probes import blocked_weight, draw_heads
from tfx.lab.attention.word_vectors import word_vectors
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.masks import causal_mask, combine_masks, left_padding_mask, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.shipped.load import load

DEFAULT_TEXT = "the cat sat on the mat"
WIDTH, SHOWN = 16, 3


@dataclass(frozen=True)
class Settings:
    penalty: float = setting(-30.0, -1e4, -1.0, "a finite constant in the place of -inf")


class Run:
    """words: the sentence; x: (T, C), a random vector for each.  layer: masked self-attention of two heads."""

    def __init__(self, request: Request) -> None:
        self.words, self.penalty, self.seed = read_words(request.text, DEFAULT_TEXT), request.settings.penalty, request.seed  # fmt: skip
        self.text = request.text or DEFAULT_TEXT
        self.x = word_vectors(self.words, WIDTH, request.seed)
        self.layer = MultiHeadAttention(WIDTH, 2, np.random.default_rng(request.seed), dtype="float64")

    def attend(self, x: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        """(T, C) -> (T, C)."""
        return np.asarray(self.layer.forward(x[None], x[None], mask)[0][0])


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("Every place of a text is a question")
def every_place(run: Run) -> Iterator[Shown]:
    words, shown = run.words, min(len(run.words) - 1, 5)
    rows = [{"i": i + 1, "sees": " ".join(labels(words[: i + 1])), "says": words[i + 1]} for i in range(shown)]
    yield "A language model learns to say the next word. One text holds many such questions, one for each place, and all can be asked in one pass over it:"
    yield table("your sentence as questions", rows, i="place", sees="may be seen", says="is to be said")
    yield question("A text of 1,000 words: how many next words can be asked in one pass?", 999, "One at each place but the last, whose next word is not there.", 0.0)  # fmt: skip
    yield "But all words are in the input at once. Without a mask the place after which a word is to be said would read that word. So each place may use itself and earlier places only: that is causal."
    hidden = (~causal_mask(len(words))).sum()
    yield exactly("hidden", "pairs that are hidden", len(words) * (len(words) - 1) // 2, int(hidden))


@lesson.step("The triangle: masked scores, and weights")
def triangle(run: Run) -> Iterator[Shown]:
    names = labels(run.words[:SHOWN], 8)
    x = run.x[: len(names)]
    mask = causal_mask(len(x))
    _, cache = attention_forward(x, x, x, mask)
    scores = np.where(mask, x @ x.T / WIDTH**0.5, -np.inf)
    yield "Your first words as queries and keys. Scores above the diagonal become -inf:"
    yield matrix("masked scores", scores, "query, key", names, names)
    yield matrix("weights", cache.weights, "query, key", names, names)
    yield "Nothing above the diagonal. The first word sees itself alone: weight 1. The diagonal stays: a word is needed to say what follows it."
    yield agree("upper", "weight above the diagonal", float(np.triu(cache.weights, 1).max()), to=0)
    yield agree("sums", "every row sums to 1", cache.weights.sum(axis=-1), 1.0)
    yield exactly("first", "the first word's weight on itself", 1.0, float(cache.weights[0, 0]))


@lesson.step("Change a later word, and no bit of an earlier output moves")
def later_word(run: Run) -> Iterator[Shown]:
    n, mask, other = len(run.words), causal_mask(len(run.words)), run.x.copy()
    other[-1] = word_vectors(("another",), WIDTH, run.seed + 1)[0]
    moved = [np.abs(run.attend(other, m) - run.attend(run.x, m)).max(axis=-1) for m in (mask, None)]
    shown = range(n) if n <= 8 else [*range(3), *range(n - 3, n)]
    rows = [{"place": i + 1, "word": labels(run.words)[i], "mask": moved[0][i], "none": moved[1][i]} for i in shown]
    yield f'The test of a causal mask: put another word in the place of the last one, "{run.words[-1]}". How far does the output of each place move?'
    yield table("largest change of an output", rows, place="place", word="word", mask="with the mask :3", none="without it :3")  # fmt: skip
    yield "With the mask the earlier outputs are the same to the last bit, not just nearly. A weight that is exactly 0 lets nothing through."
    yield agree("still", "with the mask: change of the earlier outputs", moved[0][:-1], to=0)
    yield at_least("leaks", "without it: smallest change", 1e-9, float(moved[1].min()))
    yield at_least("last", "the last output itself changes by", 1e-9, float(moved[0][-1]))


@lesson.step("The mask in code, and the mistake of one place")
def in_code(run: Run) -> Iterator[Shown]:
    n = len(run.words)
    by_rule = np.array([[j <= i for j in range(n)] for i in range(n)])
    strict = np.array([[j < i for j in range(n)] for i in range(n)])
    yield formula("allowed[i, j] = j <= i      blocked: j > i", "(T, T), True = may look")
    yield f"What is blocked is the strict upper triangle, which begins one place right of the diagonal. For a batch it has the shape (1, 1, T, T): one mask for all sentences and heads. It is boolean; -inf comes in only where it meets the scores. Of {n} * {n} pairs {int(by_rule.sum())} are visible."
    yield question("How many pairs of a text of 100 words are visible?", 5050, "1 + 2 + ... + 100 = 100 * 101 / 2.", 0)
    yield f"With j < i the diagonal is blocked as well: {int((~strict.any(axis=1)).sum())} row has nothing to see, the first, and every place misses its own word. While a text is written, one new row at a time is needed: after {n - 1} stored words a row of {n} ones."
    yield agree("rule", "causal_mask, less the rule", causal_mask(n).astype(int), by_rule.astype(int), to=0)
    new = causal_mask(1, past=n - 1)
    yield exactly("new-row", "keys that a newly written word sees", n, int(new.sum()))
    yield causal_mask


@lesson.step("Where the mask is added, and with what else")
def with_others(run: Run) -> Iterator[Shown]:
    heads = draw_heads(run.seed, 8, 2, 64, "float64", np)
    root = 64**0.5
    constants = (-np.inf, -1e9, run.penalty)
    leaks = [(blocked_weight(heads, c), blocked_weight(heads, c / root)) for c in constants]
    rows = [{"constant": f"{c:g}", "after": a, "before": b} for c, (a, b) in zip(constants, leaks, strict=True)]
    yield "Adding the constant before or after the division by sqrt(D) is the same for -inf, and for numbers so large that both underflow. A moderate one is divided too. Random heads, D = 64:"
    yield table("largest weight of a blocked key", rows, constant="constant", after="added after :2", before="added before :2")  # fmt: skip
    both = np.asarray(combine_masks(causal_mask(4), padding_mask([3], 4)))[0, 0]
    left = np.asarray(combine_masks(causal_mask(4), left_padding_mask(np.array([2]), 4)))[0, 0]
    yield f"A padding mask joins by and: a key is blocked if either forbids it. Four places, the last one filling: {int(both.sum())} of {int(causal_mask(4).sum())} pairs are left. With two places of filling in front, {int((~left.any(axis=1)).sum())} rows see nothing; this library gives them zeros."
    yield Said("A mask may be added before or after dividing by sqrt(d_k).", "true with conditions", "With -inf, or a very large constant.", "C030")  # fmt: skip
    yield agree("infinite", "-inf and -1e9, before and after: weights", leaks[:2], to=0)
    yield at_most("finite", "the finite one: added after leaks no more than added before", leaks[2][1], leaks[2][0])
    yield exactly("combined", "visible pairs with both masks", 9, int(both.sum()))


@lesson.step("One pass gives what reading word by word gives")
def one_pass(run: Run) -> Iterator[Shown]:
    shipped = load("language")
    ids = shipped.read(run.text).ids[None]
    at_once, _ = shipped.model.forward(ids)
    reader = reader_of(shipped.model)
    reader.begin(1)
    one_by_one = np.concatenate([reader.read(ids[:, i : i + 1]) for i in range(ids.shape[1])], axis=1)
    apart = float(np.abs(at_once - one_by_one).max())
    yield f"The language model of this course on your text, {ids.shape[1]} tokens to it (words that it does not know are cut into pieces). Once in a single pass, under the mask; once token by token, where later tokens are not there yet. Largest difference of all its logits: {apart:.0e}."
    yield "That is why training is honest: each place learns from what it will have when the model writes. And it is why training is fast: all places in one pass, while writing stays token by token."
    yield agree("same", "one pass, less token by token", at_once, one_by_one, to=1e-9)
    yield Said("So training and writing are the same, and no mismatch is left.", "false", "What may be seen is the same. What is seen is not: in training the true words, in writing the model's own, mistakes included (exposure bias).", "C036")  # fmt: skip
    yield Try("tfx experiment exposure-bias")


@lesson.step("What the mask alone does not do, and what came later")
def too_strong(run: Run) -> Iterator[Shown]:
    x = run.x[: min(len(run.words), 3)]
    first = run.attend(x, causal_mask(len(x)))[0]
    yield Said("The causal mask is what stops a decoder from copying its answer.", "true with conditions", "If the input is shifted by one place as well. Place i sees inputs up to i; when input i is the answer of place i, the mask hides nothing.", "C034")  # fmt: skip
    yield "In the decoder of 2017 the input is the target shifted right by one, behind a start mark: input i is the word before answer i (see label leakage)."
    yield Said("Without position codes a model cannot know the order.", "too strong", "Under a causal mask it can: the number of visible words tells the place (Haviv et al. 2022).")  # fmt: skip
    yield "Since 2017: Mistral 7B also hides what is too far back (a sliding window); models with a prefix let a prompt see itself both ways, and keep the triangle for the answer (Raffel et al. 2020)."
    yield agree("alone", "the first output, less that of the first word alone", first, run.attend(x[:1], None)[0])
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "sections 3.1 and 3.2.3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A causal mask sets every score with a key later than its query to -inf before the softmax. A place then uses itself and earlier places, and exactly nothing of the future passes."
    yield "So all places of a text are trained in one pass, each with what it will have when the model writes. It needs the shifted input as well, and it is joined with a padding mask by blocking a key that either forbids."
    yield Try("tfx quiz masking-causal")
