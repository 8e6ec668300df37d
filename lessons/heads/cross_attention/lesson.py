"""Cross-attention: the decoder asks, the encoder's output is read, and a small trained translator shows where it looks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting,
    table,
)  # fmt: skip
from tfx.data.toys.toy import Pairs
from tfx.lab.sequences.small_translator import (
    OWN, SENTENCES, STEPS, TRANSLATED, WIDTH, learn_translator, unseen, words,
)  # fmt: skip
from tfx.measure.ablation import without
from tfx.measure.verdicts import largest
from tfx.models import EncoderDecoder
from tfx.ops.attention.multi_head import multi_head_attention_forward
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.train.toys import examine


@dataclass(frozen=True)
class Settings:
    sentence: int = setting(1, 1, SENTENCES, "which of the sentences that training never saw is shown")


class Run:
    """drawn: sentences that training never saw.  model: a translator, trained when it is first asked for."""

    def __init__(self, request: Request) -> None:
        self.seed, self.index = request.seed, request.settings.sentence - 1
        self.drawn: Pairs = unseen(request.seed)

    @cached_property
    def model(self) -> EncoderDecoder:
        return learn_translator(self.seed)

    @cached_property
    def weights(self) -> np.ndarray:
        """(B, T, S): the cross-attention of every sentence, with the true words written so far."""
        _, cache = self.model.forward(self.drawn.src, self.drawn.tgt[:, :-1])
        return np.asarray(cache.blocks[-1].cross_weights[:, 0])


lesson = Lesson(Run, Settings)


@lesson.step("Why the decoder must be able to look at the source")
def the_need(run: Run) -> Iterator[Shown]:
    width = WIDTH
    memory = run.model.encode(run.drawn.src[:1])[0]
    rows = [{"s": s, "one": width, "all": s * width} for s in (5, 20)]
    yield "A sequence-to-sequence network without attention presses the whole source into one vector, and writes from that. With attention (2014) the decoder looks at all states of the encoder, for each word that it writes. The Transformer keeps this, as cross-attention: every source word is one step away."
    yield question(f"A source of 20 words, {width} numbers each: how many can the decoder read?", 20 * width, "All vectors of the encoder's output.", 0)  # fmt: skip
    yield table("numbers that the decoder can read", rows, s="words of the source", one="one fixed vector", all="cross-attention")  # fmt: skip
    yield exactly("memory", "numbers in the encoder's output for 5 places", 5 * width, memory.size)
    yield Source("Bahdanau, Cho and Bengio", 2015, "Neural Machine Translation by Jointly Learning to Align and Translate")  # fmt: skip


@lesson.step("The formula, and one row by hand")
def the_formula(run: Run) -> Iterator[Shown]:
    q, k, v = np.array([[2.0]]), np.array([[1.0], [0.0], [-1.0]]), np.array([[10.0], [20.0], [60.0]])
    out, cache = attention_forward(q, k, v, scale=1.0)
    p = cache.weights[0]
    yield "X: the decoder's vectors, T target words. Y: the encoder's final output, S source words."
    yield formula("Q = X W_Q     K = Y W_K     V = Y W_V", "(T, D), (S, D), (S, Dv)")
    yield formula("O = softmax(Q K^T / sqrt(D)) V", "(T, S) x (S, Dv) -> (T, Dv)")
    yield f"By hand, D = 1: query 2, keys 1, 0, -1, values 10, 20, 60. The scores are 2, 0, -2, their softmax {p[0]:.3f}, {p[1]:.3f}, {p[2]:.3f}."
    yield question("What does the target word bring home?", out[0, 0], f"{p[0]:.3f} * 10 + {p[1]:.3f} * 20 + {p[2]:.3f} * 60.")  # fmt: skip
    yield "No causal mask: the source is complete. Only filling in the source is hidden."
    e = np.exp([2.0, 0.0, -2.0])
    yield agree("hand", "the row, by hand", p, e / e.sum())
    yield attention_forward


@lesson.step("A small translator, trained: where it looks")
def alignment(run: Run) -> Iterator[Shown]:
    src, tgt, picture = run.drawn.src[run.index], run.drawn.tgt[run.index], run.weights[run.index]
    yield f"A toy language: words spelt backwards, the noun before its adjective. A translator of one block each, trained just now ({STEPS} updates), reads a sentence that it never saw:"
    yield f"  {' '.join(words(src)[1:])}  ->  {' '.join(words(tgt)[1:])}"
    yield matrix("weights, T x S", picture, "writes, source", words(tgt[1:]), words(src))
    says = [words(src)[int(row.argmax())] for row in picture]
    yield f'A row is a place about to write a word. To write "{words(tgt)[1]}" it looks most at "{says[0]}", then for "{words(tgt)[2]}" at "{says[1]}". Where each word is read from its own source word, the large weights cross over in pairs: a soft alignment.'
    yield agree("rows", "every row sums to 1", picture.sum(axis=-1), 1.0, to=1e-5)
    yield exactly("shape", "T x S", str((len(tgt) - 1, len(src))), str(picture.shape))
    yield Try.here(sentence=run.index % SENTENCES + 2 if run.index + 1 < SENTENCES else 1)


@lesson.step("Does it always look at the word it translates?")
def how_often(run: Run) -> Iterator[Shown]:
    marks = examine(run.model, run.drawn)
    right, hit = marks.logits.argmax(axis=-1) == run.drawn.tgt[:, 1:], run.weights.argmax(axis=-1) == TRANSLATED
    hits, apart = float(hit.mean()), float((right & ~hit).mean())
    mean = float(run.weights[:, range(4), TRANSLATED].mean())
    rows = [{"what": "words written right", "share": 100 * marks.accuracy}, {"what": "largest weight on the translated word", "share": 100 * hits}, {"what": "weight on the translated word, mean", "share": 100 * mean}]  # fmt: skip
    yield f"The same over {SENTENCES} sentences that training never saw:"
    yield table(f"{SENTENCES} sentences of 4 words", rows, what="what", share="share [%] :3")
    yield (f"It writes right far more often than it looks right: {100 * apart:.0f} percent of the words are right while the largest weight is elsewhere. " if apart > 0.02 else "Here both go together, and that need not be so: with other starting weights (--seed 1) the words can be right while the weights stand elsewhere. ") + "The encoder has mixed its words before, so the vector at one place may carry what stood at another."  # fmt: skip
    yield Said("The weights of cross-attention are the alignment of the words.", "too strong", "Often they look like it, above all with one layer and one head. But they say which vector is read, not which word is meant.")  # fmt: skip
    yield at_least("right", "share of words written right", 0.9, marks.accuracy)
    yield at_most("shares", "no share above 1", 1.0 + 1e-6, largest((hits, mean)))


def first_words(run: Run, memory_of: np.ndarray) -> np.ndarray:
    """(B,): the first word written when sentence i is given the encoder's output of sentence memory_of[i]."""
    memory, cache = run.model.encode(run.drawn.src[memory_of])
    logits, _ = run.model.decode(run.drawn.tgt[:, :1], memory, cache)
    return np.asarray(logits[:, 0].argmax(axis=-1))


