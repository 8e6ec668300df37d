"""Some of a model's parameters, seen as a layer: what an optimiser gets when the rest is to stay as it is.

    head = Part(model, lambda name: name.startswith("output."))
    train(model, batches, loss, AdamW(head), ...)

Backward still reaches every parameter, because what lies above a chosen one needs its gradient passed on; but the
optimiser keeps averages for the chosen ones only, and the others keep their bits.  Choosing nothing but the offsets is
BitFit (Ben Zaken, Goldberg and Ravfogel 2022), nothing but the head is a linear probe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tfx.params import Buffer, Layer, Parameter

#: chosen(name): whether a parameter, or a layer, of that dotted name is meant.
Chosen = Callable[[str], bool]


class Part(Layer):
    """The parameters of `model` whose dotted names are chosen, under these names; no buffers.

    `state()` holds these alone, so a tuned part is saved without its backbone.
    Raises ValueError when nothing is chosen.
    """

    def __init__(self, model: Layer, chosen: Chosen) -> None:
        self._chosen = {name: p for name, p in model.parameters().items() if chosen(name)}
        if not self._chosen:
            raise ValueError(f"none of the {len(model.parameters())} parameters was chosen")

    def parameters(self) -> dict[str, Parameter]:
        """Dotted name in the model -> Parameter."""
        return dict(self._chosen)

    def buffers(self) -> dict[str, Buffer]:
        """None: what moves without a gradient belongs to the whole model."""
        return {}


def among(model: Layer, parameters: Iterable[Parameter]) -> Chosen:
    """Chooses exactly these parameters of `model`."""
    wanted = {id(parameter) for parameter in parameters}
    names = {name for name, parameter in model.parameters().items() if id(parameter) in wanted}
    return lambda name: name in names


def is_offset(name: str) -> bool:
    """True for the offsets of maps and norms, which BitFit tunes."""
    return name.rsplit(".", 1)[-1] in ("b", "beta")
