"""What all models share: settings from which they can be built again, whole and without sharing anything.

    GPT(vocab=50, d_model=64, n_layers=2)          keywords; sizes may also be given in their order
    GPT(GPTSettings(50, 64, n_layers=2))           the same settings, made before
    build(model.config)                            the same model, with fresh weights from its seed

A new model is one new file in this folder: a class marked `@buildable` with `settings_type` and `make`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import numpy as np

from tfx.nn.settings import Settings
from tfx.params import Layer

M = TypeVar("M", bound="type[Model]")


class Model(Layer):
    """A layer with `settings`.  Equal seeds give equal weights.

    Raises TypeError or ValueError for settings that the model cannot have: an unknown one is answered with the nearest.
    """

    settings_type: ClassVar[type[Settings]]
    settings: Any
    #: What it keeps of a text that it goes on with: "keys" and values of the tokens, where it `stores_keys`, or a
    #: "state" that `step` carries; None: it does not go on with a text.
    remembers: ClassVar[str | None] = None

    def __init__(self, *values: Any, **named: Any) -> None:
        self.settings = self.settings_type.of(*values, **named)
        self.make(self.settings, np.random.default_rng(self.settings.seed))

    def make(self, settings: Any, rng: np.random.Generator) -> None:
        """Makes all that the model owns, in the order in which rng draws it."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it owns")

    @property
    def config(self) -> dict[str, Any]:
        """The settings as JSON can hold them, plus "model", the name of the class."""
        return {"model": type(self).__name__, **self.settings.as_dict()}

    def astype(self, dtype: Any) -> Model:
        """As Layer.astype; the settings follow."""
        super().astype(dtype)
        self.settings = replace(self.settings, dtype=dtype)
        return self


def buildable(model: M) -> M:
    """Marks a model that `tfx.models.build` makes of its config.

    The mark is read from the source, before anything is imported.
    """
    return model
