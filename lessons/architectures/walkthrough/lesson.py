"""One sentence through a trained translator: encoded once, decoded word by word, with every tensor's name and shape."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, between, exactly, formula, matrix, question, setting,
    table,
)  # fmt: skip
from tfx.generate.greedy import greedy_seq2seq
from tfx.lab.sequences.small_translator import (
    OWN, SENTENCES, WIDTH, learn_translator, unseen, with_another_word, words, write_greedily,
)  # fmt: skip
from tfx.measure.verdicts import smallest
from tfx.models import EncoderDecoder


@dataclass(frozen=True)
class Settings:
    sentence: int = setting(1, 1, SENTENCES, "which of the sentences that training never saw is translated")


class Run:
    """src: (1, S) ids.  truth: (1, T + 1) ids, the start mark first.  model: trained when it is first asked for."""

    def __init__(self, request: Request) -> None:
        self.seed, self.index = request.seed, request.settings.sentence
        drawn = unseen(request.seed)
        self.src, self.truth = drawn.src[self.index - 1 : self.index], drawn.tgt[self.index - 1 : self.index]
        self.length = self.truth.shape[1] - 1

    @cached_property
    def model(self) -> EncoderDecoder:
        return learn_translator(self.seed)

    @cached_property
    def written(self) -> tuple[np.ndarray, np.ndarray]:
        """ids: (1, T + 1), start mark first; p: (T, vocabulary), what each step chose from."""
        return write_greedily(self.model, self.src, self.length)

    @cached_property
    def both(self) -> tuple[np.ndarray, np.ndarray]:
        """(T, vocabulary) each: probabilities under what was written, and with its first word replaced by another."""
        ids = self.written[0][:, :-1]
        return with_another_word(self.model, self.src, ids, next(int(i) for i in self.truth[0, 1:] if i != ids[0, 1]))


lesson = Lesson(Run, Settings)


@lesson.step("Encoding begins: from ids to vectors")
def encoding(run: Run) -> Iterator[Shown]:
    x = run.model.encode(run.src)[1].stack.reads[0][0]
    s = run.src.shape[1]
    yield f"How do the parts work together? Follow one sentence. A translator with one block on each side was just trained on words spelt backwards, the noun first. It reads: {' '.join(words(run.src[0])[1:])}. As ids, start mark first: {', '.join(map(str, run.src[0]))}."
    yield "Each id picks its row of the embedding table, times sqrt(C), and the vector of its place is added. That is X:"
    yield matrix("X, first numbers", x[:, :6], "token, number", words(run.src[0]))
    yield question(f"S = {s} tokens, C = {WIDTH}: how many numbers has X?", s * WIDTH, "S * C, a row for each token.", 0)  # fmt: skip
    yield exactly("in", "numbers in X", s * WIDTH, x.size)


def moved(run: Run) -> tuple[str, np.ndarray, np.ndarray]:
    """Another last word, and how far each row of X and of Y moves with it, (S,) each."""
    other, nouns = run.src.copy(), len(OWN) // 2
    other[0, -1] = nouns + 1 + (run.src[0, -1] - nouns) % nouns
    (y, right), (z, changed) = run.model.encode(run.src), run.model.encode(other)
    far = [np.abs(b[0] - a[0]).max(axis=-1) for a, b in ((right.stack.reads[0], changed.stack.reads[0]), (y, z))]
    return words(other[0])[-1], far[0], far[1]


@lesson.step("Encoded: vectors that know their neighbours")
def context(run: Run) -> Iterator[Shown]:
    memory = run.model.encode(run.src)[0]
    other, before, after = moved(run)
    tokens, s = words(run.src[0]), run.src.shape[1]
    rows = [{"token": token, "one": memory[0, i, 0], "two": memory[0, i, 1], "x": before[i], "y": after[i]} for i, token in enumerate(tokens)]  # fmt: skip
    yield "The encoder block follows: self-attention, add and norm, feed-forward, add and norm. (Here a norm stands in front of each sub-layer, and one at the end; in 2017 behind each sum.) Out comes Y. Replace the last word and encode again:"
    yield table(f"Y, and what changes with {other} for {tokens[-1]}", rows, token="token", one="Y, number 1 :3", two="number 2 :3", x="X moves by :2", y="Y moves by :2")  # fmt: skip
    yield "In X only its own row moves, in Y the others too: such vectors know their context. Y is no summary: it keeps a row for each token."
    yield question(f"A sentence twice as long, {2 * s} tokens: how many numbers has Y?", 2 * s * WIDTH, "S * C again: Y grows with the sentence.", 0)  # fmt: skip
    yield exactly("memory", "numbers in Y", s * WIDTH, memory.size)
    yield agree("own-row", "the other rows of X stay", before[:-1])
    yield at_least("context", "what the other rows of Y move by, at most", 1e-4, float(np.max(after[:-1])))
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")


@lesson.step("Decoding: one token after the other")
def decoding(run: Run) -> Iterator[Shown]:
    ids, p = run.written
    tokens = words(ids[0])
    rows = [{"step": t + 1, "reads": " ".join(tokens[: t + 1]), "writes": tokens[t + 1], "p": p[t].max()} for t in range(run.length)]  # fmt: skip
    yield "The decoder gets Y and a start mark. Its last place gives a probability for each token; one is chosen, appended, and the decoder runs again."
    yield question(f"How often does the encoder run for these {run.length} words?", 1, "The source does not change: Y is made once and kept.", 0)  # fmt: skip
    yield table("greedy: the most probable token is taken", rows, step="step", reads="decoder reads", writes="writes", p="probability :3")  # fmt: skip
    yield f"In this toy it stops after {run.length} words; a translator of text stops at an end token, or at a limit. The largest (argmax) is one choice; others draw by the probabilities, or search (beam search)."
    fast = greedy_seq2seq(run.model, run.src, run.length, start=int(run.truth[0, 0]))
    yield exactly("greedy", "ids written by the library's greedy decoding", str(ids[0, 1:].tolist()), str(fast[0].tolist()))  # fmt: skip
    yield agree("sum", "every step's probabilities sum to 1", p.sum(axis=-1), 1.0, to=1e-5)
    yield Try.here(sentence=run.index % SENTENCES + 1)


@lesson.step("Inside: three maps of attention")
def maps(run: Run) -> Iterator[Shown]:
    ids, _ = run.written
    logits, cache = run.model.forward(run.src, ids[:, :-1])
    s, t = run.src.shape[1], run.length
    shapes = [cache.source.stack.blocks[0].weights, cache.blocks[0].weights, cache.blocks[0].cross_weights]
    yield f"The decoder reads the start mark and all words but the last, T = {t}: masked self-attention, cross-attention on Y, feed-forward, each with add and norm."
    yield formula("encoder S x S     decoder self T x T     cross T x S", "weights of a head")
    yield question("How many weights has the map of cross-attention here?", t * s, "A row for each target place, a column for each source token.", 0)  # fmt: skip
    yield matrix("cross-attention, T x S", shapes[2][0, 0], "about to write, source", words(ids[0, 1:]), words(run.src[0]))  # fmt: skip
    yield f"The linear map behind it gives {logits[0].shape}: for each place a score for each token. Softmax follows."
    yield exactly("maps", "S x S, T x T, T x S", str([(s, s), (t, t), (t, s)]), str([w.shape[-2:] for w in shapes]))
    yield agree("rows", "every row of the three sums to 1", np.concatenate([w.sum(axis=-1).ravel() for w in shapes]), 1.0, to=1e-5)  # fmt: skip


@lesson.step("All at once in training, one by one in writing")
def both_ways(run: Run) -> Iterator[Shown]:
    _, one_by_one = run.written
    at_once, misled = run.both
    apart, first, later = (float(np.abs(d).max()) for d in (at_once - one_by_one, misled[0] - at_once[0], misled[1:] - at_once[1:]))  # fmt: skip
    yield "In training the target is known. It is fed in whole, shifted by one, and the causal mask hides from each place what follows (teacher forcing): one pass answers every place. In writing each token waits for the one before."
    yield f"Given the same source and the same words before it, and dropout off, a place gets the same answer both ways, up to rounding. Here the probabilities differ by at most {apart:.0e}."
    yield f"That is no help against its own errors. Let another word be written first: the answer of place 1, which does not see it, moves by {first:.2g}; the largest change of a probability after it is {later:.2g}. How large it is depends on what was learned."
    yield agree("same", "probabilities at once, and one by one", at_once, one_by_one, to=1e-5)
    yield agree("before", "place 1 does not see the word that it writes", first, to=1e-6)
    yield at_least("after", "largest change of a later probability", 1e-8, later)
    yield greedy_seq2seq
    yield See("label-leakage")


@lesson.step("Tasks of this kind, large and small")
def tasks(run: Run) -> Iterator[Shown]:
    day, digits = date(2017, 6, 12), {"two": "2", "three": "3"}
    spoken = ["three", "two", "three"]
    pairs = {
        "reverse the letters": (list("cat"), list("cat"[::-1])),
        "number words to digits": (spoken, [digits[word] for word in spoken]),
        "dates in another format": (f"{day:%d %B %Y}".split(), list(day.isoformat())),
    }
    rows = [{"task": task, "src": " ".join(src), "tgt": " ".join(tgt), "s": len(src), "t": len(tgt)} for task, (src, tgt) in pairs.items()]  # fmt: skip
    s, t = (len(side) for side in pairs["dates in another format"])
    yield "Encoding and decoding serve wherever one sequence is to become another: translation and summarisation in the large. Small ones that can be tried on a laptop:"
    yield table("a blank separates tokens", rows, task="task", src="source", tgt="target", s="S", t="T")
    yield question("How many weights has a head's map of cross-attention for the date?", t * s, "T x S, start marks not counted.", 0)  # fmt: skip
    yield "Source and target need not be equally long, nor share a vocabulary: without a common one the encoder has a table of its own."
    yield "Models with one stack, as GPT and most large language models, have no separate encoding: prompt and answer are one sequence under the causal mask."
    yield exactly("undone", "reversed twice", "cat", "".join(pairs["reverse the letters"][1][::-1]))


@lesson.step("What is often said wrongly")
def too_strong(run: Run) -> Iterator[Shown]:
    _, p = run.written
    s, c = run.src.shape[1], WIDTH
    yield Said("Encoder and decoder work at the same time in training.", "false", "The first cross-attention needs the finished Y. What runs in parallel are the places of each.", "C170")  # fmt: skip
    yield Said("Every decoder layer uses the encoder's output, so the source costs the decoder nothing more.", "too strong", f"Y is shared, but each layer makes keys and values of its own from it: 2 S C^2 = {2 * s * c * c:,} multiply-adds a layer here. In writing they are made once and kept.", "C169")  # fmt: skip
    yield Said("The model outputs a word.", "too strong", f"It gives a probability for each of {p.shape[1]} tokens. Which one is written is the choice of the decoding method.")  # fmt: skip
    yield exactly("projected", "weights of W_K and W_V of one cross-attention: 2 C^2", 2 * c * c, sum(getattr(run.model.decoder.blocks[0].cross_attention, name).w.value.size for name in ("key", "value")))  # fmt: skip
    yield between("chosen", "smallest probability that was chosen", 1 / p.shape[1], 1.0, smallest(p.max(axis=-1)))
    yield See("cross-attention", "alignment")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Encoding turns source tokens into vectors that know their context: embed, add positions, then a stack of blocks of self-attention and feed-forward, each with add and norm. It happens once, and must be finished before the first cross-attention."
    yield "Decoding writes the target step by step: masked self-attention on what is written, cross-attention on the encoder's output and feed-forward in each block, then linear map, softmax, choose a token, until the end token. In training all places run at once on the true, shifted target; the mask makes both agree on the same prefix, and does not protect from its own errors."
    yield Try("tfx quiz encode-decode-walkthrough")
