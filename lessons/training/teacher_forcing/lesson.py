"""Teacher forcing: the true words go in, one masked pass answers all places, and writing is another matter."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.sequences import sequential_steps as chains
from tfx.lab.training import exposure_bias as lab
from tfx.lab.training.teacher_forcing import (
    END, HEADS, SOURCE, START, WIDTH, Step, a_pass_each, decoder_step, one_pass, one_query_at_a_time, texts_of, untrained,
)  # fmt: skip
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.losses.cross_entropy import cross_entropy_forward

DEFAULT_TEXT = "how are you"
WORDS, ROLLED, UPDATES = 8, 20, 25


@dataclass(frozen=True)
class Settings:
    length: int = setting(16, 4, 32, "tokens of the sequences whose waiting is counted")


class Run:
    """texts: the reader's words, and the first of them alone as a second, shorter row."""

    def __init__(self, request: Request) -> None:
        self.words = read_words(request.text, DEFAULT_TEXT)[:WORDS]
        self.seed, self.settings = request.seed, request.settings
        self.texts = texts_of(self.words, self.words[:1])
        self.t = len(self.words) + 1

    @cached_property
    def step(self) -> Step:
        return decoder_step(self.texts, self.seed)

    @cached_property
    def written(self) -> lab.Written:
        with blas_threads(1):
            return lab.written_by(lab.Settings(), self.seed, UPDATES, lab.TRUTH)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("What goes in, what is asked, what is seen")
def aligned(run: Run) -> Iterator[Shown]:
    read, asked = (START, *run.words), (*run.words, END)
    seen = causal_mask(run.t)
    rows = [{"place": i + 1, "reads": read[i], "sees": " ".join(word for word, open_ in zip(read, seen[i], strict=True) if open_), "asked": asked[i]} for i in range(run.t)]  # fmt: skip
    yield "A decoder is to say the next word. In training it is given the true words before it, whatever it would have said itself: teacher forcing. The target goes in behind a start mark; it is asked for with an end mark."
    yield table("one sentence", rows, place="place", reads="reads", sees="sees", asked="asked for")
    yield question(f'Place 3 reads "{read[2]}". How many inputs does it see?', 3, f"{START}, {read[1]}, and its own, {read[2]}. It is asked for the word after that.", 0)  # fmt: skip
    yield "So the answer of a place is the input of the next one, which the causal mask hides."
    yield exactly("seen", "inputs that are seen, place by place", ", ".join(str(i + 1) for i in range(run.t)), ", ".join(str(int(n)) for n in seen.sum(axis=1)))  # fmt: skip
    yield exactly("shift", "answers that are the next place's input", run.t - 1, int((run.texts.asked[0, :-1] == run.texts.read[0, 1:]).sum()))  # fmt: skip


@lesson.step("One step of training, from end to end")
def one_step(run: Run) -> Iterator[Shown]:
    step, texts = run.step, run.texts
    block, kept = step.cache.blocks[0], texts.lengths
    loss = float(cross_entropy_forward(step.logits, texts.asked, keep=texts.kept)[0])
    other = texts.asked.copy()
    other[~texts.kept] = 0
    rows = [{"what": what, "letters": letters, "shape": str(shape)} for what, letters, shape in (
        ("shifted target in", "(B, T)", texts.read.shape), ("masked self-attention: weights", "(B, H, T, T)", block.weights.shape),
        ("cross-attention on the encoder's output", "(B, H, T, S)", block.cross_weights.shape),
        ("feed-forward, each place alone", "(B, T, C)", (*texts.read.shape, WIDTH)), ("linear map: logits", "(B, T, words)", step.logits.shape),
        ("softmax, -log of the right word", "(B, T)", step.losses.shape),
    )]  # fmt: skip
    yield f"Two rows: your sentence, and its first word alone, padded. The sources have {SOURCE} tokens; {HEADS} heads, C = {WIDTH}."
    yield table("the decoder's way to its losses", rows, what="step", letters="letters", shape="shape")
    yield question("Over how many losses is the mean?", int(kept.sum()), f"{kept[0]} targets and {kept[1]}; padding is not asked for.", 0)  # fmt: skip
    yield f"First row: {', '.join(f'{value:.2f}' for value in step.losses[0])}; second: {', '.join(f'{value:.2f}' for value in step.losses[1, : kept[1]])}. Their mean, {loss:.3f} nats, is the loss. Backward and the optimizer follow; then comes the next batch."
    yield agree("mean", "the loss, and the mean of these", loss, float(step.losses[texts.kept].mean()))
    yield exactly("padding", "the loss, when padded targets are others", loss, float(cross_entropy_forward(step.logits, other, keep=texts.kept)[0]))  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")


@lesson.step("One masked pass, or a pass for each prefix")
def one_or_many(run: Run) -> Iterator[Shown]:
    model = untrained(run.texts, run.seed)
    at_once, one_by_one = one_pass(model, run.texts), a_pass_each(model, run.texts)
    moved = run.texts._replace(read=run.texts.read.copy())
    moved.read[0, -1] = 0
    change = one_pass(model, moved) - at_once
    rows = [{"place": i + 1, "once": a, "each": b} for i, (a, b) in enumerate(zip(at_once, one_by_one, strict=True))]
    yield "Two things let all places train at once. The words before each place are known, so that no place waits for an answer. And with the mask a place computes what it would if the later words did not exist."
    yield table("an untrained GPT: the loss at each place, in nats", rows, place="place", once="one pass :5", each="a pass for each prefix :5")  # fmt: skip
    yield question(f"{ROLLED} places: how many tokens do the passes for each prefix read together?", ROLLED * (ROLLED + 1) / 2, f"1 + 2 + ... + {ROLLED}. One pass reads {ROLLED}.", 0)  # fmt: skip
    yield f"Each sentence gives {run.t} examples at the price of one pass."
    yield agree("same", "losses of one pass, and of a pass for each prefix", at_once, one_by_one)
    yield agree("hidden", "earlier losses, when the last input is another", change[:-1])
    yield at_least("last", "... and that of the last place moves by", 1e-6, float(abs(change[-1])))
    yield a_pass_each


