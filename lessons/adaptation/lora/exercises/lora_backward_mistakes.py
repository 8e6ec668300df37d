"""What people write in the place of the backward of LoRA."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.adaptation.lora.exercises.lora_backward import exercise


def parts(dy: Any, x: Any, w: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """dx by the frozen map, dx by the update, da and db; the last three without the scale."""
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, dy @ b.T @ a.T, rows.T @ (drows @ b.T), (rows @ a).T @ drows


def ended(dy: Any, x: Any, w: Any, a: Any, b: Any, *scales: float) -> Any:
    """scales: of dx, da and db; one number is that of all three."""
    of_dx, of_da, of_db = scales if len(scales) == 3 else scales * 3
    frozen, thin, da, db = parts(dy, x, w, a, b)
    return frozen + of_dx * thin, of_da * da, of_db * db


@exercise.mistake
def frozen_path_alone(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """dx goes by way of the frozen matrix only.

    Why: What is added looks like a part for a and b alone.
    Hint: How many terms of y hold x?
    """
    _, da, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    return dy @ w.T, da, db


@exercise.mistake
def update_path_alone(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """dx goes by way of the update only.

    Why: w is frozen, so its whole branch is left out.
    Hint: Does y change with x when b is 0?
    """
    dx, da, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    return dx - dy @ w.T, da, db


@exercise.mistake
def scale_missing(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """The scale is missing everywhere.

    Why: It belongs to the forward, so it seems.
    Hint: alpha is doubled. What becomes of da?
    """
    return ended(dy, x, w, a, b, 1.0)


@exercise.mistake
def scale_missing_in_dx(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """dx lacks the scale of the update.

    Why: The scale is put behind da and db.
    Hint: By which factor does x reach y through a and b?
    """
    scale = alpha / a.shape[-1]
    return ended(dy, x, w, a, b, 1.0, scale, scale)


@exercise.mistake
def scale_missing_in_da(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """da lacks the scale.

    Why: It is put on b, so that db has it.
    Hint: By which factor does a reach y?
    """
    scale = alpha / a.shape[-1]
    return ended(dy, x, w, a, b, scale, 1.0, scale)


@exercise.mistake
def scale_missing_in_db(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """db lacks the scale.

    Why: It is put on x a, so that da has it.
    Hint: By which factor does b reach y?
    """
    scale = alpha / a.shape[-1]
    return ended(dy, x, w, a, b, scale, scale, 1.0)


@exercise.mistake
def scale_twice_in_da(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """da has the scale twice.

    Why: dy is scaled first, and da once more.
    Hint: How often does alpha / R stand in the formula?
    """
    scale = alpha / a.shape[-1]
    return ended(dy, x, w, a, b, scale, scale**2, scale)


@exercise.mistake
def everything_scaled(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """The path through w is scaled as well.

    Why: dy is scaled at the top, for all that follows.
    Hint: Does alpha stand before x w?
    """
    scale = alpha / a.shape[-1]
    dx, da, db = ended(scale * dy, x, w, a, b, 1.0)
    return dx, da, db


@exercise.mistake
def alpha_itself(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """The scale is alpha, not alpha / R.

    Why: alpha is taken for the scale.
    Hint: What keeps the update of one size when R is doubled?
    """
    return ended(dy, x, w, a, b, alpha)


@exercise.mistake
def mean_over_rows(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """da and db are means over the rows.

    Why: The loss is a mean; but that is in dy already.
    Hint: Give it every row twice. What becomes of da?
    """
    dx, da, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    rows = x.size / x.shape[-1]
    return dx, da / rows, db / rows


@exercise.mistake
def not_summed(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """With more axes in front da and db are not summed over the first ones.

    Why: The last two axes are turned, and the rest is left to broadcasting.
    Hint: Which shape has a, and which has its gradient?
    """
    scale = alpha / a.shape[-1]
    rows, drows = (x[None], dy[None]) if x.ndim == 1 else (x, dy)
    dh = scale * drows @ b.T
    da, db = np.swapaxes(rows, -1, -2) @ dh, scale * np.swapaxes(rows @ a, -1, -2) @ drows
    return dy @ w.T + scale * dy @ b.T @ a.T, da, db


@exercise.mistake
def first_text_alone(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """da and db come from the first row of the first axis alone.

    Why: The shapes are made to fit by taking [0].
    Hint: Change dy of the last text. Does da move?
    """
    scale = alpha / a.shape[-1]
    dx, da, db = ended(dy, x, w, a, b, scale)
    if x.ndim > 1:
        _, da, db = ended(dy[0], x[0], w, a, b, scale)
    return dx, da, db


@exercise.mistake
def b_left_out(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """da is the gradient of the whole matrix: the way back through b is missing.

    Why: da is written down as that of a linear map with the output y.
    Hint: Which array stands between a and y?
    """
    dx, _, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dx, alpha / a.shape[-1] * rows.T @ drows, db


@exercise.mistake
def a_left_out(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """db is the gradient of the whole matrix: its input is taken to be x, not x a.

    Why: db is written down as that of a linear map with the input x.
    Hint: Which array does b multiply?
    """
    dx, da, _ = ended(dy, x, w, a, b, alpha / a.shape[-1])
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dx, da, alpha / a.shape[-1] * rows.T @ drows


@exercise.mistake
def not_turned(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """dx multiplies by w, not by its transpose.

    Why: With square matrices both shapes fit.
    Hint: y = x w. Entry w[i, j] carries x[i] to which y, and dy[j] to which dx?
    """
    dx, da, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    return dx - dy @ w.T + dy @ w, da, db


@exercise.mistake
def exchanged(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """da and db are returned in the other order.

    Why: On the way back b comes first.
    Hint: Compare the shapes with those of a and b.
    """
    dx, da, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    return dx, db, da


@exercise.mistake
def gradient_of_w_too(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """The gradient of w comes back as well.

    Why: Every matrix gets one.
    Hint: What does frozen mean, and what does LoRA save by it?
    """
    dx, da, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    return dx, x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1]), da, db


@exercise.mistake
def sign_turned(dy: Any, x: Any, w: Any, a: Any, b: Any, alpha: float = 1.0) -> Any:
    """All gradients have the other sign.

    Why: The step goes down, and the minus is put in here already.
    Hint: Which way does the loss go along a gradient?
    """
    dx, da, db = ended(dy, x, w, a, b, alpha / a.shape[-1])
    return -dx, -da, -db
