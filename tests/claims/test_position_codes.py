"""What changes each verdict of the claims about order and about sinusoidal codes."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims.position_codes import in_bfloat16

PLACE = "tfx.claims.position_codes"


def rows(*found):
    """Rows of an experiment, whichever is asked for."""
    return {"tfx.claims.claim.Trial.rows": instead(lambda self, name, **settings: list(found))}


def reordered(**found):
    return {f"{PLACE}.reordered": instead(lambda trial, attention, scheme="none": found)}


def named(share):
    return {"named": share, "named_se": 0.01, "by_place": [share] * 6}


BREAKS = {
    "C075": reordered(reordered=0.0, kept=0.9, pooled=0.3),
    "C076": reordered(reordered=0.0, kept=0.0, pooled=0.0),
    "C077": rows(named(1 / 3), named(1 / 3)),
    "C079": rows({"error": 0.1}),
    "C080": rows({"wavelength": 60611.0, "changes": 0}, {"wavelength": 6.28, "changes": 127}),
    "C081": {f"{PLACE}.sinusoids.closest": instead(lambda table: 0.0)},
    "C082": {f"{PLACE}.table": instead(lambda width, n=1000, start=0: np.ones((n, width)))},
    "C091": {f"{PLACE}.table": lambda table: lambda *sizes: 0.02 * table(*sizes)},
    "C092": {f"{PLACE}.Embedding": lambda kind: lambda *given: kind(*given, scaled=False)},
    "C095": {f"{PLACE}.add_positions_backward": lambda back: lambda dy, cache: (2 * dy, back(dy, cache)[1])},
    "C096": {f"{PLACE}.read": instead(lambda x, maps: "read")},
    "C097": {
        f"{PLACE}.add_positions_forward": lambda add: (
            lambda x, codes: add(x, np.broadcast_to(codes[:, :1], (len(codes), x.shape[-1])))
        )
    },
    "C099": {f"{PLACE}.table": lambda table: lambda width, *sizes, **named: table(2 * width, *sizes, **named)[:, ::2]},
    "C100": {f"{PLACE}.Convolution1d": lambda kind: lambda i, j, k, *rest, **named: kind(i, j, 1, *rest, **named)},
}


def test_bfloat16_keeps_eight_binary_digits():
    numbers = in_bfloat16(np.array([1.0, 255.0, 256.0, 257.0, 258.0, 4095.0]))
    np.testing.assert_array_equal(numbers, [1.0, 255.0, 256.0, 256.0, 258.0, 4080.0])