@lesson.step("Why attention can be computed at once")
def at_once(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n = run.settings.length
    q, k, v = (rng.standard_normal((n, 8)) for _ in range(3))
    matrices, loops = attention_forward(q, k, v)[0], one_query_at_a_time(q, k, v)
    yield "An output of attention depends on the layer below and on no other output of its own layer. So the places may be computed in any order, or all together, as matrix products."
    yield formula("o_i = sum_j p_ij v_j", "one query, by a loop over keys")
    yield formula("O = softmax(Q K^T / sqrt(D)) V", "all queries")
    yield question(f"{n} queries, {n} keys: how many scores do the loops compute, one by one?", n * n, "A score for each pair. The matrix product holds them all.", 0)  # fmt: skip
    yield "In an RNN that is impossible: h_t = f(h_{t-1}, x_t) needs the output before it, of the same layer."
    yield agree("loops", "matrix form, and a loop over queries and keys", matrices, loops)
    yield one_query_at_a_time


@lesson.step("Who waits for whom, counted")
def who_waits(run: Run) -> Iterator[Shown]:
    n = run.settings.length
    chain, blocks = chains.chains(chains.Settings(lengths=(4, n, 2 * n))), chains.Settings().blocks
    short, long = ({way: chain[way](length)[0] for way in (chains.ATTENTION, chains.RNN, chains.READS, chains.WRITES)} for length in (n, 2 * n))  # fmt: skip
    rows = [{"way": way, "short": short[way], "long": long[way]} for way in short]
    yield "Count the matrix products that have to wait for each other, in the library's own layers:"
    yield question(f"One pass of this Transformer takes {short[chains.READS]} in a row. To write {n} tokens?", n * short[chains.READS], f"A pass for each token: {n} * {short[chains.READS]}.", 0)  # fmt: skip
    yield table("products in a row", rows, way="what", short=f"{n} tokens", long=f"{2 * n} tokens")
    yield f"Reading, as in training, takes the same for any length; the {blocks} blocks still follow one another. In writing each token waits for the one before. An RNN waits in both."
    yield exactly("reads", "a Transformer reads: products that more tokens add", 0, long[chains.READS] - short[chains.READS])  # fmt: skip
    yield exactly("rnn", "an RNN: products in a row", n, short[chains.RNN])
    yield exactly("writes", "a Transformer writes: products in a row", n * short[chains.READS], short[chains.WRITES])
    yield Try("tfx experiment sequential-steps")


@lesson.step("What it costs: own words were never read")
def the_cost(run: Run) -> Iterator[Shown]:
    w, t = run.written, lab.Settings().length
    right = float(w.forced.mean())
    yield "Who reads the truth in training has not met its own mistakes. In writing it reads them: exposure bias. Were each token right with the same chance, whatever came before, a text of T tokens would be without mistake with"
    yield formula("right^T", "right: the chance for one token")
    yield question(f"{right:.3f} of the tokens are right. Of {t} in a row?", right**t, f"{right:.3f}^{t}.")
    yield f"Measured: a small GPT learns an alphabet of {lab.Settings().letters} letters in mixed order, for {UPDATES} updates, so that it still errs. Reading true letters, {right:.1%} are right; of texts that it wrote itself, {w.free[-1]:.0%} end right."
    yield "Here a wrong letter spoils the rest. In other tasks a model may find its way back."
    yield exactly("first", "the first letter: right after truth, and in writing", float(w.forced[0]), float(w.free[0]))
    yield at_least("gap", "after truth, more is right than at the end of own texts, by", 0.05, right - float(w.free[-1]))  # fmt: skip
    yield Try("tfx experiment exposure-bias")
    yield Source("Ranzato et al.", 2016, "Sequence Level Training with Recurrent Neural Networks", "section 1")


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("Teacher forcing lets an RNN be trained on all places at once.", "false", "Its states follow one another.", "C252")  # fmt: skip
    yield Said("Encoder and decoder work at the same time in training.", "false", "Cross-attention waits for the encoder. Places are parallel.", "C170")  # fmt: skip
    yield Said("The causal mask makes training and writing alike.", "too strong", "It matches what may be seen. What is seen differs: the truth, or own words.", "C036")  # fmt: skip
    yield "Against exposure bias guesses can replace some true words in training (scheduled sampling). Large models still learn by teacher forcing; then some learn from scores for their own texts (human feedback)."
    yield Source("Bengio et al.", 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks")
    yield Source("Ouyang et al.", 2022, "Training language models to follow instructions with human feedback")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Teacher forcing: the decoder reads the start mark and the target without its last token, and is asked for the target with an end mark. Masked self-attention, cross-attention on the encoder's output, feed-forward, linear map and softmax at every place; the loss is the mean cross-entropy of the targets that are no padding."
    yield "Known targets and the causal mask let one pass give all losses, the same as a pass for each prefix. Attention allows that, as outputs of a layer do not depend on each other; layers still follow one another, and so do tokens in writing. The cost is exposure bias: in writing the model reads its own mistakes."
    yield Try("tfx quiz training-teacher-forcing")
