"""Experts, LoRA, patches, Adam, Noam: unusual right ways pass; what is nearly right is neither passed nor named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.lessons.practice.variants import (
    asked,
    bent,
    has,
    is_told_as_wrong_without_a_name,
    passes,
    right,
    with_numbers,
    writing,
)  # fmt: skip

MOE, LORA, BACK, VIT, ADAM, NOAM = "moe-routing", "lora", "lora-backward", "vit-patches", "adam", "noam"


def served_by_expert(logits, k, renormalise=True, capacity=None):
    """Gates are 1 over a sum of ratios, and each expert goes through its own queue."""
    experts = np.array([np.lexsort((np.arange(row.size), -row))[:k] for row in logits])
    chosen = np.take_along_axis(logits, experts, axis=-1).astype(float)
    over = chosen if renormalise else logits
    gates, kept = 1 / np.exp(over[:, None, :] - chosen[:, :, None]).sum(-1), np.zeros(experts.shape, bool)
    for expert in range(logits.shape[1]):
        queue = [(choice, token) for token, choice in zip(*np.nonzero(experts == expert), strict=True)]
        for choice, token in sorted(queue)[:capacity]:
            kept[token, choice] = True
    return experts.tolist(), np.where(kept, gates, 0)


def served_by_size(logits, k, renormalise=True, capacity=None, rounds=True):
    """rounds: in one round of choices the largest gate is served first; otherwise of all choices."""
    experts, gates = map(np.array, right(MOE, {"logits": logits, "k": k, "renormalise": renormalise}))
    places = [(token, choice) for token in range(len(logits)) for choice in range(k)]
    taken = dict.fromkeys(range(logits.shape[1]), 0)
    for at in sorted(places, key=lambda at: (at[1] * rounds, -gates[at])):
        taken[experts[at]] += 1
        if capacity is not None and taken[experts[at]] > capacity:
            gates[at] = 0
    return experts, gates


def by_singular_values(x, w, a, b, alpha=1.0, bias=None):
    u, s, v = np.linalg.svd(alpha / len(b) * a.astype(float) @ b, full_matrices=False)
    return x @ w + ((x @ u) * s) @ v + (0 if bias is None else bias), w + (u * s) @ v


def lora_by_complex_steps(dy, x, w, a, b, alpha=1.0):
    arrays = [one.astype(complex) for one in (x, a, b)]
    found = []
    for n, one in enumerate(arrays):
        gradient = np.zeros(one.shape)
        for at in np.ndindex(*one.shape):
            moved = [other.copy() for other in arrays]
            moved[n][at] += 1e-30j
            y = moved[0] @ w + alpha / len(b) * (moved[0] @ moved[1]) @ moved[2]
            gradient[at] = (y.imag / 1e-30 * dy).sum()
        found.append(gradient)
    return tuple(found)


def lora_by_columns(dy, x, w, a, b, alpha=1.0):
    rows, drows = x.reshape(-1, len(w)), alpha / len(b) * dy.reshape(-1, w.shape[1])
    dx = np.einsum("...j,ij->...i", dy, w + alpha / len(b) * np.einsum("ir,rj->ij", a, b))
    da, db = [rows.T @ (drows @ one) for one in b], [(rows @ one) @ drows for one in a.T]
    return dx, np.array(da).T, np.array(db)


def pixel_by_pixel(images, patch, w, b=None, cls=None, positions=None):
    """The same pixel of all squares at once, with its own slice of w."""
    grid, kernel = 0, w.reshape(patch, patch, images.shape[3], -1)
    for r, c in np.ndindex(patch, patch):
        grid = grid + images[:, r::patch, c::patch] @ kernel[r, c]
    tokens = [*grid.reshape(len(images), -1, w.shape[1]).swapaxes(0, 1) + (0 if b is None else b)]
    tokens = tokens if cls is None else [np.tile(cls, (len(images), 1)), *tokens]
    return np.stack(tokens, axis=1) + (0 if positions is None else positions)


def one_product(images, patch, w, b=None, cls=None, positions=None):
    """Offset and [CLS] are two more rows of w."""
    places = np.arange(images[0].size).reshape(images.shape[1:])
    squares = [s for rows in np.split(places, len(places) // patch) for s in np.split(rows, rows.shape[1] // patch, 1)]
    read = images.reshape(len(images), -1)[:, [square.ravel() for square in squares]]
    read = np.concatenate([read, np.ones((*read.shape[:2], 1)), np.zeros((*read.shape[:2], 1))], axis=2)
    if cls is not None:
        read = np.concatenate([np.eye(w.shape[0] + 2)[[-1]] + np.zeros((len(images), 1, 1)), read], axis=1)
    nothing = np.zeros(w.shape[1])
    y = read @ np.vstack([w, nothing if b is None else b, nothing if cls is None else cls])
    return y if positions is None else y + positions


def averages(value, grad, mean, square, beta1=0.9, beta2=0.999, decay=0.0, decoupled=True, **rest):
    """-> gradient with decay, new mean, new square."""
    slope = grad if decoupled else grad + decay * value
    return slope, mean + (1 - beta1) * (slope - mean), square + (1 - beta2) * (slope * slope - square)


def stepped(ahead, root, value, step, rate=0.001, beta1=0.9, eps=1e-8, decay=0.0, decoupled=True, **rest):
    return value * (1 - rate * decay * decoupled) - rate * ahead / (1 - beta1**step) / root


def adam_in_logs(**a):
    _, mean, square = averages(**a)
    root = np.exp((np.log(square) - np.log1p(-(a.get("beta2", 0.999) ** a["step"]))) / 2)
    return stepped(mean, root + a.get("eps", 1e-8), **a), mean, square


def relative(kind):
    """One of Adam's relatives, or another use of eps."""

    def function(**a):
        beta1, beta2, eps = a.get("beta1", 0.9), a.get("beta2", 0.999), a.get("eps", 1e-8)
        slope, mean, square = averages(**a)
        if kind == "belief":
            square = beta2 * a["square"] + (1 - beta2) * (slope - mean) ** 2
        if kind == "never falls":
            square = np.maximum(square, a["square"])
        root = np.sqrt(square / (1 - beta2 ** a["step"]))
        root = {"eps squared": np.hypot(root, eps), "eps at least": np.maximum(root, eps)}.get(kind, root + eps)
        ahead = beta1 * mean + (1 - beta1) * slope if kind == "looks ahead" else mean
        return stepped(ahead, root, **a), mean, square

    return function


