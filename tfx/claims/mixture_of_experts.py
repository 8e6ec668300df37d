"""Claims about mixtures of experts: what grows with the experts and what does not, and who gets the tokens."""

from __future__ import annotations

import functools

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.lab.scale.trained_router import Routed, train_router
from tfx.measure.verdicts import agree, at_least, at_most, exactly, within
from tfx.nn.feed_forward import FeedForward, FeedForwardSettings
from tfx.nn.hash_experts import HashExperts
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.nn.soft_experts import SoftExperts
from tfx.ops.experts.top_k_routing import gates_backward, gates_forward

SECTION = "Mixture of experts"

WIDTH, D_FF = 64, 256
SHAZEER = "Shazeer et al. 2017, Outrageously Large Neural Networks"
SWITCH = "Fedus et al. 2022, Switch Transformers"


def mixture(trial: Trial, n: int, k: int, width: int = WIDTH, d_ff: int = D_FF) -> MixtureOfExperts:
    return MixtureOfExperts(width, d_ff, trial.generator(n, k), n=n, k=k, bias=False)


def dense(width: int = WIDTH, d_ff: int = D_FF) -> FeedForward:
    return FeedForward(width, d_ff, np.random.default_rng(0), "gelu", "float32", False)


def flops_of(network: FeedForward, n_tokens: int) -> int:
    """2 for each entry of both matrices and each token."""
    return 2 * n_tokens * network.n_parameters


@claim(
    "C199", "Only some of the experts run for a token.", where="D0:1965 D1:649", verdict="holds",
    why="the k experts that the router chose run, the others do no work for that token.", paper=SHAZEER,
)  # fmt: skip
def few_run(trial: Trial) -> Evidence:
    layer = mixture(trial, 8, 2)
    _, cache = layer.forward(trial.generator(0).standard_normal((40, WIDTH)).astype("float32"))
    yield supports(exactly("rows", "rows that all experts together worked on, of 40 tokens", 2 * 40, sum(cache.counts)))
    share = (layer.n_active_parameters - layer.router.n_parameters) / (layer.n_parameters - layer.router.n_parameters)
    yield supports(within("share", "share of the experts' parameters that a token meets", 2 / 8, share, 1e-12))


@claim(
    "C200", "The output is the sum over all experts of the softmax gate times the expert's output.",
    where="D0:2005 D0:2006", verdict="does not hold",
    why="that is the dense mixture, in which every expert works on every token; a sparse one keeps the k largest "
    "gates.",
    paper=SHAZEER + ", section 2.1",
)  # fmt: skip
def sum_over_all(trial: Trial) -> Evidence:
    sparse, every = (mixture(trial, 8, k) for k in (1, 8))
    x = trial.generator(1).standard_normal((30, WIDTH)).astype("float32")
    for other, one in zip(every.experts, sparse.experts, strict=True):
        other.load_state(one.state())
    every.router.load_state(sparse.router.state())
    differs = abs(sparse.forward(x)[0] - every.forward(x)[0]).max() / abs(every.forward(x)[0]).max()
    yield contradicts(
        at_least("differs", "largest difference of top-1 from the sum over all, as a share", 0.05, float(differs))
    )
    router = 2 * 30 * sparse.router.n_parameters
    ratio = (every.flops(30) - router) / (sparse.flops(30) - router)
    yield exactly("work", "work of the sum over all 8 experts, in units of top-1", 8.0, ratio)


@claim(
    "C201", "The work for a token does not depend on the number of experts.",
    where="D0:1966 D0:2017 D0:2033 D0:2041", verdict="holds when",
    why="the router is left out: its own work grows with the number of experts.",
    paper=SWITCH + ", section 2",
    experiment="moe",
)  # fmt: skip
def work_for_a_token(trial: Trial) -> Evidence:
    def experts_flops(n: int) -> int:
        layer = mixture(trial, n, 1)
        return layer.flops(1) - 2 * layer.router.n_parameters

    yield supports(
        exactly("experts", "work of the experts, 64 in units of 8", 1.0, experts_flops(64) / experts_flops(8))
    )
    share = router_share(2048, 512, 2048)
    yield contradicts(
        within("router", "share of the router with 2,048 experts, width 512, inner width 2,048", 1 / 3, share, 0.01)
    )
    layer = mixture(trial, 16, 1)
    here = 2 * layer.router.n_parameters / layer.flops(1)
    yield within("counted", "the same share of a built layer of 16 experts", router_share(16, WIDTH, D_FF), here, 1e-12)


def router_share(n: int, width: int, d_ff: int) -> float:
    """Of all multiply-adds of a top-1 layer: n width for the router, 2 width d_ff for the expert."""
    return n / (n + 2 * d_ff)


