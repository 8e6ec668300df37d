"""One sentence through a trained translator: encoded once, decoded word by word, with every tensor's name and shape."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.heads.cross_attention.lesson import SENTENCES, SIZES, STEPS, TOY, WIDTH, words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, between, exactly, formula, matrix, question, setting,
    table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.data.toys.toy import Pairs
from tfx.generate.greedy import greedy_seq2seq
from tfx.measure.verdicts import smallest
from tfx.models import EncoderDecoder
from tfx.ops.basics.softmax import softmax_forward
from tfx.train.toys import learn_toy


@dataclass(frozen=True)
class Settings:
    sentence: int = setting(1, 1, SENTENCES, "which of the sentences that training never saw is translated")


class Run:
    """src: (1, S) ids.  truth: (1, T + 1) ids, the start mark first.  model: trained when it is first asked for."""

    def __init__(self, request: Request) -> None:
        self.seed, self.index = request.seed, request.settings.sentence
        drawn: Pairs = TOY.draw(SENTENCES, np.random.default_rng((request.seed, 1)), held_out=True)
        self.src, self.truth = drawn.src[self.index - 1 : self.index], drawn.tgt[self.index - 1 : self.index]
        self.length = self.truth.shape[1] - 1

    @cached_property
    def model(self) -> EncoderDecoder:
        with blas_threads(1):
            model = learn_toy(TOY, STEPS, self.seed, 1.2e-2, 32, held_out=4, **SIZES).model
        assert isinstance(model, EncoderDecoder)
        return model

    @cached_property
    def written(self) -> tuple[np.ndarray, np.ndarray]:
        """ids: (1, T + 1), start mark first; p: (T, vocabulary), what each step chose from.  Encodes once."""
        memory, source = self.model.encode(self.src)
        ids, chosen_from = self.truth[:, :1], []
        for _ in range(self.length):
            logits, _ = self.model.decode(ids, memory, source)
            chosen_from.append(softmax_forward(logits[0, -1])[0])
            ids = np.c_[ids, chosen_from[-1].argmax()]
        return ids, np.array(chosen_from)


lesson = Lesson(Run, Settings)


@lesson.step("Encoding: from ids to vectors that know their neighbours")
def encoding(run: Run) -> Iterator[Shown]:
    memory, source = run.model.encode(run.src)
    x = source.stack.reads[0][0]
    s = run.src.shape[1]
    yield f"To see how the parts work together, follow one sentence. A translator of one block on each side and one head was trained just now, on words spelt backwards with the noun first. {' '.join(words(run.src[0])[1:])}, as ids: {', '.join(map(str, run.src[0]))}."
    yield "Encoding: each id picks its row of the embedding table, its place is added, and the encoder blocks run: self-attention, add and norm, feed-forward, add and norm. (Here the norm stands in front of each sub-layer; in 2017 it stood behind the sum.)"
    yield matrix("what goes in, first numbers", x[:, :6], "token, number", words(run.src[0]))
    yield matrix("Y: what comes out, first numbers", memory[0, :, :6], "token, number", words(run.src[0]))
    yield question(f"S = {s} tokens, C = {WIDTH}: how many numbers has Y?", s * WIDTH, "S * C. It is no summary: a row stays for each token.", 0)  # fmt: skip
    yield exactly("memory", "numbers in Y", s * WIDTH, memory.size)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "sections 3.1 and 3.2.3")


@lesson.step("Decoding: one token after the other")
def decoding(run: Run) -> Iterator[Shown]:
    ids, p = run.written
    tokens = words(ids[0])
    rows = [{"step": t + 1, "reads": " ".join(tokens[: t + 1]), "writes": tokens[t + 1], "p": p[t].max()} for t in range(run.length)]  # fmt: skip
    yield "Decoding: the decoder gets a start mark. Its last place answers with a probability for each token of the vocabulary; one is chosen, appended, and the decoder runs again."
    yield question(f"How often does the encoder run for these {run.length} words?", 1, "The source does not change: Y is made once and kept.", 0)  # fmt: skip
    yield table("greedy: the most probable token is taken", rows, step="step", reads="decoder reads", writes="writes", p="probability :3")  # fmt: skip
    yield f"Each sentence of this toy has {run.length} words, so it stops there; a translator of text stops when it writes an end token. Taking the largest (argmax) is only one choice: drawing by the probabilities and beam search are others."
    fast = greedy_seq2seq(run.model, run.src, run.length, start=int(run.truth[0, 0]))
    yield exactly("greedy", "ids written by the library's greedy decoding", str(ids[0, 1:].tolist()), str(fast[0].tolist()))  # fmt: skip
    yield agree("sum", "every step's probabilities sum to 1", p.sum(axis=-1), 1.0, to=1e-5)
    yield Try.here(sentence=run.index % SENTENCES + 1)


@lesson.step("Inside the decoder: three maps of attention")
def maps(run: Run) -> Iterator[Shown]:
    ids, _ = run.written
    logits, cache = run.model.forward(run.src, ids[:, :-1])
    s, t = run.src.shape[1], run.length
    shapes = [cache.source.stack.blocks[0].weights, cache.blocks[0].weights, cache.blocks[0].cross_weights]
    yield f"The whole target, shifted by one (start mark first, last word left out), T = {t}: masked self-attention, cross-attention on Y, feed-forward, each with its sum and norm; then the linear map and the softmax."
    yield formula("encoder S x S      decoder self T x T      cross T x S", "the attention maps of a head")
    yield question("How many weights has the map of cross-attention here?", t * s, "A row for each target place, a column for each source token.", 0)  # fmt: skip
    yield matrix("cross-attention, T x S", shapes[2][0, 0], "about to write, source", words(ids[0, 1:]), words(run.src[0]))  # fmt: skip
    yield f"What the vocabulary's map gives has the shape {logits[0].shape}: a row for each place, a score for each token."
    yield exactly("maps", "S x S, T x T, T x S", str([(s, s), (t, t), (t, s)]), str([w.shape[-2:] for w in shapes]))
    yield agree("rows", "every row of the three sums to 1", np.concatenate([w.sum(axis=-1).ravel() for w in shapes]), 1.0, to=1e-5)  # fmt: skip


def one_wrong(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """(T, vocabulary) each: probabilities under what was written, and with its first word replaced by another."""
    ids = run.written[0][:, :-1]
    other = ids.copy()
    other[0, 1] = next(i for i in run.truth[0, 1:] if i != ids[0, 1])
    found = [softmax_forward(run.model.forward(run.src, given)[0][0])[0] for given in (ids, other)]
    return found[0], found[1]


@lesson.step("All at once in training, one by one in writing")
def both_ways(run: Run) -> Iterator[Shown]:
    _, one_by_one = run.written
    at_once, misled = one_wrong(run)
    first = float(np.abs(misled[0] - at_once[0]).max())
    later = float(np.abs(misled[1:] - at_once[1:]).max())
    yield "In training the target is known. It is fed in whole, and the causal mask hides from each place what follows (teacher forcing): one pass answers every place. In writing each token waits for the one before."
    yield "Given the same words before it, and dropout off, a place gets the same answer both ways:"
    yield agree("same", "probabilities at once, and one by one", at_once, one_by_one, to=1e-5)
    yield f"That is no help against own errors. With another word in the first place, the answer of place 1, which does not see it, moves by {first:.2g}; the largest change of a probability after it is {later:.2g}. How large it is depends on what was learned."
    yield agree("before", "place 1 does not see the word that it writes", first, to=1e-6)
    yield at_least("after", "largest change of a later probability", 1e-8, later)
    yield greedy_seq2seq


@lesson.step("What is often said wrongly")
def too_strong(run: Run) -> Iterator[Shown]:
    _, p = run.written
    s, c = run.src.shape[1], WIDTH
    yield Said("Encoder and decoder work at the same time in training.", "false", "The first cross-attention needs the finished Y. What runs in parallel are the places of each.", "C170")  # fmt: skip
    yield Said("Every decoder layer uses the encoder's output, so the source costs the decoder nothing more.", "too strong", f"Y is shared, but each layer makes keys and values of its own from it: 2 S C^2 = {2 * s * c * c:,} multiply-adds a layer here. In writing they are made once and kept.", "C169")  # fmt: skip
    yield Said("The model outputs a word.", "too strong", f"It gives a probability for each of {p.shape[1]} tokens. Which one is written is the choice of the decoding method.")  # fmt: skip
    yield "Encoder-decoders are used for translation and summarisation; small tasks to try are reversing a string, number words to digits, and dates in another format. A model with one stack, as GPT and most large language models after it, has no separate encoding: it reads the prompt under the causal mask and goes on."
    yield exactly("projected", "weights of W_K and W_V of one cross-attention: 2 C^2", 2 * c * c, sum(getattr(run.model.decoder.blocks[0].cross_attention, name).w.value.size for name in ("key", "value")))  # fmt: skip
    yield between("chosen", "smallest probability that was chosen", 1 / p.shape[1], 1.0, smallest(p.max(axis=-1)))
    yield See("cross-attention", "alignment")
    yield See("label-leakage")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Encoding turns source tokens into vectors that know their context: embed, add positions, then a stack of blocks of self-attention and feed-forward, each with add and norm. It happens once, and must be finished before the first cross-attention."
    yield "Decoding writes the target step by step: masked self-attention on what is written, cross-attention on the encoder's output and feed-forward in each block, then linear map, softmax, choose a token, until the end token. In training all places run at once on the true, shifted target; the mask makes both agree on the same prefix, and does not protect from own errors."
    yield Try("tfx quiz encode-decode-walkthrough")
