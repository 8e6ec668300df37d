"""Claims about recurrent networks and about translation before the Transformer, beside attention."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.lab import frame
from tfx.lab.block.attention_collapse import through_attention
from tfx.lab.sequences import gradient_distance
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, smallest, within
from tfx.models import DecoderOnly, Encoder
from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import train
from tfx.train.losses import next_token_loss

SECTION = "Recurrent models and seq2seq"

BAHDANAU = "Bahdanau et al. 2015, section 1"
#: Sizes of the experiments that are enough for a verdict.
FIXED_VECTOR = {"lengths": (2, 16, 64), "widths": (64, 256), "texts": 400}
DISTANCES = gradient_distance.Settings(distances=(8, 16, 32, 64), draws=20)


@claim(
    "C302", "A vector of fixed size is a bottleneck that hurts long inputs.", where="D0:27 D0:2927 D0:2930 D2:220",
    verdict="holds", why="of a sum of random codes ever fewer can be read back; of all states kept, all.",
    experiment="fixed-vector", paper="Cho et al. 2014, On the Properties of Neural Machine Translation",
)  # fmt: skip
def bottleneck(trial: Trial) -> Evidence:
    short, middle, long = trial.rows("fixed-vector", **FIXED_VECTOR)
    yield supports(at_most("long", "of 64 symbols in 64 numbers the share read back", 0.3, long["sum_64"]))
    yield supports(
        at_least("fall", "share read back of 2 symbols, less that of 16", 0.3, short["sum_64"] - middle["sum_64"])
    )
    yield at_least("kept", "all states kept: share of 64", 0.99, long["kept"])
    yield at_least("width", "of 64 symbols, in 256 numbers less in 64", 0.1, long["sum_256"] - long["sum_64"])


@claim(
    "C304", "LSTM and GRU lessen the vanishing of gradients without ending it.", where="D0:2943", verdict="holds when",
    why="all begin with orthogonal weights: a tanh RNN stretched by 1.2 keeps more a token than a GRU.",
    experiment="gradient-distance", paper="Hochreiter and Schmidhuber 1997; Cho et al. 2014",
)  # fmt: skip
def gates(trial: Trial) -> Evidence:
    tanh, gru, lstm = (distances(trial, way) for way in ("tanh RNN", "GRU", "LSTM"))
    for row in (lstm, gru):
        way, more = row["way"], (row["slope"] - tanh["slope"]) / math.hypot(row["slope_se"], tanh["slope_se"])
        yield supports(at_least(way, f"{way} less tanh RNN, what a token keeps: standard errors", 5, more))
    left = largest(row["log_64"] for row in (lstm, gru))
    yield supports(at_most("vanishes", "log10 of what is left after 64 tokens, of the better one", -3.0, left))
    more = gru["per_token"] - distances(trial, "tanh RNN", gain=1.2)["per_token"]
    yield contradicts(at_most("stretched", "GRU less tanh RNN of gain 1.2, what a token keeps", 0.0, more))


@functools.lru_cache(maxsize=32)
def distances(trial: Trial, way: str, gain: float = 1.0) -> dict[str, Any]:
    """One row of the experiment gradient-distance."""
    run = frame.prepare(gradient_distance, replace(DISTANCES, gain=gain), trial.seed, quick=True)
    return gradient_distance.measure_row(run, way)


@claim(
    "C305", "The path of attention is constant, so long range is easy.", where="D0:43 D0:156 D0:3187 D2:216 D1:559",
    verdict="holds when",
    why="news has to arrive, and not to be loud: with random weights a gradient is diluted by the number of tokens, as "
    "a power and not exponentially.", experiment="gradient-distance", paper="Vaswani et al. 2017, section 4",
)  # fmt: skip
def constant_path(trial: Trial) -> Evidence:
    lengths = (8, 16, 32)
    paths = {row["way"]: [row[f"n_{n}"] for n in lengths] for row in trial.rows("path-length", lengths=lengths)}
    yield supports(
        exactly("path", "layers until every token has news of all, of 8, 16, 32", "[1, 1, 1]", str(paths["attention"]))
    )
    attention = distances(trial, gradient_distance.ATTENTION)
    weaker = 10 ** (attention["log_8"] - attention["log_64"])
    yield contradicts(at_least("diluted", "gradient to one of 9 tokens, over that to one of 65", 4.0, weaker))
    yield within("power", "it goes like n^e, e = -1", -1.0, attention["power"], 0.1 + 5 * attention["power_se"])


@claim(
    "C306", "An RNN encoder-decoder runs h_t = f(x_t, h_(t-1)) and a softmax over its output.", where="D0:2804 D0:2807",
    verdict="holds", why="the softmax gives a distribution; a token is chosen from it afterwards.",
    paper="Sutskever et al. 2014, section 2",
)  # fmt: skip
def recurrences(trial: Trial) -> Evidence:
    rng = trial.generator()
    cell = RecurrentCell("rnn", 5, 6, rng, dtype="float64")
    x = rng.standard_normal((2, 7, 5))
    y, _ = cell.forward(x)
    states = [cell.zero_state(x)]
    for place in range(7):
        states.append(cell.step(x[:, place], states[-1])[0])
    by_hand = np.stack([h for (h,) in states[1:]], axis=1)
    yield supports(agree("recurrence", "a pass less its steps, one after the other", y, by_hand))
    model = RecurrentSeq2Seq(9, d_model=8, cell="gru", dtype="float64", seed=trial.seed)
    logits, _ = model.forward(rng.integers(9, size=(2, 5)), rng.integers(9, size=(2, 4)))
    outputs, _ = softmax_forward(logits)
    yield supports(agree("sums", "how far the outputs of a place are from a sum of 1", outputs.sum(axis=-1), 1.0))
    yield at_least("spread", "the least probability of a word: nothing is chosen yet", 1e-6, float(outputs.min()))


@claim(
    "C307", "Residual connections keep information from being forgotten.", where="D1:230", verdict="holds when",
    why="no branch writes the opposite: they keep tokens apart that bare attention makes alike, and a branch that "
    "subtracts its input erases it.", experiment="attention-collapse", paper="Dong et al. 2021",
)  # fmt: skip
def residuals(trial: Trial) -> Evidence:
    with_it, without = (through_attention(12, residual, seed=(trial.seed, 1))[-1] for residual in (True, False))
    yield supports(
        at_least("apart", "share of a token that differs from the mean after 12 layers", 1e-3, float(with_it))
    )
    yield at_most("alone", "the same without residual connections", 1e-6, float(without))
    x = trial.generator(2).standard_normal((6, 8))
    branch, _ = attention_forward(x, x, -x, np.eye(6, dtype=bool))  # every token reads itself, and writes the opposite
    yield contradicts(
        exactly(
            "erased", "what is left of x in x + branch, where the branch writes -x", 0.0, float(abs(x + branch).max())
        )
    )


@claim(
    "C309", "Sequence-to-sequence models with attention have the bottleneck of one vector.",
    where="D2:218 D2:220 D0:2997", verdict="does not hold",
    why="attention removed it, before Transformers: all states of the source are kept, and each can be found.",
    experiment="fixed-vector", paper=BAHDANAU,
)  # fmt: skip
def no_bottleneck(trial: Trial) -> Evidence:
    rows = trial.rows("fixed-vector", **FIXED_VECTOR)
    yield contradicts(
        at_least("kept", "least share read back of 2, 16, 64 symbols", 0.99, smallest(row["kept"] for row in rows))
    )
    model = RecurrentSeq2Seq(9, d_model=8, seed=trial.seed)
    kept = [model.encode(np.zeros((1, n), dtype=int))[0].size for n in (8, 64)]
    yield exactly("memory", "numbers that the decoder may read of 64 tokens, in units of 8", 8.0, kept[1] / kept[0])


@claim(
    "C310", "Cross-attention loses no information.", where="D0:3982", verdict="does not hold",
    why="an output is a weighted mean, and different values can have the same mean.",
)  # fmt: skip
def equal_means(trial: Trial) -> Evidence:
    q, k, v = (trial.generator(part).standard_normal((n, 4)) for part, n in enumerate((1, 3, 3)))
    out, cache = attention_forward(q, k, v)
    first, second, _ = cache.weights[0]
    other = v + np.outer((1 / first, -1 / second, 0.0), np.ones(4))  # what one key gains, another loses
    yield contradicts(
        agree("outputs", "largest difference of the outputs", attention_forward(q, k, other)[0], out, 1e-10)
    )
    yield at_least("values", "largest difference of the values", 1.0, float(abs(other - v).max()))


@claim(
    "C311", "Each output of an encoder depends on every input token.", where="D0:4235", verdict="holds",
    why="attention is full; under a window or a causal mask it is not so.",
)  # fmt: skip
def every_token(trial: Trial) -> Evidence:
    model = Encoder(9, 16, n_heads=2, d_ff=32, n_layers=1, max_len=8, dtype="float64", seed=trial.seed)
    ids = trial.generator().integers(9, size=(1, 8))
    moved = least_moves(model, ids)
    yield supports(at_least("moved", "least change of any output when any one token is another", 1e-9, moved))


def least_moves(model: Encoder, ids: np.ndarray) -> float:
    before, _ = model.encode(ids)
    found = []
    for place in range(ids.shape[1]):
        changed = ids.copy()
        changed[0, place] = (changed[0, place] + 1) % 9
        found.append(float(abs(model.encode(changed)[0] - before).max(axis=-1).min()))
    return smallest(found)


not_measurable(
    "C312", "Recurrent networks are limited in depth.", where="D0:162", section=SECTION,
    why="a statement about practice: no theorem says so, and deep ones were trained.",
)  # fmt: skip


@claim(
    "C314", "The time of an RNN is n steps that cannot be done side by side.", where="D0:2934 D0:2981", verdict="holds",
    why="each state waits for the one before, however many processors there are; attention takes 4 products in a row.",
    experiment="sequential-steps", paper="Vaswani et al. 2017, table 1",
)  # fmt: skip
def steps_of_an_rnn(trial: Trial) -> Evidence:
    rows = {row["way"]: row for row in trial.rows("sequential-steps", lengths=(2, 8, 16))}
    yield supports(exactly("steps", "matrix products in a row for 16 tokens", 16, rows["RNN layer"]["n_16"]))
    yield supports(exactly("each", "more for each token", 1.0, rows["RNN layer"]["per_token"]))
    yield exactly("attention", "the same of attention", 0.0, rows["attention layer"]["per_token"])


@claim(
    "C315", "Models of attention alone, like GPT, lack local features and a state.", where="D1:687",
    verdict="does not hold",
    why="two thirds of a block is its feed-forward network, what follows from the last two tokens is learned, and the "
    "stored keys are a state.", paper="Radford et al. 2019",
)  # fmt: skip
def local_and_state(trial: Trial) -> Evidence:
    model = DecoderOnly(4, 32, n_heads=4, d_ff=64, n_layers=1, max_len=12, positions="learned", seed=trial.seed)
    gain = loss_of_one_token(rule_of(trial)) - learned_loss(model, trial)
    yield contradicts(at_least("local", "nats better than the best that the last token alone allows", 0.1, gain))
    block = EncoderBlock(DecoderOnly(4, 64, n_heads=4, n_layers=1, d_ff=256).settings, np.random.default_rng(0))
    share = block.feed_forward.n_parameters / (block.feed_forward.n_parameters + block.attention.n_parameters)
    yield within("share", "share of the feed-forward network in a block", 2 / 3, share, 0.01)
    stored = [
        sum(part.k.size + part.v.size for part in model.forward(np.zeros((1, n), dtype=int))[1].stack.present)
        for n in (1, 9)
    ]
    yield exactly("state", "numbers stored after 9 tokens, in units of one", 9.0, stored[1] / stored[0])


#: A word follows from the two before it, but for this share, which is drawn evenly.
NOISE = 0.2


def rule_of(trial: Trial) -> np.ndarray:
    """(4, 4): the word after two words; each row is an order of all four."""
    rng = trial.generator(3)
    return np.stack([rng.permutation(4) for _ in range(4)])


def written(rule: np.ndarray, rng: np.random.Generator, n: int = 32, length: int = 12) -> np.ndarray:
    ids = rng.integers(4, size=(n, length))
    for place in range(2, length):
        follows = rule[ids[:, place - 2], ids[:, place - 1]]
        ids[:, place] = np.where(rng.random(n) < NOISE, ids[:, place], follows)
    return ids


def loss_of_one_token(rule: np.ndarray) -> float:
    """The least loss in nats of who sees the last word alone, the one before it being any."""
    follows = np.stack([(rule == word).mean(axis=0) for word in range(4)])  # (4 words, 4 last words)
    share = (1 - NOISE) * follows + NOISE / 4
    return float(-(share * np.log(share)).sum(axis=0).mean())


def learned_loss(model: DecoderOnly, trial: Trial, steps: int = 150) -> float:
    rule = rule_of(trial)
    rate = partial(warmup_cosine, peak=1e-2, warmup=15, total=steps)
    with blas_threads(1):
        for _ in train(model, partial(written, rule), next_token_loss(), AdamW(model), rate, steps, seed=trial.seed):
            pass
    held_out = written(rule, trial.generator(4), 500)
    logits, _ = log_softmax_forward(model.forward(held_out[:, :-1])[0])
    return -float(np.take_along_axis(logits, held_out[:, 1:, None], -1)[:, 1:].mean())
