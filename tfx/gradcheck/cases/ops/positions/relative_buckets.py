"""Cases of tfx/ops/positions/relative_buckets.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import H, Rng, S, T
from tfx.ops.positions.grid_offsets import grid_offset_numbers
from tfx.ops.positions.relative_buckets import bucket_bias_backward, bucket_bias_forward, relative_buckets

BUCKETS = relative_buckets(T, S, 6, 5, past=2)


def bucket_bias(rng: Rng, buckets: Any) -> Problem:
    table = rng.standard_normal((int(buckets.max()) + 2, H))
    return Problem(bucket_bias_forward, bucket_bias_backward, {"table": table}, {"buckets": buckets})


CASES: tuple[Case, ...] = (
    Case(bucket_bias_backward, "buckets of distances", partial(bucket_bias, buckets=BUCKETS)),
    Case(bucket_bias_backward, "offsets of a grid", partial(bucket_bias, buckets=grid_offset_numbers(2, 3))),
)
