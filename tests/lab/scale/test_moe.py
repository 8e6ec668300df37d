"""What a mixture stores, and what a token meets: what breaks each check, and what is refused."""

import pytest

from tests.lab.breaking import Broken, Table
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.scale import moe
from tfx.settings import check_settings

PLACE = "tfx.lab.scale.moe"
LAYER = f"{PLACE}.MixtureOfExperts"

BREAKS = Table(
    moe.Settings(experts=(1, 2, 8), width=16, inner=32),
    Broken("places for half of the tokens", {"work"}, capacity=0.5),
    Broken("experts with offsets", {"stored", "met", "work"},
           planted={LAYER: lambda original: lambda *a, bias, **named: original(*a, **named)}),
    Broken("a router counted as met by nobody", {"met", "work"},
           planted={f"{LAYER}.n_active_parameters": lambda original: property(lambda self: 1024)}),
    Broken("Mixtral with one expert a token", {"mixtral"},
           row=lambda row: {**row, "met": row["met"] * (0.6 if row["what"] == "Mixtral 8x7B" else 1)}),
    Broken("Switch-Base without its routers", {"dense-twin"},
           row=lambda row: {**row, **({"beside_routers": row["met_numbers"]} if "beside_routers" in row else {})}),
)  # fmt: skip


def test_the_smallest_row_is_a_plain_network_and_its_router():
    row = moe.layer_row(frame.Run(moe.Settings(width=8, inner=20)), 1)
    assert row["numbers"] == row["met_numbers"] == 2 * 8 * 20 + 8
    assert row["work_numbers"] == 2 * 8 * 20 + 8 + 8


def test_two_of_eight_experts_are_a_quarter_of_what_is_stored_but_for_the_router():
    row = moe.layer_row(frame.Run(moe.Settings(width=8, inner=20, chosen=2)), 8)
    assert row["met_numbers"] - 64 == (row["numbers"] - 64) / 4


def test_mixtral_as_its_paper_says():
    row = moe.published_row("Mixtral 8x7B")
    assert round(row["stored"] / 1e3) == 47 and round(row["met"] / 1e3) == 13


def test_layers_that_are_not_sparse_are_refused():
    with pytest.raises(BadInput, match=r"^of 4 experts at most, 4 are chosen: that is no sparse layer\.$"):
        check_settings(moe.Settings(experts=(1, 2, 4), chosen=4))
