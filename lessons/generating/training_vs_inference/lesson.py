"""Training against inference: one function run in two ways, what is parallel in each, and what one wrong token does."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.generate import WholePass
from tfx.generate.stored_keys import StoredDecoder
from tfx.lab.sequences import sequential_steps as lab
from tfx.measure.dependent_steps import following, following_in
from tfx.measure.exposure_bias import Exposure, exposure
from tfx.models import EncoderDecoder
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.shipped.load import load

DEFAULT_TEXT = "return true if the object is an instance of the class or of a subclass"
LONGEST, SHORTEST, SHOWN, DRAWN = 64, 8, 4, 40
#: Of the model that counts: numbers, and how many it writes.
NUMBERS, WRITTEN = 1000, 20


@dataclass(frozen=True)
class Settings:
    place: int = setting(3, 2, 5, "the token of the text that is replaced by a wrong one")
    error: float = setting(0.05, 0.01, 0.2, "share of numbers at which the counting model errs")


class Run:
    """ids: (T,) of the reader's text.  at_once, one_by_one: (T, V) log p of what follows each token."""

    def __init__(self, request: Request) -> None:
        shipped, self.settings, self.seed = load("language"), request.settings, request.seed
        self.model, self.words = shipped.model, shipped.vocabulary
        self.ids = shipped.read(DEFAULT_TEXT if request.text is None else request.text).ids
        if not SHORTEST <= len(self.ids) <= LONGEST:
            raise BadInput(f"the text has {len(self.ids)} tokens; this topic reads {SHORTEST} to {LONGEST}.", f"--text '{DEFAULT_TEXT}'")  # fmt: skip

    def read(self, ids: np.ndarray) -> np.ndarray:
        """ids: (B, T) -> (B, T, V) log p, from one pass."""
        return np.asarray(log_softmax_forward(self.model.forward(ids)[0])[0])

    @cached_property
    def at_once(self) -> np.ndarray:
        return self.read(self.ids[None])[0]

    @cached_property
    def one_by_one(self) -> np.ndarray:
        reader = StoredDecoder(self.model)
        reader.begin(1)
        logits = np.concatenate([reader.read(np.array([[token]])) for token in self.ids], axis=1)
        return np.asarray(log_softmax_forward(logits)[0][0])

    @cached_property
    def counted(self) -> Exposure:
        return counting_model(self.settings.error, self.seed)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


