"""Tiled attention: what breaks each check, and that one tile is exact attention."""

from tests.lab.breaking import Broken, Table, times
from tfx.lab import frame
from tfx.lab.cost import tiled_memory

PLACE = "tfx.lab.cost.tiled_memory"
SMALL = tiled_memory.Settings(lengths=(64, 256, 512), tile=32)

BREAKS = Table(
    SMALL,
    Broken("one tile", {"linear"}, tile=16384),
    Broken(
        "another output",
        {"same"},
        planted={f"{PLACE}.tiled_attention_forward": lambda o: lambda q, k, v, **s: o(q, k, 1.001 * v, **s)},
    ),
    Broken("exact attention that is linear", {"quadratic"}, row=lambda row: {**row, "exact": float(row["n"])}),
    Broken("more work", {"work"}, row=times(1.1, "more_work")),
)


def test_the_peak_is_of_this_call_alone_and_comes_again():
    once, again = (frame.run(tiled_memory, SMALL).rows for _ in range(2))
    for a, b in zip(once, again, strict=True):
        assert a["difference"] == b["difference"] and abs(a["exact"] / b["exact"] - 1) < 0.05


def test_the_farthest_from_one_is_told_on_both_sides():
    assert tiled_memory.farthest([1.0, 1.2, 0.7]) == 0.7 and tiled_memory.farthest([1.0]) == 1.0
