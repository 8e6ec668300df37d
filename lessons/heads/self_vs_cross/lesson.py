"""Self-, masked and cross-attention: one function, three ways to call it, and what goes missing without each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import looks_at, read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, matrix, numbered, question, setting, table,
)  # fmt: skip
from tfx.lab.attention.word_vectors import word_vectors
from tfx.measure.ablation import without
from tfx.measure.verdicts import smallest
from tfx.models import EncoderDecoder
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.multi_head import MultiHeadCache
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.shipped.load import load

DEFAULT_TEXT = "the cat sat on the mat"
PRONOUN = "the animal did not cross the street because it was too "
PREFIX = "the function returns a list of"
#: A word to be written, and the source word that has its meaning.
PAIRS = (("the", "le"), ("black", "noir"), ("cat", "chat"), ("sleeps", "dort"))
SOURCE = ("le", "chat", "noir", "dort")
DEFAULT_TARGET = "le chat dort"
WIDTH = 16


@dataclass(frozen=True)
class Settings:
    target: str = setting(DEFAULT_TARGET, about="the sentence that is written, at most 64 words")

    def check(self) -> None:
        self.words()

    def words(self) -> tuple[str, ...]:
        return read_words(self.target, DEFAULT_TARGET, setting="target")


class Run:
    """source, target: words.  x: (S, C) and y: (T, C), a random vector for each word.  layer: one attention layer."""

    def __init__(self, request: Request) -> None:
        self.source = read_words(request.text, DEFAULT_TEXT)
        self.target = request.settings.words()
        self.x, self.y = (word_vectors(words, WIDTH, request.seed) for words in (self.source, self.target))
        self.layer = MultiHeadAttention(WIDTH, 2, np.random.default_rng(request.seed), dtype="float64")
        self.seed = request.seed

    def attend(self, x_q: np.ndarray, x_kv: np.ndarray, mask: np.ndarray | None = None) -> tuple[np.ndarray, MultiHeadCache]:  # fmt: skip
        """The one function: x_q asks, x_kv is read."""
        out, cache = self.layer.forward(x_q[None], x_kv[None], mask)
        return out[0], cache


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("One function, called three ways")
def three_ways(run: Run) -> Iterator[Shown]:
    s, t = len(run.source), len(run.target)
    calls = (("encoder self", run.x, run.x, None), ("masked self", run.y, run.y, causal_mask(t)), ("cross", run.y, run.x, None))  # fmt: skip
    found = [run.attend(x_q, x_kv, mask)[1].weights.shape[-2:] for _, x_q, x_kv, mask in calls]
    rows = [{"kind": name, "asks": "target" if x_q is run.y else "source", "read": "target" if x_kv is run.y else "source", "mask": "none" if mask is None else "causal", "shape": str(shape)} for (name, x_q, x_kv, mask), shape in zip(calls, found, strict=True)]  # fmt: skip
    yield "A translator reads a source (its encoder does) and writes a target (its decoder). It needs three readings: the source in itself, what is written so far, and the source from the target. Each is the same function:"
    yield formula("attention(X W_Q, Y W_K, Y W_V)", "X asks, (T, C); Y is read, (S, C); self-attention: Y = X")
    yield table(f"your source of {s} words, a target of {t}", rows, kind="kind", asks="queries", read="keys, values", mask="mask", shape="weights")  # fmt: skip
    yield question("How many weights has one head in cross-attention here?", t * s, "A row for each target word, a column for each source word.", 0)  # fmt: skip
    yield "What differs is where queries, keys and values come from, and the mask. A causal mask lets a word see itself and earlier words only."
    yield exactly("shapes", "S x S, T x T, T x S", str([(s, s), (t, t), (t, s)]), str([tuple(shape) for shape in found]))  # fmt: skip


def who_sees_whom(source: int, filled: int, target: int) -> np.ndarray:
    """(source + target, source + target), 1 where a row may look at a column; the last `filled` source words are
    padding.  Source words come first; they never look at the target."""
    real = np.broadcast_to(padding_mask([source - filled], source)[0, 0], (source, source))
    everything = np.zeros((source + target, source + target), dtype=int)
    everything[:source, :source] = real
    everything[source:, :source] = np.broadcast_to(real[:1], (target, source))
    everything[source:, source:] = causal_mask(target)
    return everything


@lesson.step("The three masks in one picture")
def masks(run: Run) -> Iterator[Shown]:
    s, t, picture = 4, 3, who_sees_whom(4, 1, 3)
    names = [*numbered(s, "s"), *numbered(t, "t")]
    yield f"s1 to s{s}: source, the last no word but filling (texts of a batch are filled up to one length). t1 to t{t}: target. 1: may look, 0: not."
    yield matrix("who may look at whom", picture, "asks, is read", names, names)
    yield "Upper left: encoder self-attention. Lower right: masked self-attention. Lower left: cross-attention. Upper right: nothing, the encoder sees no target."
    yield "Cross-attention needs no causal mask: all source is there. Filling is no key."
    blocks = (picture[:s, :s], picture[s:, s:], picture[s:, :s], picture[:s, s:])
    yield exactly("seen", "ones in the four blocks", "12, 6, 9, 0", ", ".join(str(int(block.sum())) for block in blocks))  # fmt: skip


def it_looks_at(last: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The weights of "it", a mean over the heads of the last layer, in the sentence that ends with `last`."""
    shipped = load("pointing")
    reading = shipped.read(PRONOUN + last)
    it = reading.words.index("it")
    _, cache = shipped.model.forward(reading.ids[None], np.array([it]))
    return cache.attention(-1).weights[0].mean(axis=0)[it], reading.words


