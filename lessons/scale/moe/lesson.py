"""Mixture of experts: a router, gates, what is stored and what a token meets, capacity, rules, and an even load."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.scale.published_sizes import PUBLISHED, count
from tfx.lab.scale.trained_router import CLUSTERS, train_router
from tfx.measure.counting_array import counting_in
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.experts.expert_capacity import expert_capacity, expert_counts, within_capacity
from tfx.ops.experts.hash_routing import hash_experts, random_hash
from tfx.ops.experts.load_balance import load_balance_forward
from tfx.ops.experts.top_k_routing import choose_top_k, gates_forward

WIDTH, INNER, TOKENS, NETWORKS, STEPS, LAST = 16, 64, 64, 2, 100, 30
#: Coefficient of the balancing loss; tokens of the router's toy; scores of one token for four experts.
STRONG, BATCH, SCORES = 10.0, 48, (2.0, 0.5, 1.0, -1.0)


@dataclass(frozen=True)
class Settings:
    experts: int = setting(8, 4, 64, "experts of a layer")
    factor: float = setting(1.25, 0.5, 4.0, "capacity, in units of an even share")


class Run:
    """logits: (TOKENS, experts), of a router that likes the first experts more."""

    def __init__(self, request: Request) -> None:
        self.n, self.factor, self.seed = request.settings.experts, request.settings.factor, request.seed
        self.rng = np.random.default_rng(request.seed)
        self.x = self.rng.standard_normal((TOKENS, WIDTH)).astype("float32")
        self.logits = self.rng.standard_normal((TOKENS, self.n)) - 1.5 * np.arange(self.n) / self.n

    def layer(self, n: int, k: int) -> MixtureOfExperts:
        return MixtureOfExperts(WIDTH, INNER, np.random.default_rng(self.seed), bias=False, n=n, k=k)

    @cached_property
    def trained(self) -> dict[float, tuple[float, float]]:
        """Coefficient -> share of experts that no token chooses, and the busiest one's share of the last steps."""
        found = {}
        with blas_threads(1):
            for balance in (0.0, STRONG):
                unused, busiest = [], []
                for i in range(NETWORKS):
                    load: list[tuple[int, ...]] = []
                    routed = train_router(np.random.default_rng((self.seed, i)), balance, 1, STEPS, BATCH, load.append)
                    late = np.sum(load[-LAST:], axis=0)
                    unused.append(routed.dead)
                    busiest.append(late.max() / late.sum())
                found[balance] = (float(np.mean(unused)), float(np.mean(busiest)))
        return found


lesson = Lesson(Run, Settings)


@lesson.step("Many networks, few of them for a token")
def many_networks(run: Run) -> Iterator[Shown]:
    dense, sparse = run.layer(1, 1), run.layer(run.n, 2)
    with counting_in(sparse) as counted:
        sparse.forward(run.x)
        work = counted.multiply_adds / TOKENS
    rows = [{"what": "one network", "stored": dense.n_parameters - WIDTH, "met": dense.n_parameters - WIDTH, "work": 2 * WIDTH * INNER}, {"what": f"{run.n} experts, 2 chosen", "stored": sparse.n_parameters, "met": sparse.n_active_parameters, "work": work}]  # fmt: skip
    yield "A larger FFN can hold more and costs more. A mixture of experts (MoE) has many in its place, and a router that picks a few for each token."
    yield question(f"C = {WIDTH}, F = {INNER}, {run.n} experts, a router of C numbers for each: numbers?", run.n * (2 * WIDTH * INNER + WIDTH), f"{run.n} * (2 * {WIDTH} * {INNER} + {WIDTH}).", 0)  # fmt: skip
    yield table("without biases: numbers, and multiply-adds of a token", rows, what="layer", stored="stored :6", met="token meets :6", work="work :6")  # fmt: skip
    yield "What is stored grows with the experts, work with those that are chosen and, a little, with the router."
    yield Said("The memory of a mixture grows more slowly than the number of experts.", "false", "All experts are stored: it grows in proportion.", "C202")  # fmt: skip
    yield exactly("stored", "numbers stored", run.n * (2 * WIDTH * INNER + WIDTH), sparse.n_parameters)
    yield exactly("met", "numbers that a token meets", 2 * 2 * WIDTH * INNER + run.n * WIDTH, sparse.n_active_parameters)  # fmt: skip
    yield Source("Shazeer et al.", 2017, "Outrageously Large Neural Networks", "section 2")