def rate_as_one_root(step, d_model, warmup=4000, factor=1.0):
    return factor * (d_model * max(step, warmup**3 / step**2)) ** -0.5


def cut_off(name, least, most, default):
    return lambda a: {name: min(max(a.get(name, default), least), most)}


def scaled(name, by):
    return lambda a: {name: None if a.get(name) is None else by * a[name]}


def alpha_over(how):
    """The rank is taken to be how(arguments)."""
    return lambda a: {"alpha": a.get("alpha", 1.0) * a["a"].shape[1] / how(a)}


def square_w(a):
    return a["w"].shape[0] == a["w"].shape[1]


def single(a):
    return any(isinstance(one, np.ndarray) and one.dtype == np.float32 for one in a.values())


RIGHT = {
    MOE: [served_by_expert, lambda **a: [np.asarray(one, float) for one in right(MOE, a)]],
    LORA: [by_singular_values, lambda **a: [one.tolist() for one in right(LORA, a)], with_numbers(LORA, np.longdouble)],
    BACK: [lora_by_complex_steps, lora_by_columns],
    VIT: [pixel_by_pixel, one_product],
    ADAM: [adam_in_logs, lambda **a: [one.tolist() for one in right(ADAM, a)]],
    NOAM: [rate_as_one_root, lambda **a: np.float64(right(NOAM, a)), lambda **a: np.array(right(NOAM, a))],
}