@claim(
    "C202", "The memory of a mixture grows more slowly than the number of experts.", where="D0:2018 D0:2034",
    verdict="does not hold", why="every expert is stored, so memory grows in proportion to their number.", paper=SWITCH,
    experiment="moe",
)  # fmt: skip
def memory_of_experts(trial: Trial) -> Evidence:
    stored = {n: mixture(trial, n, 1).n_parameters for n in (8, 64)}
    yield contradicts(exactly("growth", "parameters of 64 experts in units of 8", 8.0, stored[64] / stored[8]))


@claim(
    "C204", "A mixture has N (2 d d_ff) parameters and those of its gate.", where="D0:2007", verdict="holds when",
    why="the experts have no biases; these add d_ff + d for each expert.",
)  # fmt: skip
def parameters_of_a_mixture(trial: Trial) -> Evidence:
    law = 8 * 2 * WIDTH * D_FF + 8 * WIDTH
    yield supports(exactly("plain", "parameters of 8 experts without biases", law, mixture(trial, 8, 1).n_parameters))
    biased = MixtureOfExperts(WIDTH, D_FF, trial.generator(2), n=8, k=1).n_parameters
    yield contradicts(exactly("biased", "what biases add to that", 8 * (WIDTH + D_FF), biased - law))


@functools.lru_cache(maxsize=16)
def routed(trial: Trial, balance: float, k: int = 1) -> Routed:
    """The mean over five trained layers."""
    found = [train_router(trial.generator(seed), balance, k) for seed in range(5)]
    return Routed(*(float(np.mean(column)) for column in zip(*found, strict=True)))


@claim(
    "C205", "Experts come to an even share of the tokens by themselves.", where="D0:2048", verdict="does not hold",
    why="top-1 routers trained without a balancing loss leave experts unused; with one, fewer.",
    paper=SWITCH + ", section 2.2",
    experiment="router-balance",
)  # fmt: skip
def even_share(trial: Trial) -> Evidence:
    left_alone, balanced = routed(trial, 0.0), routed(trial, 3.0)
    yield contradicts(at_least("dead", "share of experts that no token chooses, left alone", 0.05, left_alone.dead))
    yield at_most("balanced", "the same with a balancing loss, less what it was", 0.0, balanced.dead - left_alone.dead)
    gain = balanced.entropy - left_alone.entropy
    yield at_least("entropy", "what the balancing loss adds to the entropy of use, as a share of log 8", 0.0, gain)


@claim(
    "C206", "Collapse and uneven load are real problems of routers.", where="D0:2061 D0:2073", verdict="holds",
    why="shown by what a balancing loss mends, and by two choices for a token, which leave fewer experts unused.",
    paper=SHAZEER + ", section 4",
    experiment="router-balance",
)  # fmt: skip
def collapse(trial: Trial) -> Evidence:
    left_alone = routed(trial, 0.0)
    yield supports(at_most("entropy", "entropy of use as a share of an even one, left alone", 0.97, left_alone.entropy))
    fewer = routed(trial, 0.0, 2).dead - left_alone.dead
    yield at_most("two", "share of unused experts with two choices, less that with one", 0.0, fewer)


@claim(
    "C207", "Routing adds to the time of a step.", where="D0:2068", verdict="holds when",
    why="there are many experts; with few the router's share of the work is next to nothing. The time to move tokens "
    "to "
    "their experts is not counted here.",
)  # fmt: skip
def routing_costs(trial: Trial) -> Evidence:
    yield supports(at_least("many", "share of the router's work with 128 experts", 0.02, router_share(128, 512, 2048)))
    yield contradicts(at_most("few", "... with 8 experts", 0.005, router_share(8, 512, 2048)))


@claim(
    "C209", "Only some layers need to be mixtures.", where="D0:2117", verdict="holds",
    why="every second layer a mixture stores half of the experts' parameters and little more than half of all.",
    paper="Lepikhin et al. 2021, GShard",
)  # fmt: skip
def some_layers(trial: Trial) -> Evidence:
    layer, plain = mixture(trial, 8, 2), dense()
    every, second = 12 * layer.n_parameters, 6 * layer.n_parameters + 6 * plain.n_parameters
    law = 0.5 + 0.5 * plain.n_parameters / layer.n_parameters
    yield supports(
        within("half", "parameters with every second layer a mixture, as a share", law, second / every, 1e-12)
    )
    yield supports(at_most("small", "that share", 0.6, second / every))


@claim(
    "C210", "Switch sends each token to one expert.", where="D0:2081 D0:1989", verdict="holds",
    why="the output is multiplied by the gate's probability, because a gate that is always 1 would teach the router "
    "nothing.",
    paper=SWITCH + ", section 2.1",
)  # fmt: skip
def one_expert(trial: Trial) -> Evidence:
    layer = mixture(trial, 8, 1)
    _, cache = layer.forward(trial.generator(3).standard_normal((20, WIDTH)).astype("float32"))
    yield supports(exactly("one", "experts for a token", 1, cache.chosen.shape[1]))
    logits = trial.generator(4).standard_normal((20, 8))
    for id, words, renormalise in (("kept", "kept as a probability", False), ("one-always", "made 1 always", True)):
        gates, gates_cache = gates_forward(logits, logits.argmax(axis=1)[:, None], renormalise)
        pull = float(abs(gates_backward(np.ones_like(gates), gates_cache)).max())
        statement = f"largest gradient of the router's scores, the gate {words}"
        yield at_most(id, statement, 1e-12, pull) if renormalise else at_least(id, statement, 0.01, pull)


