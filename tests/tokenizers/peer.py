"""The peer: the package `tokenizers` of Hugging Face, set up to do what our kinds do.

Nothing here computes.  White space is made single and every word is given a space behind it, because that is how our
BPE writes the end of a word; the peer then cuts behind each space.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import Regex, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Peer

from tfx.tokenizers.splitting import words


def bpe(corpus: Iterable[str], vocab_size: int) -> Peer:
    peer = Peer(models.BPE(unk_token="<unk>"))
    peer.pre_tokenizer = pre_tokenizers.Split(Regex(" "), behavior="merged_with_previous")
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=["<unk>"], show_progress=False)
    peer.train_from_iterator(map(with_ends, corpus), trainer)
    return peer


def byte_level_bpe(corpus: Iterable[str], vocab_size: int) -> Peer:
    peer = Peer(models.BPE())
    peer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
    peer.train_from_iterator(corpus, trainer)
    return peer


def wordpiece(tokens: Sequence[str]) -> Peer:
    vocabulary = {token: i for i, token in enumerate(tokens)}
    peer = Peer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    peer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return peer


def unigram(scores: Iterable[tuple[str, float]]) -> Peer:
    peer = Peer(models.Unigram([("<unk>", 0.0), *scores], unk_id=0, byte_fallback=False))
    peer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    return peer


def with_ends(text: str) -> str:
    return "".join(text[start:end] + " " for start, end in words(text))


def learned(peer: Peer) -> dict[str, Any]:
    """The peer's tokens by id, and its merges."""
    model = json.loads(peer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return {"tokens": tokens, "merges": [tuple(merge) for merge in model["merges"]]}
