"""What changes each verdict of the section on training, its second half: what is done to networks while they learn."""

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.training_methods import spread_after

PLACE = "tfx.claims.training_methods"


BREAKS = {
    "C242": {f"{PLACE}.losses_of": lambda original: lambda trial, rate, ample: original(trial, 0.0, ample)},
    "C244": {f"{PLACE}.StochasticDepth": lambda original: lambda rate: original(rate, rescaled=False)},
    "C245": {f"{PLACE}.find_initialisation": lambda original: lambda init: original("he_normal")},
    "C251": {f"{PLACE}.DecoderOnly": lambda original: lambda *sizes, **more: NotCausal(original(*sizes, **more))},
    "C252": {f"{PLACE}.added": instead(lambda trial, way: 0)},
    "C254": {f"{PLACE}.POST": instead("pre-LN")},
    "C255": {f"{PLACE}.batch_size.steps_to": lambda o: lambda s, batch, rate, seed: o(s, batch, 0.05, seed)},
}


class NotCausal:
    """A model whose every logit has news of the last token."""

    def __init__(self, model):
        self.model = model

    def forward(self, ids):
        logits, cache = self.model.forward(ids)
        return logits + ids[:, -1:, None], cache


def test_a_signal_behind_no_layer_is_as_it_was():
    assert abs(spread_after(Trial(0), "xavier_normal", depth=0)) < 0.01