WRONG = {
    MOE: {
        "the largest gates of a round first": served_by_size,
        "the largest of all gates first": lambda **a: served_by_size(rounds=False, **a),
        "a token that loses one choice loses all": bent(
            MOE, lambda gates, a: gates * (gates > 0).all(axis=1, keepdims=True), has("capacity"), place=1
        ),
        "the last choice always finds a place": bent(
            MOE, lambda gates, a: np.hstack([gates[:, :-1], right(MOE, a | {"capacity": None})[1][:, -1:]]),
            lambda a: a["k"] > 1, place=1,
        ),
        "places for each choice": asked(MOE, lambda a: {"capacity": a["capacity"] * a["k"]}, has("capacity")),
        "no more places than an even share": asked(
            MOE, lambda a: {"capacity": min(a["capacity"], -(-len(a["logits"]) * a["k"] // a["logits"].shape[1]))},
            has("capacity"),
        ),
        "1e-6 below the line": bent(MOE, lambda gates, a: gates / (1 + 1e-6), place=1),
        "softmax over all for one choice": asked(MOE, lambda a: {"renormalise": False}, lambda a: a["k"] == 1),
        "logits from -500 to 500": asked(MOE, lambda a: {"logits": np.clip(a["logits"], -500, 500)}),
        "half precision for float32": asked(MOE, lambda a: {"logits": a["logits"].astype(np.float16)}, single),
        "logits are written to": writing(MOE, "logits"),
    },
    LORA: {
        "alpha is R unless told": asked(LORA, lambda a: {"alpha": a.get("alpha", a["a"].shape[1])}),
        "alpha is R at most": asked(LORA, lambda a: {"alpha": min(a.get("alpha", 1.0), a["a"].shape[1])}),
        "alpha without its sign": asked(LORA, lambda a: {"alpha": abs(a.get("alpha", 1.0))}),
        "R is the smaller side of a": asked(LORA, alpha_over(lambda a: min(a["a"].shape))),
        "R is the rank of a b": asked(LORA, alpha_over(lambda a: max(np.linalg.matrix_rank(a["a"] @ a["b"]), 1))),
        "no bias where there are more axes": asked(LORA, lambda a: {"bias": None}, lambda a: a["x"].ndim > 2),
        "the bias is merged, too": bent(
            LORA, lambda merged, a: merged + (0 if a.get("bias") is None else a["bias"]), place=1
        ),
        "merged the other way around": bent(LORA, lambda merged, a: 2 * a["w"] - merged, place=1),
        "w turned where it is square": asked(LORA, lambda a: {"w": a["w"].T}, square_w),
        "half precision for float32": bent(LORA, lambda y, a: y.astype(np.float16), single),
        "w is merged in its place": lambda **a: (right(LORA, a)[0], np.copyto(a["w"], right(LORA, a)[1]) or a["w"]),
        "merged is w where b is 0": lambda **a: right(LORA, a) if a["b"].any() else (right(LORA, a)[0], a["w"]),
    },
    BACK: {
        "dx 1e-7 too large": bent(BACK, lambda dx, a: dx * (1 + 1e-7)),
        "da 1e-7 too large": bent(BACK, lambda da, a: da * (1 + 1e-7), place=1),
        "db 1e-7 too large": bent(BACK, lambda db, a: db * (1 + 1e-7), place=2),
        "da turned where it is square": bent(BACK, lambda da, a: da.T, lambda a: len(set(a["a"].shape)) == 1, place=1),
        "no db where b is 0": bent(BACK, lambda db, a: 0 * db, lambda a: not a["b"].any(), place=2),
        "no da where a is 0": bent(BACK, lambda da, a: 0 * da, lambda a: not a["a"].any(), place=1),
        "tiny ones are 0": lambda **a: tuple(np.where(np.abs(one) < 1e-7, 0, one) for one in right(BACK, a)),
        "da is a mean over texts": bent(BACK, lambda da, a: da / len(a["x"]), lambda a: a["x"].ndim > 2, place=1),
        "db lacks the last row": bent(
            BACK, lambda db, a: right(BACK, a | {"x": a["x"][:-1], "dy": a["dy"][:-1]})[2],
            lambda a: a["x"].ndim == 2, place=2,
        ),
        "R is the width of y": asked(BACK, alpha_over(lambda a: a["b"].shape[1])),
        "dx has y's gradient besides, where it fits": bent(
            BACK, lambda dx, a: dx + a["dy"], lambda a: a["x"].shape == a["dy"].shape
        ),
        "dy is written to": writing(BACK, "dy"),
        "w is written to": writing(BACK, "w"),
    },
    VIT: {
        "the first picture for all": asked(VIT, lambda a: {"images": np.repeat(a["images"][:1], len(a["images"]), 0)}),
        "channels in the other order": asked(VIT, lambda a: {"images": a["images"][..., ::-1]}),
        "left and right exchanged": asked(VIT, lambda a: {"images": a["images"][:, :, ::-1]}),
        "the kernel turned over, as a convolution of mathematics": asked(
            VIT, lambda a: {"w": a["w"].reshape(a["patch"] ** 2, -1, a["w"].shape[1])[::-1].reshape(a["w"].shape)}
        ),
        "bright pictures are divided by 255": asked(
            VIT, lambda a: {"images": a["images"] / 255}, lambda a: a["images"].max() > 50
        ),
        "[CLS] of 0": asked(VIT, scaled("cls", 0)),
        "[CLS] in the first picture alone": bent(
            VIT, lambda y, a: y - (np.arange(y.shape[0] * y.shape[1]).reshape(y.shape[:2]) % y.shape[1] == 0)[..., None]
            * (np.arange(len(y)) > 0)[:, None, None] * a["cls"], has("cls"),
        ),
        "positions in the first picture alone": bent(
            VIT, lambda y, a: np.concatenate([y[:1], right(VIT, a | {"positions": None})[1:]]), has("positions")
        ),
        "no offset where there are positions": asked(VIT, scaled("b", 0), has("positions")),
        "each token is normalised": bent(VIT, lambda y, a: y / np.abs(y).max(axis=-1, keepdims=True)),
        "tokens come first": bent(VIT, lambda y, a: y.swapaxes(0, 1)),
        "positions are written to": writing(VIT, "positions"),
        "images are written to": writing(VIT, "images"),
    },
    ADAM: {
        **{f"a relative: {kind}": relative(kind) for kind in ("belief", "never falls", "looks ahead")},
        **{f"another root: {kind}": relative(kind) for kind in ("eps squared", "eps at least")},
        "beta2 is 0.98 unless told": asked(ADAM, lambda a: {"beta2": a.get("beta2", 0.98)}),
        "eps is 1e-6 at least": asked(ADAM, cut_off("eps", 1e-6, 9, 1e-8)),
        "no correction from step 1,000 on": asked(ADAM, lambda a: {"step": 10**9}, lambda a: a["step"] >= 1000),
        "the number of the step from 0": asked(ADAM, lambda a: {"step": max(a["step"] - 1, 1)}),
        "only matrices decay": asked(ADAM, lambda a: {"decay": 0.0}, lambda a: a["value"].ndim < 2),
        "half the decay in the gradient": asked(
            ADAM, lambda a: {"decay": a.get("decay", 0.0) / 2}, lambda a: not a.get("decoupled", True)
        ),
        "no decay where the gradient is 0": bent(ADAM, lambda value, a: np.where(a["grad"] == 0, a["value"], value)),
        "gradients are cut at 1": asked(ADAM, lambda a: {"grad": np.clip(a["grad"], -1, 1)}),
        "square 1e-7 too large": bent(ADAM, lambda square, a: square * (1 + 1e-7), place=2),
        "mean is written to": writing(ADAM, "mean"),
        "value is moved in its place": lambda **a: (lambda value, mean, square: (
            np.copyto(a["value"], value) or a["value"], mean, square))(*right(ADAM, a)),
    },
    NOAM: {
        "the top lasts two steps": asked(
            NOAM, lambda a: {"step": a["step"] - 1}, lambda a: a["step"] == a.get("warmup", 4000) + 1
        ),
        "ten steps of warm-up at least": asked(NOAM, cut_off("warmup", 10, 10**6, 4000)),
        "ten thousand steps of warm-up at most": asked(NOAM, cut_off("warmup", 1, 10**4, 4000)),
        "a million steps at most": asked(NOAM, cut_off("step", 1, 10**6, 1)),
        "a width of 1,024 at most": asked(NOAM, cut_off("d_model", 1, 1024, 1)),
        "8,000 steps of warm-up unless told": asked(NOAM, lambda a: {"warmup": a.get("warmup", 8000)}),
        "the root of the factor": asked(NOAM, lambda a: {"factor": math.sqrt(a.get("factor", 1.0))}),
        "never below 1e-5": lambda **a: max(right(NOAM, a), 1e-5),
        "six digits": lambda **a: round(right(NOAM, a), 6),
        "the first step is 0": lambda **a: right(NOAM, a) if a["step"] > 1 else 0.0,
        "a list": lambda **a: [right(NOAM, a)],
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "place"), [(name, at) for name, some in RIGHT.items() for at in range(len(some))])
def test_an_unusual_right_way_passes(name, place):
    passes(name, RIGHT[name][place])


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, some in WRONG.items() for label in some])
def test_what_is_nearly_right_is_told_as_wrong_and_gets_no_name(name, label):
    is_told_as_wrong_without_a_name(name, WRONG[name][label])
