"""Every letter and sign of the module, with one meaning each, and the topic that explains it.

What the letters of the axes mean stands in tfx/shapes.py; this page takes it from there.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfx.shapes import LETTERS


@dataclass(frozen=True)
class Sign:
    """letter: as formulas write it; several that differ in nothing but their name stand together, `Q, K`.

    shape: in letters of axes, `T, D`; empty for what has none.  papers: what papers call it.  topic: who explains it.
    """

    letter: str
    means: str
    papers: str
    topic: str
    shape: str = ""

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
    Sign("m", "largest score of a row", "m", "softmax"),
    Sign("m, r, R", "a mean, a correlation, a rank", "mu, rho", "scaling"),
    Sign("a", "size of scores that saturate", "a", "jacobian"),
    Sign("b", "a bias", "b", "additive"),
    Sign("c", "any constant", "c", "softmax"),
    Sign("r, tau", "what other weights cut off", "tau", "softmax"),
)

MODEL = (
    Sign("F", LETTERS["F"], "d_ff", "attention"),
    Sign("E", "embedding table, a row per word", "E, W_E", "attention"),
    Sign("PE", "positions, a row per place", "PE", "attention"),
    Sign("O_h", "output of head h, h = 1 ... H", "head_h", "attention"),
    Sign("W_1, W_2", "maps of the feed-forward layer", "W_1, W_2", "attention"),
    Sign("n", "places that are answered", "n, m", "attention"),
)

SIGNS = (
    Sign("Q K^T", "matrix product; ^T: transposed", "Q K^T", "shapes"),
    Sign("q . k", "dot product; also q.k", "q^T k", "intuition"),
    Sign("p * dp", "entry by entry", "circled dot", "jacobian"),
    Sign("s_j, p_ij", "entry j; row i, column j", "s_j", "softmax"),
    Sign("(T, D) x (D, S)", "the axes of a product", "R^(n x d)", "shapes"),
    Sign("sum_j, max_j", "over all j", "sigma", "softmax"),
    Sign("|q|, ||J||", "size: root of summed squares", "norm", "jacobian"),
    Sign("diag(p)", "p on a diagonal, else 0", "diag", "jacobian"),
    Sign("delta_ij", "1 where i = j, else 0", "delta", "jacobian"),
    Sign("onehot(j)", "1 at place j, else 0", "y, e_j", "jacobian"),
    Sign("E[x], Var(x)", "mean, and variance, of a draw", "E, Var", "scaling"),
    Sign("x, y, dy, dx", "in, out of any code, and back", "x, y", "jacobian"),
    Sign("h_t, h_{t-1}", "after token t, and before it", "h_t", "why-not-rnn"),
)

PAGE = (*SIZES, *ARRAYS, *ROWS, *MODEL, *ELSEWHERE, *SIGNS)
