"""Learning the pieces of a unigram model and their probabilities (Kudo 2018, section 3.2).

The pieces of a word are hidden: only the word is seen, with probability  P(word) = sum over all ways to cut it of
prod p(piece).  The corpus has the log-likelihood  L = sum over words of count * log P(word).

    1. Start with far too many pieces: all characters and the frequent substrings.
    2. EM, a few times.  E: n_i = how often piece i is expected, summed over all ways of all words (lattice.py says
          how, word_table.py does it for all words together).
       M: p_i = (n_i + prior) / sum_j (n_j + prior).
    3. Drop the pieces whose loss hurts L least, a quarter of them; characters always stay.  Back to 2, until
       vocab_size pieces are left.

The prior is that of a Dirichlet distribution: no probability becomes 0, so that every character can be written
whatever is dropped later.  With it EM never lowers  L + prior * sum_i log p_i  (without it, L).

The hurt of step 3 is an estimate, as in Kudo's program: every expected use of piece i is replaced by the best way to
write i with the others, at the probabilities that they have now:  n_i (log p_i - score of that way).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from tfx.tokenizers.lattice import NEVER, lattice_of, viterbi
from tfx.tokenizers.word_table import WordTable

Model = dict[str, float]  # piece -> log of its probability

EM_STEPS = 2  # between two rounds of dropping
KEPT = 0.75  # of the pieces, in one round
_NONE = (-1, NEVER)


def learn_unigram(
    words: Mapping[str, int],
    vocab_size: int,
    seed_size: int,
    longest: int,
    prior: float = 0.01,
    forbidden: Iterable[str] = (),
    report: Callable[[str], None] = lambda line: None,
) -> Model:
    """words: how often each word stands.  -> at most vocab_size pieces; `report` is told the state of every round."""
    model = seed(words, max(seed_size, vocab_size), longest, forbidden)
    table = WordTable(words, list(model))
    while True:
        for _ in range(EM_STEPS):
            log_likelihood, counts = expectation(table, model)
            model = maximization(counts, prior)
        report(f"{len(model)} pieces, log-likelihood {log_likelihood:.1f}")
        if len(model) <= vocab_size:
            return model
        model = pruned(model, counts, max(vocab_size, int(KEPT * len(model))))


def seed(words: Mapping[str, int], size: int, longest: int, forbidden: Iterable[str] = ()) -> Model:
    """All characters, and the substrings of up to `longest` characters that stand at least twice, while there is
    room those first that cover most text (count times length); probabilities by that same measure."""
    characters: Counter[str] = Counter()
    substrings: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            characters[word[start]] += count
            for end in range(start + 2, min(start + longest, len(word)) + 1):
                substrings[word[start:end]] += count
    for text in forbidden:
        del substrings[text]
    covers = {text: count * len(text) for text, count in substrings.items() if count > 1}
    ranked = sorted(covers, key=lambda text: (-covers[text], text))[: max(size - len(characters), 0)]
    return maximization({text: float(characters[text] or covers[text]) for text in [*sorted(characters), *ranked]})


def expectation(table: WordTable, model: Model) -> tuple[float, dict[str, float]]:
    """The E-step: the log-likelihood under the model, and how often each of its pieces is expected."""
    log_likelihood, counts = table.expectation(model)
    return log_likelihood, {
        piece: count for piece, count in zip(table.pieces, counts.tolist(), strict=True) if piece in model
    }


def maximization(counts: Mapping[str, float], prior: float = 0.0) -> Model:
    """The M-step: the logarithms of the shares."""
    total = math.fsum(counts.values()) + prior * len(counts)
    return {piece: math.log((count + prior) / total) for piece, count in counts.items()}


def pruned(model: Model, counts: Mapping[str, float], size: int) -> Model:
    """The `size` pieces whose loss would hurt most, and all characters; a tie goes by spelling."""
    hurt = {piece: loss_without(piece, model, counts[piece]) for piece in model if len(piece) > 1}
    ranked = sorted(hurt, key=lambda piece: (-hurt[piece], piece))
    kept = set(ranked[: max(size - (len(model) - len(hurt)), 0)])
    return {piece: score for piece, score in model.items() if len(piece) == 1 or piece in kept}


def loss_without(piece: str, model: Model, count: float) -> float:
    """By how much the log-likelihood falls when `count` uses of the piece are written with the other pieces."""
    others = {part: (0, model[part]) for start in range(len(piece)) for part in _parts(piece, start) if part in model}
    return count * (model[piece] - viterbi(lattice_of(piece, others, len(piece), _NONE)).score)


def _parts(piece: str, start: int) -> list[str]:
    """The substrings of the piece from `start` on, without the piece itself."""
    return [piece[start:end] for end in range(start + 1, len(piece) + 1) if end - start < len(piece)]
