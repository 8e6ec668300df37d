"""What changes each verdict of the claims about longer texts and schemes that see distances."""

from types import SimpleNamespace

import numpy as np

from tests.lab.breaking import instead
from tfx.claims.longer_texts import ThreeBack, turned

PLACE = "tfx.claims.longer_texts"
HOLDS = {"inside": 0.1, "near": 0.1, "far": 0.15, "rise": 0.05}


def losing(**changed):
    """What is lost of the local task: nothing inside, everything far out but for ALiBi; changed."""
    fails = {"inside": 0.1, "near": 1.0, "far": 1.5, "rise": 1.4}
    every = {"sinusoidal": fails, "learned": fails, "rotary": {**HOLDS, "rise": 0.6}, "alibi": HOLDS, **changed}
    return {f"{PLACE}.lost": instead(lambda trial: every)}


NOT_TOEPLITZ = SimpleNamespace(forward=lambda *given: (np.arange(128.0).reshape(2, 8, 8) ** 2, None))

BREAKS = {
    "C083": losing(sinusoidal=HOLDS),
    "C084": losing(sinusoidal=HOLDS),
    "C085": {**losing(), f"{PLACE}.beyond_the_table": instead(lambda length: "read")},
    "C086": losing(learned={**HOLDS, "inside": 0.4}),
    "C087": {f"{PLACE}.turned": lambda turn: lambda x, start: turn(x, start) + start},
    "C089": {f"{PLACE}.sinusoidal_rotation": lambda made: lambda shift, width: made(shift + 1, width)},
    "C090": {**losing(), f"{PLACE}.copied": instead(lambda seed, positions: 1.0)},
    "C094": {f"{PLACE}.named": instead(lambda trial, n_heads: 0.5)},
    "C101": {f"{PLACE}.AlibiBias": instead(lambda n_heads: NOT_TOEPLITZ)},
    "C102": losing(rotary=HOLDS),
    "C104": losing(sinusoidal=HOLDS, learned=HOLDS),
    "C105": {f"{PLACE}.rise": instead(lambda seed, positions: 1.0)},
}


def test_the_token_three_back_is_the_answer():
    drawn = ThreeBack(6, 8).draw(5, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.targets[:, 3:], drawn.ids[:, :-3])
    assert not drawn.asked[:, :3].any() and drawn.asked[:, 3:].all()


def test_turning_is_by_the_place_of_each_row():
    x = np.ones((3, 4))
    np.testing.assert_allclose(turned(x, 0)[2], turned(x[2:], 2)[0])
