"""GPT: what turns an encoder into one, what it starts from, and a GPT of letters before and after training."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.scale.published_sizes import PUBLISHED, count
from tfx.lab.training.letter_gpt import LAYERS, WIDTH, LetterGPT, stream_size
from tfx.measure.label_leakage import future_leak, sees_answer
from tfx.models.gpt import GPT2_SMALL, gpt_parameter_count
from tfx.ops.attention.masks import causal_mask
from tfx.ops.losses.cross_entropy import cross_entropy_forward

DEFAULT_TEXT = "the cat sat on the mat"
LETTERS, GIVEN, LOUDER = 30, 5, 30.0
MODELS = ("GPT-2 small", "GPT-3")


@dataclass(frozen=True)
class Settings:
    steps: int = setting(100, 80, 300, "updates of training")
    layers: int = setting(12, 6, 24, "blocks of the deep model whose weights are looked at")


class Learnt(NamedTuple):
    """before, after: what it writes.  known_before, known: the share of two letters in a row that the text has."""

    before: str
    after: str
    known_before: float
    known: float
    losses: list[float]


class Run:
    """text: the reader's words with a full stop, LETTERS letters at most.  gpt: untrained."""

    def __init__(self, request: Request) -> None:
        words = read_words(request.text, DEFAULT_TEXT, at_least=3)
        self.text = " ".join(words)[:LETTERS].strip() + ". "
        self.seed, self.settings = request.seed, request.settings
        self.gpt = LetterGPT(self.text, request.seed)
        self.v, self.t = len(self.gpt.letters), len(self.text)

    @cached_property
    def learnt(self) -> Learnt:
        with blas_threads(1):
            gpt = LetterGPT(self.text, self.seed)
            before = gpt.write(GIVEN)
            gpt.learn(self.settings.steps)
            after = gpt.write(GIVEN)
        return Learnt(before, after, gpt.known_pairs(before), gpt.known_pairs(after), gpt.losses)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


def loss_of(gpt: LetterGPT, masked: bool = True) -> float:
    """The mean of -ln p(next letter) over the text read as a ring."""
    x, _ = gpt.model.input.forward(gpt.ids[None])
    mask = causal_mask(len(gpt.ids)) if masked else None
    logits = gpt.model.stack.forward(x, mask=mask)[0] @ gpt.model.embedding.table.value.T
    return float(cross_entropy_forward(logits, np.roll(gpt.ids, -1)[None])[0])


@lesson.step("What turns an encoder into a GPT")
def from_encoder(run: Run) -> Iterator[Shown]:
    rows = [
        {"part": "causal mask in every block", "why": "no place sees what it is to predict", "numbers": "0"},
        {"part": "a norm behind the last block", "why": "if pre-LN: the stream has grown", "numbers": f"2 C = {2 * WIDTH}"},
        {"part": "a score for each token", "why": "which is next?", "numbers": "0: E again"},
        {"part": "targets shifted by one place", "why": "place t is asked for token t + 1", "numbers": "0"},
    ]  # fmt: skip
    counted, own = gpt_parameter_count(run.v, WIDTH, LAYERS, run.t), run.v * WIDTH
    yield "An encoder gives a vector for each token. A GPT, a generative pre-trained Transformer, predicts the next token, and so writes. Take an encoder, and add:"
    yield table("added", rows, part="part", why="why", numbers="parameters")
    yield formula("logits = norm(x) E^T", "(B, T, C) x (C, words) -> (B, T, words)")
    yield f"E is the table of token vectors, read at both ends: {run.v} letters, C = {WIDTH} here."
    yield question(
        "Untied, with a map of its own: how many more numbers?",
        own,
        f"A row of C for each letter: {run.v} * {WIDTH}.",
        0,
    )
    yield f"No cross-attention: nothing else is read. This GPT has {counted:,} parameters."
    yield exactly("count", "parameters, from the sizes and of the model", counted, run.gpt.model.n_parameters)


