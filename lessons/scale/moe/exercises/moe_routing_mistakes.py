"""What people write in the place of top-k routing."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.scale.moe.exercises.moe_routing import exercise, softmax
from tfx.ops.experts.expert_capacity import within_capacity


def chosen_of(logits: Any, k: int) -> Any:
    return np.argsort(-logits, axis=-1, kind="stable")[:, :k]


def gates_of(logits: Any, experts: Any, renormalise: bool) -> Any:
    chosen = np.take_along_axis(logits, experts, axis=-1)
    return softmax(chosen) if renormalise else np.take_along_axis(softmax(logits), experts, axis=-1)


def served(experts: Any, gates: Any, n_experts: int, capacity: int | None) -> Any:
    """Gates of those that find a place, and 0."""
    return gates if capacity is None else gates * within_capacity(experts, n_experts, capacity)


def ended(logits: Any, experts: Any, renormalise: bool, capacity: int | None) -> Any:
    return experts, served(experts, gates_of(logits, experts, renormalise), logits.shape[-1], capacity)


def in_this_order(experts: Any, gates: Any, order: Any, capacity: int | None) -> Any:
    """Serves the choices, pairs of a token and the number of its choice, in this order."""
    gates, taken = gates.copy(), dict.fromkeys(range(int(experts.max()) + 1), 0)
    for token, choice in order:
        expert = int(experts[token, choice])
        if capacity is not None and taken[expert] == capacity:
            gates[token, choice] = 0.0
        else:
            taken[expert] += 1
    return gates


@exercise.mistake
def softmax_over_all(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The softmax runs over all experts in every case.

    Why: softmax first, then top-k: so it stands in Switch.
    Hint: What do the gates of a token sum to?
    """
    return ended(logits, chosen_of(logits, k), False, capacity)


