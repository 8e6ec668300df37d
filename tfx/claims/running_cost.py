"""Claims about what runs side by side, what waits, and what moves through memory."""

from __future__ import annotations

import functools

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.measure.counting import attention_core, projections, recurrence, total_matmul_flops
from tfx.measure.dependent_steps import following, following_in
from tfx.measure.held_memory import held_bytes
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import at_least, at_most, exactly, within
from tfx.models.seq2seq import EncoderDecoder, EncoderDecoderSettings
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.recurrent import Recurrent
from tfx.ops.grids.convolution import convolution_forward

SECTION = "Complexity and running cost"

N, D = 32, 16


@functools.lru_cache(maxsize=4)
def throughput(seed: int) -> dict[int, float]:
    """Rows of a matrix product -> multiply-adds a second: (rows, 2048) times a matrix of 16 MiB, one thread."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((2048, 2048)).astype("float32")
    calls = {}
    for rows in (1, 64):
        x = rng.standard_normal((rows, 2048)).astype("float32")
        calls[rows] = functools.partial(np.matmul, x, matrix)
    with stopwatch() as watch:
        timed = watch.in_turns(calls, 9, 0.3)
    return {rows: rows * matrix.size / timing.median for rows, timing in timed.items()}


def gain_of_many_rows(trial: Trial) -> float:
    found = throughput(trial.seed)
    return found[64] / found[1]


def chain(layer: Recurrent | MultiHeadAttention, n: int, trial: Trial) -> int:
    """Matrix products of a layer that wait for each other, over n tokens."""
    with following_in(layer):
        out, _ = layer.forward(following(trial.generator(n).standard_normal((1, n, D))))
    return int(out.steps)


def layers_of(trial: Trial) -> tuple[Recurrent, MultiHeadAttention]:
    rnn = Recurrent("rnn", D, D, trial.generator(1), dtype="float64")
    return rnn, MultiHeadAttention(D, 2, trial.generator(2), dtype="float64")


def encoder_decoder(trial: Trial, layers: int) -> EncoderDecoder:
    sizes = EncoderDecoderSettings(vocab=20, d_model=12, n_heads=2, d_ff=16, n_layers=layers, seed=trial.seed)
    return EncoderDecoder(sizes)


@claim(
    "C164", "A CNN runs fully in parallel when it writes, unlike a Transformer.", where="D0:1716",
    verdict="does not hold",
    why="a causal CNN that writes needs its last token before the next, as a Transformer does; reading is parallel "
    "in both.",
    experiment="sequential-steps", paper="Gehring et al. 2017, Convolutional Sequence to Sequence Learning",
)  # fmt: skip
def cnn_writes(trial: Trial) -> Evidence:
    w = trial.generator(3).standard_normal((D, D, 3))

    def read(tokens: np.ndarray) -> np.ndarray:
        padded = np.concatenate((np.zeros((1, D, 2)), tokens), axis=2)
        return np.asarray(np.tanh(convolution_forward(padded, w)[0]))

    token, written = trial.generator(4).standard_normal((1, D, 1)), []
    for _ in range(6):
        written.append(token)
        token = read(np.concatenate(written, axis=2))[:, :, -1:]
    first = written[0] + 1.0
    other, again = first, [first]
    for _ in range(5):
        other = read(np.concatenate(again, axis=2))[:, :, -1:]
        again.append(other)
    moved = min(float(abs(a - b).max()) for a, b in zip(written, again, strict=True))
    yield contradicts(at_least("waits", "least change of six written tokens when the first one changes", 1e-6, moved))
    _, attention = layers_of(trial)
    yield exactly(
        "reads",
        "chain of products of attention that reads 32 tokens, less that of 8",
        0,
        chain(attention, 32, trial) - chain(attention, 8, trial),
    )


@claim(
    "C165", "The speed of serving is often set by memory traffic, not by arithmetic.", where="D0:2522 D0:2521",
    verdict="holds",
    why="one token reads every weight for one multiply-add; with more rows each weight is used more often, and more "
    "multiply-adds are done in a second.", experiment="kv-cache", paper="Shazeer 2019, Fast Transformer Decoding",
)  # fmt: skip
def memory_traffic(trial: Trial) -> Evidence:
    yield supports(
        at_least("gain", "multiply-adds a second with 64 rows, in units of one row", 1.5, gain_of_many_rows(trial))
    )


@claim(
    "C166", "RNNs are bound by computation and need little bandwidth.", where="D0:1729", verdict="does not hold",
    why="a step is a product of a matrix and a vector, which reads every weight for one multiply-add.",
)  # fmt: skip
def rnn_bandwidth(trial: Trial) -> Evidence:
    yield contradicts(
        at_most(
            "share", "speed of a product with one row, as a share of that with 64", 0.67, 1 / gain_of_many_rows(trial)
        )
    )
    rnn, _ = layers_of(trial)
    yield exactly(
        "one",
        "products that wait for each other over 32 tokens, less those over 31",
        1,
        chain(rnn, 32, trial) - chain(rnn, 31, trial),
    )


@claim(
    "C167", "Transformers use parallel hardware far better than RNNs.", where="D0:1708 D0:1722", verdict="holds",
    why="reading, they make products of matrices with matrices; an RNN makes them with vectors, one after the other.",
    experiment="sequential-steps",
)  # fmt: skip
def parallel_hardware(trial: Trial) -> Evidence:
    rnn, attention = layers_of(trial)
    yield supports(
        at_least(
            "chain",
            "chain of products over 32 tokens, RNN in units of attention",
            5.0,
            chain(rnn, N, trial) / chain(attention, N, trial),
        )
    )
    yield supports(
        at_least("gain", "multiply-adds a second with 64 rows, in units of one row", 1.5, gain_of_many_rows(trial))
    )


@claim(
    "C169", "The output of the encoder is used by every layer of the decoder, which is efficient.", where="D0:633",
    verdict="holds when", why="the states are meant; each layer of the decoder still makes keys and values of its "
    "own from them.",
    paper="Vaswani et al. 2017, section 3.2.3",
)  # fmt: skip
def encoder_output(trial: Trial) -> Evidence:
    model = encoder_decoder(trial, 3)
    maps = [name for name in model.parameters() if ".cross" in name and name.endswith(("key.w", "value.w"))]
    reads = [name for name in model.parameters() if name.startswith("encoder")]
    yield supports(at_least("once", "parameters of the one encoder that all layers read", 1, len(reads)))
    yield contradicts(exactly("each", "maps of keys and values from the source, in 3 layers", 2 * 3, len(maps)))


@claim(
    "C170", "Encoder and decoder work on their inputs at the same time in training.", where="D0:1545",
    verdict="does not hold",
    why="the first attention over the source waits for the whole encoder; what is parallel are the places.",
    paper="Vaswani et al. 2017, section 3.1",
)  # fmt: skip
def at_the_same_time(trial: Trial) -> Evidence:
    chains = {}
    for layers in (1, 4):
        model = encoder_decoder(trial, layers)
        ids = trial.generator(5).integers(0, 20, (1, 6))
        with following_in(model):
            memory, _ = model.encode(ids)
            logits, _ = model.forward(ids, ids)
        chains[layers] = (int(memory.steps), int(logits.steps))
    grows = (chains[4][1] - chains[1][1]) - (chains[4][0] - chains[1][0])
    yield contradicts(
        at_least(
            "waits",
            "chain of products of the whole model less that of its encoder, 4 layers",
            4,
            chains[4][1] - chains[4][0],
        )
    )
    yield at_least("adds", "what 3 more decoder layers add to the chain, beside the encoder's", 3, grows)


@claim(
    "C171", "Training an RNN stores n states of width d.", where="D0:1672 D0:1673", verdict="holds",
    why="going back needs every state; an LSTM or a GRU stores its gates as well.", experiment="layer-costs",
    paper="Werbos 1990, Backpropagation through time",
)  # fmt: skip
def states_of_an_rnn(trial: Trial) -> Evidence:
    rnn, _ = layers_of(trial)
    kept = {n: held_bytes(rnn.forward(trial.generator(n).standard_normal((1, n, D)))[1], rnn) for n in (N, 2 * N)}
    yield supports(
        within("linear", "bytes kept at twice the length, in units of once", 2.0, kept[2 * N] / kept[N], 0.1)
    )
    yield supports(at_least("states", "bytes kept over those of n states of width d", 1.0, kept[N] / (8 * N * D)))


@claim(
    "C172", "The feature maps of a CNN take n d numbers for all of its layers.", where="D0:1678",
    verdict="does not hold",
    why="that is one layer; going back needs the maps of every layer.",
)  # fmt: skip
def feature_maps(trial: Trial) -> Evidence:
    w = trial.generator(6).standard_normal((D, D, 3))
    x, kept = trial.generator(7).standard_normal((1, D, N)), []
    for _ in range(4):
        x, cache = convolution_forward(x, w, padding="same")
        kept.append(held_bytes(cache) - w.nbytes)
    yield contradicts(
        at_least("layers", "bytes kept of four layers over those of one map", 4.0, sum(kept) / (8 * N * D))
    )


@claim(
    "C174", "The cost of an RNN grows in proportion to the length.", where="D0:1776", verdict="holds",
    why="every token costs the same two products.", experiment="layer-costs",
)  # fmt: skip
def linear_rnn(trial: Trial) -> Evidence:
    work = {n: total_matmul_flops(recurrence(n, 512)) for n in (256, 512)}
    yield supports(exactly("work", "work at twice the length, in units of once", 2.0, work[512] / work[256]))
    rnn, _ = layers_of(trial)
    yield supports(
        exactly(
            "chain",
            "chain of products over 32 tokens, less that over 16",
            16,
            chain(rnn, 32, trial) - chain(rnn, 16, trial),
        )
    )


@claim(
    "C175", "A CNN needs many layers to join distant tokens.", where="D0:1702", verdict="holds when",
    why="its kernels are not dilated; dilations that double need as many layers as the logarithm of the distance.",
    experiment="path-length", paper="van den Oord et al. 2016, WaveNet",
)  # fmt: skip
def layers_of_a_cnn(trial: Trial) -> Evidence:
    rows = {row["way"]: row for row in trial.rows("path-length")}
    plain, dilated = (reached(rows[way]) for way in ("convolution", "dilated"))
    yield supports(at_least("plain", "layers for twice the length, in units of once, no dilation", 1.9, plain))
    yield contradicts(at_most("dilated", "... with dilations that double", 1.5, dilated))


def reached(row: dict[str, object]) -> float:
    """Layers at the longest length over those at half of it."""
    layers = [int(value) for key, value in row.items() if key.startswith("n_") and isinstance(value, int)]
    return layers[-1] / layers[-2]


@claim(
    "C176", "The number of operations between two positions is constant.", where="D0:15", verdict="holds when",
    why="the length of the path is meant; the number of operations in all grows with the square of the length.",
    experiment="path-length", paper="Vaswani et al. 2017, table 1",
)  # fmt: skip
def constant_operations(trial: Trial) -> Evidence:
    _, attention = layers_of(trial)
    chains = [chain(attention, n, trial) for n in (8, 32)]
    yield supports(exactly("path", "chain of products over 32 tokens, in units of 8", 1.0, chains[1] / chains[0]))
    work = [total_matmul_flops(attention_core(n, 64, 1)) for n in (8, 32)]
    yield contradicts(
        exactly("work", "work of scores and weighted sum over 32 tokens, in units of 8", 16.0, work[1] / work[0])
    )
    ratio = total_matmul_flops(projections(32, 64)) / total_matmul_flops(projections(8, 64))
    yield exactly("maps", "work of the four maps, in units of 8 tokens", 4.0, ratio)
