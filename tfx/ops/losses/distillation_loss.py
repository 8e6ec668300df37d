"""Distillation: a student learns the whole distribution of a teacher, softened by a temperature.

    p = softmax(z / T), q = softmax(x / T)          teacher's and student's logits z and x
    loss = mean over kept tokens of  T^2 KL(p || q)

What a trained teacher thinks of the wrong classes (this 2 is a little like a 7) is in its small probabilities; T > 1
makes them large enough to matter.

Derivation.  KL(p || q) = sum_v p_v (log p_v - log q_v), and d(log q_v)/dx_j = (delta_vj - q_j) / T, so

    dKL/dx_j = - sum_v p_v (delta_vj - q_j) / T = (q_j - p_j) / T

Why T^2.  For large T, q_j = (1 + x_j / T) / (V + sum_k x_k / T) to first order, and with logits of mean zero

    q_j - p_j = (x_j - z_j) / (V T),      dKL/dx_j = (x_j - z_j) / (V T^2)

so the gradient shrinks as 1 / T^2.  T^2 undoes that: the weight between this loss and cross-entropy with the true
labels means the same at every T, and the limit of large T is regression of the logits, (x_j - z_j) / V.
The teacher is a constant: no gradient goes to z.  Cross-entropy with p for target has the same gradient; it does not
reach 0, because it still has the entropy of p in it.
Source: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", sections 2 and 2.1.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.arguments import number
from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.log_softmax import LogSoftmaxCache, log_softmax_backward, log_softmax_forward
from tfx.ops.losses.kl_divergence import KlDivergenceCache, kl_divergence_backward, kl_divergence_forward
from tfx.ops.losses.reduction import ReductionCache, reduction_backward, reduction_forward
from tfx.ops.losses.targets import kept_scores


class DistillationLossCache(NamedTuple):
    log_softmax: LogSoftmaxCache
    divergence: KlDivergenceCache
    temperature: float
    reduction: ReductionCache


@in_float32
def distillation_loss_forward(
    logits: Array, teacher_logits: Array, temperature: float = 1.0, keep: Array | None = None, reduction: str = "mean"
) -> tuple[Array, DistillationLossCache]:
    """logits, teacher_logits: (..., V) -> loss: scalar in logits' dtype ("none": (...,)), cache.

    keep: (...,) bool, True = this token counts; with no token kept the loss is 0.
    A class that the teacher rules out (logit -inf) costs nothing.
    Raises ValueError for a temperature of 0 or less and when the shapes differ, TypeError when keep is not boolean.
    """
    number("temperature", temperature, above=0)
    if logits.shape != teacher_logits.shape:
        raise ValueError(f"the student's logits are {logits.shape} but the teacher's {teacher_logits.shape}")
    logits, teacher_logits = kept_scores(logits, keep), kept_scores(teacher_logits, keep)
    log_q, softmax_cache = log_softmax_forward(logits / temperature)
    log_p, _ = log_softmax_forward(teacher_logits / temperature)
    terms, divergence = kl_divergence_forward(log_q, log_p, log_target=True, reduction="none")
    losses = temperature * temperature * terms.sum(axis=-1)
    loss, reduced = reduction_forward(losses, reduction, keep=keep)
    return loss, DistillationLossCache(softmax_cache, divergence, temperature, reduced)


@in_float32
def distillation_loss_backward(dloss: Array | float, cache: DistillationLossCache) -> Array:
    """dloss: scalar, usually 1 (for "none": (...,)) -> dlogits: (..., V).  The teacher gets none."""
    softmax_cache, divergence, temperature, reduced = cache
    xp = xp_of(softmax_cache.y)
    dlosses = reduction_backward(dloss, reduced)
    dterms = xp.broadcast_to((temperature * temperature * dlosses)[..., None], softmax_cache.y.shape)
    dlog_q = kl_divergence_backward(dterms, divergence).dlog_q  # terms = p (log p - log q)
    return log_softmax_backward(dlog_q, softmax_cache) / temperature  # log_q = log_softmax(logits / temperature)
