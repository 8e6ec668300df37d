"""Tokenizer families: one text cut in six ways, what each remembers of it, and what a model pays for it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from lessons.coverage import questions
from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.measure.verdicts import largest
from tfx.tokenizers import BPE, KINDS, Tokenizer, Unigram, measure

DEFAULT_TEXT = "Transformers retokenize 2017 papers"
NAMES = {"character": "characters", "byte": "bytes", "bpe": "BPE", "byte_level_bpe": "BPE over bytes", "wordpiece": "WordPiece", "unigram": "unigram"}  # fmt: skip
OTHER_LANGUAGE = "wie werden texte in stuecke zerlegt und warum kostet das mehr"
SPELLING = str.maketrans({" ": "_", "\u0120": "_", "\u2581": "_"})  # the blank as each kind writes it


@dataclass(frozen=True)
class Settings:
    vocabulary: int = setting(400, 300, 800, "tokens in the vocabulary of those that learn one")


class Run:
    """text: the reader's; corpus: the questions of the course, from which every kind has learned."""

    def __init__(self, request: Request) -> None:
        self.size: int = request.settings.vocabulary
        self.text = DEFAULT_TEXT if request.text is None else " ".join(request.text.split())
        self.words = read_words(self.text, DEFAULT_TEXT, at_least=1)
        self.word = max(self.words, key=len)

    @cached_property
    def corpus(self) -> list[str]:
        return [question.ask for question in questions()]

    @cached_property
    def kinds(self) -> dict[str, Tokenizer]:
        return {NAMES[name]: KINDS[name].train(self.corpus, self.size) for name in NAMES}  # type: ignore[attr-defined]

    @cached_property
    def lengths(self) -> list[tuple[int, float]]:
        """Sizes of the vocabulary of a BPE, and tokens a word of the corpus."""
        sizes = (100, 200, 400, 800)
        return [(size, measure(BPE.train(self.corpus, size), self.corpus).fertility) for size in sizes]


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.tokens[i].translate(SPELLING) for i in tokenizer.encode(text)]


@lesson.step("One word, six tokenizers")
def one_word(run: Run) -> Iterator[Shown]:
    rows: list[dict[str, Any]] = [{"kind": name, "pieces": " ".join(pieces(kind, run.word)), "n": len(pieces(kind, run.word))} for name, kind in run.kinds.items()]  # fmt: skip
    yield "A tokenizer turns a text into ids, numbers that name its pieces, and ids back into text. Kinds differ in what a piece is, and in how pieces are chosen."
    yield table(f'"{run.word}", by tokenizers that learned from the questions of this course', rows, kind="tokenizer", pieces="pieces", n="tokens")  # fmt: skip
    yield "Characters and bytes choose nothing. BPE merges the most frequent pair of neighbours. WordPiece merges the pair that makes its text most likely, marks pieces inside a word with ##, and cuts a word by the longest piece first. Unigram gives every piece a probability and takes the most likely cut. (_ is a blank, or a word's end.)"
    yield exactly("characters", "characters: tokens of the word", len(run.word), rows[0]["n"])
    yield Try.here(text="unquestionable" if run.word != "unquestionable" else DEFAULT_TEXT)


@lesson.step("Does the text come back, and what does it cost?")
def whole_text(run: Run) -> Iterator[Shown]:
    rows: list[dict[str, Any]] = []
    for name, kind in run.kinds.items():
        ids = kind.encode(run.text)
        back, unknown = kind.decode(ids), measure(kind, run.text).unknown_tokens
        rows.append({"kind": name, "n": len(ids), "unknown": unknown, "back": "yes" if back == run.text else "no", "pairs": len(ids) ** 2})  # fmt: skip
    yield run.text
    yield table("the whole text", rows, kind="tokenizer", n="tokens T", unknown="unknown", back="comes back", pairs="T * T")  # fmt: skip
    yield f"Why tokens matter: attention compares each token with each, T * T pairs, so twice the tokens are four times the pairs. Bytes take {rows[1]['n'] / rows[4]['n']:.1f} times the tokens of WordPiece here, and {(rows[1]['n'] / rows[4]['n']) ** 2:.1f} times the pairs."
    yield "Bytes bring every text back. WordPiece forgets which spaces stood around punctuation, and BPE over words makes white space single. A character that the corpus did not hold is unknown, except over bytes."
    yield exactly("bytes", "the two kinds over bytes bring the text back", "yes, yes", f"{rows[1]['back']}, {rows[3]['back']}")  # fmt: skip
    yield exactly("known", "... and know all of it: unknown tokens", 0, rows[1]["unknown"] + rows[3]["unknown"])


