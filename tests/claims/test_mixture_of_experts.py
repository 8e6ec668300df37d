"""What changes each verdict of the section on mixtures of experts, and what is true of this section alone."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims.mixture_of_experts import router_share
from tfx.lab.scale.trained_router import Routed, entropy

PLACE = "tfx.claims.mixture_of_experts"
LAYER = f"{PLACE}.MixtureOfExperts"

ALL_RUN = {f"{PLACE}.mixture": lambda original: lambda trial, n, k, *rest: original(trial, n, n, *rest)}
ONE_EXPERT = {f"{PLACE}.mixture": lambda original: lambda trial, n, k, *rest: original(trial, 1, 1, *rest)}
EVEN = {f"{PLACE}.routed": instead(lambda trial, balance, k=1: Routed(0.0, 1.0, 1.0))}


def by_their_vectors(original):
    """Experts chosen by the vectors, as a router does, and not by the ids."""

    def forward(self, x, ids):
        return original(self, x, (x[:, 0] > 0).astype(int))

    return forward


BREAKS = {
    "C199": ALL_RUN,
    "C200": ALL_RUN,
    "C201": {f"{LAYER}.flops": lambda original: lambda self, n: original(self, n) * len(self.experts)},
    "C202": ONE_EXPERT,
    "C204": ONE_EXPERT,
    "C205": EVEN,
    "C206": EVEN,
    "C207": {f"{PLACE}.router_share": lambda original: lambda n, width, d_ff: original(8, width, d_ff)},
    "C209": ONE_EXPERT,
    "C210": ALL_RUN,
    "C211": {f"{LAYER}.flops": lambda original: lambda self, n: original(self, n) * len(self.experts)},
    "C214": ONE_EXPERT,
    "C215": {"tfx.nn.soft_experts.SoftExperts.forward": lambda original: lambda self, x: (x, None)},
    "C216": {"tfx.nn.hash_experts.HashExperts.forward": by_their_vectors},
    "C217": EVEN,
}


def test_the_router_of_many_experts_is_a_third_of_the_work():
    assert router_share(2048, 512, 2048) == 1 / 3


def test_entropy_of_an_even_use_and_of_one_expert():
    assert np.isclose(entropy(np.full(8, 1 / 8)), np.log(8)) and entropy(np.array([1.0, 0.0])) == 0.0
