"""Efficient variants: what breaks each check, and when one overtakes exact attention."""

import math

import numpy as np

from tests.lab.breaking import Broken, Table, exact_clock, times
from tfx.lab import frame
from tfx.lab.cost import efficient_variants
from tfx.lab.cost.attention_variants import work
from tfx.lab.cost.efficient_variants import overtaking
from tfx.ops.attention.scaled_dot_product import attention_forward

PLACE = "tfx.lab.cost.efficient_variants"
SMALL = efficient_variants.Settings(lengths=(128, 256), width=16, turns=3)

BREAKS = Table(
    SMALL,
    Broken("exact ways alone", {"price", "alike"}, variants=("exact", "tiled")),
    Broken("another exact output", {"exact"}, row=lambda row: {**row, "random": 1.0} if row["exact"] else row),
    Broken("memory that grows faster", {"power"}, row=times(1.5, "power")),
    Broken(
        "errors of a tenth", {"price"}, row=lambda row: row if row["exact"] else times(0.1, "random", "smooth")(row)
    ),
    Broken(
        "neighbours that are not alike",
        {"alike"},
        planted={f"{PLACE}.smooth_rows": lambda o: efficient_variants.random_rows},
    ),
    always=exact_clock(lambda name: 2.0 if name == "exact" else 1.0),
)


def test_overtaking_is_from_a_length_on_and_by_more_than_the_scatter():
    lengths = (128, 256, 512)
    assert overtaking(lengths, [(0.5, 0.1), (1.5, 0.1), (2.0, 0.1)]) == "256"
    assert overtaking(lengths, [(1.5, 0.1), (0.9, 0.1), (2.0, 0.1)]) == "512"
    assert overtaking(lengths, [(1.5, 0.1), (1.5, 0.1), (1.1, -0.3)]) == "-"


def test_every_variant_gives_an_output_of_the_shape_of_the_values():
    for row in frame.run(efficient_variants, SMALL).rows:
        assert math.isfinite(row["random"]) and row["kib"] > 0


def test_the_time_of_a_row_is_that_of_its_longest_text(monkeypatch):
    """Lengths of which no two are one, so that neither ratio nor scatter can be that of another."""
    monkeypatch.setattr(
        efficient_variants, "time_ratio", lambda attend, heads, *rest: (len(heads[0]) / 100, len(heads[0]) / 1000)
    )
    settings = efficient_variants.Settings(lengths=(64, 128, 256), width=16, variants=("exact", "tiled", "linear"))
    rows = {row["variant"]: row for row in frame.run(efficient_variants, settings).rows}
    assert [(rows[name]["ratio"], rows[name]["scatter"]) for name in settings.variants] == [
        (1.0, 0.0), (2.56, 0.256), (2.56, 0.256),
    ]  # fmt: skip
    assert rows["tiled"]["overtakes"] == "128"


def test_work_is_counted_while_it_is_done():
    heads = efficient_variants.random_rows(np.random.default_rng(0), 24, 5)
    assert work(attention_forward, heads) == 2 * 24 * 24 * 5
