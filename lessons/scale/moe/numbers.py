"""Numbers for the quiz on mixtures of experts: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.ops.experts.expert_capacity import expert_capacity, within_capacity
from tfx.ops.experts.load_balance import load_balance_forward
from tfx.ops.experts.top_k_routing import choose_top_k, gates_forward


@told_apart
def numbers_stored(rng: np.random.Generator) -> NumberCase:
    """The parameters of a real layer."""
    n, k, c, f = (
        int(rng.choice([4, 8, 16])),
        int(rng.choice([1, 2])),
        int(rng.choice([4, 8])),
        int(rng.choice([16, 24])),
    )
    layer = MixtureOfExperts(c, f, rng, bias=False, n=n, k=k)
    wrong = (
        Wrong(float(k * 2 * c * f + n * c), "what a token meets", "All experts are stored, the chosen ones and the others."),
        Wrong(float(n * 2 * c * f), "router forgotten", "The router has C numbers for each expert."),
        Wrong(float(2 * c * f + n * c), "one expert", "The experts do not share their matrices."),
    )  # fmt: skip
    return NumberCase({"n": n, "k": k, "c": c, "f": f}, float(layer.n_parameters), wrong, 0.0)


@told_apart
def numbers_met(rng: np.random.Generator) -> NumberCase:
    """The parameters of a real layer that a token meets."""
    n, k, c, f = (
        int(rng.choice([8, 16, 32])),
        int(rng.choice([1, 2])),
        int(rng.choice([4, 8])),
        int(rng.choice([16, 24])),
    )
    layer = MixtureOfExperts(c, f, rng, bias=False, n=n, k=k)
    wrong = (
        Wrong(float(layer.n_parameters), "all that is stored", "A token meets the chosen experts alone."),
        Wrong(float(k * 2 * c * f), "router forgotten", "The router scores all experts for each token."),
        Wrong(float(k * 2 * c * f + k * c), "router of the chosen alone", "To choose, the router has to score each expert."),
    )  # fmt: skip
    return NumberCase({"n": n, "k": k, "c": c, "f": f}, float(layer.n_active_parameters), wrong, 0.0)


@told_apart
def first_gate(rng: np.random.Generator) -> NumberCase:
    """The gate of the first of two chosen experts."""
    scores = np.round(rng.choice(np.arange(-20, 25), size=4, replace=False) / 10, 1)
    chosen = choose_top_k(scores[None], 2)
    gates, _ = gates_forward(scores[None], chosen)
    a, b = scores[chosen[0]]
    exps = np.exp(scores)
    wrong = (
        Wrong(float(exps.max() / exps.sum()), "softmax over all", "The gates are normalised over the two that are chosen."),
        Wrong(float(gates[0, 1]), "gate of the second", "That is the gate of the other one."),
        Wrong(0.5, "equal gates", "The larger score gets the larger gate."),
    )  # fmt: skip
    values = {"scores": ", ".join(f"{s:g}" for s in scores), "a": f"{a:g}", "b": f"{b:g}"}
    return NumberCase(values, float(gates[0, 0]), wrong, 0.01)


@told_apart
def tokens_dropped(rng: np.random.Generator) -> NumberCase:
    """Tokens that find no place."""
    n, factor = int(rng.choice([4, 8])), float(rng.choice([1.0, 1.25, 1.5]))
    tokens = n * int(rng.choice([4, 8, 12]))
    load = rng.multinomial(tokens, rng.dirichlet(np.full(n, 0.7)))
    chosen = np.repeat(np.arange(n), load)[:, None]
    places = expert_capacity(tokens, n, 1, factor)
    answer = int((~within_capacity(chosen, n, places)).sum())
    even = tokens // n
    wrong = (
        Wrong(float(max(int(load.max()) - places, 0)), "busiest expert alone", "Each expert that has too many turns tokens away."),
        Wrong(float(np.maximum(load - even, 0).sum()) if factor > 1 else float(tokens - answer), "factor left out" if factor > 1 else "served for dropped", "The factor gives more places than an even share." if factor > 1 else "That is how many find a place."),
        Wrong(0.0, "no limit", "An expert has so many places and no more."),
    )  # fmt: skip
    values = {"tokens": tokens, "n": n, "factor": f"{factor:g}", "load": ", ".join(map(str, load)), "places": places}
    return NumberCase(values, float(answer), wrong, 0.0)


@told_apart
def balance(rng: np.random.Generator) -> NumberCase:
    """The balancing loss of a load and mean gates."""
    n = int(rng.choice([2, 4]))
    share, mean = (rng.multinomial(10, np.full(n, 1 / n)) / 10 for _ in range(2))
    counts = np.round(10 * share).astype(int)
    answer, _ = load_balance_forward(np.tile(mean, (10, 1)), np.repeat(np.arange(n), counts)[:, None])
    wrong = (
        Wrong(float((share * mean).sum()), "number of experts left out", "The sum is multiplied by the number of experts, so that an even load gives 1."),
        Wrong(float(n * (share * share).sum()), "share twice", "One factor is counted, the other is the mean gate, through which it learns."),
        Wrong(1.0, "even load", "That would be the loss of an even load."),
    )  # fmt: skip
    values = {"n": n, "share": ", ".join(f"{s:g}" for s in share), "mean": ", ".join(f"{m:g}" for m in mean)}
    return NumberCase(values, float(answer), wrong, 0.01)