@lesson.step("An example of self-attention: what is meant?")
def example_self(run: Run) -> Iterator[Shown]:
    rows, nouns = [], []
    yield f'Inside one sentence each word looks at all words, before and after it. The pronoun model of this course was trained to point at what "it" stands for. "{PRONOUN.strip()} ..."; in its last layer, on average over its heads:'
    for last in ("tired", "wide"):
        row, words = it_looks_at(last)
        rows.append(row)
        nouns.append(words[int(row.argmax())])
        yield f"... too {last}: " + looks_at("it", words, row)
    hidden = len(words) - 1 - words.index("it")
    yield question('How many words would a causal mask hide from "it" here?', hidden, "Those after it: was, too, and the last.", 0)  # fmt: skip
    yield 'Only the last word was changed, and it stands after "it". A mask that hides what follows would hide the very word that decides.'
    yield agree("row-self", "the rows sum to 1", [row.sum() for row in rows], 1.0)
    yield exactly("noun", "the word with the largest weight", "animal, street", ", ".join(nouns))


@lesson.step("An example of masked self-attention: what comes next?")
def example_masked(run: Run) -> Iterator[Shown]:
    shipped = load("language")
    reading = shipped.read(PREFIX)
    weights = shipped.model.forward(reading.ids[None])[1].stack.blocks[-1].attention.weights[0]
    yield f'The language model of this course has read "{PREFIX}" and is to say what follows. In its last layer the last word looks back, in each of {len(weights)} heads:'
    for head, row in enumerate(weights[:, -1], start=1):
        yield f"head {head}: " + looks_at(reading.labels[-1], reading.labels, row)
    third = weights[:, 2]
    yield f'The word "{reading.labels[2]}" looked at itself and what stood before it; its weights on the {len(reading.ids) - 3} words after it are exactly {third[:, 3:].max():g}. So the model learned from every place at once, without seeing an answer.'
    yield causal_mask
    yield agree("future", "weight on any later word", float(np.triu(weights, 1).max()), to=0)


@lesson.step("An example of cross-attention: which source word now?")
def example_cross(run: Run) -> Iterator[Shown]:
    written, meaning = [word for word, _ in PAIRS], {source: word for word, source in PAIRS}
    q, k = (word_vectors(words, 64, run.seed) for words in (written, [meaning[word] for word in SOURCE]))
    weights = attention_forward(q, k, k)[1].weights
    found = [SOURCE[int(row.argmax())] for row in weights]
    yield 'A decoder translates "le chat noir dort". Queries and keys are set by hand here: the place that is about to write a word asks with the meaning of that word, and a source word wears its own meaning.'
    yield matrix("weights, T x S", weights, "about to write, source", written, SOURCE)
    yield f'"black" comes second and looks at "{found[1]}", the third source word: the order of the two languages differs, and cross-attention does not mind. A trained translator finds such pictures by itself; the next topic trains one.'
    yield exactly("aligned", "largest weights", ", ".join(source for _, source in PAIRS), ", ".join(found))
    yield agree("row-cross", "every row sums to 1", weights.sum(axis=-1), 1.0)


def translator(seed: int) -> EncoderDecoder:
    return EncoderDecoder(20, WIDTH, n_heads=2, d_ff=32, n_layers=1, max_len=8, dtype="float64", seed=seed)


