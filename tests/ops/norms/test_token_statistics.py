"""How many tokens count."""

import numpy as np
import pytest

from tfx.ops.norms.token_statistics import count_tokens

X = np.zeros((1, 3, 2))


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_tokens_are_counted_and_none_counts_as_one(n):
    keep = (np.arange(3) < n)[None, :, None]
    assert count_tokens(X, keep) == count_tokens(X[:, :n], None) == max(n, 1)
