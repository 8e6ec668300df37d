"""Claims about what a layer costs: work, memory, steps and paths of attention beside recurrent layers."""

from __future__ import annotations

import functools

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.efficient.tiled_attention import tiled_attention_forward
from tfx.lab.cost import layer_costs
from tfx.lab.sequences.sequence_layers import Recurrent, SelfAttention, kept_numbers
from tfx.measure import counting
from tfx.measure.counting_array import counting_in
from tfx.measure.measuring import peak_bytes
from tfx.measure.verdicts import agree, at_least, at_most, exactly, within
from tfx.models.recurrent_language import RecurrentLanguageModel
from tfx.nn.block_settings import BlockSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Check

SECTION = "Complexity and running cost"

TABLE = "Vaswani et al. 2017, table 1"
D = 16
CORE, ATTENTION, RNN, LSTM = layer_costs.CORE, layer_costs.ATTENTION, layer_costs.RNN, layer_costs.LSTM


@functools.lru_cache(maxsize=64)
def multiply_adds(layer: str, n: int, d: int = D) -> int:
    """Of one layer, by running it."""
    return layer_costs.multiply_adds(layer_costs.Settings(), layer, n, d)


def ratio(layer: str, other: str, n: int) -> float:
    return multiply_adds(layer, n) / multiply_adds(other, n)


def block(kind: type) -> EncoderBlock | DecoderBlock:
    made: EncoderBlock | DecoderBlock = kind(BlockSettings(D, 4, 4 * D), np.random.default_rng(0))
    return made


@functools.lru_cache(maxsize=16)
def of_block(n: int, m: int = 0) -> int:
    """Multiply-adds of an encoder block over n tokens; with m, of a decoder block over m tokens that reads n."""
    whole = block(DecoderBlock if m else EncoderBlock)
    x, memory = (np.full((1, length, D), 0.5, dtype="float32") for length in (m or n, n))
    with counting_in(whole) as found:
        whole.forward(x, memory) if isinstance(whole, DecoderBlock) else whole.forward(x)
        return found.multiply_adds


def core_over_rest(n: int, d: int) -> float:
    """Scores and weighted sum of a block over its four maps and its feed-forward network, four times as wide."""
    rest = (*counting.projections(n, d), *counting.feed_forward(n, d, 4 * d))
    return counting.total_matmul_flops(counting.attention_core(n, d, 1)) / counting.total_matmul_flops(rest)


@claim(
    "C145", "Self-attention costs n^2 d.", where="D0:331 D0:404 D0:1640 D0:3194 D0:3390 D1:563 D3:182 D4:36",
    verdict="holds when", why="its four maps are left out: they add 4 n d^2, which is more as long as n is below 2 d.",
    experiment="layer-costs", paper=TABLE,
)  # fmt: skip
def cost_of_attention(trial: Trial) -> Evidence:
    doubled = multiply_adds(CORE, 64) / multiply_adds(CORE, 32)
    yield supports(exactly("doubling", "scores and sum: cost of 2 n over cost of n", 4.0, doubled))
    yield supports(exactly("constant", "... in units of n^2 d", 2.0, multiply_adds(CORE, 32) / (32 * 32 * D)))
    maps = 1 - multiply_adds(CORE, D) / multiply_adds(ATTENTION, D)
    yield contradicts(within("maps", "share of the four maps at n = d", 2 / 3, maps, 1e-9))


@claim(
    "C146", "Attention needs memory in proportion to n^2.", where="D0:407 D0:1602 D0:2465 D0:3196 D3:183 D1:585",
    verdict="holds when",
    why="the weights are stored; computed tile by tile the same output needs memory in proportion to n.",
    experiment="complexity", paper="Dao et al. 2022, section 3.1",
)  # fmt: skip
def memory_of_attention(trial: Trial) -> Evidence:
    n = 256
    small, large = (trial.generator(n).standard_normal((3, length, D)).astype("float32") for length in (n, 2 * n))
    tiled = functools.partial(tiled_attention_forward, block_q=32, block_k=32)
    tiled(*small), attention_forward(*small)  # what is made once and kept does not count
    stored = peak_bytes(lambda: attention_forward(*large)) / peak_bytes(lambda: attention_forward(*small))
    in_tiles = peak_bytes(lambda: tiled(*large)) / peak_bytes(lambda: tiled(*small))
    yield supports(at_least("stored", "weights stored: memory of 512 tokens over that of 256", 3.5, stored))
    yield contradicts(at_most("tiled", "in tiles: the same", 2.5, in_tiles))
    yield agree("same", "largest difference of the two outputs", tiled(*small)[0], attention_forward(*small)[0], 1e-5)


