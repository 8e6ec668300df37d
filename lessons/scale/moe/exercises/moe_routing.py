"""Top-k routing of tokens to experts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.experts.expert_capacity import within_capacity
from tfx.ops.experts.top_k_routing import top_k_routing_forward

exercise = Exercise(
    "moe-routing",
    "Mixture of experts: which experts a token goes to",
    step="by_hand_",
    rules=[
        "logits is (N, E), and 1 <= k <= E. Each token chooses its k largest logits, the largest first; of equal ones the "
        "expert with the lower number first.",
        "renormalise=True: the gates are the softmax over the k chosen logits. False: the softmax over all E, of which "
        "those of the chosen are taken.",
        "capacity is None, or how many tokens an expert takes. All first choices are served before all second ones, and "
        "so on; in one round of choices the tokens come in their order.",
        "A choice that finds no place has the gate 0. Its expert is still named, and the other gates of the token stay.",
        "logits may be as large as 10,000, and stays as it is.",
    ],
    hints=[
        "np.argsort(-logits, axis=-1, kind='stable') breaks ties by the lower number.",
        "p / sum of the chosen p is a softmax, too. Over which logits?",
        "Two loops serve the choices: which is the outer one, over tokens or over first and second choices?",
    ],
    learned="the choice is an argsort, the gates are a softmax over what was chosen, and places go by rounds of choices.",
    results=["experts: (N, k)", "gates: (N, k)"],
)


@exercise.stub
def route(logits, k, renormalise=True, capacity=None):
    """Chooses k experts for each token, and how much each of them counts.

    logits: (N, E), k: from 1 to E, capacity: None or tokens that an expert takes
    -> experts: (N, k) whole numbers, gates: (N, k)
    """
    ...


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@exercise.solution
def solution(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    experts = np.argsort(-logits, axis=-1, kind="stable")[:, :k]
    chosen = np.take_along_axis(logits, experts, axis=-1)  # (N, k)
    over = chosen if renormalise else logits
    gates = np.exp(chosen - chosen[:, :1])  # the first one is the largest of all
    gates /= np.exp(over - chosen[:, :1]).sum(axis=-1, keepdims=True)
    if capacity is not None:
        taken = np.zeros(logits.shape[-1], int)
        for choice in range(k):
            for token in range(len(logits)):
                expert = experts[token, choice]
                if taken[expert] == capacity:
                    gates[token, choice] = 0.0
                else:
                    taken[expert] += 1
    return experts, gates


@exercise.truth
def truth(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    gates, cache = top_k_routing_forward(logits.astype(float), k, renormalise)
    if capacity is not None:
        gates = gates * within_capacity(cache.experts, logits.shape[-1], capacity)
    return cache.experts, gates


@exercise.equal
def counted_with_one_hots(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Places in the queue of each expert are a running sum over all choices in the order of serving."""
    n, e = logits.shape
    order = np.argsort(-logits, axis=-1, kind="stable")
    experts = order[:, :k]
    p = softmax(logits)
    gates = np.take_along_axis(p, experts, axis=-1)
    if renormalise:
        left_out = np.where(np.argsort(order, axis=-1) < k, logits, -np.inf)
        gates = np.take_along_axis(softmax(left_out), experts, axis=-1)
    if capacity is not None:
        queue = np.eye(e, dtype=int)[experts.T.reshape(-1)]  # (k N, E), first choices in front
        place = (queue.cumsum(axis=0) * queue).sum(axis=1)  # 1 for the first that an expert serves
        gates = np.where((place <= capacity).reshape(k, n).T, gates, 0.0)
    return experts, gates


