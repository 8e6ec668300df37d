"""What all models share: a configuration from which they can be built again."""

from __future__ import annotations

from typing import Any

from tfx.params import Layer


class Model(Layer):
    """A layer with `config`: the keyword arguments of its class, plus "model", the name of that class."""

    config: dict[str, Any]

    def _remember(self, arguments: dict[str, Any]) -> None:
        """Call it first in __init__ with locals()."""
        kept = {name: value for name, value in arguments.items() if name not in ("self", "__class__")}
        self.config = {"model": type(self).__name__, **kept}

    def astype(self, dtype: Any) -> Model:
        """As Layer.astype; the configuration follows."""
        super().astype(dtype)
        self.config["dtype"] = str(dtype)
        return self
