"""Where the sub-layers of a model stand, so that something can be put around them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.params import Layer, walk
from tfx.tuning.part import Chosen


class Place(NamedTuple):
    """An attribute of a layer, and the layer that is its value."""

    name: str  # dotted name in the model
    owner: Layer
    attribute: str
    layer: Any

    def put(self, layer: Layer) -> None:
        setattr(self.owner, self.attribute, layer)


def places_of(model: Layer, kinds: tuple[type[Layer], ...], chosen: Chosen | None = None) -> list[Place]:
    """Every attribute of a layer in `model` whose value is of these kinds and whose dotted name is chosen.

    Layers that are used twice are named once.  Raises ValueError when there are none.
    """
    found: dict[tuple[int, str], Place] = {}
    for prefix, owner in walk(model, Layer):
        for attribute, value in vars(owner).items():
            name = f"{prefix}.{attribute}" if prefix else attribute
            if isinstance(value, kinds) and (chosen is None or chosen(name)):
                found.setdefault((id(owner), attribute), Place(name, owner, attribute, value))
    if not found:
        raise ValueError(f"this model has no {' or '.join(kind.__name__ for kind in kinds)} that was chosen")
    return list(found.values())
