"""What changes each verdict on additive attention."""

from tests.lab.breaking import exact_clock, instead
from tfx.measure.counting_array import Counted

PLACE = "tfx.claims.additive_attention"
ADDITIVE = f"{PLACE}.additive_scores_forward"
TRAINED = "tfx.lab.attention.additive_vs_dot.trained"


def learning(dot, additive, unscaled):
    shares = {"dot": dot, "additive": additive, "unscaled": unscaled}
    return {TRAINED: instead(lambda scorer, d, seed, settings: shares[scorer])}


def halves(original):
    """Scores that depend on where a key stands."""

    def forward(q, k, *rest):
        scores, cache = original(q, k, *rest)
        scores[..., : len(k) // 2] /= 2
        return scores, cache

    return forward


BREAKS = {
    "C044": exact_clock(lambda name: {"dot": 1.0, "additive": 2.5, "chunks": 2.6}[name]),
    "C045": exact_clock(lambda name: 1.0),
    "C046": {ADDITIVE: halves},
    "C047": {f"{PLACE}.D": instead(2000), f"{PLACE}.N": instead(8)},
    "C049": {f"{PLACE}.counted": instead(Counted())},
    "C050": {f"{PLACE}.work": lambda original: lambda n, d, hidden: original(n, d, hidden // 5)},
    "C051": {ADDITIVE: lambda original: lambda q, k, *rest: original(abs(q), abs(k), *rest)},
    "C052": {f"{PLACE}.MultiHeadAttention": lambda original: lambda *a, bias, **b: original(*a, **b)},
    "C054": learning(0.8, 0.9, 0.5),
    "C055": learning(0.8, 0.9, 0.5),
    "C056": {f"{PLACE}.found_by_dot_products": instead(lambda rng: 1.0)},
    "C057": {f"{PLACE}.added_row_by_row": instead(lambda *given: "7 rows")},
    "C059": {f"{PLACE}.attention_forward": instead(lambda q, k, v: q @ k.T)},
    "C060": {f"{PLACE}.tiled_attention_forward": instead(lambda q, k, v: q @ k.T)},
}
