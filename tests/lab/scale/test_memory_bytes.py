"""Bytes of weights, keys and values: what breaks each check, and sizes by hand."""

from tests.lab.breaking import Broken, Table
from tfx.lab.scale import memory_bytes
from tfx.lab.scale.published_sizes import DECODER, Sizes

PLACE = "tfx.lab.scale.memory_bytes"


def without_norms(original):
    return lambda sizes: original(sizes)._replace(rest=0)


def keys_alone(original):
    return lambda sizes: original(sizes) // 2


def two_keys_for_one(original):
    return lambda kv_heads, dtype: original(max(kv_heads, 2), dtype)


def nothing_shared(row):
    return {**row, "token": row["token"] * row["sharing"]}


BREAKS = Table(
    memory_bytes.Settings(),
    Broken("bytes for two", {"gpt-3"}, weight_bits=8.0),
    Broken("keys of 8 bits", {"by-hand"}, cache_bits=8.0),
    Broken("no norms", {"weights"}, planted={f"{PLACE}.count": without_norms}),
    Broken("keys alone", {"stored", "by-hand"}, planted={f"{PLACE}.numbers_a_token": keys_alone}),
    Broken("two keys where one is asked for", {"shared"}, planted={f"{PLACE}.held": two_keys_for_one}),
    Broken("nothing shared", {"large-but-less"}, row=nothing_shared),
    Broken("figures of other models", {"figures"}, row=lambda row: {**row, "rounds": False}),
)


def test_a_key_and_a_value_in_each_layer():
    sizes = Sizes(DECODER, 3, 32, 64, 8, 100)
    assert memory_bytes.numbers_a_token(sizes) == 2 * 3 * 32
    assert memory_bytes.numbers_a_token(sizes._replace(kv_heads=2)) == 2 * 3 * 8
    assert memory_bytes.numbers_a_token(sizes._replace(kv_heads=1, d_head=16)) == 2 * 3 * 16


def test_texts_that_are_read_together_store_each_their_own():
    model = memory_bytes.SERVED[0]
    one = memory_bytes.measure_row(memory_bytes.Settings(), model)
    ten = memory_bytes.measure_row(memory_bytes.Settings(texts=10), model)
    assert ten["text"] == 10 * one["text"] and ten["weights"] == one["weights"]
