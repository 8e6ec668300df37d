"""A GPT on one page: forward, loss, backward and a step of training, for a reader who knows NumPy and nothing else.

A GPT reads tokens, which are whole numbers, and says at every place how likely each token is to come next.  A token
becomes a row of numbers.  Then, block after block, every row looks at the rows before it (attention) and works on what
it found (two linear maps with a bend between them); each result is added to the row.  At the end the row is compared
with the row of every token in the vocabulary: the one that points the same way is the likeliest.

    B  texts in a batch       H  heads: small attentions side by side      V  tokens in the vocabulary
    T  places in a text       D  width of a head, C / H                    L  blocks
    C  width of a row         F  width between the two maps, often 4 C     M  places that P knows, at least T

Operations come in pairs: `y, cache = name_forward(x, ...)`, and `dx, ... = name_backward(dy, cache)`, where dy has the
shape of y and says how the loss changes with it.  A backward is its forward read from the last line to the first; its
comments quote the line that is undone.  What was used twice gets the sum of two gradients: x and r, which go around
each half of a block and through it, a, which feeds queries, keys and values, and E, which is read at both ends.
The class tfx.models.GPT computes the same numbers from the same parameters.

    >>> text = "to be or not to be. "
    >>> alphabet = sorted(set(text))
    >>> ids = np.array([[alphabet.index(letter) for letter in text]])
    >>> now = start(initial_parameters(V=len(alphabet), M=24, C=16, F=64, L=2, rng=np.random.default_rng(0)))
    >>> for _ in range(100):
    ...     now, loss = training_step(now, ids, n_heads=2, rate=0.01)
    >>> "".join(alphabet[i] for i in continued(ids[0, :3], 16, now.parameters, n_heads=2))
    'to be or not to be.'

Sources: Vaswani et al. 2017, "Attention Is All You Need"; Radford et al. 2019, "Language Models are Unsupervised
Multitask Learners" (GPT-2), section 2.3; the step of training: Kingma and Ba 2015, "Adam", algorithm 1.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import merge_heads, split_heads
from tfx.ops.basics.embedding import embedding_backward, embedding_forward, tied_logits_backward, tied_logits_forward
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.feed_forward.activations import gelu_tanh_backward, gelu_tanh_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.positions.positions import add_positions_backward, add_positions_forward

#: A parameter, or its gradient, by its name: E, P, gamma, beta, and for block 0, 1 ... 0.W_q, 0.b_q ...
Named = dict[str, Array]


def gpt_block_forward(x: Array, w: Named, n_heads: int) -> tuple[Array, Any]:
    """x: (B, T, C), w: the parameters of one block -> y: (B, T, C), cache."""
    xp, scale = xp_of(x), 1.0 / math.sqrt(x.shape[-1] // n_heads)  # NumPy, or its twin on a graphics card; 1 / sqrt(D)
    seen = causal_mask(x.shape[1], xp=xp)  # T -> (T, T), True where the column's place is not after the row's
    a, norm_1 = layer_norm_forward(x, w["gamma_1"], w["beta_1"])  # (B, T, C) -> (B, T, C)
    q, query = linear_forward(a, w["W_q"], w["b_q"])  # (B, T, C), (C, C) -> (B, T, C)
    k, key = linear_forward(a, w["W_k"], w["b_k"])  # (B, T, C), (C, C) -> (B, T, C)
    v, value = linear_forward(a, w["W_v"], w["b_v"])  # (B, T, C), (C, C) -> (B, T, C)
    q, k, v = (split_heads(rows, n_heads) for rows in (q, k, v))  # (B, T, C) -> (B, H, T, D)
    s = (q * scale) @ k.swapaxes(-1, -2)  # (B, H, T, D), (B, H, D, T) -> (B, H, T, T)
    p, softmax = softmax_forward(xp.where(seen, s, -math.inf))  # (T, T), (B, H, T, T) -> (B, H, T, T)
    o = p @ v  # (B, H, T, T), (B, H, T, D) -> (B, H, T, D)
    m, output = linear_forward(merge_heads(o), w["W_o"], w["b_o"])  # (B, H, T, D) -> (B, T, C), (C, C) -> (B, T, C)
    r = x + m  # (B, T, C), (B, T, C) -> (B, T, C)
    n, norm_2 = layer_norm_forward(r, w["gamma_2"], w["beta_2"])  # (B, T, C) -> (B, T, C)
    u, first = linear_forward(n, w["W_1"], w["b_1"])  # (B, T, C), (C, F) -> (B, T, F)
    h, gelu = gelu_tanh_forward(u)  # (B, T, F) -> (B, T, F)
    z, second = linear_forward(h, w["W_2"], w["b_2"])  # (B, T, F), (F, C) -> (B, T, C)
    y = r + z  # (B, T, C), (B, T, C) -> (B, T, C)
    return y, (norm_1, query, key, value, q, k, v, scale, softmax, p, output, norm_2, first, gelu, second)


def gpt_block_backward(dy: Array, cache: Any) -> tuple[Array, Named]:
    """dy: (B, T, C) -> dx: (B, T, C), and the gradient of every parameter of the block."""
    norm_1, query, key, value, q, k, v, scale, softmax, p, output, norm_2, first, gelu, second = cache
    g: Named = {}
    dz = dy  # y = r + z, so dr = dy as well: (B, T, C) -> (B, T, C)
    dh, g["W_2"], g["b_2"] = linear_backward(dz, second)  # z = h W_2 + b_2: (B, T, C), (F, C) -> (B, T, F)
    du = gelu_tanh_backward(dh, gelu)  # h = gelu(u): (B, T, F) -> (B, T, F)
    dn, g["W_1"], g["b_1"] = linear_backward(du, first)  # u = n W_1 + b_1: (B, T, F), (C, F) -> (B, T, C)
    dr, g["gamma_2"], g["beta_2"] = layer_norm_backward(dn, norm_2)  # n = norm(r): (B, T, C) -> (B, T, C)
    dr = dy + dr  # r was used twice, by y and by n: (B, T, C), (B, T, C) -> (B, T, C)
    dm = dr  # r = x + m, so dx = dr as well: (B, T, C) -> (B, T, C)
    do, g["W_o"], g["b_o"] = linear_backward(dm, output)  # m = merge_heads(o) W_o + b_o: (B, T, C), (C, C) -> (B, T, C)
    do = split_heads(do, q.shape[1])  # merge_heads(o): (B, T, C) -> (B, H, T, D)
    dv = p.swapaxes(-1, -2) @ do  # o = p v: (B, H, T, T), (B, H, T, D) -> (B, H, T, D)
    dp = do @ v.swapaxes(-1, -2)  # o = p v: (B, H, T, D), (B, H, D, T) -> (B, H, T, T)
    ds = softmax_backward(dp, softmax)  # p = softmax(s), 0 where p is: (B, H, T, T) -> (B, H, T, T)
    dq = (ds @ k) * scale  # s = q k^T scale: (B, H, T, T), (B, H, T, D) -> (B, H, T, D)
    dk = (ds.swapaxes(-1, -2) @ q) * scale  # s = q k^T scale: (B, H, T, T), (B, H, T, D) -> (B, H, T, D)
    dq, dk, dv = (merge_heads(heads) for heads in (dq, dk, dv))  # split_heads(q) ...: (B, H, T, D) -> (B, T, C)
    da_v, g["W_v"], g["b_v"] = linear_backward(dv, value)  # v = a W_v + b_v: (B, T, C), (C, C) -> (B, T, C)
    da_k, g["W_k"], g["b_k"] = linear_backward(dk, key)  # k = a W_k + b_k: (B, T, C), (C, C) -> (B, T, C)
    da_q, g["W_q"], g["b_q"] = linear_backward(dq, query)  # q = a W_q + b_q: (B, T, C), (C, C) -> (B, T, C)
    da = da_q + (da_k + da_v)  # a was used three times, by q, k and v: (B, T, C) -> (B, T, C)
    dx, g["gamma_1"], g["beta_1"] = layer_norm_backward(da, norm_1)  # a = norm(x): (B, T, C) -> (B, T, C)
    return dr + dx, g  # x was used twice, by r and by a: (B, T, C), (B, T, C) -> (B, T, C)


def gpt_forward(ids: Array, w: Named, n_heads: int) -> tuple[Array, Any]:
    """ids: (B, T) integers -> logits: (B, T, V), those at place t about the token at t + 1, and a cache."""
    x, lookup = embedding_forward(ids, w["E"])  # (B, T), (V, C) -> (B, T, C)
    x, places = add_positions_forward(x, w["P"])  # (B, T, C), (M, C) -> (B, T, C)
    blocks = []
    for number in range(sum(name.endswith(".W_q") for name in w)):
        x, block = gpt_block_forward(x, of_block(number, w), n_heads)  # (B, T, C) -> (B, T, C)
        blocks.append(block)
    x, norm = layer_norm_forward(x, w["gamma"], w["beta"])  # (B, T, C) -> (B, T, C)
    logits, output = tied_logits_forward(x, w["E"])  # (B, T, C), (V, C) -> (B, T, V)
    return logits, (lookup, places, blocks, norm, output)


def gpt_backward(dlogits: Array, cache: Any) -> Named:
    """dlogits: (B, T, V) -> the gradient of every parameter, by its name."""
    lookup, places, blocks, norm, output = cache
    g: Named = {}
    dx, g["E"] = tied_logits_backward(dlogits, output)  # logits = x E^T: (B, T, V), (V, C) -> (B, T, C)
    dx, g["gamma"], g["beta"] = layer_norm_backward(dx, norm)  # x = norm(x): (B, T, C) -> (B, T, C)
    for number in reversed(range(len(blocks))):
        dx, of_this = gpt_block_backward(dx, blocks[number])  # x = block(x): (B, T, C) -> (B, T, C)
        g |= {f"{number}.{name}": gradient for name, gradient in of_this.items()}
    dx, g["P"] = add_positions_backward(dx, places)  # x = x + P[:T]: (B, T, C) -> (B, T, C), (M, C)
    g["E"] = g["E"] + embedding_backward(dx, lookup)  # x = E[ids], the second use of E: (B, T, C) -> (V, C)
    return g


def of_block(number: int, w: Named) -> Named:
    """The parameters of one block, without its number in front of their names."""
    return {name.removeprefix(f"{number}."): array for name, array in w.items() if name.startswith(f"{number}.")}


def loss_and_gradients(ids: Array, w: Named, n_heads: int) -> tuple[Array, Named]:
    """ids: (B, T + 1) -> how badly each place predicts the token after it, on average, and the gradients of that."""
    logits, gpt = gpt_forward(ids[:, :-1], w, n_heads)  # (B, T) -> (B, T, V)
    loss, cross_entropy = cross_entropy_forward(logits, ids[:, 1:])  # (B, T, V), (B, T) -> ()
    return loss, gpt_backward(cross_entropy_backward(1.0, cross_entropy), gpt)  # () -> (B, T, V) -> gradients


def initial_parameters(V: int, M: int, C: int, F: int, L: int, rng: np.random.Generator) -> Named:
    """Maps and tables normal with 0.02, smaller where 2 L outputs are added up; norms and offsets do nothing yet."""
    w: Named = {"E": rng.standard_normal((V, C)) * 0.02, "P": rng.standard_normal((M, C)) * 0.02}
    for at in (f"{number}." for number in range(L)):
        for name, rows, columns in (("q", C, C), ("k", C, C), ("v", C, C), ("o", C, C), ("1", C, F), ("2", F, C)):
            std = 0.02 / math.sqrt(2 * L) if name in "o2" else 0.02
            w[f"{at}W_{name}"], w[f"{at}b_{name}"] = rng.standard_normal((rows, columns)) * std, np.zeros(columns)
        w |= {f"{at}gamma_{half}": np.ones(C) for half in "12"} | {f"{at}beta_{half}": np.zeros(C) for half in "12"}
    return w | {"gamma": np.ones(C), "beta": np.zeros(C)}


class Training(NamedTuple):
    """Where a training stands: the parameters, and of each gradient so far the mean and the mean of its square."""

    parameters: Named
    mean: Named
    square: Named
    steps: int


def start(w: Named) -> Training:
    """Before the first step."""
    nothing = {name: 0.0 * value for name, value in w.items()}
    return Training(w, nothing, nothing, 0)


def training_step(
    now: Training, ids: Array, n_heads: int, rate: float, beta1: float = 0.9, beta2: float = 0.98, eps: float = 1e-9
) -> tuple[Training, Array]:
    """ids: (B, T + 1) -> the training after one step of Adam, and the loss before it."""
    loss, gradients = loss_and_gradients(ids, now.parameters, n_heads)
    steps, w, mean, square = now.steps + 1, {}, {}, {}
    for name, g in gradients.items():
        mean[name] = beta1 * now.mean[name] + (1 - beta1) * g
        square[name] = beta2 * now.square[name] + (1 - beta2) * g * g
        m, v = mean[name] / (1 - beta1**steps), square[name] / (1 - beta2**steps)  # both began at 0
        w[name] = now.parameters[name] - rate * m / (np.sqrt(v) + eps)
    return Training(w, mean, square, steps), loss


def continued(ids: Array, n: int, w: Named, n_heads: int) -> Array:
    """ids: (T,) -> (T + n,): n times the likeliest next token is written behind."""
    for _ in range(n):
        logits, _ = gpt_forward(ids[None], w, n_heads)  # (1, T) -> (1, T, V)
        ids = np.append(ids, logits[0, -1].argmax())  # (T,) -> (T + 1,)
    return ids