@lesson.step("Give it another source, or none")
def another_source(run: Run) -> Iterator[Shown]:
    order, own = np.arange(SENTENCES), run.drawn.tgt[:, 1]
    other = np.roll(order, 1)
    written, swapped = first_words(run, order), first_words(run, other)
    part = run.model.decoder.blocks[0].cross_attention.output.w
    with without((part, slice(None))):
        cut = first_words(run, order)
    rows = [
        {"memory": "its own", "own": 100 * float((written == own).mean()), "other": 100 * float((written == own[other]).mean())},
        {"memory": "of another sentence", "own": 100 * float((swapped == own).mean()), "other": 100 * float((swapped == own[other]).mean())},
        {"memory": "cross-attention taken out", "own": 100 * float((cut == own).mean()), "other": 100 * float((cut == own[other]).mean())},
    ]  # fmt: skip
    yield "Is it really the source that decides? The first target word, when the decoder gets the encoder's output of another sentence, and when its cross-attention is taken out:"
    yield table("first words, over all sentences", rows, memory="encoder's output", own="right for its own source [%] :3", other="right for the other [%] :3")  # fmt: skip
    yield f"With another source it translates the other sentence. Without cross-attention it writes the same first word for every source; {len(OWN) // 2} nouns can come first, so some are right by chance."
    yield at_least("follows", "first words that follow the source that was given", 0.9, float((swapped == own[other]).mean()))  # fmt: skip
    yield exactly("blind", "different first words without cross-attention", 1, len(set(cut.tolist())))


