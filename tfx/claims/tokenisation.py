"""Claims about how text becomes tokens, and tokens become vectors."""

from __future__ import annotations

import functools
from collections import Counter
from itertools import pairwise

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.data import pronouns
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, smallest, within
from tfx.ops.basics.embedding import embedding_forward
from tfx.tokenizers import BPE, ByteLevelBPE, Unigram
from tfx.tokenizers.unigram import SPACE
from tfx.tokenizers.unigram_training import expectation, maximization, seed
from tfx.tokenizers.word_table import WordTable

SECTION = "Tokenisation and data"

SENNRICH = "Sennrich et al. 2016, Neural Machine Translation of Rare Words with Subword Units"
KUDO = "Kudo 2018, Subword Regularization"
#: No sentence of the corpus has this word or this character; in the second text the spaces are odd.
NEW_WORD, NEW_CHARACTER = "dogmatists", "\u03a9"
ODD = "  the dog\n\n\tdid   not enter "


@functools.lru_cache(maxsize=4)
def corpus(seed: int) -> tuple[str, ...]:
    """Sentences of the pronoun grammar."""
    return tuple(" ".join(sentence.words) for sentence in pronouns.sentences(150, seed))


def unknown_in(text: str, tokenizer: BPE | ByteLevelBPE) -> int:
    """Tokens that stand for what the tokenizer cannot write."""
    unknown = tokenizer.id_of.get(tokenizer.unknown) if tokenizer.unknown else None
    return sum(token == unknown for token in tokenizer.encode(text))


@claim(
    "C279", "Subwords solve the problem of words that are not in the vocabulary.", where="D1:580",
    verdict="holds when", paper=SENNRICH,
    why="every character of the text is in the alphabet. A new character stays unknown, unless the alphabet is the 256 "
    "bytes.",
)  # fmt: skip
def new_words(trial: Trial) -> Evidence:
    texts = corpus(trial.seed)
    subwords, in_bytes = BPE.train(texts, 80), ByteLevelBPE.train(texts, 300)
    yield supports(exactly("word", "unknown tokens of a new word, in subwords", 0, unknown_in(NEW_WORD, subwords)))
    yield exactly("back", "a new word, encoded and decoded", NEW_WORD, subwords.decode(subwords.encode(NEW_WORD)))
    yield contradicts(at_least("character", "... of a new character", 1, unknown_in(NEW_CHARACTER, subwords)))
    yield exactly("bytes", "... of a new character, over bytes", 0, unknown_in(NEW_CHARACTER, in_bytes))


@claim(
    "C280", "Tokenisation trades the size of the vocabulary for the length of the text.", where="D1:718",
    verdict="holds", paper=SENNRICH,
    why="each merge makes one token more, and no text longer; the first merges save the most.",
)  # fmt: skip
def size_and_length(trial: Trial) -> Evidence:
    texts = corpus(trial.seed)
    lengths = [tokens_in(texts, size) for size in (40, 60, 80, 100, 120)]
    words = "tokens of a text with 120 in the vocabulary, over those with 40"
    yield supports(at_most("shorter", words, 0.7, lengths[-1] / lengths[0]))
    yield supports(at_most("never-longer", "largest rise from 20 tokens more", 0, largest(np.diff(lengths))))
    gains = -np.diff(lengths)
    yield at_most(
        "gains-fall", "what the last 20 tokens save, over what the first 20 do", 1.0, float(gains[-1] / gains[0])
    )


def tokens_in(texts: tuple[str, ...], vocabulary: int) -> int:
    tokenizer = BPE.train(texts, vocabulary)
    return sum(len(tokenizer.encode(text)) for text in texts)


@claim(
    "C281", "Unigram tokenisation is a probabilistic model of subwords.", where="D3:233", verdict="holds",
    paper=KUDO + ", section 3.2",
    why="each piece has a probability and a word that of all its cuts; EM raises the likelihood round by round, and a "
    "text takes its likeliest cut.",
)  # fmt: skip
def unigram(trial: Trial) -> Evidence:
    counts = Counter(SPACE + word for text in corpus(trial.seed) for word in text.split())
    model = seed(counts, 120, longest=6)
    table, likelihoods = WordTable(counts, list(model)), []
    for _ in range(5):
        likelihood, expected = expectation(table, model)
        likelihoods.append(likelihood)
        model = maximization({piece: max(count, 1e-300) for piece, count in expected.items()})
    rises = [after - before for before, after in pairwise(likelihoods)]
    total = sum(counts.values())
    yield supports(
        at_least("climbs", "smallest rise of log p from one round of EM to the next, nats", 0, smallest(rises))
    )
    yield supports(
        at_least("gain", "... over all rounds, nats a word", 0.1, (likelihoods[-1] - likelihoods[0]) / total)
    )
    yield within("sum", "probabilities of all pieces together", 1.0, float(np.exp(list(model.values())).sum()), 1e-9)
    trained = Unigram.train(corpus(trial.seed), 80)
    cuts = [score for score, _ in trained.n_best("yesterday", 3)]
    best = trained.score(trained.encode("yesterday"))
    yield exactly(
        "best", "log p of the cut that is taken, less the likeliest one's", 0.0, round(best - max(cuts), 9) + 0.0
    )


@claim(
    "C282", "SentencePiece and byte-level encodings work on raw text without assumptions about white space.",
    where="D3:234", verdict="holds when", paper="Kudo and Richardson 2018, SentencePiece; Radford et al. 2019",
    why="it means that every space comes back. Both still cut at spaces first, so that no token spans two words, and a "
    "writing without spaces gets long pieces. BPE over words loses odd spacing.",
)  # fmt: skip
def white_space(trial: Trial) -> Evidence:
    texts = (*corpus(trial.seed), ODD)
    in_bytes, pieces, words = ByteLevelBPE.train(texts, 400), Unigram.train(texts, 90), BPE.train(texts, 90)
    kept = sum(each.decode(each.encode(ODD)) == ODD for each in (in_bytes, pieces))
    yield supports(exactly("kept", "of two encodings, those that give odd spacing back", 2, kept))
    yield exactly("lost", "odd spacing, by BPE over words", " ".join(ODD.split()), words.decode(words.encode(ODD)))
    together = ByteLevelBPE.train(["did not"] * 50, 300)
    spanning = sum(" " in together.decode([token]).strip() for token in range(len(together.tokens)))
    yield contradicts(exactly("cut", 'tokens with a space inside, learned from "did not" alone', 0, spanning))


@claim(
    "C284", "Text becomes numbers of tokens, and these become vectors.", where="D1:64 D3:230", verdict="holds",
    why="the embedding is a table: looking up row i is the same as a one-hot vector times the table.",
)  # fmt: skip
def numbers_and_vectors(trial: Trial) -> Evidence:
    tokenizer = BPE.train(corpus(trial.seed), 80)
    ids = np.array([tokenizer.encode(NEW_WORD)])
    table = trial.generator().standard_normal((len(tokenizer.tokens), 16))
    vectors, _ = embedding_forward(ids, table)
    one_hot = np.eye(len(tokenizer.tokens))[ids]
    yield supports(agree("table", "vectors looked up, less one-hot rows times the table", vectors, one_hot @ table, 0))
    yield exactly("numbers", "shape of the ids and of the vectors", f"(1, {ids.shape[1]}, 16)", str(vectors.shape))