@lesson.step("One token through the router, by hand")
def by_hand_(run: Run) -> Iterator[Shown]:
    logits = np.array([SCORES])
    chosen = choose_top_k(logits, 2)
    gates, _ = gates_forward(logits, chosen)
    p = softmax_forward(logits)[0][0]
    first, second = (int(i) for i in chosen[0])
    yield "The router is one map: a score for each expert. The largest, two here, are chosen; softmax over these gives gates. Only gates have a gradient."
    yield formula("y = sum over the chosen of gate * FFN(x)")
    sparse = np.zeros(len(SCORES))
    sparse[chosen[0]] = gates[0]
    yield matrix("one token, four experts", np.stack([logits[0], p, sparse]), "row, expert", ("score", "softmax", "gate"))  # fmt: skip
    yield question(f"Scores {SCORES[first]:g} and {SCORES[second]:g} are chosen. The gate of the first?", gates[0, 0], f"e^{SCORES[first]:g} / (e^{SCORES[first]:g} + e^{SCORES[second]:g}).")  # fmt: skip
    yield Said("The output is a sum over all experts.", "false", "That is the dense mixture, where each runs.", "C200")  # fmt: skip
    yield agree("gates", "gates, and softmax of all over its sum", gates[0], p[chosen[0]] / p[chosen[0]].sum())
    yield agree("one", "sum of the gates", gates.sum(), 1.0)
    yield choose_top_k


@lesson.step("Published models")
def published(run: Run) -> Iterator[Shown]:
    models = {model.name: count(model.sizes) for model in PUBLISHED if model.name in ("Mixtral 8x7B", "Switch-Base")}
    mixtral = models["Mixtral 8x7B"]
    rows = [{"name": name, "total": c.total / 1e9, "met": (c.total - c.idle) / 1e9} for name, c in models.items()]
    yield "Mixtral: 32 blocks of width 4,096, each with 8 experts of inner width 14,336 and three matrices (gated), 2 chosen."
    yield question("Numbers in all its experts, in billions?", 32 * 8 * 3 * 4096 * 14336 / 1e9, "32 * 8 * 3 * 4096 * 14336.")  # fmt: skip
    yield table("billions of parameters: stored, and met by a token", rows, name="model", total="stored :4", met="met :4")  # fmt: skip
    yield f"8x7B is not 56: attention and embeddings are shared by the experts. It stores {mixtral.total / 1e9:.1f} billion and a token meets {(mixtral.total - mixtral.idle) / 1e9:.1f}."
    yield Said("A mixture has a hundred times the parameters at about the same cost of training.", "true with conditions", "Of work, not of memory.", "C211")  # fmt: skip
    yield exactly("mixtral", "Mixtral 8x7B, stored, in billions", "46.7", f"{mixtral.total / 1e9:.1f}")
    yield at_most("shared", "stored, of 8 times 7 billion", 0.9, mixtral.total / 56e9)
    yield Source("Jiang et al.", 2024, "Mixtral of Experts", "section 2")


@lesson.step("Capacity: an expert has so many places")
def capacity(run: Run) -> Iterator[Shown]:
    chosen = choose_top_k(run.logits, 1)
    load = np.asarray(expert_counts(chosen, run.n))
    rows = []
    for factor in sorted({1.0, run.factor, 2.0}):
        places = expert_capacity(TOKENS, run.n, 1, factor)
        lost = 1 - float(within_capacity(chosen, run.n, places).mean())
        rows.append({"factor": factor, "places": places, "lost": 100 * lost})
    yield f"{TOKENS} tokens choose one of {run.n} experts each; this router likes the first ones. Arrays have fixed sizes, so an expert has so many places:"
    yield formula("places = factor * tokens * chosen / experts, rounded up")
    places = expert_capacity(TOKENS, run.n, 1, run.factor)
    yield question(f"Factor {run.factor:g}: how many places?", places, f"{run.factor:g} * {TOKENS} / {run.n}, rounded up.", 0)  # fmt: skip
    yield f"Tokens that came to the first ones: {', '.join(map(str, load[:8]))}. Even: {TOKENS / run.n:g}."
    yield table("who comes too late finds no place", rows, factor="factor :3", places="places", lost="lost [%] :3")  # fmt: skip
    yield "The skip path carries these tokens on, without anything from the expert."
    yield exactly("all", "tokens with an expert, and without limit", TOKENS, int(load.sum()))
    yield at_least("lost", "places: what factor 2 saves over 1, in %", 0.0, rows[0]["lost"] - rows[-1]["lost"])
    yield exactly("served", "tokens served at the factor, counted by expert", int(np.minimum(load, places).sum()), int(within_capacity(chosen, run.n, places).sum()))  # fmt: skip
    yield Source("Fedus et al.", 2022, "Switch Transformers", "section 2.2")


