"""What all models share: a configuration from which they can be built again."""

from __future__ import annotations

from typing import Any

from tfx.params import Layer


class Model(Layer):
    """A layer with `config`: the keyword arguments of its class, plus "model", the name of that class."""

    config: dict[str, Any]

    def _remember(self, arguments: dict[str, Any]) -> None:
        """Call it in __init__ with locals().  `further`, the settings a model passes on, stand among the others."""
        kept = {name: value for name, value in arguments.items() if name not in ("self", "__class__", "further")}
        self.config = {"model": type(self).__name__, **kept, **arguments.get("further", {})}

    def astype(self, dtype: Any) -> Model:
        """As Layer.astype; the configuration follows."""
        super().astype(dtype)
        self.config["dtype"] = str(dtype)
        return self