@exercise.equal
def in_plain_numbers(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Lists, and log-sum-exp."""
    rows = logits.tolist()
    chosen = [sorted(range(len(row)), key=lambda i, row=row: (-row[i], i))[:k] for row in rows]  # type: ignore[misc]
    gates = []
    for row, some in zip(rows, chosen, strict=True):
        over = [row[i] for i in some] if renormalise else row
        total = max(over) + math.log(math.fsum(math.exp(one - max(over)) for one in over))
        gates.append([math.exp(row[i] - total) for i in some])
    waiting = sorted((choice, token) for token in range(len(rows)) for choice in range(k))
    served = [0] * logits.shape[-1]
    for choice, token in waiting:
        served[chosen[token][choice]] += 1
        if capacity is not None and served[chosen[token][choice]] > capacity:
            gates[token][choice] = 0.0
    return chosen, gates


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal
    yield Given("six tokens, five experts, two chosen", {"logits": n((6, 5)), "k": 2})
    yield Given("three of four", {"logits": 2 * n((5, 4)), "k": 3})
    yield Given("one chosen", {"logits": n((4, 6)), "k": 1})
    yield Given("all chosen", {"logits": n((3, 4)), "k": 4})
    yield Given("N = E = k", {"logits": n((3, 3)), "k": 3})
    yield Given("one token", {"logits": n((1, 5)), "k": 2})
    yield Given("one expert", {"logits": n((4, 1)), "k": 1})
    yield Given("not renormalised", {"logits": n((5, 6)), "k": 2, "renormalise": False})
    yield Given("one chosen, not renormalised", {"logits": n((4, 5)), "k": 1, "renormalise": False})
    yield Given("equal logits", {"logits": np.array([[1.0, 2, 2, 1, 2], [0.0, 0, 0, 0, 0], [3.0, 1, 3, 1, 1]]), "k": 2})
    crowd = n((9, 4)) + np.array([3.0, 1.5, 0, 0])
    yield Given("a crowd at one expert, three places", {"logits": crowd, "k": 2, "capacity": 3})
    yield Given("one place each", {"logits": n((7, 5)) + np.array([2.0, 0, 0, 0, 1]), "k": 3, "capacity": 1})
    yield Given("places for one choice", {"logits": n((8, 3)), "k": 1, "capacity": 2})
    yield Given("more places than tokens", {"logits": n((4, 3)), "k": 2, "capacity": 9})
    yield Given(
        "as many places as come", {"logits": np.array([[4.0, 1, 0], [3.0, 2, 0], [0.0, 2, 3]]), "k": 2, "capacity": 2}
    )
    mixed = n((8, 4)) + np.array([0.0, 2, 0, 1])
    yield Given("places, not renormalised", {"logits": mixed, "k": 2, "renormalise": False, "capacity": 2})
    second = np.array([[1.0, 2, 0], [2.0, 1, 0], [2.0, 1, 0], [1.0, 2, 0]])
    yield Given("second choices of early tokens", {"logits": second, "k": 2, "capacity": 2})
    yield Given("large logits", {"logits": 5000 + 3000 * n((3, 4)), "k": 2})
    yield Given(
        "large logits of every sign, not renormalised", {"logits": 3000 * n((3, 4)), "k": 3, "renormalise": False}
    )
    yield Given("many experts", {"logits": n((3, 40)), "k": 9})
    full = n((9, 4)) + np.array([4.0, 0, 0, 0])
    yield Given("more places than each would get of an even share", {"logits": full, "k": 1, "capacity": 6})
    yield Given("float32", {"logits": (40 + n((6, 4))).astype(np.float32), "k": 2, "capacity": 2})
    for about, ((rows, experts, k), renormalise, capacity, like, dtype) in crossed(
        {"2 of 5": (6, 5, 2), "one token": (1, 5, 2), "one expert": (4, 1, 1), "3 of 3": (3, 3, 3), "1 of 4": (7, 4, 1),
         "3 of 6": (4, 6, 3), "2 of 4, 4 tokens": (4, 4, 2)},
        {"": {}, "asked for": {"renormalise": True}, "not renormalised": {"renormalise": False}},
        {"": {}, "a place": {"capacity": 1}, "2 places": {"capacity": 2}, "many places": {"capacity": 50}},
        {"": lambda x: x, "equal logits": np.round, "large logits": lambda x: 300 * x, "logits below 0": lambda x: x - 30,
         "a crowd": lambda x: x + 3.0 * (np.arange(x.shape[1]) == x.shape[1] - 1)},
        {"": float, "float32": np.float32},
    ):  # fmt: skip
        yield Given(about, {"logits": like(n((rows, experts))).astype(dtype), "k": k} | renormalise | capacity)
