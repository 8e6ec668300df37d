"""Addition on paper: two numbers are read, their sum is written digit by digit, the last digit first.

    1 7 + 2 5 =  ->  2 4 0          42, from the back, as carries go

Written from the back, each digit needs two digits and one carry; written from the front, the first would need them all
(Lee et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import ContinueToy, Places, Rng, next_tokens, one_side

PLUS, EQUALS = 10, 11


@dataclass(frozen=True)
class Addition(ContinueToy):
    """Tokens: digits 0 to 9, plus, equals.  from_back: the last digit of the sum is written first."""

    n_digits: int = 2
    from_back: bool = True

    @property
    def n_tokens(self) -> int:
        return 12

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, 3 n_digits + 2); the digits of the sum are asked."""
        (questions,) = one_side(n, rng, held_out, self._questions)
        return next_tokens(np.concatenate([questions, self.answers(questions)], axis=1), questions.shape[1])

    def answers(self, questions: np.ndarray) -> np.ndarray:
        """questions: (B, 2 n_digits + 2) -> (B, n_digits + 1)."""
        weights = 10 ** np.arange(self.n_digits - 1, -1, -1)
        first, second = questions[:, : self.n_digits], questions[:, self.n_digits + 1 : -1]
        total = (first + second) @ weights
        digits = total[:, None] // 10 ** np.arange(self.n_digits + 1) % 10
        return digits if self.from_back else digits[:, ::-1]

    def _questions(self, n: int, rng: Rng) -> tuple[np.ndarray]:
        digits = rng.integers(10, size=(2, n, self.n_digits))
        signs = np.full((2, n, 1), [[[PLUS]], [[EQUALS]]])
        return (np.concatenate([digits[0], signs[0], digits[1], signs[1]], axis=1),)