@lesson.step("Unigram: every cut has a probability")
def unigram(run: Run) -> Iterator[Shown]:
    kind = run.kinds["unigram"]
    assert isinstance(kind, Unigram)
    best = kind.n_best(run.word, 3)
    cuts = [{"cut": " ".join(kind.tokens[i].translate(SPELLING) for i in ids), "log": score} for score, ids in best]  # fmt: skip
    parts = " ".join(f"{kind.score([i]):+.3f}" for i in best[0][1])
    yield "BPE cuts a word in one way. A unigram model has all ways, each with a probability: the product of its pieces'. Logarithms make it a sum."
    yield formula("log p(cut) = sum of log p(piece) over its pieces")
    yield table(f'likely cuts of "{run.word}"', cuts, cut="cut", log="log p :4")
    yield f"By hand: {parts} = {sum(round(kind.score([i]), 3) for i in best[0][1]):.3f}. The likeliest is taken. Learning begins with too many pieces and drops those missed least."
    if len(best) > 1:
        yield question("How many times as likely as the second cut is the first?", math.exp(best[0][0] - best[1][0]), "e to the power of the difference of the logarithms.", 0.02)  # fmt: skip
    yield within("best", "log p of the cut that is taken, and of the likeliest", max(score for score, _ in best), kind.score(kind.encode(run.word)), 1e-9)  # fmt: skip
    yield Source("Kudo", 2018, "Subword Regularization", "section 3.2")  # fmt: skip


@lesson.step("A larger vocabulary makes shorter texts")
def sizes(run: Run) -> Iterator[Shown]:
    width = 512
    rows = [{"size": size, "fertility": tokens, "pairs": (tokens / run.lengths[0][1]) ** 2, "table": size * width} for size, tokens in run.lengths]  # fmt: skip
    (small, many), (large, few) = run.lengths[0], run.lengths[-1]
    yield f"More pieces: fewer tokens, so less attention. But each has a row of {width} numbers in the model, its embedding, and is seen less often in learning."
    yield question(f"From {small} to {large} tokens in the vocabulary: {many:.2f} tokens a word become {few:.2f}. By what are the pairs multiplied?", (few / many) ** 2, "The square of the ratio of the lengths.", 0.02)  # fmt: skip
    yield table("BPE on the questions of this course", rows, size="vocabulary", fertility="tokens/word :3", pairs="pairs :2", table="numbers in the table :9")  # fmt: skip
    yield Said("Tokenisation trades the size of the vocabulary for the length of the text.", "true", "No merge makes a text longer; the first save the most.", "C280")  # fmt: skip
    yield at_most("shorter", "largest rise of tokens a word as the vocabulary grows", 0.0, largest(b - a for (_, a), (_, b) in pairwise(run.lengths)))  # fmt: skip


@lesson.step("Who pays: numbers, other languages, other tokenizers")
def consequences(run: Run) -> Iterator[Shown]:
    bpe, over_bytes = run.kinds["BPE"], run.kinds["BPE over bytes"]
    own, other = (
        found.tokens / found.characters
        for found in (measure(over_bytes, text) for text in (run.corpus, OTHER_LANGUAGE))
    )
    swapped = bpe.decode([i % len(bpe) for i in over_bytes.encode(run.text)]).encode("ascii", "replace").decode()
    yield "Pieces are frequent in the text that they were learned from. What is rare there is cut finely:"
    rows = [{"what": what, "text": text, "pieces": " ".join(pieces(over_bytes, text))} for what, text in (("a year", "2017"), ("another", "1685"), ("a rare word", "zymurgy"))]  # fmt: skip
    yield table("BPE over bytes", rows, what="what", text="text", pieces="pieces")
    yield f"A number is cut by what was frequent, not by what its digits are worth; some tokenizers cut it into single digits on purpose. Another language pays as well: {other:.2f} tokens a character of German, against {own:.2f} of English."
    yield f'And a model knows ids, not texts: row 300 of its table belongs to one piece. With another tokenizer the same ids mean other pieces. Your text, encoded by one and decoded by another: "{swapped[:60]}"'
    yield at_least("pays", "tokens a character: German over English", 1.05, other / own)
    yield exactly("swapped", "the text comes back from another tokenizer's ids", "no", "yes" if swapped == run.text else "no")  # fmt: skip


@lesson.step("Names that are mixed up")
def names(run: Run) -> Iterator[Shown]:
    yield Said("SentencePiece and byte-level encodings work on raw text without assumptions about white space.", "true with conditions", "Spaces come back (by default SentencePiece makes several one); but both usually cut at spaces first. SentencePiece is a program that learns BPE or unigram from raw text; byte-level means an alphabet of 256 bytes, below any of them.", "C282")  # fmt: skip
    yield Said("A Transformer needs a tokenizer.", "too strong", "It needs vectors. Models over bytes or characters learn no pieces and pay with longer texts; for pictures the pieces are squares of pixels.")  # fmt: skip
    yield "GPT-2 and many after it use BPE over bytes, BERT WordPiece, T5 unigram by SentencePiece. Vocabularies have grown since."
    yield BPE
    yield Source("Kudo and Richardson", 2018, "SentencePiece")  # fmt: skip
    yield Source("Xue et al.", 2022, "ByT5: Towards a Token-Free Future")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A tokenizer maps text to ids and back. Words give short texts and unknown words; characters give long texts, bytes the longest, and over bytes nothing is unknown; subwords stand between: BPE merges frequent pairs, WordPiece those that raise the likelihood most, unigram keeps pieces with probabilities."
    yield "The choice sets the length of texts, and with it the cost of attention, the size of the embedding table, and how well rare words, numbers and other languages fare. In use it must be the tokenizer of training."
    yield Try("tfx quiz tokenizer-families")
