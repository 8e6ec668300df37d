"""Claims about memory and machines: activations computed again, caches, models shared out, fewer bits and weights."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.claims.mixture_of_experts import dense, flops_of, mixture
from tfx.compression.pruning import prune_linears
from tfx.compression.quantise_model import linear_maps, quantise_linears
from tfx.lab.training.checkpointing import Thin, most_held, there_and_back
from tfx.lab.training.points import Blobs, Perceptron, Points, fit, judge
from tfx.measure.counting_array import counting_in
from tfx.measure.held_memory import held_bytes
from tfx.measure.verdicts import agree, at_least, at_most, exactly, within
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.block_settings import StackSettings
from tfx.nn.checkpointing import CheckpointedStack
from tfx.nn.feed_forward import FeedForward
from tfx.nn.stacks import EncoderStack
from tfx.nn.through_blocks import forward_through
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.small_numbers.binary_weights import binarise, signed_weights
from tfx.ops.small_numbers.pruning_masks import magnitude_mask
from tfx.optim import Adam, AdamW
from tfx.parallel.all_reduce import AllReduce
from tfx.parallel.pipeline import pipeline_schedule
from tfx.parallel.tensor import tensor_parallel

SECTION = "Memory and systems techniques"

CHEN = "Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, section 4"


# Activations


@claim(
    "C259", "Checkpointing keeps fewer activations and computes the others again.", where="D1:665", verdict="holds",
    why="of 100 layers that keep one array each, segments of 10 hold 20 at once instead of 101; every layer is "
    "computed twice.",
    experiment="checkpointing", paper=CHEN,
)  # fmt: skip
def fewer_activations(trial: Trial) -> Evidence:
    x = trial.generator().standard_normal((1, 2, 4))
    held = {every: most_held(CheckpointedStack(thin(), every), x) / x.nbytes for every in (5, 10, 20, 100)}
    yield supports(exactly("held", "arrays held at once of 100 layers, in segments of 10", 20.0, held[10]))
    yield supports(exactly("all", "... in one segment, which keeps everything", 101.0, held[100]))
    yield exactly("best", "the fewest, in segments of 5, 10, 20 or 100", held[10], min(held.values()))
    layers = thin()
    there_and_back(CheckpointedStack(layers, 10), x, np.ones_like(x))()
    yield supports(exactly("again", "how often a layer is computed", 2.0, sum(one.forwards for one in layers) / 100))


def thin(n: int = 100) -> list[Thin]:
    return [Thin() for _ in range(n)]


@claim(
    "C260", "Checkpointing makes much larger models trainable.", where="D0:1418", verdict="holds when",
    why="activations are most of the memory, as with long batches. Weights, gradients and the optimiser's averages "
    "stay as they are, and of a short text they are nearly all.",
    experiment="checkpointing", paper=CHEN,
)  # fmt: skip
def larger_models(trial: Trial) -> Evidence:
    kept, spared, states = memory_of_training(trial, batch=16, length=32)
    yield supports(
        at_most("activations", "activations of 12 blocks, as a share of a plain stack's", 0.2, spared / kept)
    )
    yield supports(
        at_most("long", "memory of training with many tokens, as a share", 0.5, (spared + states) / (kept + states))
    )
    kept, spared, states = memory_of_training(trial, batch=1, length=2)
    yield contradicts(at_least("short", "... with one text of two tokens", 0.8, (spared + states) / (kept + states)))


def memory_of_training(trial: Trial, batch: int, length: int) -> tuple[int, int, int]:
    """Bytes: activations of a plain stack, those of one with checkpoints, and weights, gradients and averages."""
    stack = EncoderStack(StackSettings(32, 2, 64, 12), trial.generator(1))
    optimizer = AdamW(stack)  # moves all weights into one vector, so it comes before what is kept of them
    x = trial.generator(2).standard_normal((batch, length, 32), dtype=np.float32)
    _, caches = forward_through(stack.blocks, x, [()] * 12)
    numbers = optimizer.parameters.value.nbytes + optimizer.parameters.grad.nbytes
    averages = sum(getattr(optimizer, name).nbytes for name in optimizer.averages)
    return held_bytes(caches, besides=stack), most_held(CheckpointedStack(stack.blocks, 1), x), numbers + averages


# Writing with stored keys


@claim(
    "C261", "Stored keys and values lower the work of one more token from n^2 to n.", where="D3:199", verdict="holds",
    why="of the attention, for which it is counted here. The other maps fall from n tokens to one, whatever n is, and "
    "the outputs stay the same.",
    experiment="kv-cache", paper="Shazeer 2019, Fast Transformer Decoding",
)  # fmt: skip
def one_more_token(trial: Trial) -> Evidence:
    layer = MultiHeadAttention(16, 2, trial.generator(3), dtype="float64")
    yield supports(
        exactly("stored", "work of attention for token 128, in units of token 64", 2.0, own_work(layer, 128, 1)
                / own_work(layer, 64, 1))
    )  # fmt: skip
    yield supports(exactly("whole", "... without a cache", 4.0, own_work(layer, 128, 128) / own_work(layer, 64, 64)))
    x = trial.generator(4).standard_normal((1, 9, 16))
    whole, _ = layer.forward(x, mask=causal_mask(9))
    _, before = layer.forward(x[:, :8], mask=causal_mask(8))
    last, _ = layer.forward(x[:, 8:], past=before.present)
    yield agree("same", "outputs of the last token, with stored keys and anew", last, whole[:, 8:], 1e-12)


@claim(
    "C262", "With a cache only the query of the current token is computed.", where="D3:193", verdict="does not hold",
    why="its own key and value are computed too, and appended: without them its output is another.",
    experiment="kv-cache",
)  # fmt: skip
def own_key_and_value(trial: Trial) -> Evidence:
    q, k, v = trial.generator(5).standard_normal((3, 30, 20, 8))
    whole = attention_forward(q, k, v, causal_mask(20, 20))[0][:, -1:]
    yield contradicts(
        at_least("query-alone", "output of the last token of 30 texts, without its own key and value, off by", 0.1,
                 off(attention_forward(q[:, -1:], k[:, :-1], v[:, :-1])[0], whole))
    )  # fmt: skip
    yield at_most("appended", "... with them", 1e-12, off(attention_forward(q[:, -1:], k, v)[0], whole))


def own_work(layer: MultiHeadAttention, n: int, queries: int) -> int:
    """Multiply-adds of scores and weighted sums, as they were counted, when the last `queries` of n tokens are read."""
    x = np.zeros((1, n, 16))
    _, before = layer.forward(x[:, : n - queries]) if queries < n else (None, None)
    with counting_in(layer) as count:
        layer.forward(x[:, n - queries :], past=None if before is None else before.present)
    return count.multiply_adds - queries * 4 * 16 * 16


def off(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(abs(found - wanted).max())


# Models shared out


@claim(
    "C264", "Tensor parallelism splits the layers themselves among devices.", where="D0:1412 D1:698", verdict="holds",
    why="the first matrix by columns, the second by rows, and one sum: outputs are the same, and each of two workers "
    "has half of the weights.",
    paper="Shoeybi et al. 2019, Megatron-LM, section 3",
)  # fmt: skip
def tensor_parallelism(trial: Trial) -> Evidence:
    whole, all_reduce = FeedForward(12, 20, trial.generator(6), "gelu", "float64"), AllReduce()
    shared = tensor_parallel(whole, 2, all_reduce)
    x = trial.generator(7).standard_normal((3, 5, 12))
    yield supports(
        at_most("same", "outputs of two workers, off by", 1e-12, off(shared.forward(x)[0], whole.forward(x)[0]))
    )
    matrices = [worker.first.w.value.size + worker.second.w.value.size for worker in shared.workers]
    all_of_them = whole.first.w.value.size + whole.second.w.value.size
    yield supports(exactly("half", "share of the matrices that a worker has", 0.5, max(matrices) / all_of_them))
    yield exactly("sums", "sums over all workers in a forward", 1, all_reduce.calls)


@claim(
    "C265", "Pipeline parallelism puts different layers on different devices.", where="D0:1411", verdict="holds",
    why="they wait for each other: idle is (p - 1) / (m + p - 1) of the time with p devices and m parts of a batch.",
    paper="Huang et al. 2019, GPipe, section 2",
)  # fmt: skip
def pipeline_parallelism(trial: Trial) -> Evidence:
    idle = {parts: pipeline_schedule(4, parts).bubble for parts in (1, 4, 32)}
    yield supports(within("one", "idle share of 4 devices, the batch in one part", 3 / 4, idle[1], 1e-12))
    yield supports(within("four", "... in 4 parts", 3 / 7, idle[4], 1e-12))
    yield supports(within("many", "... in 32 parts", 3 / 35, idle[32], 1e-12))


# Fewer bits, fewer weights


@functools.lru_cache(maxsize=4)
def learnt(seed: int) -> tuple[Perceptron, Points]:
    """A network that tells ten classes of points apart, and new points."""
    rng = np.random.default_rng((seed, 8))
    blobs = Blobs(spread=1.0, seed=(seed, 9))
    model = Perceptron(16, 32, 10, rng)
    fit(model, Adam(model), functools.partial(blobs.draw, 64), 150, 0.01, seed)
    return model, blobs.draw(2000, rng)


def right_after(trial: Trial, change: Any) -> float:
    """The share of new points that is right once `change(model)` has been done to the weights; then it is undone."""
    model, new = learnt(trial.seed)
    kept = {name: value.copy() for name, value in model.state().items()}
    try:
        change(model)
        return judge(model, new).accuracy
    finally:
        model.load_state(kept)


def rounded(trial: Trial, bits: int) -> float:
    if bits == 1:
        return right_after(trial, only_signs)
    return right_after(trial, lambda model: quantise_linears(model, bits, per="channel"))


def only_signs(model: Perceptron) -> None:
    for linear in linear_maps(model).values():
        linear.w.value[...] = signed_weights(binarise(linear.w.value))


@claim(
    "C266", "Weights of 4, 2 or 1 bit lose next to nothing.", where="D0:2619", verdict="holds when",
    experiment="quantisation",
    why="4 bits and more, each column rounded with a scale of its own. With 2 bits, and with signs alone, a trained "
    "network that is merely rounded loses; fewer bits need training that knows of them.",
    paper="Jacob et al. 2018, section 2.1",
)  # fmt: skip
def few_bits(trial: Trial) -> Evidence:
    before = right_after(trial, lambda model: None)
    yield supports(at_most("four", "new points that 4 bits lose, as a share of all", 0.02, before - rounded(trial, 4)))
    yield contradicts(at_least("two", "... that 2 bits lose", 0.05, before - rounded(trial, 2)))
    yield contradicts(at_least("one", "... that signs alone lose", 0.05, before - rounded(trial, 1)))
    yield at_least("learnt", "new points right before", 0.8, before)


@claim(
    "C267", "Pruning takes out connections that are not needed.", where="D0:1104 D0:2624", verdict="holds when",
    why="a fifth of the weights, the smallest, can go without a loss; of four fifths the network, not trained on, "
    "needs many.",
    paper="Han et al. 2015, Learning both Weights and Connections",
)  # fmt: skip
def fewer_weights(trial: Trial) -> Evidence:
    def lost(share: float) -> float:
        pruned = right_after(trial, lambda model: prune_linears(model, lambda w: magnitude_mask(w, share)))
        return right_after(trial, lambda model: None) - pruned

    yield supports(at_most("fifth", "new points lost without the smallest fifth of the weights, as a share", 0.02,
                           lost(0.2)))  # fmt: skip
    yield contradicts(at_least("most", "... without the smallest four fifths", 0.1, lost(0.8)))


@claim(
    "C269", "The number of parameters can grow while the work for a token stays the same.", where="D0:2041",
    verdict="holds when",
    why="a token meets only some of them, as in a mixture of experts. In a dense network every parameter works for "
    "every token.",
    paper="Fedus et al. 2022, Switch Transformers",
)  # fmt: skip
def parameters_without_work(trial: Trial) -> Evidence:
    layer, plain = mixture(trial, 128, 1), dense()
    work = layer.flops(1) / flops_of(plain, 1)
    yield supports(at_least("stored", "parameters of 128 experts, in units of one", 100.0,
                            layer.n_parameters / plain.n_parameters))  # fmt: skip
    yield supports(at_most("work", "... and the work for a token", 1.3, work))
    wide = dense(d_ff=4 * 256)
    yield contradicts(
        within("dense", "work of a dense network with four times the inner width, over parameters", 1.0,
               flops_of(wide, 1) / flops_of(plain, 1) / (wide.n_parameters / plain.n_parameters), 1e-12)
    )  # fmt: skip
