"""Cases of tfx/ops/feed_forward/chunked_feed_forward.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.feed_forward.feed_forward import feed_forward
from tfx.gradcheck.cases.sizes import Rng
from tfx.ops.feed_forward.chunked_feed_forward import chunked_feed_forward_backward, chunked_feed_forward_forward


def chunked_feed_forward(rng: Rng, chunk: int = 2, bias: bool = True) -> Problem:
    plain = feed_forward(rng, "gelu", bias)
    return Problem(
        chunked_feed_forward_forward, chunked_feed_forward_backward, plain.inputs, {**plain.fixed, "chunk": chunk}
    )


CASES: tuple[Case, ...] = (
    Case(chunked_feed_forward_backward, "chunks of 2", chunked_feed_forward),
    Case(chunked_feed_forward_backward, "no bias", partial(chunked_feed_forward, bias=False)),
)
