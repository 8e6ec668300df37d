"""What changes each verdict of the section on several heads."""

from types import SimpleNamespace

import numpy as np

from tests.lab.breaking import instead
from tfx.claims import heads
from tfx.measure.verdicts import largest_difference

PLACE = "tfx.claims.heads"


def pruned(**changed):
    """Rows of head-pruning, of one model with two heads in all, changed."""
    row = {"model": 1, "lost": 0.0, "alone": 0.3, "left_most": 0.2, "layer_out": 0.2, "whole": 1.0, "layer": 1}
    rows = [{**row, "left": 1.0, "out": 1, **changed}, {**row, "left": 0.1, "out": 2, **changed}]
    return {"tfx.claims.claim.Trial.rows": instead(lambda self, name, **settings: rows)}


ALL_NAMED = {f"{PLACE}.named": instead(lambda trial, n_heads: 1.0)}

BREAKS = {
    "C061": {f"{PLACE}.stored_weights": instead(lambda n_heads: 4096)},
    "C062": ALL_NAMED,
    "C063": pruned(lost=0.3),
    "C064": pruned(left=0.6),
    "C065": {f"{PLACE}.multiply_adds": instead(lambda n_heads: n_heads)},
    "C066": {f"{PLACE}.outputs": lambda outputs: lambda layer, cache: outputs(layer, cache)[1:]},
    "C067": {
        **pruned(),
        f"{PLACE}.trained": instead(lambda seed, n_heads: None),
        f"{PLACE}.best_offsets": instead(lambda model, ids: [1, 1]),
    },
    "C069": pruned(alone=0.95),
    "C071": {
        f"{PLACE}.outputs": lambda outputs: (
            lambda layer, cache: [one + layer.query.w.value.sum() for one in outputs(layer, cache)]
        )
    },
    "C072": {f"{PLACE}.attention": instead(lambda n_heads, seed=0, width=32: SimpleNamespace(d_head=64))},
    "C074": ALL_NAMED,
}


def test_heads_through_their_rows_of_the_last_map_add_up_to_the_layer():
    layer, x = heads.attention(2, 5), np.random.default_rng(0).standard_normal((1, 4, heads.D))
    layer.output.b.value[:] = 0.5
    y, cache = layer.forward(x)
    assert largest_difference(sum(heads.outputs(layer, cache)) + 0.5, y) < 1e-12


def test_the_offset_at_which_a_head_looks_is_found_in_its_weights():
    weights = np.zeros((1, 2, 6, 6))
    for place in range(3, 6):
        weights[0, 0, place, place - 2] = weights[0, 1, place, place] = 1.0
    kept = SimpleNamespace(attention=SimpleNamespace(attention=SimpleNamespace(weights=weights)))
    model = SimpleNamespace(forward=lambda ids: (None, kept))
    assert heads.best_offsets(model, np.zeros((1, 6))) == [2, 0]