@exercise.mistake
def always_renormalised(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The gates sum to 1 in every case.

    Why: The option is not read.
    Hint: With k = 1 this gate is always 1. Can the router learn from it?
    """
    return ended(logits, chosen_of(logits, k), True, capacity)


@exercise.mistake
def divided_by_k(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The chosen experts count alike, 1 / k each.

    Why: A mean of the experts is taken.
    Hint: Which gradient does the router get then?
    """
    experts = chosen_of(logits, k)
    gates = np.full(experts.shape, 1.0 / k) if renormalise else gates_of(logits, experts, False)
    return experts, served(experts, gates, logits.shape[-1], capacity)


@exercise.mistake
def logits_over_their_sum(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The chosen logits are divided by their sum.

    Why: Renormalising is dividing by a sum; but these are no probabilities yet.
    Hint: What comes out if one logit is below 0?
    """
    experts = chosen_of(logits, k)
    chosen = np.take_along_axis(logits, experts, axis=-1)
    gates = chosen / chosen.sum(axis=-1, keepdims=True) if renormalise else gates_of(logits, experts, False)
    return experts, served(experts, gates, logits.shape[-1], capacity)


@exercise.mistake
def sigmoid_of_each(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Each gate is the sigmoid of its logit, divided by the sum of the chosen.

    Why: Some later models do so.
    Hint: Which function does the rule name?
    """
    experts = chosen_of(logits, k)
    raw = 0.5 + 0.5 * np.tanh(np.take_along_axis(logits, experts, axis=-1) / 2)
    gates = raw / raw.sum(axis=-1, keepdims=True) if renormalise else raw
    return experts, served(experts, gates, logits.shape[-1], capacity)


@exercise.mistake
def softmax_over_the_tokens(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The softmax runs down the tokens.

    Why: axis=0 is written, or the array is thought of as experts by tokens.
    Hint: Which numbers should sum to 1?
    """
    experts = chosen_of(logits, k)
    over = np.take_along_axis(logits, experts, axis=-1) if renormalise else logits
    down = softmax(over.T).T
    gates = down if renormalise else np.take_along_axis(down, experts, axis=-1)
    return experts, served(experts, gates, logits.shape[-1], capacity)


@exercise.mistake
def smallest_chosen(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The k smallest logits are chosen.

    Why: argsort sorts upwards.
    Hint: Does each token go to the expert with the largest score?
    """
    return ended(logits, np.argsort(logits, axis=-1, kind="stable")[:, :k], renormalise, capacity)


@exercise.mistake
def largest_last(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The k largest are chosen, the largest last.

    Why: argsort sorts upwards, and its last k are taken.
    Hint: Which one is the first choice?
    """
    experts = chosen_of(logits, k)[:, ::-1].copy()
    return ended(logits, experts, renormalise, capacity)


@exercise.mistake
def higher_number_first(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Of equal logits the expert with the higher number comes first.

    Why: The order is sorted upwards and turned around.
    Hint: Which of two equal logits comes first in a list that was sorted upwards and reversed?
    """
    experts = np.argsort(logits, axis=-1, kind="stable")[:, ::-1][:, :k].copy()
    return ended(logits, experts, renormalise, capacity)


@exercise.mistake
def gates_in_the_order_of_experts(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The experts of a token are put in order of their numbers, and the gates are not.

    Why: The chosen are found by a mask, the gates by sorting.
    Hint: Does the largest gate stand beside the largest logit?
    """
    experts = chosen_of(logits, k)
    gates = served(experts, gates_of(logits, experts, renormalise), logits.shape[-1], capacity)
    return np.sort(experts, axis=-1), gates


@exercise.mistake
def no_maximum(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """exp overflows: the largest logit is not subtracted.

    Why: On small logits the code gives the same numbers.
    Hint: What is exp(5000)?
    """
    experts = chosen_of(logits, k)
    chosen = np.exp(np.take_along_axis(logits, experts, axis=-1))
    gates = chosen / (chosen if renormalise else np.exp(logits)).sum(axis=-1, keepdims=True)
    return experts, served(experts, gates, logits.shape[-1], capacity)


@exercise.mistake
def capacity_left_out(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Every expert takes all that come.

    Why: The first tests have no capacity.
    Hint: Call it with capacity=1.
    """
    return ended(logits, chosen_of(logits, k), renormalise, None)


@exercise.mistake
def one_place_more(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Each expert takes one token more than it has places.

    Why: A counter that begins at 0 is compared with <=.
    Hint: How many does an expert with one place serve?
    """
    return ended(logits, chosen_of(logits, k), renormalise, None if capacity is None else capacity + 1)


@exercise.mistake
def token_by_token(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Tokens are served one after the other, each with all its choices.

    Why: The outer loop runs over the tokens.
    Hint: May the second choice of the first token take a place before the first choice of the second?
    """
    experts = chosen_of(logits, k)
    order = [(token, choice) for token in range(len(logits)) for choice in range(k)]
    return experts, in_this_order(experts, gates_of(logits, experts, renormalise), order, capacity)


@exercise.mistake
def last_tokens_first(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """The last tokens of a round are served first.

    Why: A later token takes the place of an earlier one, when places are written over.
    Hint: Who is dropped, who comes first or who comes last?
    """
    experts = chosen_of(logits, k)
    order = [(token, choice) for choice in range(k) for token in reversed(range(len(logits)))]
    return experts, in_this_order(experts, gates_of(logits, experts, renormalise), order, capacity)


@exercise.mistake
def places_for_each_round(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Each round of choices begins with empty experts.

    Why: The counter is made inside of the outer loop.
    Hint: How many tokens does an expert serve in all?
    """
    experts = chosen_of(logits, k)
    gates = gates_of(logits, experts, renormalise)
    rounds = [served(experts[:, [c]], gates[:, [c]], logits.shape[-1], capacity) for c in range(k)]
    return experts, np.concatenate(rounds, axis=1)


@exercise.mistake
def renormalised_once_more(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """After places are given away the gates that are left are made to sum to 1 again.

    Why: The gates of a token should sum to 1, so it seems.
    Hint: Read the rule again: what becomes of the other gates of a token?
    """
    experts, gates = ended(logits, chosen_of(logits, k), renormalise, capacity)
    if renormalise and capacity is not None:
        total = gates.sum(axis=-1, keepdims=True)
        gates = gates / np.where(total == 0, 1, total)
    return experts, gates


@exercise.mistake
def dropped_expert_unnamed(logits: Any, k: int, renormalise: bool = True, capacity: int | None = None) -> Any:
    """Where there is no place, the expert becomes -1.

    Why: The choice is taken back.
    Hint: Read the rule again: is the expert still named?
    """
    experts, gates = ended(logits, chosen_of(logits, k), renormalise, capacity)
    return np.where(gates == 0, -1, experts), gates
