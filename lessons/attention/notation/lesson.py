"""Every letter and sign of the course, on real arrays: what it means, how large it is here, what papers write."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lessons.attention.notation.letters import (
    ARRAYS,
    BEFORE,
    BLOCK,
    ELSEWHERE,
    MODEL,
    NORMS,
    POSITION,
    ROWS,
    SIGNS,
    SIZES,
    Sign,
)
from lessons.writing import Lesson, Request, Said, Shown, Table, Try, agree, at_least, exactly, formula, question, table
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_jacobian

#: All different, so that a shape says which axes it has.
HERE = {"B": 7, "T": 3, "S": 5, "C": 12, "H": 2, "D": 6, "Dv": 4}


class Run:
    """One head of one sentence, forward and back: an array for each letter that has a shape."""

    def __init__(self, request: Request) -> None:
        rng = np.random.default_rng(request.seed)
        x, y = (rng.standard_normal((HERE["B"], HERE[n], HERE["C"]))[0] for n in "TS")  # the first of B sentences
        w_q, w_k, w_v = (rng.standard_normal((HERE["C"], HERE[d])) / HERE["C"] ** 0.5 for d in ("D", "D", "Dv"))
        q, k, v = x @ w_q, y @ w_k, y @ w_v
        out, cache = attention_forward(q, k, v)
        dout = rng.standard_normal(out.shape)
        dp, softmax = dout @ v.T, cache.attend.softmax
        scores, weights, ds = q @ k.T / HERE["D"] ** 0.5, cache.weights, softmax_backward(dp, softmax)
        self.dq, self.dk, self.dv = attention_backward(dout, cache)
        self.arrays: dict[str, np.ndarray] = {
            "X": x, "Y": y, "W_Q": w_q, "W_K": w_k, "W_V": w_v,
            "W_O": rng.standard_normal((HERE["H"] * HERE["Dv"], HERE["C"])),
            "Q": q, "K": k, "V": v, "scores": scores, "P": weights, "O": out,
            "q": q[0], "k": k[0], "v": v[0], "s": scores[0], "p": weights[0], "o": out[0],
            "dO": dout, "dP": dp, "dscores": ds, "ds": ds[0], "dp": dp[0], "J": softmax_jacobian(weights[0]),
        }  # fmt: skip


lesson = Lesson(Run)


def size_of(shape: str) -> tuple[int, ...]:
    """`H*Dv, C` -> (8, 12), with the sizes of this page."""
    return tuple(int(np.prod([HERE[letter] for letter in axis.split("*")])) for axis in shape.split(", ") if axis)


def listed(title: str, signs: Sequence[Sign], here: Mapping[str, str] | None = None) -> Table:
    rows = [{"sign": sign.letter, "means": sign.means, "here": (here or {}).get(sign.letters[0], ""), "papers": sign.papers, "topic": sign.topic} for sign in signs]  # fmt: skip
    shown = {"here": "here"} if here else {}
    return table(title, rows, sign="sign", means="what it is", **shown, papers="in papers", topic="tfx explain")


def shapes(run: Run, signs: Sequence[Sign]) -> dict[str, str]:
    """`(T, D) = (3, 6)`, from the arrays themselves."""
    return {name: str(run.arrays[name].shape) if sign.shape else "number" for sign in signs for name in sign.letters}


def fitting(run: Run, signs: Sequence[Sign]) -> tuple[int, int]:
    """How many letters have a shape, and how many of their arrays have it."""
    named = [(name, sign.shape) for sign in signs for name in sign.letters if sign.shape]
    return len(named), sum(run.arrays[name].shape == size_of(shape) for name, shape in named)


@lesson.step("Sizes: seven letters for the axes")
def sizes(run: Run) -> Iterator[Shown]:
    scores = run.arrays["scores"].size
    yield "A page to look things up. First the sizes; all differ here, so that a shape says which axes it has."
    yield listed("letters in shapes", SIZES, {letter: str(size) for letter, size in HERE.items()})
    yield question(f"How many scores has one head with T = {HERE['T']} and S = {HERE['S']}?", scores, f"{HERE['T']} * {HERE['S']}: one for each pair of query and key.", 0)  # fmt: skip
    yield "In self-attention T and S are the same tokens, T = S. By custom D = Dv = C / H, but nothing forces them to be."
    yield exactly("custom", "D * H = C here", HERE["C"], run.arrays["q"].size * HERE["H"])


@lesson.step("Arrays: from token vectors to outputs")
def arrays(run: Run) -> Iterator[Shown]:
    wanted, found = fitting(run, ARRAYS)
    yield "Capital letters are matrices, a row per token. Here: one sentence, one head."
    yield listed("on the way forward, in the order in which they are made", ARRAYS, shapes(run, ARRAYS))
    yield '"Scores" is a word, not a letter: papers write S, but S is a length here.'
    yield exactly("shapes", "arrays that have the shape that their letters say", wanted, found)
    yield attention_forward


@lesson.step("One row of them, and gradients")
def one_row(run: Run) -> Iterator[Shown]:
    wanted, found = fitting(run, ROWS)
    yield "Small letters are rows of the capital ones. A gradient is d + name: dO says how L moves with each entry of O, so it has O's shape."
    yield listed("one query's row, and the way back", ROWS, shapes(run, ROWS))
    yield exactly("row-shapes", "rows and gradients that have the shape that their letters say", wanted, found)
    same = sum(g.shape == run.arrays[name].shape for g, name in ((run.dq, "Q"), (run.dk, "K"), (run.dv, "V")))
    yield exactly("gradient-shapes", "dQ, dK, dV have the shapes of Q, K, V", 3, same)
    yield attention_backward


@lesson.step("Letters of a whole model")
def whole_model(run: Run) -> Iterator[Shown]:
    yield "What stands before, behind and beside attention in a Transformer. The lesson on attention walks through all of it once."
    yield listed("around attention", MODEL)
    yield "In a shape, plain words say what has no letter: (n, words) is a row of numbers for each place that is answered, one number per word."


@lesson.step("Letters that belong to one topic")
def elsewhere(run: Run) -> Iterator[Shown]:
    yield "These serve one topic of this module, and others of it may borrow them. Another topic may have another meaning for a letter, and never two."
    yield listed("borrowed letters", ELSEWHERE)


@lesson.step("... to the modules before this one")
def before(run: Run) -> Iterator[Shown]:
    yield "Sequences, and what came before Transformers."
    yield listed("borrowed in modules 1 and 2", BEFORE)


@lesson.step("... to masks and positions")
def position(run: Run) -> Iterator[Shown]:
    yield "Who may look at whom, and where a token stands."
    yield listed("borrowed in modules 4 to 6", POSITION)


@lesson.step("... to norms")
def norms(run: Run) -> Iterator[Shown]:
    yield "LayerNorm, BatchNorm, RMSNorm and their relatives."
    yield listed("borrowed where something is normalised", NORMS)


@lesson.step("... and to the block")
def block(run: Run) -> Iterator[Shown]:
    yield "Residual connections, the feed-forward network; whole models."
    yield listed("borrowed in modules 7 and 8", BLOCK)


@lesson.step("Signs")
def signs(run: Run) -> Iterator[Shown]:
    yield "exp, log, sqrt, tanh, softmax: as in code; softmax works along each row."
    yield listed("between the letters", SIGNS)
    product, dot = (run.arrays["Q"] @ run.arrays["K"].T)[0, 0], sum(run.arrays["q"] * run.arrays["k"])
    yield agree("dot", "entry 1, 1 of Q K^T is q . k of the first query and key", float(product), float(dot))


@lesson.step("Conventions, and who has others")
def conventions(run: Run) -> Iterator[Shown]:
    scores, v = run.arrays["scores"], run.arrays["V"]
    mask = np.ones(scores.shape, dtype=bool)
    mask[:, -1] = False
    without, _ = attend_forward(scores[:, :-1], v[:-1])
    kept, swapped = (attend_forward(scores, v, each)[0] for each in (mask, ~mask))
    rows = [
        {"matter": "mask", "here": "True = may attend", "others": "True = blocked (nn.MultiheadAttention)"},
        {"matter": "a vector", "here": "a row: x W, X W_Q", "others": "a column: W x"},
        {"matter": "scores", "here": "divided, mask not yet", "others": "often the raw Q K^T"},
        {"matter": "softmax", "here": "along keys, in each row", "others": "columns, where those are queries"},
        {"matter": "gradient", "here": "d + name, same shape", "others": "transposed, as a derivative"},
        {"matter": "counting", "here": "from 1 in text", "others": "from 0 in code"},
        {"matter": "work", "here": "1 multiply-add = 2 FLOPs", "others": "1 multiply-add = 1 FLOP"},
    ]
    yield table("what is agreed here", rows, matter="matter", here="here", others="elsewhere")
    yield formula("P = softmax(scores with -inf where the mask is False)        exp(-inf) = 0")
    yield Said("A mask is a mask.", "false", f"Inverted, this one lets every query see key {HERE['S']} alone; the output moves by up to {abs(swapped - kept).max():.2f}, and nothing warns you.")  # fmt: skip
    yield agree("mask", "False for the last key is the same as no last key", kept, without)
    yield at_least("inverted", "an inverted mask gives another output", 0.01, abs(swapped - kept).max())
    yield attend_forward
    yield Try("tfx quiz notation")