def counting_model(error: float, seed: int) -> Exposure:
    """After each number it says the next, but at some it jumps far off; asked to go on from each of them."""
    follows = (np.arange(NUMBERS) + 1) % NUMBERS
    wrong = np.random.default_rng(seed).permutation(NUMBERS)[: round(error * NUMBERS)]
    follows[wrong] = (wrong + NUMBERS // 2) % NUMBERS
    reader = WholePass(lambda ids, _: np.eye(NUMBERS, dtype="float32")[follows[ids]], window=1)
    return exposure(reader, (np.arange(NUMBERS)[:, None] + np.arange(WRITTEN + 1)) % NUMBERS, 1)


@lesson.step("Two ways to run one decoder")
def two_ways(run: Run) -> Iterator[Shown]:
    t = len(run.ids)
    rows = [
        {"what": "what stands before a place", "training": "the true tokens", "writing": "what it wrote"},
        {"what": "passes for n tokens", "training": "1", "writing": "n"},
        {"what": "places a pass answers", "training": "all", "writing": "the last"},
        {"what": "mask", "training": "causal", "writing": "causal"},
        {"what": "afterwards", "training": "a loss at each place", "writing": "a token is chosen"},
    ]
    yield "In training the text is known. It goes in whole, shifted by one place; the causal mask hides from each place what follows, and all places are answered at once. That is teacher forcing. In use, at inference, there is no text: the model's own token goes in, then the next, until an end token or a limit."
    yield table("the same weights", rows, what="", training="training", writing="writing (inference)")
    yield question(f"Your text has {t} tokens. One pass in training: how many next tokens are predicted and judged?", t - 1, "All but the first, which has none before it here.", 0)  # fmt: skip
    yield exactly("asked", "log p that one pass gives for the tokens of the text", t - 1, run.at_once[:-1, run.ids[1:]].diagonal().size)  # fmt: skip


@lesson.step("Same beginning, same answer")
def same_answer(run: Run) -> Iterator[Shown]:
    t = np.arange(SHOWN)
    rows = [{"behind": run.words[run.ids[i]], "next": run.words[run.ids[i + 1]], "once": run.at_once[i, run.ids[i + 1]], "by_one": run.one_by_one[i, run.ids[i + 1]]} for i in t]  # fmt: skip
    apart = float(np.abs(run.at_once - run.one_by_one).max())
    yield "Are these two models? No. Feed your text once in one masked pass, and once token by token, and compare log p of the token that really follows:"
    yield table("the first places", rows, behind="behind", next="next token", once="in one pass :4", by_one="one by one :4")  # fmt: skip
    yield question("With dropout off: by how much do the two differ?", 0.0, "The mask lets place t see tokens 1 to t, and one by one there are no others.", 1e-6)  # fmt: skip
    yield f"By {apart:.0e}, rounding, over all places and {len(run.words):,} tokens. Both compute one function of the tokens before. So training on all places at once is allowed; what differs is who gives the tokens."
    yield agree("same", "log p of every token at every place, both ways", run.at_once, run.one_by_one, to=1e-9)
    yield StoredDecoder


@lesson.step("In attention: all rows, or the last")
def last_row(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n, width = len(run.ids), 8
    q, k, v = (rng.standard_normal((2, n, width)) for _ in range(3))
    whole, _ = attention_forward(q, k, v, causal_mask(n, n))
    last, _ = attention_forward(q[:, -1:], k, v)
    k[1], v[1] = k[1] + 1, v[1] - 2
    moved = float(np.abs(attention_forward(q, k, v, causal_mask(n, n))[0][0] - whole[0]).max())
    yield formula("training:   Q K^T        all queries at once, causal mask", "(T, D) x (D, T) -> (T, T)")
    yield formula("inference:  q K^T        the newest query", "(1, D) x (D, T) -> (1, T)")
    yield "The newest token may see all before it, so its row of the mask blocks nothing: inference computes exactly the last row of the large matrix. The rows above were computed when their tokens were new. Keys and values of old tokens are kept, or made again."
    yield question(f"T = {n}: how many scores does a head compute for the newest token?", n, "One for each token so far, itself among them.", 0)  # fmt: skip
    yield Said("In training, attention looks at all pairs of tokens of the batch.", "false", "At pairs within each sequence, and in a decoder at past ones alone. It is causal in both ways.", "C042")  # fmt: skip
    yield agree("row", "the last query alone, and the last row of all", last, whole[:, -1:])
    yield exactly("other", "change of sequence 1 when sequence 2 of the batch changes", 0.0, moved)
    yield attention_forward


@lesson.step("What is parallel, and what waits")
def parallel(run: Run) -> Iterator[Shown]:
    ways, lengths = lab.chains(lab.Settings(lengths=(4, 8, 16), blocks=2)), (4, 8)
    pair = EncoderDecoder(vocab=lab.WORDS, d_model=lab.WIDTH, n_heads=2, d_ff=2 * lab.WIDTH, n_layers=2)

    def encoder(n: int) -> int:
        with following_in(pair):
            return int(pair.encode(following(np.zeros((1, n), dtype="int64")))[0].steps)

    found = {"encoder reads": [encoder(n) for n in lengths]}
    found |= {name: [ways[way](n)[0] for n in lengths] for name, way in (("decoder, in training", lab.READS), ("decoder, writing", lab.WRITES))}  # fmt: skip
    rows = [{"what": name, "four": chain[0], "eight": chain[1]} for name, chain in found.items()]
    yield "Count the matrix products that must wait for another one; more processors do not shorten that chain. Two blocks each:"
    yield table("the longest chain of products", rows, what="", four="4 tokens", eight="8 tokens")
    yield question("The decoder writes 16 tokens. How long is the chain?", ways[lab.WRITES](16)[0], "The same again for each token.", 0)  # fmt: skip
    yield "The encoder is parallel over places, always; its layers wait for each other. The decoder is so in training; in writing each token waits for the one before. Parallel even then: the prompt, which is known and read in one pass (prefill), the texts of a batch, and the heads."
    yield exactly("reads", "what 4 more tokens add to encoder and decoder in training", "0, 0", ", ".join(str(found[name][1] - found[name][0]) for name in ("encoder reads", "decoder, in training")))  # fmt: skip
    yield exactly("writes", "twice the tokens, the chain of writing", 2 * found["decoder, writing"][0], found["decoder, writing"][1])  # fmt: skip
    yield Try("tfx experiment sequential-steps")


@lesson.step("One wrong token put in")
def wrong_token(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    at, true = run.settings.place - 1, run.ids[1:]
    texts = np.tile(run.ids, (DRAWN, 1))
    texts[:, at] = (run.ids[at] + rng.integers(1, len(run.words), DRAWN)) % len(run.words)
    clean = run.at_once[np.arange(len(true)), true]
    spoilt = run.read(texts)[:, np.arange(len(true)), true]
    lost = (clean - spoilt).mean(axis=0)
    seen = range(max(0, at - 1), min(at + 4, len(true)))
    rows = [{"next": run.words[true[i]], "clean": clean[i], "spoilt": clean[i] - lost[i], "lost": lost[i]} for i in seen]  # fmt: skip
    yield f'In use the model may have written a wrong token, and it reads that. Replace token {at + 1}, "{run.words[run.ids[at]]}", by one of {DRAWN} drawn tokens, and ask for the true next ones:'
    yield question(f"How many nats do the answers at places before token {at + 1} lose?", 0.0, "They do not see it.", 1e-9)  # fmt: skip
    yield table("log p of the true next token, nats", rows, next="true next", clean="true text :3", spoilt=f"token {at + 1} wrong :3", lost="lost :2")  # fmt: skip
    yield f"Behind the wrong token it loses {lost[at]:.2f} nats, over the whole rest {lost[at:].mean():.2f} a place. Where a word hangs on many others, a text finds its way back."
    yield agree("before", "log p before the wrong token", spoilt[:, :at], np.tile(clean[:at], (DRAWN, 1)), to=1e-9)
    yield at_least("after", "largest change after it, nats", 1e-3, float(np.abs(spoilt - clean)[:, at:].max()))


@lesson.step("Mistakes add up: exposure bias")
def mistakes(run: Run) -> Iterator[Shown]:
    e, found = run.settings.error, run.counted
    rows = [{"n": n, "forced": 100 * found.teacher_forced[n - 1], "free": 100 * found.free_running[n - 1], "law": 100 * (1 - e) ** n} for n in (1, 5, WRITTEN)]  # fmt: skip
    yield f"The hard case: a made-up model counts on; at {round(e * NUMBERS)} of {NUMBERS:,} numbers it jumps far off. It goes on from each number, once after the truth, once after its own."
    yield formula("right after n tokens of its own = (1 - error)^n")  # fmt: skip
    yield question(f"An error of {e:g} a token: what share is right after {WRITTEN} tokens?", (1 - e) ** WRITTEN, f"{1 - e:g}^{WRITTEN}.")  # fmt: skip
    yield table("right, percent", rows, n="n", forced="after the truth :3", free="after its own :3", law="the law :3")  # fmt: skip
    yield "The law holds if each token rests on the one before and mistakes are independent. Trained on true beginnings, used on its own, a model meets what it never saw: exposure bias. Expected damage grows with length."
    yield within("law", f"right after {WRITTEN} of its own", (1 - e) ** WRITTEN, float(found.free_running[-1]), 0.08)
    yield exactly("first", "first token: after the truth, less after its own", 0.0, float(found.teacher_forced[0] - found.free_running[0]))  # fmt: skip
    yield Try("tfx experiment exposure-bias")


@lesson.step("What is said, and what helps")
def what_helps(run: Run) -> Iterator[Shown]:
    gap = run.counted.gap
    yield Said("Causal masking makes training match inference, so no mismatch is left.", "false", f"It settles what may be seen, not whether it is true. The counting model sees the past alone; its gap is {100 * gap:.0f} points.", "C036")  # fmt: skip
    yield Said("Exposure bias is a trouble of RNNs.", "false", "Of every decoder that is trained with teacher forcing.")
    yield Said("Early mistakes compound.", "true with conditions", "Where each token rests on the one before.", "C276")  # fmt: skip
    yield "Partial answers: scheduled sampling feeds some of the model's own guesses in training. Training on whole texts of its own, judged by a score, meets its own beginnings; so does reinforcement learning of large models."
    yield at_least("gap", "accuracy after the truth, less after its own", 0.01, gap)
    yield Source("Bengio et al.", 2015, "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks", "section 2")  # fmt: skip
    yield Source("Ranzato et al.", 2016, "Sequence Level Training with Recurrent Neural Networks", "section 1")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Training: the shifted target goes in whole, the causal mask hides the future, one pass answers and judges all places. Inference: the model's own tokens go in one at a time, until an end token; one query at a time over all keys so far, usually cached. It is the same causal function: on the same prefix logits agree. Pairs are formed within a sequence, never across the batch."
    yield "The encoder is parallel over places in both. The decoder is parallel in training and sequential in writing, while prompt, batch and heads stay parallel. Exposure bias: trained on true prefixes, tested on its own, so early mistakes shift later inputs, in any teacher-forced decoder. Scheduled sampling and training on whole sequences help in part."
    yield Try("tfx quiz training-vs-inference")