@lesson.step("What goes in: a token and its place")
def goes_in(run: Run) -> Iterator[Shown]:
    model, ids = run.gpt.model, run.gpt.ids
    e, p = model.embedding.table.value[ids], model.parameters()["input.positions.table"].value[: run.t]
    x, _ = model.input.forward(ids[None])
    twice = next((i for i in range(1, run.t) if ids[i] == ids[0]), run.t - 1)
    rows = [{"place": f"{i + 1}: {run.text[i]!r}", "e": e[i, 0], "p": p[i, 0], "x": x[0, i, 0]} for i in sorted({0, 1, twice})]  # fmt: skip
    yield "A GPT starts from a prompt, or from a sign for the start of a text. A token becomes its row of E plus the row of its place in PE. Both tables are learned; nothing is multiplied by sqrt(C), as it was in 2017."
    yield formula("x_t = E[id of token t] + PE[t]", "(B, T) -> (B, T, C)")
    yield question(f"Letter 1: E begins with {e[0, 0]:.6f}, PE with {p[0, 0]:.6f}. And x?", x[0, 0, 0], "The sum.")  # fmt: skip
    yield table("the first number of some letters", rows, place="place", e="of E :3", p="of PE :3", x="of x :3")
    yield f"PE has {run.t} rows here, {GPT2_SMALL['max_len']} in GPT-2, and none for places further on: no text may be longer."
    yield agree("input", "x is the sum of the two rows", x[0], e + p, to=1e-7)
    yield See("positional-learned")


@lesson.step("How the weights start")
def at_the_start(run: Run) -> Iterator[Shown]:
    deep, parameters = run.settings.layers, run.gpt.model.parameters()
    names = {"embedding.table": "E", "stack.blocks.0.attention.query.w": "W_Q", "stack.blocks.0.attention.output.w": "W_O", "stack.blocks.0.feed_forward.second.w": "W_2"}  # fmt: skip
    spread = {name: float(parameters[key].value.std()) for key, name in names.items()}
    sizes = {(n, scaled): stream_size(n, scaled, WIDTH, run.seed) for n in (2, deep) for scaled in (True, False)}
    rows = [{"blocks": n, "scaled": sizes[n, True], "plain": sizes[n, False]} for n in (2, deep)]
    yield "Weights are drawn, normal with deviation 0.02, as in GPT-1 (0.01 for positions in OpenAI's code of GPT-2); biases 0. The last map of each sub-layer (W_O, W_2) is drawn smaller, by 1 / sqrt(2 N) in N blocks, since GPT-2: 2 N outputs are added to the stream, and variances of independent terms add up."
    yield f"Here, block 1 of {LAYERS}: " + ", ".join(f"{name} {value:.4f}" for name, value in spread.items()) + "."
    yield question(f"N = {deep}: from which deviation is W_O drawn?", 0.02 / math.sqrt(2 * deep), f"0.02 / sqrt({2 * deep}).")  # fmt: skip
    yield table("size of the stream behind the last block, untrained", rows, blocks="blocks", scaled="scaled :3", plain="not scaled :3")  # fmt: skip
    yield "Size: root of the mean square. Scaled, it does not grow with the depth."
    yield within("plain", "deviation of W_Q", 0.02, spread["W_Q"], 0.002)
    yield within("smaller", "deviation of W_O, 0.02 / sqrt(2 N)", 0.02 / math.sqrt(2 * LAYERS), spread["W_O"], 0.001)  # fmt: skip
    yield within("flat", f"scaled: size at {deep} blocks over that at 2", 1.0, sizes[deep, True] / sizes[2, True], 0.2)
    yield at_least("grows", "not scaled: the same", 1.3, sizes[deep, False] / sizes[2, False])
    yield Source("Radford et al.", 2019, "Language Models are Unsupervised Multitask Learners", "section 2.3")


@lesson.step("The first loss is known")
def first_loss(run: Run) -> Iterator[Shown]:
    start, even = loss_of(run.gpt), math.log(run.v)
    loud = LetterGPT(run.text, run.seed)
    for name, parameter in loud.model.parameters().items():
        if name == "embedding.table":
            parameter.value *= LOUDER
    yield "With weights that small all scores are near 0, and softmax of equal scores gives each token the same chance. So before any training the loss, the mean of -ln p(next token), is known:"
    yield formula("-ln(1 / size) = ln(size)", "size: tokens in the vocabulary; in nats")
    yield question(f"Your text has {run.v} different letters. The first loss?", even, f"ln {run.v}.")
    yield f"Measured: {start:.3f}. GPT-2 has {GPT2_SMALL['vocab']:,} tokens, so it starts near {math.log(GPT2_SMALL['vocab']):.2f}. A first loss far above is a sign that weights start too large: with the rows of E {LOUDER:.0f} times longer it is {loss_of(loud):.1f} here, sure and wrong. A missing mask does not show yet: without it {loss_of(run.gpt, masked=False):.3f}, as untrained weights make nothing of what they see."
    yield within("start", "the first loss, ln(size)", even, start, 0.15)
    yield within("open", "the first loss without a mask, the same", start, loss_of(run.gpt, masked=False), 0.05)
    yield at_least("loud", "with longer rows it is larger by", 1.0, loss_of(loud) - even)
    yield cross_entropy_forward


