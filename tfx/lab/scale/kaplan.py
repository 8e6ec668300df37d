"""The scaling law of Kaplan et al.: loss as a power of size and of data, both limits at once.

Source: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", equations 1.1, 1.2 and 1.5; the constants are for
tokens of their own and for loss in nats.
"""

from __future__ import annotations

#: L(N) = (N_c / N)^alpha_N, data unlimited; L(D) = (D_c / D)^alpha_D, parameters unlimited.
KAPLAN_N = (8.8e13, 0.076)
KAPLAN_D = (5.4e13, 0.095)


def kaplan_loss(n_parameters: float, n_tokens: float) -> float:
    """Loss in nats per token of a language model, by equation 1.5: both limits at once.  Embeddings are not counted."""
    (n_c, alpha_n), (d_c, alpha_d) = KAPLAN_N, KAPLAN_D
    return float(((n_c / n_parameters) ** (alpha_n / alpha_d) + d_c / n_tokens) ** alpha_d)
