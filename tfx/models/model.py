"""What all models share: a configuration from which they can be built again."""

from __future__ import annotations

from typing import Any

from tfx.arguments import number, whole_number
from tfx.params import Layer

#: The settings that are sizes, and the smallest that makes a model; where there are several, each of them.
LEAST = {
    "vocab": 1,
    "tgt_vocab": 1,
    "d_model": 1,
    "n_heads": 1,
    "d_head": 1,
    "d_ff": 1,
    "n_layers": 0,
    "max_len": 1,
    "n_memory": 0,
    "n_segments": 1,
    "embedding_width": 1,
    "n_outputs": 1,
    "n_classes": 1,
    "channels": 1,
    "image_size": 1,
    "widths": 1,
    "ratio": 1,
    "kernel": 1,
    "dilations": 1,
    "max_fertility": 1,
    "d_retrieval": 1,
    "n_retrieved": 1,
    "seed": 0,
}


class Model(Layer):
    """A layer with `config`: the keyword arguments of its class, plus "model", the name of that class."""

    config: dict[str, Any]

    def _remember(self, arguments: dict[str, Any]) -> None:
        """Call it in __init__ with locals().  `further`, the settings a model passes on, stand among the others.

        Raises TypeError or ValueError for a size that is not a whole number or too small, and for an eps below 0.
        """
        kept = {name: value for name, value in arguments.items() if name not in ("self", "__class__", "further")}
        self.config = {"model": type(self).__name__, **kept, **arguments.get("further", {})}
        for name, least in LEAST.items():
            sizes = self.config.get(name)
            for size in sizes if isinstance(sizes, tuple | list) else (sizes,):
                if size is not None:
                    whole_number(name, size, least)
        if self.config.get("eps") is not None:
            number("eps", self.config["eps"], 0)

    def astype(self, dtype: Any) -> Model:
        """As Layer.astype; the configuration follows."""
        super().astype(dtype)
        self.config["dtype"] = str(dtype)
        return self