@claim(
    "C147", "Longer sequences cost exponentially more.", where="D0:2467", verdict="does not hold",
    why="quadratically: twice the length costs four times as much, however long it is already.",
    experiment="complexity",
)  # fmt: skip
def exponential(trial: Trial) -> Evidence:
    first, later = (multiply_adds(CORE, 2 * n) / multiply_adds(CORE, n) for n in (16, 64))
    yield contradicts(exactly("doubling", "cost of 128 tokens over cost of 64", 4.0, later))
    yield exactly("before", "cost of 32 over cost of 16", 4.0, first)


@claim(
    "C148", "Attention becomes the bottleneck once n is larger than d.", where="D0:1774 D0:1775", verdict="holds when",
    why="constants count as 1: counted, scores and sum equal their maps at n = 2 d, the rest of the block at n = 6 d.",
    experiment="complexity", paper=TABLE,
)  # fmt: skip
def bottleneck(trial: Trial) -> Evidence:
    def share(n: int) -> float:
        core = multiply_adds(CORE, n)
        return core / (of_block(n) - core)

    yield supports(exactly("beyond", "scores and sum over the rest of a block at n = 6 d", 1.0, share(6 * D)))
    yield contradicts(within("at-d", "the same at n = d", 1 / 6, share(D), 1e-9))
    maps = multiply_adds(ATTENTION, 2 * D) - multiply_adds(CORE, 2 * D)
    yield exactly("maps", "over their maps alone at n = 2 d", 1.0, multiply_adds(CORE, 2 * D) / maps)


@claim(
    "C149", "An encoder layer costs n^2 d and n d^2.", where="D0:1561 D0:1642", verdict="holds",
    why="2 n^2 d + 12 n d^2 multiply-adds, with an inner width of 4 d.", experiment="layer-costs",
)  # fmt: skip
def encoder_layer(trial: Trial) -> Evidence:
    for n in (8, 40):
        law = 2 * n * n * D + 12 * n * D * D
        yield supports(exactly(f"n-{n}", f"multiply-adds of {n} tokens of width {D}", law, of_block(n)))


@claim(
    "C150", "A decoder layer of m tokens that reads n costs m^2 d + m n d + m d^2.", where="D0:1562",
    verdict="does not hold", why="the keys and values of what it reads have to be made, 2 n d^2, unless they are kept.",
)  # fmt: skip
def decoder_layer(trial: Trial) -> Evidence:
    m = 4
    slope = (of_block(64, m) - of_block(32, m)) / 32  # for each token that is read
    omitted = (slope - 2 * m * D) / D**2
    yield contradicts(exactly("omitted", "more for each token read, less 2 m d, in units of d^2", 2.0, omitted))
    m, n, d = 16, 4096, 512
    whole = 4 * m * d * d + 2 * m * m * d + 2 * m * d * d + 2 * n * d * d + 2 * m * n * d + 8 * m * d * d
    yield at_least("share", "share of it, m = 16, n = 4,096, d = 512", 0.9, 2 * n * d * d / whole)
    law = 14 * 4 * D * D + 2 * 4 * 4 * D + 2 * 32 * D * D + 2 * 4 * 32 * D
    yield exactly("law", "the whole, m = 4, n = 32, d = 16", law, of_block(32, 4))


