"""A decoder of two layers, trained from nothing until it goes on with texts that repeat: abcabcabc."""

import numpy as np

LETTERS, LENGTH, WIDTH, HIDDEN, LAYERS = 6, 9, 12, 24, 2


def batch(rng, size):
    """Texts of three letters over and over -> inputs and labels, (B, T)."""
    text = np.tile(rng.integers(0, LETTERS, (size, 3)), (1, 4))
    return text[:, :LENGTH], text[:, 1 : LENGTH + 1]


def initial(rng):
    """Every matrix by name: standard normal over the root of its rows."""
    shapes = {"letters": (LETTERS, WIDTH), "places": (LENGTH, WIDTH), "head": (WIDTH, LETTERS)}
    for i in range(LAYERS):
        shapes |= {f"{name}{i}": (WIDTH, WIDTH) for name in ("query", "key", "value", "out")}
        shapes |= {f"up{i}": (WIDTH, HIDDEN), f"down{i}": (HIDDEN, WIDTH)}
    return {name: rng.standard_normal(shape) / np.sqrt(shape[0]) for name, shape in shapes.items()}


def norm(x):
    """Rows over the root of their mean square -> y, and what the backward needs."""
    root = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
    return x / root, (x / root, root)


def norm_backward(dy, cache):
    y, root = cache
    return (dy - y * (dy * y).mean(axis=-1, keepdims=True)) / root


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(w, letters):
    """letters: (B, T) -> logits (B, T, LETTERS), the weights of each layer, and a cache."""
    length, cache = letters.shape[1], []
    x = w["letters"][letters] + w["places"][:length]
    seen = np.tril(np.ones((length, length), bool))
    for i in range(LAYERS):
        h, before = norm(x)
        q, k, v = h @ w[f"query{i}"], h @ w[f"key{i}"], h @ w[f"value{i}"]
        p = softmax(np.where(seen, q @ k.swapaxes(1, 2) / np.sqrt(WIDTH), -np.inf))
        mixed = p @ v
        x = x + mixed @ w[f"out{i}"]
        g, middle = norm(x)
        a = g @ w[f"up{i}"]
        x = x + np.maximum(a, 0) @ w[f"down{i}"]
        cache.append((h, before, q, k, v, p, mixed, g, middle, a))
    y, last = norm(x)
    return y @ w["head"], [kept[5] for kept in cache], (letters, y, last, cache)


def loss_and_gradients(w, letters, labels):
    """The mean over the labels behind the first two, which nobody can know -> loss, gradients by name."""
    logits, _, (_, y, last, cache) = forward(w, letters)
    p = softmax(logits)
    right = np.eye(LETTERS)[labels]
    judged = np.arange(labels.shape[1])[:, None] >= 2
    count = labels.shape[0] * judged.sum()
    loss = -(np.log(p) * right * judged).sum() / count
    dlogits = (p - right) * judged / count
    dw = {"head": np.einsum("btd,btv->dv", y, dlogits)}
    dx = norm_backward(dlogits @ w["head"].T, last)
    for i in reversed(range(LAYERS)):
        h, before, q, k, v, p, mixed, g, middle, a = cache[i]
        dw[f"down{i}"] = np.einsum("btd,bte->de", np.maximum(a, 0), dx)
        da = dx @ w[f"down{i}"].T * (a > 0)
        dw[f"up{i}"] = np.einsum("btd,bte->de", g, da)
        dx = dx + norm_backward(da @ w[f"up{i}"].T, middle)
        dw[f"out{i}"] = np.einsum("btd,bte->de", mixed, dx)
        dmixed = dx @ w[f"out{i}"].T
        dp = dmixed @ v.swapaxes(1, 2)
        ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(WIDTH)
        parts = {"query": ds @ k, "key": ds.swapaxes(1, 2) @ q, "value": p.swapaxes(1, 2) @ dmixed}
        dh = 0
        for name, d in parts.items():
            dw[f"{name}{i}"] = np.einsum("btd,bte->de", h, d)
            dh = dh + d @ w[f"{name}{i}"].T
        dx = dx + norm_backward(dh, before)
    dw["places"] = np.zeros_like(w["places"])
    dw["places"][: letters.shape[1]] = dx.sum(axis=0)
    dw["letters"] = np.zeros_like(w["letters"])
    np.add.at(dw["letters"], letters, dx)
    return loss, dw


def train(seed, steps, peak=0.02, warmup=10):
    """Adam with a warm-up -> weights, and the loss before each step."""
    rng = np.random.default_rng(seed)
    w, losses = initial(rng), []
    m, v = ({name: np.zeros_like(one) for name, one in w.items()} for _ in range(2))
    for step in range(1, steps + 1):
        loss, dw = loss_and_gradients(w, *batch(rng, 16))
        losses.append(loss)
        rate = peak * min(1, step / warmup)
        for name, d in dw.items():
            m[name] = 0.9 * m[name] + 0.1 * d
            v[name] = 0.98 * v[name] + 0.02 * d * d
            change = m[name] / (1 - 0.9**step) / (np.sqrt(v[name] / (1 - 0.98**step)) + 1e-8)
            w[name] = w[name] - rate * change
    return w, losses