@lesson.step("Computed once, read many times")
def once(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    layers, s, c = 2, 5, 16
    model = EncoderDecoder(20, c, n_heads=2, d_ff=32, n_layers=layers, max_len=8, dtype="float64", seed=run.seed)
    src, tgt = rng.integers(20, size=(1, s)), rng.integers(20, size=(1, 4))
    whole, kept = model.forward(src, tgt)
    memory, source = model.encode(src)
    stepwise = np.stack([model.decode(tgt[:, : t + 1], memory, source)[0][0, -1] for t in range(4)])
    keys = [block.cross_attention.present.k for block in kept.blocks]
    stored = sum(block.cross_attention.present.k.size + block.cross_attention.present.v.size for block in kept.blocks)
    yield "The encoder runs once for a source, however many words are written. Its output does not change, so the keys and values made from it can be kept as well."
    yield f"But every decoder layer has its own W_K and W_V for it. A fresh model of {layers} layers, width {c}, a source of {s} words: the keys of layer 1 and layer 2 differ by up to {np.abs(keys[0] - keys[1]).max():.2f}."
    yield question(f"How many numbers are kept, keys and values of {layers} layers together?", 2 * layers * s * c, f"2 * {layers} * {s} * {c}.", 0)  # fmt: skip
    yield "Writing is then one target word after another: new queries, old keys and values. In training all target words ask at once, because the true ones are known."
    yield agree("same", "word by word and all at once give the same", stepwise, whole[0], to=1e-10)
    yield exactly("stored", "numbers kept", 2 * layers * s * c, stored)
    yield at_least("differ", "keys of two layers differ by", 1e-3, float(np.abs(keys[0] - keys[1]).max()))
    yield multi_head_attention_forward


@lesson.step("What is often said too strongly, and what came later")
def too_strong(run: Run) -> Iterator[Shown]:
    q, k, v = np.ones((1, 1)), np.array([[0.5], [0.2], [-0.3]]), np.array([10.0, 20.0, 60.0])
    out, cache = attention_forward(q, k, v[:, None])
    p = cache.weights[0]
    other = v + np.array([1 / p[0], -1 / p[1], 0.0])
    yield Said("Cross-attention loses no information.", "false", "Each reading is a weighted average, and different sources can have the same one.", "C310")  # fmt: skip
    yield f"Weights {p[0]:.4f}, {p[1]:.4f}, {p[2]:.4f}: the values 10, 20, 60 give {out[0, 0]:.2f}, and so do {other[0]:.2f}, {other[1]:.2f}, {other[2]:.0f}. More heads and layers ask more questions; a single answer stays an average."
    yield Said("The Transformer invented attention from decoder to encoder.", "false", "Bahdanau et al. had it in 2014, in a recurrent network. New was to do without the recurrence.")  # fmt: skip
    yield "Since 2017 many language models have a decoder alone and put prompt and answer in one sequence. Cross-attention stays where two different things meet: T5 (text to text), Whisper (sound to text), Flamingo (images to text)."
    yield agree("average", "two sources, one reading", attention_forward(q, k, other[:, None])[0], out)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "In cross-attention the queries come from the decoder, keys and values from the encoder's final output. The weights are T x S, target by source, without a causal mask; only source padding is hidden."
    yield "So every target word has direct access to all source words, and no fixed vector stands in between. The encoder runs once, and each decoder layer makes its own keys and values from its output. The weights often look like a soft alignment, but need not be one."
    yield Try("tfx quiz cross-attention")
