"""Text into tokens and back, each kind in its own file.

    kind              learns                          a word it never saw               text comes back
    ----------------  ------------------------------  --------------------------------  -----------------------
    Character         the characters                  its characters, new ones <unk>    as it was, or <unk>
    Byte              nothing                         its bytes                         as it was, always
    BPE               merges, by frequency            pieces; new characters <unk>      white space made single
    ByteLevelBPE      merges of bytes, by frequency   pieces, at worst its bytes        as it was, always
    WordPiece         merges, by likelihood           pieces, or one [UNK] for all      words joined by spaces
    Unigram           a probability for each piece    pieces; new characters <unk>      as it was, or <unk>
    WordTokenizer     frequent words, then merges     pieces; new characters <unk>      lower case, joined by spaces

WordTokenizer reads for the shipped language model; it is trained by numbers of words and of pieces.  All others are one
`Tokenizer`: `train(corpus, vocab_size, special=())`, `encode`, `decode`, `pieces`, `tokens`, `save`; and `load(path)`
reads whichever kind the file holds.
"""

from pathlib import Path

from tfx.errors import BadInput
from tfx.tokenizers import storage
from tfx.tokenizers.bpe import BPE
from tfx.tokenizers.byte import ByteTokenizer
from tfx.tokenizers.byte_level_bpe import ByteLevelBPE
from tfx.tokenizers.character import CharacterTokenizer
from tfx.tokenizers.statistics import Statistics, measure
from tfx.tokenizers.tokenizer import Piece, Tokenizer
from tfx.tokenizers.unigram import Unigram
from tfx.tokenizers.word import WordTokenizer
from tfx.tokenizers.wordpiece import WordPiece

#: Those that are trained to a size of the vocabulary.
KINDS: dict[str, type[Tokenizer]] = {
    kind.kind: kind for kind in (CharacterTokenizer, ByteTokenizer, BPE, ByteLevelBPE, WordPiece, Unigram)
}


def load(path: str | Path) -> Tokenizer:
    """The tokenizer in the file, of whatever kind.  Raises BadInput when there is none."""
    kind = storage.kind_of(Path(path))
    known: dict[str, type[Tokenizer]] = {**KINDS, WordTokenizer.kind: WordTokenizer}
    if kind not in known:
        raise BadInput(f"{path} holds a tokenizer of the unknown kind {kind!r}.", f"Known: {', '.join(known)}.")
    return known[kind].load(path)


__all__ = [
    "BPE",
    "KINDS",
    "ByteLevelBPE",
    "ByteTokenizer",
    "CharacterTokenizer",
    "Piece",
    "Statistics",
    "Tokenizer",
    "Unigram",
    "WordPiece",
    "WordTokenizer",
    "load",
    "measure",
]