def moves(model: EncoderDecoder) -> list[float]:
    """How far move: the first source word's vector by the last source word, an answer by the source, the last answer
    by the first word written."""
    src, tgt = np.array([[3, 4, 5, 6]]), np.array([[1, 7, 8, 9]])
    other_src, other_tgt = np.array([[3, 4, 5, 11]]), np.array([[2, 7, 8, 9]])
    memory, logits = model.encode(src)[0], model.forward(src, tgt)[0]
    pairs = ((memory[:, 0], model.encode(other_src)[0][:, 0]), (logits, model.forward(other_src, tgt)[0]), (logits[:, -1], model.forward(src, other_tgt)[0][:, -1]))  # fmt: skip
    return [float(np.abs(a - b).max()) for a, b in pairs]


def moved_by_last_word(model: EncoderDecoder) -> float:
    """How far the word written last moves its answer, without masked self-attention."""
    src, tgt, other = np.array([[3, 4, 5, 6]]), np.array([[1, 7, 8, 9]]), np.array([[1, 7, 8, 10]])
    with without((model.decoder.blocks[0].attention.output.w, slice(None))):
        return float(np.abs(model.forward(src, tgt)[0][:, -1] - model.forward(src, other)[0][:, -1]).max())


@lesson.step("Take each away, and see what can no longer be known")
def take_away(run: Run) -> Iterator[Shown]:
    model = translator(run.seed)
    encoder, decoder = model.encoder.blocks[0], model.decoder.blocks[0]
    parts = [layer.output.w for layer in (encoder.attention, decoder.cross_attention, decoder.attention)]
    whole, lost = moves(model), []
    for i, part in enumerate(parts):
        with without((part, slice(None))):
            lost.append(moves(model)[i])
    names = ("encoder self", "cross", "masked self")
    carries = ("a source word, changed by another one", "an answer, changed by the source", "an answer, changed by an earlier word written")  # fmt: skip
    rows = [{"kind": k, "carries": c, "whole": w, "lost": v} for k, c, w, v in zip(names, carries, whole, lost, strict=True)]  # fmt: skip
    yield "An untrained translator of one block each. Change one word and see how far something else moves: with all three, and with one of them taken out. What does not move cannot be known, whatever is learned."
    yield table("largest change", rows, kind="taken out", carries="what carries over", whole="with it :2", lost="without :2")  # fmt: skip
    yield 'So without the first an ambiguous word ("bank") keeps one vector, whatever its neighbours are. Without the second the output may be fluent, but knows nothing of the source. Without the third the decoder knows the word that it wrote last, and none before it. In deeper models it is the same for all blocks together.'
    yield at_least("with", "with all three, the smallest change", 1e-6, smallest(whole))
    yield agree("gone", "without, the largest change", float(np.max(lost)), to=0)
    yield at_least("last", "without the third, an answer, changed by the word written last", 1e-6, moved_by_last_word(model))  # fmt: skip
    yield "And without the causal mask? Then later words are seen in training, and missed in writing (the module on masks)."


@lesson.step("Names that confuse")
def names(run: Run) -> Iterator[Shown]:
    yield Said("Encoder-decoder attention is a broader term than cross-attention.", "false", "It is what the paper of 2017 calls its cross-attention, between these two stacks. Cross-attention is the general word.")  # fmt: skip
    yield "It occurs without any translator: image models read a text prompt with it (Rombach et al. 2022), and Perceiver reads long inputs from a few learned queries (Jaegle et al. 2021)."
    yield "Since 2017 many language models have a decoder alone. They have no cross-attention: prompt and answer are one sequence, read by masked self-attention."
    yield Said("Self-attention has square weights, cross-attention does not.", "true with conditions", "Square where both have the same length. Where queries, keys and values come from makes the difference, not the shape.")  # fmt: skip
    same = run.attend(run.x, run.x[::-1])[1].weights.shape[-2:]
    yield exactly("square", "weights of a cross-attention of equal lengths", f"{(len(run.source),) * 2}", str(tuple(same)))  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "All three are scaled dot-product attention. In the encoder's self-attention queries, keys and values come from the source, without a causal mask. In the decoder's they come from the target, with one. In cross-attention queries come from the decoder, keys and values from the final output of the encoder, without a causal mask."
    yield "Weights are S x S, T x T and T x S; padding masks act on the keys in all three. The first gives source words their context, the second tells what is written so far, the third links target to source."
    yield Try("tfx quiz self-vs-cross")
