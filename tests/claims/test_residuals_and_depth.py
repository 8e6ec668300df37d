"""What changes each verdict of the claims about residual connections, the place of norms, and depth."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims.residuals_and_depth import through_networks

PLACE = "tfx.claims.residuals_and_depth"
POST_AS_PRE = {"tfx.lab.block.norm_placement.PLACES": instead(
    {"pre-LN": "pre", "post-LN": "pre", "third form": "pre"})}  # fmt: skip
PRE_AS_POST = {"tfx.lab.block.norm_placement.PLACES": instead(
    {"pre-LN": "post", "post-LN": "post", "third form": "inner"})}  # fmt: skip
ALL_ALIKE = {f"{PLACE}.trained_loss": instead(lambda trial, place: 1.0)}

BREAKS = {
    "C106": {f"{PLACE}.BlockSettings": lambda settings: lambda *sizes, norm_place, **more: settings(
        *sizes, norm_place="pre", **more)},
    "C107": POST_AS_PRE,
    "C108": ALL_ALIKE,
    "C110": {"tfx.lab.block.gradient_flow.through_layers": lambda through:
             lambda depth, gain, width, residual, act, seed: through(depth, gain, width, False, act, seed=seed)},
    "C111": {"tfx.lab.block.attention_collapse.rank_residual": instead(lambda x: 0.5)},
    "C112": POST_AS_PRE,
    "C119": PRE_AS_POST,
    "C125": ALL_ALIKE,
    "C126": PRE_AS_POST,
    "C127": {f"{PLACE}.through_networks": lambda through: lambda rng, residual: through(rng, not residual)},
}  # fmt: skip


def test_a_chain_of_networks_without_residuals_halves_a_gradient_in_each():
    """Xavier's weights, ReLU and four times the width leave 0.32 of a square."""
    left = np.mean([through_networks(np.random.default_rng(seed), False) for seed in range(40)])
    assert abs(left - 6 * np.log10(0.32)) < 0.3