@claim(
    "C211", "A mixture has a hundred times the parameters at about the same cost of training.", where="D0:2127",
    verdict="holds when", why="only multiply-adds of the experts' layers are counted; storing, and updating, all "
    "experts costs a hundred "
    "times as much memory.", paper=SWITCH,
)  # fmt: skip
def hundred_times(trial: Trial) -> Evidence:
    layer, plain = mixture(trial, 128, 1), dense()
    yield supports(
        at_least("stored", "parameters in units of one network", 100, layer.n_parameters / plain.n_parameters)
    )
    yield supports(
        at_most("active", "work for a token in units of one network", 1.3, layer.flops(1) / flops_of(plain, 1))
    )
    states = 2 * layer.n_parameters / (2 * plain.n_parameters)
    yield contradicts(at_least("memory", "numbers that Adam keeps, in units of one network", 100, states))


not_measurable(
    "C212", "A mixture always gives more for the same work.", where="D0:2126 D0:2053", section=SECTION,
    why="a statement about quality at scale: it depends on the task and on the size, and a toy ranks nothing.",
)  # fmt: skip


@claim(
    "C214", "A mixture makes good use of its parameters.", where="D0:2039 D0:2042", verdict="does not hold",
    why="it makes good use of work: a token meets one eighth of what is stored when one of eight experts runs.",
    paper=SWITCH,
    experiment="moe",
)  # fmt: skip
def use_of_parameters(trial: Trial) -> Evidence:
    layer, plain = mixture(trial, 8, 1), dense()
    yield contradicts(
        at_least(
            "stored",
            "parameters stored for one that a token meets",
            7.5,
            layer.n_parameters / layer.n_active_parameters,
        )
    )
    yield at_most("work", "work for a token in units of one network", 1.05, layer.flops(1) / flops_of(plain, 1))


@claim(
    "C215", "Soft routing uses all experts.", where="D0:1990", verdict="holds",
    why="every expert gets a weighted mean of all tokens, so none is unused, and none of their work is saved.",
    paper="Puigcerver et al. 2024, From Sparse to Soft Mixtures of Experts",
)  # fmt: skip
def soft_routing(trial: Trial) -> Evidence:
    rng = trial.generator(5)
    layer = SoftExperts(FeedForwardSettings(d_model=16, d_ff=32, dtype="float64"), rng, n=4)
    x = rng.standard_normal((1, 6, 16))
    y, _ = layer.forward(x)
    moved = []
    for expert in layer.experts:
        saved = {name: parameter.value.copy() for name, parameter in expert.parameters().items()}
        for parameter in expert.parameters().values():
            parameter.value += 1.0
        moved.append(float(abs(layer.forward(x)[0] - y).min(axis=(0, 2)).min()))
        for name, parameter in expert.parameters().items():
            parameter.value[...] = saved[name]
    yield supports(at_least("all", "least change of any token when one expert changes", 1e-9, min(moved)))
    yield agree("back", "the layer is as it was before", layer.forward(x)[0], y)


@claim(
    "C216", "Routing by a hash is the same every time.", where="D0:1991", verdict="holds",
    why="the expert depends on the token's id alone; the load is as even as the table and the text are.",
    paper="Roller et al. 2021, Hash Layers",
)  # fmt: skip
def hash_routing(trial: Trial) -> Evidence:
    rng = trial.generator(6)
    layer = HashExperts(FeedForwardSettings(d_model=8, d_ff=16, dtype="float64"), np.arange(40) % 4, rng)
    ids = rng.integers(0, 40, 200)
    x = rng.standard_normal((200, 8))
    (_, once), (_, again) = (layer.forward(x * factor, ids) for factor in (1.0, -3.0))
    moved = int((once.plan.pairs != again.plan.pairs).sum())
    yield supports(exactly("same", "tokens of 200 that go elsewhere when their vectors change", 0, moved))


@claim(
    "C217", "Experts specialise by domain.", where="D0:1976 D0:2047", verdict="holds when",
    why="the domains differ enough for the router to tell them apart, as these clusters do; nothing makes an expert "
    "take one "
    "domain alone.", paper=SHAZEER,
)  # fmt: skip
def specialise(trial: Trial) -> Evidence:
    found = routed(trial, 3.0)
    yield supports(
        at_least("told", "information between cluster and expert, as a share of the largest", 0.5, found.information)
    )
    alone = routed(trial, 0.0)
    yield contradicts(
        at_most("shared", "the same of routers left alone: experts share clusters", 0.97, alone.information)
    )
