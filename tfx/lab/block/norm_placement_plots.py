"""The pictures of tfx/lab/block/norm_placement.py: gradients by block, by depth, and the size of the stream."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Plot, Series

#: Of each place, one row for each depth, from the fewest blocks to the most.
Rows = Sequence[Mapping[str, Any]]


def placement_plots(of: Mapping[str, Rows]) -> tuple[Plot, ...]:
    """of: the rows of "pre-LN", "post-LN" and "third form"."""
    return by_block(of), by_depth(of), sizes(of)


def in_words(ratio: float) -> str:
    """To two digits, and large ones whole: 0.52, 5.1, 206."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"


def in_each(words: Mapping[str, str]) -> str:
    return ", ".join(f"{said} in {place.replace('third', 'the third')}" for place, said in words.items())


def by_block(of: Mapping[str, Rows]) -> Plot:
    deepest = {place: rows[-1] for place, rows in of.items()}
    said = in_each({place: in_words(row["first"] / row["last"]) for place, row in deepest.items()})
    blocks = [1 + index for index in range(deepest["pre-LN"]["depth"])]
    return Plot(
        f"{len(blocks)} blocks: the first block's gradient over the last's is {said}",
        "block, counted from the input",
        "gradient of its feed-forward map (norm)",
        tuple(Series(place, blocks, row["by_block"]) for place, row in deepest.items()),
        log_y=True,
    )


def by_depth(of: Mapping[str, Rows]) -> Plot:
    pre, post = of["pre-LN"], of["post-LN"]
    depths = [row["depth"] for row in pre]
    law = [pre[0]["last"] * math.sqrt(depths[0] / depth) for depth in depths]
    return Plot(
        f"With {depths[-1]} blocks in place of {depths[0]} the last block's gradient is "
        f"{pre[-1]['last'] / pre[0]['last']:.0%} as large in pre-LN, and {post[-1]['last'] / post[0]['last']:.0%} in "
        "post-LN",
        "blocks in the stack",
        "gradient of the last block's feed-forward map (norm)",
        (
            *(Series(place, depths, [row["last"] for row in rows]) for place, rows in of.items()),
            Series("one over the root of the depth", depths, law, kind="line"),
        ),
        log_x=True,
        log_y=True,
    )


def sizes(of: Mapping[str, Rows]) -> Plot:
    depths = [row["depth"] for row in of["pre-LN"]]
    said = in_each({place: f"{rows[-1]['size']:.2g}" for place, rows in of.items()})
    return Plot(
        f"After {depths[-1]} blocks the stream has size {said}",
        "blocks in the stack",
        "size of the stream (root of the mean square)",
        (
            *(
                Series(place, depths, [row["size"] for row in rows], [row["size_se"] for row in rows])
                for place, rows in of.items()
            ),
            Series("third form, by theory", depths, [math.sqrt(1 + 2 * depth) for depth in depths], kind="line"),
        ),
        log_x=True,
        log_y=True,
    )
