"""Every letter and sign in the formulas of the course, and the topic that explains it.

Sizes, arrays, rows, the model and signs mean the same everywhere.  The other letters are borrowed by the topics that
their line names, and mean one thing there.

What the letters of the axes mean stands in tfx/shapes.py; this page takes it from there.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfx.shapes import LETTERS


@dataclass(frozen=True)
class Sign:
    """letter: as formulas write it; several that differ in nothing but their name stand together, `Q, K`.

    shape: in letters of axes, `T, D`; empty for what has none.  papers: what papers call it.  topic: who explains it;
    also: other topics that use it so.
    """

    letter: str
    means: str
    papers: str
    topic: str
    shape: str = ""
    also: tuple[str, ...] = ()

    @property
    def letters(self) -> tuple[str, ...]:
        return tuple(self.letter.split(", "))


SIZES = (
    Sign("B", LETTERS["B"] + ", sentences at once", "B, N", "shapes"),
    Sign("T", LETTERS["T"] + ", number of queries", "n, N, L", "why-not-rnn"),
    Sign("S", LETTERS["S"] + ", number of keys", "m, n", "shapes"),
    Sign("C", LETTERS["C"] + ", numbers per token", "d_model, d", "why-not-rnn"),
    Sign("H", LETTERS["H"] + " side by side", "h", "shapes"),
    Sign("D", LETTERS["D"] + ", of a query or key", "d_k, d_h", "shapes"),
    Sign("Dv", "width of a value", "d_v", "shapes"),
)

ARRAYS = (
    Sign("X", "token vectors, a row each", "X, H", "why-not-rnn", "T, C"),
    Sign("Y", "those of another sequence", "Y, M", "qkv", "S, C"),
    Sign("W_Q, W_K", "maps to queries, to keys", "W^Q, W^K", "qkv", "C, D"),
    Sign("W_V", "map to values", "W^V", "qkv", "C, Dv"),
    Sign("W_O", "map of all heads' outputs", "W^O", "shapes", "H*Dv, C"),
    Sign("Q", "queries", "Q", "qkv", "T, D"),
    Sign("K", "keys", "K", "qkv", "S, D"),
    Sign("V", "values", "V", "qkv", "S, Dv"),
    Sign("scores", "Q K^T / sqrt(D); raw: Q K^T", "S, E, A", "attention", "T, S"),
    Sign("P", "weights: softmax of each row", "A, alpha", "attention", "T, S"),
    Sign("O", "output: P V", "Z, head_i", "attention", "T, Dv"),
)

ROWS = (
    Sign("q", "one query, a row of Q", "q, s", "qkv", "D"),
    Sign("k", "one key", "k, h", "qkv", "D"),
    Sign("v", "one value", "v, h", "qkv", "Dv"),
    Sign("s", "one row of scores", "e, z", "softmax", "S"),
    Sign("p", "its weights: softmax(s)", "alpha, a", "softmax", "S"),
    Sign("o", "its output: p V", "c, z", "intuition", "Dv"),
    Sign("L", "loss: one number to lower", "L, J", "jacobian"),
    Sign("dO", "gradient of L for O", "dL/dO", "attention", "T, Dv"),
    Sign("dP", "dO V^T", "dL/dP", "attention", "T, S"),
    Sign("dscores", "what softmax gives back of dP", "dS, dZ", "attention", "T, S"),
    Sign("ds, dp", "one row of it, and of dP", "dz, da", "jacobian", "S"),
    Sign("J", "Jacobian of a row: ds = J^T dp", "J", "jacobian", "S, S"),
)

ELSEWHERE = (
    Sign("h", "state of an RNN", "h, s", "why-not-rnn"),
    Sign("W_x, W_h", "its maps of word and of state", "W, U", "why-not-rnn"),
    Sign("z", "what goes into tanh", "a, z", "additive"),
    Sign("W_q, W_k", "maps of an additive score", "W_a, U_a", "additive"),
    Sign("v_a", "its last vector", "v_a, v", "additive"),
    Sign("d_a", "its hidden units", "n', d_a", "additive"),
    Sign("M", "W_Q W_K^T, what scores see", "M, W_QK", "qkv"),
    Sign("A", "any invertible matrix", "A", "qkv"),
    Sign("Z", "sum of exp over a row of scores", "Z", "jacobian"),
    Sign("e", "exp of one score, e_i; e = 2.718...", "e", "jacobian"),
    Sign("m", "largest score of a row", "m", "softmax", also=("efficient-flash",)),
    Sign("m, r, R", "a mean, a correlation, a rank", "mu, rho", "scaling"),
    Sign("a", "size of scores that saturate", "a", "jacobian"),
    Sign("c", "any constant", "c", "softmax"),
    Sign("r, tau", "what other weights cut off", "tau", "softmax"),
)

MODEL = (
    Sign("F", LETTERS["F"], "d_ff", "attention"),
    Sign("x, y", "in and out of any code", "x, y", "neural-layer"),
    Sign("W, b", "any learned map: x W + b", "W, b", "neural-layer"),
    Sign("f", "any function", "f, sigma", "neural-layer"),
    Sign("E", "embedding table, a row per word", "E, W_E", "embeddings"),
    Sign("PE", "positions, a row per place", "PE", "embeddings"),
    Sign("O_h, h", "output of head h, h = 1 ... H", "head_h", "attention"),
    Sign("W_1, W_2, b_1, b_2", "two layers, one behind the other", "W_1, W_2", "neural-layer"),
    Sign("n", "places that are answered", "n, m", "attention"),
)

SIGNS = (
    Sign("Q K^T", "matrix product; ^T: transposed", "Q K^T", "shapes"),
    Sign("q . k", "dot product; also q.k", "q^T k", "intuition"),
    Sign("p * dp", "entry by entry", "circled dot", "jacobian"),
    Sign("s_j, score_ij", "entry j; row i, column j", "s_j, e_ij", "softmax"),
    Sign("(T, D) x (D, S)", "the axes of a product", "R^(n x d)", "shapes"),
    Sign("sum_j, max_j", "over all j", "sigma", "softmax"),
    Sign("|q|, ||J||", "size: root of summed squares", "norm", "jacobian"),
    Sign("diag(p)", "p on a diagonal, else 0", "diag", "jacobian"),
    Sign("delta_ij", "1 where i = j, else 0", "delta", "jacobian"),
    Sign("onehot(j)", "1 at place j, else 0", "y, e_j", "jacobian"),
    Sign("E[x], Var(x)", "mean, and variance, of a draw", "E, Var", "scaling"),
    Sign("dy, dx", "gradients of y, of x", "dL/dy", "jacobian"),
    Sign("h_t, h_{t-1}", "after token t, and before it", "h_t", "why-not-rnn"),
    Sign("p(x)", "the chance of x", "P(x)", "tokenizers"),
)

BEFORE = (
    Sign("n_i", "how often word i occurs", "n_i", "sequences"),
    Sign("a, b", "two of a kind: symbols, rows, inputs", "-", "bpe", also=("embeddings", "neural-layer")),
    Sign("id", "the number of a token", "id", "embeddings", also=("architecture", "gpt", "backprop")),
    Sign("h", "hidden units", "h", "neural-layer", also=("ffn",)),
    Sign("h", "state of an RNN", "h", "rnn-baseline", also=("seq2seq", "bottleneck")),
    Sign("W_x, W_h", "its maps of word and of state", "W, U", "rnn-baseline", also=("bottleneck",)),
    Sign("c", "cell of an LSTM", "c, s", "rnn-baseline"),
    Sign("f, i, o", "gates: keep, write, show", "f, i, o", "rnn-baseline"),
    Sign("g", "what is new for the cell", "g", "rnn-baseline"),
    Sign("c", "context, made of the states", "c", "seq2seq", also=("bottleneck",)),
    Sign("f, g", "a step of encoder, of decoder", "f, g", "seq2seq"),
    Sign("s", "state of a decoder", "s, h", "seq2seq", also=("bottleneck",)),
    Sign("R", "orthogonal matrix: turns a state", "Q, R", "seq2seq"),
    Sign("e_tj, a_tj", "score of state j, its weight", "e, alpha", "bottleneck"),
    Sign("W_q, W_k, v_a", "its maps and last vector", "W_a, U_a", "bottleneck"),
    Sign("n", "symbols, words or tokens of a text", "n, T", "seq2seq", also=("bottleneck", "motivation")),
)

POSITION = (
    Sign("b", "number of a text in its batch", "b", "padding", also=("position-table",)),
    Sign("h", "entropy of the next token", "H", "label-leakage"),
    Sign("R", "a matrix that reorders rows", "P", "positions"),
    Sign("z_t", "token t with its place", "z", "positions", also=("position-table",)),
    Sign("W_word, W_place", "rows of W for either part", "W", "positions"),
    Sign("w_i", "speed of pair i of numbers", "theta_i", "sinusoidal", also=("rope",)),
    Sign("a, b", "two angles", "alpha, beta", "sinusoidal"),
    Sign("table", "learned rows or numbers", "w, b", "position-table", also=("relative", "bias")),
    Sign("N", "rows of such a table", "N, L", "position-table"),
    Sign("o", "offset j - i", "k, j - i", "relative", also=("bias",)),
    Sign("a_o, c", "vector of an offset; the cut", "a_ij, k", "relative"),
    Sign("r_o", "mapped sinusoid of an offset", "R W_k,R", "relative"),
    Sign("u, w", "learned; one of each for a head", "u, v", "relative"),
    Sign("a, m, n", "angle; places of query and key", "theta, m, n", "rope"),
    Sign("m", "slope; m_h: that of head h", "m", "alibi"),
    Sign("b", "bias: a number added to a score", "B, b", "bias"),
)

NORMS = (
    Sign("m, v", "mean and variance over a token", "mu, sigma^2", "layernorm"),
    Sign("v", "mean square over a token", "ms, RMS^2", "rms-norm"),
    Sign("r", "1 / sqrt(v + eps)", "1/sigma", "layernorm", also=("rms-norm",)),
    Sign("eps", "a small number under the root", "epsilon", "layernorm", also=("rms-norm", "batchnorm")),
    Sign("xhat", "x, normalised", "x-hat", "layernorm", also=("rms-norm",)),
    Sign("gamma, beta", "learned gain, learned offset", "g, b", "layernorm", also=("rms-norm",)),
    Sign("g", "dy * gamma; <g>: mean over C", "-", "layernorm", also=("rms-norm",)),
    Sign("psi", "root mean square over a batch", "psi", "rms-norm"),
)

BLOCK = (
    Sign("I", "identity matrix", "I", "residual", also=("interpretability",)),
    Sign("J", "Jacobian of a sub-layer", "J", "residual"),
    Sign("a", "hidden units before the bend", "z", "ffn"),
    Sign("k_i, v_i", "column i of W_1, row i of W_2", "k_i, v_i", "ffn"),
    Sign("Phi", "share of normal draws below x", "Phi", "ffn"),
    Sign("W_gate, W_up", "maps of SwiGLU, one of them bent", "W, V", "ffn"),
    Sign("W_down", "its last map", "W_2", "ffn"),
    Sign("r", "x after attention is added", "x'", "block"),
    Sign("w_t", "word t of the target", "y_t", "encoder-vs-decoder"),
    Sign("N", "squares of a picture", "N", "vit"),
)

TRAINING = (
    Sign("eps", "share of a target dealt to all", "epsilon", "smoothing"),
    Sign("K", "classes", "K, V", "smoothing"),
    Sign("r", "first length over the last", "-", "data-strategies"),
    Sign("v", "mean of squared gradients", "v", "stability"),
    Sign("b2", "what it keeps of itself in a step", "beta_2", "stability"),
    Sign("gamma", "how much the sure are turned down", "gamma", "training-recipe"),
)

COST = (
    Sign("b", "queries of a tile", "B_r", "efficient-flash"),
    Sign("l, a", "sum so far; weighted values so far", "l, O", "efficient-flash"),
    Sign("w", "m + log(l), kept for a query", "L", "efficient-flash", also=("gradient-checkpointing",)),
    Sign("phi", "features of a query or a key", "phi", "efficient-linear"),
    Sign("h, r", "sums over keys: phi(k)^T v, and phi(k)", "S, z", "efficient-linear"),
    Sign("G", "mixes keys, or values, along a text", "E, F", "efficient-low-rank"),
    Sign("R", "random directions", "R", "efficient-reformer"),
    Sign("f, g", "attention and network of a block", "F, G", "efficient-reformer"),
    Sign("M", "side of a window of places", "M", "efficient-hierarchical"),
    Sign("m, w_n", "random features; draw n", "m, omega_i", "efficient-linear"),
)

SCALE = (
    Sign("a, alpha", "factor and power of a model's size", "A, alpha", "scaling-laws"),
    Sign("b, beta", "... of its training tokens", "B, beta", "scaling-laws"),
)

INSIDE = (Sign("tau", "Kendall's: pairs in one order less the others, over all", "tau", "interpretability-attention"),)

BORROWED = (*ELSEWHERE, *BEFORE, *POSITION, *NORMS, *BLOCK, *TRAINING, *COST, *SCALE, *INSIDE)
EVERYWHERE = (*SIZES, *ARRAYS, *ROWS, *MODEL, *SIGNS)
PAGE = (*EVERYWHERE, *BORROWED)
