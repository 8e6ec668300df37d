"""Where the sub-layers of a model stand, so that something can be put around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tfx.params import Layer, Parameter, walk
from tfx.tuning.part import Chosen, Part, among


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


class AroundCache(NamedTuple):
    """The cache of a layer, and what the one around it keeps.  What is not found here is asked of the layer's."""

    layer: Any
    own: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.layer, name)


class Around(Part):
    """What was put around sub-layers of a model: the parameters that came with it, and the way back.

    around: the layer that takes each place.
    """

    def __init__(
        self, model: Layer, places: Sequence[Place], around: Sequence[Layer], parameters: Iterable[Parameter]
    ) -> None:
        self._places = {place.name: place for place in places}
        for place, layer in zip(places, around, strict=True):
            place.put(layer)
        super().__init__(model, among(model, parameters))

    def remove(self) -> None:
        """The model before tuning."""
        for place in self._places.values():
            place.put(place.layer)
