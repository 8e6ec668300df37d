"""The TeX twin of a formula in plain ASCII, and MathML made of it by latex2mathml.

Our formulas are one small language, so the twin is read from the text:

    W_Q  x_i^T  d_k        letters with an index below and a power above; d_model and W_out have words below
    softmax(...)  exp      functions, upright; sqrt(...) becomes a root
    scores, the query      every other word, upright, as it is said
    *  .  x                products; <=  >=  !=  ->  -inf   their signs
    three blanks and more  a wide gap

A formula that names its own `tex` keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FUNCTIONS = (
    *("softmax", "exp", "log", "tanh", "sin", "cos", "max", "min", "relu", "gelu", "sigmoid", "Var", "E", "mean"),
    *("sum", "diag", "concat", "Attention", "LayerNorm", "RMSNorm", "FFN", "argmax", "rank"),
)
GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "eps", "theta", "lambda", "mu", "pi", "sigma", "tau", "phi")
SIGNS = {
    "<=": r"\le", ">=": r"\ge", "!=": r"\ne", "->": r"\to", "*": r"\cdot", ".": r"\cdot", "...": r"\ldots",
    "%": r"\%", "{": r"\{", "}": r"\}", "#": r"\#", "&": r"\&", "$": r"\$", "~": r"\sim", "\\": r"\backslash",
}  # fmt: skip
TOKEN = re.compile(
    r"(?P<gap> {3,})|(?P<blank> +)|(?P<number>\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<infinity>inf\b)"
    r"|(?P<name>[A-Za-z]+'?)|(?P<index>_(?:[A-Za-z0-9]+|\{[^{}]*\}))"
    r"|(?P<power>\^(?:-?[A-Za-z0-9]+|\([^()]*\)|\{[^{}]*\}))"
    r"|(?P<sign>\.\.\.|<=|>=|!=|->|.)",
    re.DOTALL,
)
#: A blank beside a word is one that is seen.
WORD_BEFORE, WORD_AFTER = (
    re.compile(r"(?<![A-Za-z_])(?!d[A-Zpqsvxyz]\b)[A-Za-z]{2,}[,:.]?$"),
    re.compile(r"(?!d[A-Zpqsvxyz]\b)[A-Za-z]{2,}(?![A-Za-z_])"),
)


def twin_of(text: str) -> str:
    """`softmax(Q K^T / sqrt(d_k)) V` -> its TeX.  text: one line of a formula."""
    return "".join(pieces(with_roots(text))).strip()


def with_roots(text: str) -> str:
    """sqrt(...) with what its brackets hold in braces, which no other sign of ours has."""
    while (found := re.search(r"\bsqrt\(", text)) and (end := closing(text, found.end() - 1)):
        text = f"{text[: found.start()]}\0{text[found.end() : end]}\1{text[end + 1 :]}"
    return text


def closing(text: str, start: int) -> int:
    """Where the bracket that opens at start is closed; 0 where it is not."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return 0


def pieces(text: str) -> Iterator[str]:
    for found in TOKEN.finditer(text):
        kind, token = found.lastgroup, found[0]
        before, after = text[: found.start()], text[found.end() :]
        if kind == "gap":
            yield r"\qquad "
        elif kind == "blank":
            beside_a_word = WORD_BEFORE.search(before) or WORD_AFTER.match(after)
            yield r"\ " if beside_a_word and after[:1].isalnum() and before[-1:] not in "=<>*/+-|(" else " "
        elif kind == "number":
            yield token.replace(",", "{,}")
        elif kind == "infinity":
            yield r"\infty "
        elif kind == "name":
            yield name(token)
        elif kind in ("index", "power"):
            inside = token[1:].strip("(){}")
            yield f"{token[0]}{{{inside if len(inside) == 2 and inside.isalpha() else ''.join(pieces(inside))}}}"
        elif token in "\0\1":
            yield r"\sqrt{" if token == "\0" else "}"
        elif token == "." and after[:1] == " " != before[-1:]:  # the end of a word that was cut short
            yield "."
        else:
            yield f"{SIGNS[token]} " if token in SIGNS else token


def name(word: str) -> str:
    """A letter stays a letter; a longer word is upright."""
    if word in GREEK:
        return rf"\{'epsilon' if word == 'eps' else word} "
    if len(word.rstrip("'")) == 1 or re.fullmatch("d[A-Zpqsvxyz]", word):
        return word
    return rf"\operatorname{{{word}}}" if word in FUNCTIONS else rf"\text{{{word}}}"


def mathml(tex: str, spoken: str) -> str:
    """One <math> element; spoken: the same in plain ASCII, for who cannot see it."""
    from html import escape

    from latex2mathml.converter import convert

    found: str = convert(tex)
    return found.replace("<math ", f'<math aria-label="{escape(spoken)}" ', 1)
