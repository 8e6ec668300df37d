"""Groups of parameters, each with an optimiser and a share of the learning rate of its own, which may change.

    rate of group g at step t = schedule(t) factor(g, t)          factor 0: the group is frozen

A frozen group gets no update, no weight decay, and its running averages do not move: as if the step had not been.  When
it thaws, its optimiser starts at step 1, so that Adam's bias correction is right for averages that are new.  Its
gradient is set to 0 before clipping, so that it does not shorten the steps of the others.

    optimizer = GroupedOptimizer(model, AdamW, depth_of(model), layerwise_decay(0.8, top=n_layers + 1))

Groups by depth: 0 for what stands before the first block (embeddings), i + 1 for block i, n_layers + 1 for the rest.

Layer-wise decay: low layers hold what is general, and a new task should change them less: each layer has `decay` times
the rate of the layer above.  Gradual unfreezing: the top alone first, and one layer more every so many steps, so that
the error of a head that knows nothing yet does not wash through the whole model.
Sources: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification" (ULMFiT), sections 3.2
(rates, 1 / 2.6 a layer) and 3.3 (unfreezing); layer-wise decay in Transformers: Clark et al. 2020, "ELECTRA",
appendix B.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.optim.optimizer import Optimizer, Trained
from tfx.params import FlatParameters, Layer

#: factor(group, step): what the learning rate is multiplied by, from step 1 on.
Factor = Callable[[int, int], float]


class GroupedOptimizer(Optimizer):
    """make(parameters): builds the optimiser of each stretch of parameters that stand side by side in one group.

    group(name): the group of a parameter.
    """

    def __init__(
        self,
        parameters: Trained,
        make: Callable[[FlatParameters], Optimizer],
        group: Callable[[str], int],
        factor: Factor,
    ) -> None:
        super().__init__(parameters)
        self.factor = factor
        self.groups: list[int] = []
        self.members: list[Optimizer] = []
        for number, part in stretches(self.parameters, group):
            self.groups.append(number)
            self.members.append(make(part))

    def collect(self) -> bool:
        """Clears the gradient of what is frozen in the step to come."""
        for number, member in zip(self.groups, self.members, strict=True):
            if not self.factor(number, self.steps + 1):
                member.parameters.grad[...] = 0
        return True

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        for number, member in zip(self.groups, self.members, strict=True):
            factor = self.factor(number, self.steps)
            if factor:
                member.step(learning_rate * factor)

    def state(self) -> dict[str, Any]:
        states = [member.state() for member in self.members]
        counts = np.array([state.pop("steps") for state in states])
        averages = {f"{i}.{name}": array for i, state in enumerate(states) for name, array in state.items()}
        return {"steps": self.steps, "member_steps": counts, **averages}

    def load_state(self, state: dict[str, Any]) -> None:
        """Raises ValueError when the state comes from other groups, another optimiser or another model size."""
        own = self.state()
        if state.keys() != own.keys():
            raise ValueError(f"these {len(self.members)} groups keep {sorted(own)}, the state has {sorted(state)}")
        for i, (member, steps) in enumerate(zip(self.members, state["member_steps"].tolist(), strict=True)):
            prefix = f"{i}."
            averages = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
            member.load_state({"steps": int(steps), **averages})
        self.steps = int(state["steps"])


def stretches(flat: FlatParameters, group: Callable[[str], int]) -> Iterator[tuple[int, FlatParameters]]:
    """Group, and parameters that stand side by side and are all in it: views of `flat`, which they cover once."""
    start = 0
    for i, name in enumerate(flat.names):
        number = group(name)
        if i + 1 < len(flat.names) and group(flat.names[i + 1]) == number:
            continue
        chosen, begin, end = slice(start, i + 1), flat.slices[start].start, flat.slices[i].stop
        yield (
            number,
            dataclasses.replace(
                flat,
                value=flat.value[begin:end],
                grad=flat.grad[begin:end],
                names=flat.names[chosen],
                slices=tuple(slice(place.start - begin, place.stop - begin) for place in flat.slices[chosen]),
                shapes=flat.shapes[chosen],
            ),
        )
        start = i + 1


def depth_of(model: Layer) -> Callable[[str], int]:
    """-> group(name): 0 before the first block, i + 1 in block i (of an encoder and of a decoder alike), and one more
    than that of the last block for what comes after.

    Before and after are meant in the order of definition; an output that shares the embedding is at 0.
    """
    depths: dict[str, int] = {}
    for name in model.parameters():
        in_block = re.search(r"(?:^|\.)blocks\.(\d+)\.", name)
        depths[name] = int(in_block[1]) + 1 if in_block else (-1 if any(depths.values()) else 0)
    top = max(depths.values()) + 1
    return lambda name: top if depths[name] < 0 else depths[name]


def layerwise_decay(decay: float, top: int) -> Factor:
    """decay^(top - group): 1 for the group `top`, less below.  Raises ValueError unless 0 < decay <= 1."""
    if not 0 < decay <= 1:
        raise ValueError(f"the decay from layer to layer must be above 0 and at most 1, not {decay}")
    return lambda group, step: decay ** (top - group)


def gradual_unfreezing(every: int, top: int) -> Factor:
    """1 for the group `top` from the start, for the one below it after `every` steps, and so on; 0 before that.

    Raises ValueError for every < 1.
    """
    if whole_number("every", every) < 1:
        raise ValueError(f"a layer can thaw every step or less often, not every {every}")
    return lambda group, step: 1.0 if step > (top - group) * every else 0.0


def product_of(*factors: Factor) -> Factor:
    """All at once, such as unfreezing with rates that fall from layer to layer."""

    def product(group: int, step: int) -> float:
        result = 1.0
        for factor in factors:
            result *= factor(group, step)
        return result

    return product
