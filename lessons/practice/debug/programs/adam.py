"""AdamW with a schedule, clipping, and batches in several parts."""

import numpy as np


def rate_at(step, steps, peak, warmup):
    """Steps from 0: up a straight line, then down half a cosine to 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / (steps - warmup)
    return peak * 0.5 * (1 + np.cos(np.pi * done))


def clipped(gradients, most):
    """-> gradients whose norm, of all together, is at most `most`."""
    squares = sum((g * g).sum() for g in gradients.values())
    factor = min(1.0, most / (np.sqrt(squares) + 1e-12))
    return {name: g * factor for name, g in gradients.items()}


def nothing(w):
    """The state before the first step: moments by name, and a count."""
    m = {name: np.zeros_like(one) for name, one in w.items()}
    v = {name: np.zeros_like(one) for name, one in w.items()}
    return m, v, 0


def update(w, gradients, state, rate, decay=0.0, betas=(0.9, 0.98)):
    """-> the new weights and the new state; what was given stays.

    Matrices decay by themselves, next to the gradient; vectors do not.
    """
    m, v, count = state
    count = count + 1
    new, new_m, new_v = {}, {}, {}
    for name, g in gradients.items():
        new_m[name] = betas[0] * m[name] + (1 - betas[0]) * g
        new_v[name] = betas[1] * v[name] + (1 - betas[1]) * g * g
        m_hat = new_m[name] / (1 - betas[0] ** count)
        v_hat = new_v[name] / (1 - betas[1] ** count)
        change = m_hat / (np.sqrt(v_hat) + 1e-8)
        if w[name].ndim > 1:
            change = change + decay * w[name]
        new[name] = w[name] - rate * change
    return new, (new_m, new_v, count)


def gradient_in_parts(w, x, y, parts):
    """Of the mean squared error of x @ w["a"] + w["b"], part by part."""
    total = {name: np.zeros_like(one) for name, one in w.items()}
    for xs, ys in zip(np.split(x, parts), np.split(y, parts), strict=True):
        off = 2 * (xs @ w["a"] + w["b"] - ys) / ys.size
        total["a"] += xs.T @ off / parts
        total["b"] += off.sum(axis=0) / parts
    return total


def train(w, x, y, steps, peak, warmup=5, most=1.0, decay=0.0, parts=2):
    """-> the weights, and the loss before each step."""
    state, losses = nothing(w), []
    for step in range(steps):
        losses.append(((x @ w["a"] + w["b"] - y) ** 2).mean())
        gradients = clipped(gradient_in_parts(w, x, y, parts), most)
        rate = rate_at(step, steps, peak, warmup)
        w, state = update(w, gradients, state, rate, decay)
    return w, losses
