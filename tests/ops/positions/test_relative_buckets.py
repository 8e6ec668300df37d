"""T5's buckets of distances."""

import numpy as np
import pytest

from tests.strict_device import StrictArray, synced
from tests.strict_device import xp as device
from tfx.ops.positions.relative_buckets import bucket_bias_backward, bucket_bias_forward, bucket_of, relative_buckets


def bucket_in_whole_numbers(distance, n, max_distance):
    """floor(log(d / e) / log(m / e) (n - e)) is the largest k with (m / e)^k <= (d / e)^(n - e)."""
    e = n // 2
    if distance < e:
        return distance
    steps = n - e
    return e + max(k for k in range(steps) if distance**steps * e**k >= e**steps * max_distance**k)


def test_buckets_are_those_of_t5():
    assert bucket_of(np.arange(-20, 21, 5)).tolist() == [10, 9, 8, 5, 0, 21, 24, 25, 26]


@pytest.mark.parametrize(("n", "max_distance"), [(32, 128), (16, 128), (8, 20), (5, 9), (2, 2), (3, 50)])
def test_the_borders_are_right_to_the_last_distance(n, max_distance):
    distances = np.arange(3 * max_distance)
    want = [bucket_in_whole_numbers(int(d), n, max_distance) for d in distances]
    assert bucket_of(-distances, n, max_distance, bidirectional=False).tolist() == want
    assert bucket_of(-distances, 2 * n, max_distance).tolist() == want
    assert bucket_of(distances[1:], 2 * n, max_distance).tolist() == [n + b for b in want[1:]]


def test_causal_buckets_are_all_for_the_past():
    buckets = bucket_of(np.arange(-200, 200), bidirectional=False)
    assert set(buckets.tolist()) == set(range(32)) and not buckets[200:].any()


def test_they_depend_on_the_offset_only():
    whole = relative_buckets(40)
    assert np.array_equal(whole[1:, 1:], whole[:-1, :-1])
    assert np.array_equal(relative_buckets(3, past=37), whole[37:])
    assert np.array_equal(whole, bucket_of(np.arange(40) - np.arange(40)[:, None]))


def test_a_bias_is_the_row_of_its_bucket():
    table, buckets = np.random.default_rng(0).standard_normal((32, 3)), relative_buckets(4, 6)
    bias, cache = bucket_bias_forward(table, buckets)
    assert bias.shape == (3, 4, 6)
    for i in range(4):
        for j in range(6):
            assert np.array_equal(bias[:, i, j], table[buckets[i, j]])
    dtable = bucket_bias_backward(np.ones((3, 4, 6)), cache)
    assert np.array_equal(dtable[:, 1], np.bincount(buckets.reshape(-1), minlength=32)), "a 1 for each pair"


def test_they_are_found_on_the_device_without_waiting():
    waits = synced.count
    buckets = relative_buckets(5, 9, xp=device)
    assert synced.count == waits and isinstance(buckets, StrictArray)
    assert np.array_equal(buckets.get(), relative_buckets(5, 9))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_buckets": 7}, "7 buckets cannot be shared by 2 direction"),
        ({"n_buckets": 2}, "2 buckets cannot be shared by 2 direction"),
        ({"n_buckets": 32, "max_distance": 8}, "max_distance 8 must be larger than the 8 exact"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        relative_buckets(3, **settings)


def test_a_bucket_outside_the_table_is_named():
    with pytest.raises(ValueError, match="id 21 is outside"):
        bucket_bias_forward(np.ones((20, 2)), bucket_of(np.array([[5]])))
