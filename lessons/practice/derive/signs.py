"""Other spellings of the signs and letters of a formula, and names that differ in their underscores alone."""

from __future__ import annotations

#: Greek letters -> how they are spelled in ASCII; they may stand inside a name: d and gamma make dgamma
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps", "ϵ": "eps", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Σ": "sum", "Φ": "Phi", "Ω": "Omega",
}  # fmt: skip

#: sign -> what it stands for; the middle dot multiplies entry by entry, as * does
SIGNS = {
    "−": "-", "–": "-", "‐": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "⊙": "*", "∘": "*", "÷": "/", "∕": "/",
    "⁄": "/", "√": "√", "∑": "sum", "∂": "d", "ᵀ": "^T", "⊤": "^T", "²": "^2", "³": "^3", "’": "'", "′": "'",
    "\u0302": "hat", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ",
    **{chr(0x2080 + digit): str(digit) for digit in range(10)},
}  # fmt: skip


def in_ascii(line: str) -> tuple[str, list[int]]:
    """The line in the letters of the grammar, and for each of its characters its place in the line that was typed."""
    text, places = [], []
    for place, letter in enumerate(line):
        for sign in GREEK.get(letter) or SIGNS.get(letter) or letter:
            text.append(sign)
            places.append(place)
    return "".join(text), places


def key_of(name: str) -> str:
    """What two spellings of one name have in common: m_hat and mhat, beta_1 and beta1, epsilon and eps."""
    return name.replace("_", "").replace("epsilon", "eps")