@lesson.step("Before and after training")
def before_and_after(run: Run) -> Iterator[Shown]:
    found, steps = run.learnt, run.settings.steps
    shown = [1, steps // 2, steps]
    yield f"Now {steps} updates. A row of a batch is your text, read in a ring from a place drawn; at each place the next letter is asked for."
    yield table("loss in training", [{"step": n, "loss": found.losses[n - 1]} for n in shown], step="update", loss="loss [nats] :3")  # fmt: skip
    yield f'Given "{run.text[:GIVEN]}", it writes the most likely letter, puts it behind the text, and so on:'
    yield formula(f'before   "{found.before}"')
    yield formula(f'after    "{found.after}"')
    yield f"Two letters in a row that your text has: {found.known_before:.0%} of them before, {found.known:.0%} after. It has learned {run.t} letters by heart. A large GPT is trained in the same way, on more text than it can hold."
    yield at_most("learned", "the last loss, as a part of ln(size)", 0.4, found.losses[-1] / math.log(run.v))
    yield at_least("known", "pairs of letters written that the text has", 0.8, found.known)


@lesson.step("What breaks without the mask")
def without_the_mask(run: Run) -> Iterator[Shown]:
    model, ids = run.gpt.model, run.gpt.ids[None]
    hidden = future_leak(lambda some: np.asarray(model.forward(some)[0]), ids, run.v)
    seen = {name: int(sees_answer(mask, True, run.t).sum()) for name, mask in (("mask", True), ("none", False))}
    yield "One pass asks as many questions as there are places. That is honest only if no place sees its answer, which stands one place further on."
    yield question(f"{run.t} letters, no mask: how many places see the next letter?", seen["none"], "All but the last.", 0)  # fmt: skip
    yield f"With the mask it is {seen['mask']} places. Tested on the untrained model: change letters after a place, and its scores move by {hidden:g}."
    yield "Without it the loss falls to almost nothing, and the text is nonsense: the model has learned to copy what will not be there when it writes. So an encoder is not made a GPT by a new head. Mask and shifted targets belong together."
    yield exactly("blind", "a score moved by later letters by", 0.0, hidden)
    yield exactly("seen", "places that see their answer, with the mask and without", f"0, {run.t - 1}", f"{seen['mask']}, {seen['none']}")  # fmt: skip
    yield See("label-leakage", "four_runs")


@lesson.step("GPT-1, 2, 3: what changed, and what is said")
def sizes(run: Run) -> Iterator[Shown]:
    found = {model.name: model for model in PUBLISHED if model.name in MODELS}
    rows = [{"name": name, "layers": m.sizes.layers, "width": m.sizes.width, "places": m.sizes.positions, "counted": f"{count(m.sizes).total / 1e6:,.0f} M", "figure": m.figure} for name, m in found.items()]  # fmt: skip
    small = count(found["GPT-2 small"].sizes)
    share = small.feed_forward / (small.feed_forward + small.attention)
    yield "GPT-1 is post-LN. GPT-2 put the norms in front, one more behind, and scaled the start. In GPT-3 full attention alternates with a sparse one, in bands of near tokens. The 117M of GPT-2 was a slip, corrected later."
    yield table("counted from the sizes", rows, name="model", layers="blocks", width="C", places="places", counted="counted", figure="in the paper")  # fmt: skip
    yield Said("GPT-4 has 96 layers.", "too strong", "GPT-3 has. Of GPT-4 it was not made public.", "C137")
    yield Said("GPT is attention alone, so it lacks local features and a state.", "false", f"Of its blocks {share:.0%} are feed-forward; it learns local patterns, and stored keys and values are a state.", "C315")  # fmt: skip
    yield exactly("small", "GPT-2 small, counted twice", gpt_parameter_count(**GPT2_SMALL), small.total)
    yield within("share", "feed-forward share of its blocks' maps", 2 / 3, share, 0.01)
    yield Source("Brown et al.", 2020, "Language Models are Few-Shot Learners", "section 2.1")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "To turn an encoder into a GPT, put a causal mask into every attention, a norm behind the last block, and a map to vocabulary scores, usually the embedding once more. Train it on the next token: the targets are the input shifted by one place."
    yield "It starts from token plus learned position embeddings of a prompt; there is no encoder and no cross-attention. Weights start normal with 0.02, the last map of each sub-layer smaller by 1 / sqrt(2 N) in N blocks since GPT-2. Before training the loss is about ln(size of the vocabulary); far above, weights start too large. A leak shows later, when the loss falls too low."
    yield Try("tfx quiz gpt")