@claim(
    "C151", "A layer of attention takes a fixed number of steps, n^2 d work and paths of length 1.", where="D0:1626",
    verdict="holds", why="for one layer, its scores and its weighted sum.", experiment="sequential-steps", paper=TABLE,
)  # fmt: skip
def row_of_attention(trial: Trial) -> Evidence:
    steps = of_way(trial, "sequential-steps", "attention layer")
    yield supports(exactly("steps", "matrix products in a row, of 4, 8, 16 tokens", "[4, 4, 4]", str(steps)))
    paths = of_way(trial, "path-length", layer_costs.ATTENTION)
    yield supports(exactly("paths", "layers until all have news of all", "[1, 1, 1]", str(paths)))
    yield supports(exactly("work", "multiply-adds in units of n^2 d", 2.0, multiply_adds(CORE, 32) / (32 * 32 * D)))


def of_way(trial: Trial, experiment: str, way: str) -> list[int]:
    lengths = (4, 8, 16)
    rows = {row["way"]: row for row in trial.rows(experiment, lengths=lengths)}
    return [rows[way][f"n_{n}"] for n in lengths]


@claim(
    "C152", "An RNN takes n steps, n d^2 work and paths of length n.", where="D0:1627 D0:1649", verdict="holds",
    why="2 n d^2 multiply-adds, as each state reads its input as well; the first and the last are n - 1 steps apart.",
    experiment="sequential-steps", paper=TABLE,
)  # fmt: skip
def row_of_an_rnn(trial: Trial) -> Evidence:
    steps = of_way(trial, "sequential-steps", "RNN layer")
    yield supports(exactly("steps", "matrix products in a row, of 4, 8, 16 tokens", "[4, 8, 16]", str(steps)))
    paths = of_way(trial, "path-length", "RNN, in steps")
    yield supports(exactly("paths", "steps until all have news of all", "[3, 7, 15]", str(paths)))
    yield supports(exactly("work", "multiply-adds in units of n d^2", 2.0, multiply_adds(RNN, 32) / (32 * D * D)))


@claim(
    "C154", "On short sequences the n d^2 of an RNN is often the smaller cost.", where="D0:1689", verdict="holds when",
    why="all maps of attention are counted and the RNN is a simple one; scores and sum alone cost less below n = d, "
    "and an LSTM costs more than attention below n = 2 d.", experiment="layer-costs", paper=TABLE,
)  # fmt: skip
def short_sequences(trial: Trial) -> Evidence:
    n = D // 4
    yield supports(at_least("whole", "attention with its maps over an RNN, n = d / 4", 1.0, ratio(ATTENTION, RNN, n)))
    yield contradicts(at_most("scores", "scores and sum alone over an RNN, n = d / 4", 0.5, ratio(CORE, RNN, n)))
    yield contradicts(at_most("lstm", "attention with its maps over an LSTM, same n", 1.0, ratio(ATTENTION, LSTM, n)))


