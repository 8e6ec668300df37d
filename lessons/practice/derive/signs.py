"""Other spellings of the signs and letters of a formula, and names that differ in their underscores alone."""

from __future__ import annotations

import unicodedata

#: Greek letters -> how they are spelled in ASCII; they may stand inside a name: d and gamma make dgamma
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps", "ϵ": "eps", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Σ": "sum", "Φ": "Phi", "Ω": "Omega",
}  # fmt: skip

#: sign -> what it stands for; the middle dot multiplies entry by entry, as * does
SIGNS = {
    "−": "-", "–": "-", "‐": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "⊙": "*", "∘": "*", "∙": "*", "•": "*",
    "÷": "/", "∕": "/", "⁄": "/", "√": "√", "∑": "sum", "∂": "d", "⊤": "^T", "½": "(1/2)", "¼": "(1/4)",
    "’": "'", "′": "'", "≔": "=", "←": "=", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\t": " ",
    "\u200b": "", "\u2060": "", "\ufeff": "",
}  # fmt: skip


def in_ascii(line: str) -> tuple[str, list[int]]:
    """The line in the letters of the grammar, and for each of its characters its place in the line that was typed."""
    text: list[str] = []
    places: list[int] = []
    raised = lowered = False
    for place, letter in enumerate(line):
        kind, plain = _kind(letter)
        if kind == "<super>":
            plain = plain if raised else f"^{plain}"
        elif kind == "<sub>" and not plain.isdigit():
            plain = plain if lowered else f"_{plain}"
        elif raised and plain[:1].isalnum():  # a name begins behind a sign that stands high
            plain = f" {plain}"
        raised, lowered = kind == "<super>", kind == "<sub>"
        text += plain
        places += [place] * len(plain)
    return "".join(text), places


def _kind(letter: str) -> tuple[str, str]:
    """`<super>` for what stands high, `<sub>` for what stands low, else nothing or another word; and what it stands for.
    A letter of the alphabet that only looks like one of ours stays what it is."""
    if letter.isascii() and letter != "\t":
        return "", letter
    if letter in GREEK or letter in SIGNS:
        return "", GREEK.get(letter, SIGNS.get(letter, ""))
    if unicodedata.category(letter) == "Zs":
        return "", " "
    kind, *codes = unicodedata.decomposition(letter).split() or [""]
    if kind in ("<super>", "<sub>", "<font>", "<wide>"):
        return kind, "".join(_kind(chr(int(code, 16)))[1] for code in codes)
    if len(codes) == 1 and codes[0] in ("0302", "0303", "0304"):  # a letter with a hat, a tilde or a bar
        return "", "".join(_kind(chr(int(code, 16)))[1] for code in (kind, *codes))
    return "", letter


def key_of(name: str) -> str:
    """What two spellings of one name have in common: m_hat and mhat, beta_1 and beta1, epsilon and eps."""
    return name.replace("_", "").replace("epsilon", "eps")