@lesson.step("Rules of routing")
def rules(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    ids = np.minimum(rng.zipf(1.5, TOKENS), 200) - 1
    p = softmax_forward(run.logits)[0]
    loads: dict[str, Any] = {
        f"top {k}": expert_counts(choose_top_k(run.logits, k), run.n) / (k * TOKENS) for k in (1, 2)
    }
    loads["hash"] = expert_counts(hash_experts(ids, random_hash(200, run.n, rng))[:, None], run.n) / TOKENS
    loads["soft"] = p.mean(axis=0)
    rows = [{"rule": rule, "who": WHO[rule], "runs": RUNS[rule].format(n=run.n), "busiest": 100 * float(np.max(load))} for rule, load in loads.items()]  # fmt: skip
    yield f"Four ways to decide who works on the same {TOKENS} tokens (even: {100 / run.n:.3g}%):"
    yield table("load", rows, rule="rule", who="who chooses", runs="run", busiest="busiest [%] :3")  # fmt: skip
    yield "Top 1 is Switch, whose gate is the softmax of all; top 2 is GShard and Mixtral. A hash sends a word to the same expert each time, untrained, and frequent words make it uneven. A soft mixture weighs all experts: no choice."
    yield question(f"Top 2 of {run.n}: which share of the experts runs for a token?", 2 / run.n, f"2 / {run.n}.")
    yield "If experts choose tokens (expert choice) the load is even, and some get none."
    yield agree("all-rules", "shares of each rule sum to", [float(np.sum(load)) for load in loads.values()], 1.0)
    yield at_least("uneven", "busiest of top 1, over an even share", 1.2, float(np.max(loads["top 1"])) * run.n)
    yield Source("Roller et al.", 2021, "Hash Layers For Large Sparse Models")


WHO = {"top 1": "router", "top 2": "router", "hash": "the word", "soft": "nobody"}
RUNS = {"top 1": "1", "top 2": "2", "hash": "1", "soft": "{n}"}


@lesson.step("A loss for an even load")
def balance_loss(run: Run) -> Iterator[Shown]:
    even = np.full((TOKENS, run.n), 1 / run.n)
    spread = np.arange(TOKENS)[:, None] % run.n
    lost, sure = np.zeros((TOKENS, 1), int), np.eye(run.n)[np.zeros(TOKENS, int)]
    same = TOKENS // run.n * run.n
    values = {"even": load_balance_forward(even[:same], spread[:same])[0], "all to one, surely": load_balance_forward(sure, lost)[0], "this router": load_balance_forward(softmax_forward(run.logits)[0], choose_top_k(run.logits, 1))[0]}  # fmt: skip
    yield "A favoured expert gets more tokens and learns more: routers collapse. So:"
    yield formula("balance = experts * sum over experts of share * mean")
    yield "share: of the tokens sent to an expert, counted, without a gradient. mean: of the router's softmax for it, pushed down where the share is large."
    yield question(f"{run.n} experts, all go to one with probability 1. The loss?", run.n, f"{run.n} * 1 * 1. Even it is {run.n} * {run.n} / {run.n}^2 = 1.", 0)  # fmt: skip
    yield table("the loss", [{"how": how, "loss": float(value)} for how, value in values.items()], how="load", loss="balance :4")  # fmt: skip
    yield "Its coefficient is small: 0.01 in Switch."
    yield agree("even", "even load", values["even"], 1.0)
    yield agree("worst", "all to one", values["all to one, surely"], float(run.n))
    yield at_least("push", "this router, above the even load", 1.0, float(values["this router"]))  # fmt: skip
    yield Source("Fedus et al.", 2022, "Switch Transformers", "equations 4 to 6")


@lesson.step("With it and without it, trained")
def with_and_without(run: Run) -> Iterator[Shown]:
    alone, forced = run.trained[0.0], run.trained[STRONG]
    rows = [{"balance": balance, "unused": 100 * unused, "busiest": 100 * busiest} for balance, (unused, busiest) in run.trained.items()]  # fmt: skip
    yield f"Layers of {CLUSTERS} experts, one for each token, learn {CLUSTERS} kinds of tokens in {STEPS} steps."
    yield question("Even load: the share of the busiest, in %?", 100 / CLUSTERS, f"100 / {CLUSTERS}.")
    yield table(f"mean of {NETWORKS} layers", rows, balance="coefficient :2", unused="unused [%] :3", busiest="busiest [%] :3")  # fmt: skip
    yield f"Left alone, {alone[0]:.0%} of the experts get no token; with the loss {forced[0]:.0%}."
    yield Said("Experts come to an even share of the tokens by themselves.", "false", "Left alone routers leave experts unused.", "C205")  # fmt: skip
    yield "DeepSeek-V3 does it mostly without: a bias for each expert, in the choice alone, rises where the load is low. And one shared expert meets each token."
    yield at_least("alone", "without: share of experts unused", 0.05, alone[0])
    yield at_most("forced", "with: share unused, of that", 0.5, forced[0] / max(alone[0], 1e-9))
    yield at_most("busiest", "busiest with, over without", 0.9, forced[1] / alone[1])
    yield Source("Wang et al.", 2024, "Auxiliary-Loss-Free Load Balancing Strategy")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A mixture of experts replaces the FFN by many and a router. Each token uses the top k, weighted by gates normalised over these k. Parameters grow with the experts, work for a token with k; memory grows with all experts, for they are all stored. GShard, Switch, GLaM and Mixtral are examples (of PaLM 2 the report does not say)."
    yield "Routers collapse when left alone, so there is a balance loss, experts * sum of share * mean gate, or a bias; and a capacity factor: tokens beyond an expert's places go on by the skip path. Rules: top k, top 1 (Switch), hash, soft. Costs: memory, sending tokens between devices, uneven load."
    yield Try("tfx quiz moe")