@claim(
    "C155", "At usual lengths self-attention is cheaper than recurrence.", where="D0:3195", verdict="holds when",
    why="n is below d and the maps of attention are left out; with them it costs more than a simple RNN at any length.",
    experiment="layer-costs", paper="Vaswani et al. 2017, section 4",
)  # fmt: skip
def usual_lengths(trial: Trial) -> Evidence:
    yield supports(at_most("scores", "scores and sum over an RNN, n = d / 2", 0.5, ratio(CORE, RNN, D // 2)))
    yield contradicts(at_least("maps", "with the maps, n = d / 2", 2.0, ratio(ATTENTION, RNN, D // 2)))
    yield contradicts(at_least("long", "scores and sum alone, n = 2 d", 2.0, ratio(CORE, RNN, 2 * D)))


@claim(
    "C156", "Parallel computation makes Transformers faster than RNNs.", where="D0:166 D0:167 D0:147 D1:22 D2:215",
    verdict="holds when", why="there is hardware that computes in parallel; one core has more to do for attention.",
    experiment="layer-costs", paper=TABLE,
)  # fmt: skip
def parallel(trial: Trial) -> Evidence:
    rnn, attention = (of_way(trial, "sequential-steps", way)[-1] for way in ("RNN layer", "attention layer"))
    yield supports(exactly("steps", "matrix products in a row for 16 tokens, RNN over attention", 4.0, rnn / attention))
    yield contradicts(exactly("work", "multiply-adds at n = d, attention over RNN", 3.0, ratio(ATTENTION, RNN, D)))


@claim(
    "C157", "Transformers have the higher theoretical complexity.", where="D0:166", verdict="holds when",
    why="n is above d, when scores and sum are compared with an RNN.", experiment="layer-costs", paper=TABLE,
)  # fmt: skip
def theoretical(trial: Trial) -> Evidence:
    yield supports(exactly("above", "scores and sum over an RNN at n = 2 d", 2.0, ratio(CORE, RNN, 2 * D)))
    yield contradicts(exactly("below", "... at n = d / 2", 0.5, ratio(CORE, RNN, D // 2)))


@claim(
    "C159", "An RNN needs memory for its current state alone.", where="D0:1674 D0:3030", verdict="holds when",
    why="it writes or reads; to train it through time keeps every state.", paper="Werbos 1990",
)  # fmt: skip
def current_state(trial: Trial) -> Evidence:
    model = RecurrentLanguageModel(9, D, cell="rnn", seed=trial.seed)
    sizes = [sum(part.size for part in model.step(np.zeros((1, n), dtype=int), None)[1]) for n in (4, 64)]
    yield supports(exactly("inference", "numbers kept after 64 tokens, of width 16", D, sizes[1]))
    yield exactly("same", "the same after 4", D, sizes[0])
    kept = [kept_numbers(rnn(trial), trial.generator(n).standard_normal((1, n, D))) for n in (8, 64)]
    more = kept[1] / kept[0]
    yield contradicts(at_least("training", "numbers that the backward pass needs, of 64 tokens over 8", 7.0, more))


def rnn(trial: Trial) -> Recurrent:
    return Recurrent.random(trial.generator(1), D, 0.9)


@claim(
    "C160", "Transformers use memory better than RNNs at usual lengths, for all their n^2.", where="D0:4075",
    verdict="does not hold", why="in training a layer of attention keeps more: queries, keys, values and weights.",
)  # fmt: skip
def better_memory(trial: Trial) -> Evidence:
    x = trial.generator(2).standard_normal((1, D, D))
    attention = kept_numbers(SelfAttention.random(trial.generator(3), D), x)
    more = attention / kept_numbers(rnn(trial), x)
    yield contradicts(at_least("more", "numbers kept at n = d, one head over RNN", 1.5, more))
    yield exactly("law", "kept by attention: 3 n d + n^2", 3 * D * D + D * D, attention)


@claim(
    "C161", "Beyond 2,048 to 4,096 tokens Transformers cost too much.", where="D0:1700 D0:1742", verdict="holds when",
    why="the model is narrow: scores and sum are n / (6 d) of the rest of a block, one twelfth at n = 2,048 and "
    "d = 4,096.", experiment="complexity",
)  # fmt: skip
def too_long(trial: Trial) -> Evidence:
    yield supports(at_least("narrow", "scores and sum over the rest, n = 4,096, d = 64", 5.0, core_over_rest(4096, 64)))
    yield contradicts(within("wide", "... n = 2,048, d = 4,096", 1 / 12, core_over_rest(2048, 4096), 1e-3))
    yield counted_law()


@claim(
    "C162", "Texts of 512 to 2,048 tokens are cheap with the usual measures.", where="D0:1694", verdict="holds when",
    why="the model is wide: with d = 64 scores and sum cost several times the rest of a block already.",
    experiment="complexity",
)  # fmt: skip
def usual_measures(trial: Trial) -> Evidence:
    wide = core_over_rest(2048, 4096)
    yield supports(at_most("wide", "scores and sum over the rest, n = 2,048, d = 4,096", 0.1, wide))
    yield contradicts(at_least("narrow", "... n = 2,048, d = 64", 3.0, core_over_rest(2048, 64)))
    yield counted_law()


def counted_law() -> Check:
    """The formula is what a block does."""
    core = multiply_adds(CORE, 40)
    found = core / (of_block(40) - core)
    return agree("run", "a block of n = 40, d = 16 that is run, less the formula", found, core_over_rest(40, D))
