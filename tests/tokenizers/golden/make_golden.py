"""Writes the golden files: what the package `tokenizers` learns and says on our corpora.  Run by hand:

    python -m tests.tokenizers.golden.make_golden

Of BPE and byte-level BPE the peer learns the merges and encodes.  WordPiece and Unigram are learned by us (the peer's
trainers use other rules) and the peer encodes with our vocabulary, which is stored with its answers.
"""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path

import tokenizers

from tests.tokenizers import peer
from tests.tokenizers.corpora import CORPORA, texts_to_encode
from tfx.tokenizers import Unigram, WordPiece

FOLDER = Path(__file__).parent


def golden(name: str) -> dict:
    make, size = CORPORA[name]
    corpus = make()
    texts = texts_to_encode(corpus)
    pieces = WordPiece.train(corpus, min(size, 600)).tokens
    scores = Unigram.train(corpus[:60], min(size, 600)).scores
    bpe, byte_level = peer.bpe(corpus, size), peer.byte_level_bpe(corpus, size)
    wordpiece, unigram = peer.wordpiece(pieces), peer.unigram(scores)
    return {
        "made_with": {"tokenizers": tokenizers.__version__, "python": platform.python_version()},
        "corpus": digest(corpus),
        "vocab_size": size,
        "bpe": learned(bpe) | {"ids": [bpe.encode(peer.with_ends(text)).ids for text in texts]},
        "byte_level_bpe": learned(byte_level) | {"ids": [byte_level.encode(text).ids for text in texts]},
        "wordpiece": {"tokens": pieces, "ids": [wordpiece.encode(text).ids for text in texts]},
        "unigram": {"scores": scores, "ids": [unigram.encode(text).ids for text in texts]},
    }


def learned(of: peer.Peer) -> dict:
    found = peer.learned(of)
    return {"alphabet": found["tokens"][: -len(found["merges"])], "merges": found["merges"]}


def digest(corpus: list[str]) -> str:
    return hashlib.sha256("\0".join(corpus).encode()).hexdigest()


if __name__ == "__main__":
    for name in CORPORA:
        text = json.dumps(golden(name), separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text.replace("],[", "],\n[") + "\n", encoding="ascii")
