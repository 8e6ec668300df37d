"""The functions that quiz.toml names, by subject."""

from lessons.estimates.arithmetic import (
    attention, crossing, decode, logits, network, prefill, training, training_days,
)  # fmt: skip
from lessons.estimates.cache import kv_batch, kv_cross, kv_eight_bits, kv_saved, kv_sequence, kv_token, kv_window
from lessons.estimates.counted import active, bert, gpt, llama, low_rank, mixture, shared_keys, t5, tables
from lessons.estimates.memory import adamw_mixed, adamw_single, attention_weights, picture, shared_out, weights
from lessons.estimates.memory import logits as logits_kept
from lessons.estimates.speed import (
    balanced_batch, batch_that_fits, cache_outgrows, decoding_rate, prefill_time, tokens_that_fit,
)  # fmt: skip
from lessons.estimates.tokens import of_a_text

__all__ = [
    "active", "adamw_mixed", "adamw_single", "attention", "attention_weights", "balanced_batch", "batch_that_fits",
    "bert", "cache_outgrows", "crossing", "decode", "decoding_rate", "gpt", "kv_batch", "kv_cross", "kv_eight_bits",
    "kv_saved", "kv_sequence", "kv_token", "kv_window", "llama", "logits", "logits_kept", "low_rank", "mixture",
    "network", "of_a_text", "picture", "prefill", "prefill_time", "shared_keys", "shared_out", "t5", "tables",
    "tokens_that_fit", "training", "training_days", "weights",
]  # fmt: skip
