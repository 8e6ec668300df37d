"""Adafactor: Adam's second moment for a matrix, kept as one number a row and one a column.

    s = g^2 + eps1
    R = b R + (1 - b) s 1          row sums, (I,)           b = 1 - t^-0.8
    C = b C + (1 - b) 1^T s        column sums, (J,)
    V = R C / (1^T R)              (I, J), of rank one, and never stored
    u = g / sqrt(V)
    u = u / max(1, rms(u) / d)     no update is longer than d = 1 in root mean square
    value -= lr max(eps2, rms(value)) u

I + J numbers instead of I J: a matrix (512, 2048) needs 2560 where Adam keeps two million.  Vectors (offsets, gains)
keep every entry, as in Adam.

Why this product.  Among the non-negative matrices of rank one, R C / (1^T R) has the smallest generalised KL divergence
sum_ij (V_ij log(V_ij / P_ij) - V_ij + P_ij) from V: with P = r c, setting the derivative by r_i to zero gives
r_i sum_j c_j = sum_j V_ij, the same for c_j, and so P is row sum times column sum over the total.  Both sums are
linear in V, so that averages of them over time are the sums of the averaged V.  What is exact: any V of rank one, so
every single row or column; what is approximated: everything else.

b grows with t from 0 at the first step: an average of all steps so far with more weight on late ones, which needs no
bias correction.  There is no momentum unless asked for, as that would be I J numbers again.  Steps are relative to the
size of what they change; with schedule.inverse_square_root(step, warmup=10_000) = min(0.01, 1 / sqrt(step)) they are
the paper's.
Source: Shazeer and Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", algorithms 4 and 5 and
section 3, lemma 1.
"""

from __future__ import annotations

import math
from typing import Any

from tfx.arguments import number
from tfx.backend import Array, xp_of
from tfx.optim.optimizer import Trained, UpdateRule


class Adafactor(UpdateRule):
    """Defaults are the paper's, section 9: eps1 1e-30, eps2 1e-3, d = 1, decay exponent 0.8.

    relative: multiply the rate by max(eps2, rms(value)); False leaves it as it is.  momentum: b1 of an average of the
    updates, a further number for each parameter.  Arrays with more than two axes are matrices in their last two.
    `rows` and `columns` hold R and C of all matrices, `squares` the V of vectors.
    """

    rows: Array
    columns: Array
    squares: Array
    update: Array

    def __init__(
        self,
        parameters: Trained,
        eps1: float = 1e-30,
        eps2: float = 1e-3,
        clip: float = 1.0,
        decay_exponent: float = 0.8,
        relative: bool = True,
        momentum: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        super().__init__(parameters, l2)
        self.eps1, self.eps2 = number("eps1", eps1, above=0), number("eps2", eps2, 0)
        if not clip > 0:
            raise ValueError(f"clip must be above 0, infinity for no limit, not {clip}")
        self.clip, self.relative = clip, relative
        self.decay_exponent = number("decay_exponent", decay_exponent, 0)
        self.momentum = number("momentum", momentum, 0, below=1)
        self.averages = ("rows", "columns", "squares", *(("update",) if momentum else ()))
        flat = self.parameters
        counts = {"rows": 0, "columns": 0, "squares": 0, "update": flat.value.size}
        self._places: list[dict[str, Any]] = []
        for shape in flat.shapes:
            kept = kept_shapes(shape)
            self._places.append({})
            for name, part in kept.items():
                stop = counts[name] + math.prod(part)
                self._places[-1][name] = (slice(counts[name], stop), part)
                counts[name] = stop
        for name in self.averages:
            setattr(self, name, self.zeros(counts[name]))

    @property
    def n_kept(self) -> int:
        """Numbers that the running averages hold."""
        return sum(getattr(self, name).size for name in self.averages)

    def update_values(self, learning_rate: float) -> None:
        flat, gradient = self.parameters, self.gradient()
        self.steps += 1
        keep = 1.0 - self.steps**-self.decay_exponent
        for part, shape, places in zip(flat.slices, flat.shapes, self._places, strict=True):
            if not math.prod(shape):
                continue
            grad, value = gradient[part].reshape(shape), flat.value[part]
            xp = xp_of(grad)
            update = self._scaled(grad, keep, places).reshape(-1)
            update /= xp.maximum(_rms(update) / self.clip, 1.0)
            update *= learning_rate * xp.maximum(_rms(value), self.eps2) if self.relative else learning_rate
            if self.momentum:
                average = self.update[part]
                average *= self.momentum
                average += (1 - self.momentum) * update
                update = average
            value -= update

    def _scaled(self, grad: Array, keep: float, places: dict[str, Any]) -> Array:
        """g / sqrt(V), after the averages have taken in this g."""
        xp = xp_of(grad)
        squares = grad * grad
        squares += self.eps1
        if "squares" in places:
            return grad / xp.sqrt(self._average("squares", squares, keep, places))
        rows = self._average("rows", squares.sum(axis=-1), keep, places)
        columns = self._average("columns", squares.sum(axis=-2), keep, places)
        # two thin roots instead of one of the product, which for tiny gradients is too small for float32
        rows_share = xp.sqrt(rows / rows.sum(axis=-1, keepdims=True))
        return grad / rows_share[..., :, None] / xp.sqrt(columns)[..., None, :]

    def _average(self, name: str, new: Array, keep: float, places: dict[str, Any]) -> Array:
        where, shape = places[name]
        average = getattr(self, name)[where]
        average *= keep
        average += (1.0 - keep) * new.reshape(-1)
        return average.reshape(shape)


def kept_shapes(shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """What is kept for a parameter of that shape: rows and columns, or the squares of a vector."""
    if len(shape) < 2:
        return {"squares": shape}
    return {"rows": shape[:-1], "columns": (*shape[:-2], shape[-1])}


def _rms(x: Array) -> Array:
    """Root mean square, as a scalar on the device of x."""
    return xp_of(x).sqrt((x * x).mean())
