"""All-reduce: every worker has an array, and afterwards every worker has the sum of all.

Done as a ring, it costs each worker 2 (p - 1) / p times the array, whatever the number of workers p.  The array is cut
into p pieces.  In p - 1 steps each worker hands one piece to its neighbour, who adds it to its own: then every piece is
complete somewhere (reduce-scatter).  In p - 1 more steps the complete pieces travel once around (all-gather).
Source: Patarasuk and Yuan 2009, "Bandwidth Optimal All-reduce Algorithms for Clusters of Workstations".
"""

from __future__ import annotations

from collections.abc import Sequence

from tfx.backend import Array, xp_of


class AllReduce:
    """Adds up and keeps count: `calls`, and `sent`, the numbers that each worker has sent so far, on average."""

    def __init__(self) -> None:
        self.calls = 0
        self.sent = 0.0

    def __call__(self, parts: Sequence[Array]) -> Array:
        """parts: one array for each worker, all of one shape -> their sum, added piece by piece around the ring.

        Raises ValueError without workers, or when shapes differ.
        """
        if not parts:
            raise ValueError("there is no worker")
        shapes = {tuple(part.shape) for part in parts}
        if len(shapes) > 1:
            raise ValueError(f"the arrays of the workers have different shapes: {sorted(shapes)}")
        n_workers = len(parts)
        self.calls += 1
        self.sent += 2 * (n_workers - 1) / n_workers * parts[0].size
        xp = xp_of(parts[0])
        pieces = [xp.array_split(part.reshape(-1), n_workers) for part in parts]
        total = []
        for piece in range(n_workers):
            held = pieces[piece][piece]  # piece i starts at worker i and ends, complete, at its left neighbour
            for step in range(1, n_workers):
                held = held + pieces[(piece + step) % n_workers][piece]
            total.append(held)
        return xp.concatenate(total).reshape(parts[0].shape)
