"""The loss of a non-autoregressive model: cross-entropy of the words, plus cross-entropy of the fertilities."""

from __future__ import annotations

from tfx.backend import as_number
from tfx.data.fertility import Translations
from tfx.models.non_autoregressive import NonAutoregressive
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.train.loop import Loss, LossValue, Rng
from tfx.train.losses import count_kept, kept_places


def fertility_loss(smoothing: float = 0.0) -> Loss[NonAutoregressive]:
    """- log p(y | x, f) - log p(f | x), each a mean over its tokens; the value reported is that of the words.

    Source: Gu et al. 2018, section 4 (translation loss plus fertility loss, with the fertilities given).
    """

    def loss(model: NonAutoregressive, batch: Translations, rng: Rng) -> LossValue:
        out, cache = model.forward(batch.src, batch.fertilities, batch.targets.shape[1], rng=rng)
        keep = kept_places(batch.lengths, batch.targets)
        words, word_cache = cross_entropy_forward(out.logits, batch.targets, smoothing, keep)
        _, fertility_cache = cross_entropy_forward(out.fertility_logits, batch.fertilities)
        model.backward(cross_entropy_backward(1.0, word_cache), cross_entropy_backward(1.0, fertility_cache), cache)
        return LossValue(as_number(words), count_kept(keep, batch.targets))

    return loss
