"""What changes each verdict on scores and saturation."""

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.dot_products import Learnt, learnt, scores_of_a_layer

PLACE = "tfx.claims.dot_products"
SOFTMAX = f"{PLACE}.softmax_forward"


def of_twice_the_scores(original):
    return lambda x, *rest, **named: original(2 * x, *rest, **named)


def halved(original):
    return lambda *given: tuple(part / 2 if isinstance(part, float) else part for part in original(*given))


BREAKS = {
    "C001": {f"{PLACE}.dot_products": lambda original: lambda *given: 1.2 * original(*given)},
    "C002": {f"{PLACE}.learnt": instead(lambda trial, scale: Learnt((0.9, 0.9), (0.2, 0.3), 1.0))},
    "C004": {f"{PLACE}.jacobian_norm": instead(lambda weights: weights.max(axis=-1))},
    "C005": {f"{PLACE}.gradients": instead(lambda trial, scale: (1e-6, 1e-6) if scale == 1 else (1.0, 1.0))},
    "C006": {f"{PLACE}.softmax_backward": instead(lambda dy, cache: dy)},
    "C007": {SOFTMAX: lambda original: lambda x: original(x / 2)},
    "C008": {SOFTMAX: lambda original: lambda x: original(x * (1 if abs(x).max() < 1e6 else [2, 1, 1, 1, 1]))},
    "C009": {f"{PLACE}.cross_entropy_gradient": lambda original: lambda logits, label: 0 * original(logits, label)},
}


def test_the_scores_of_a_fresh_layer_have_the_variance_of_its_width():
    raw, scaled = (scores_of_a_layer(Trial(3), which) for which in (False, True))
    assert raw == 64 * scaled and 0.9 < scaled < 1.1


def test_a_head_that_learned_is_sharper_and_right_and_one_without_scale_is_sharp_from_the_start():
    with_scale, without = learnt(Trial(7), None), learnt(Trial(7), 1.0)
    assert with_scale.entropy[0] > 0.85 > 0.7 > with_scale.entropy[1] and with_scale.right > 0.9
    assert without.entropy[0] < 0.5 and without.right < with_scale.right
