"""What changes each verdict on tokenisation."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.tokenisation import NEW_CHARACTER, NEW_WORD, corpus

PLACE = "tfx.claims.tokenisation"


class Forgetful:
    """Whatever is trained here knows no character."""

    @staticmethod
    def train(texts, size):
        from tfx.tokenizers import BPE

        return BPE([" "], [])


BREAKS = {
    "C279": {f"{PLACE}.BPE": instead(Forgetful)},
    "C280": {f"{PLACE}.tokens_in": instead(lambda texts, vocabulary: 1000 + vocabulary)},
    "C281": {f"{PLACE}.maximization": instead(lambda expected: dict.fromkeys(expected, -np.log(len(expected))))},
    "C282": {"tfx.tokenizers.unigram._marked": lambda original: lambda text: original(" ".join(text.split()))},
    "C284": {f"{PLACE}.embedding_forward": lambda original: lambda ids, table: original(ids + 1, table)},
}


def test_the_new_word_is_new_and_so_is_the_character_but_its_letters_are_not():
    text = " ".join(corpus(1))
    assert corpus(1) == corpus(Trial(1).seed) and len(corpus(1)) == 150
    assert NEW_WORD not in text and NEW_CHARACTER not in text and set(NEW_WORD) <= set(text)
