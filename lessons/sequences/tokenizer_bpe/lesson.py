"""Byte-pair encoding from scratch: pieces between letters and words, learned merge by merge from a text."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from lessons.coverage import questions
from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.data.corpus import read_corpus
from tfx.errors import BadInput
from tfx.lab.sequences.merge_trace import (
    Merged, apply_in_order, fewest_tokens, learn_by_counting, letters_of, merge_pair, pair_counts,
)  # fmt: skip
from tfx.tokenizers import BPE, ByteLevelBPE
from tfx.tokenizers.bpe import END_OF_WORD

DEFAULT_TEXT = "retention"
FEWEST_WORDS, STRANGER = 20, "\u2603"  # a snowman, which is no letter


@dataclass(frozen=True)
class Settings:
    words: int = setting(200, 20, 5000, "words of the text that is learned from")
    merges: int = setting(60, 5, 300, "merges that are learned, at most")
    text_file: str = setting("", about="a text file of yours to learn from, in UTF-8; nothing: the course's questions")


class Run:
    """text: the words that are learned from; rest: all words of the source; new: the reader's own.

    learned: the merges, one by one; bpe: the library's tokenizer of the same text and size.
    """

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        file = self.settings.text_file
        self.source = "your file" if file else "interview questions, those of this course"
        self.rest = words_of(read_corpus(file) if file else [question.ask for question in questions()])
        if len(self.rest) < FEWEST_WORDS:
            raise BadInput(f"{file} has {len(self.rest)} words of letters; {FEWEST_WORDS} are needed.", "Give a longer text.")  # fmt: skip
        self.text = self.rest[: self.settings.words]
        self.new = read_words(request.text, DEFAULT_TEXT, at_least=1)

    @cached_property
    def learned(self) -> list[Merged]:
        return learn_by_counting(self.text, self.settings.merges)

    @cached_property
    def bpe(self) -> BPE:
        alphabet = {symbol for word in self.text for symbol in letters_of(word)}
        return BPE.train(" ".join(self.text), 1 + len(alphabet) + len(self.learned))

    @cached_property
    def counts(self) -> Counter[tuple[str, ...]]:
        return Counter(letters_of(word) for word in self.text)

    @property
    def symbols(self) -> int:
        return sum(len(word) + 1 for word in self.text)


def words_of(texts: list[str]) -> list[str]:
    """Runs of letters, in lower case: punctuation and figures would only lengthen the tables."""
    return re.findall(r"[^\W\d_]+", " ".join(texts).lower())


def shown(symbols: tuple[str, ...]) -> str:
    """`low` `er_`: symbols with blanks between them, and the end of a word as it is written here."""
    return " ".join(symbol.replace(" ", "_") for symbol in symbols)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("Letters are too short, words are too many")
def the_gap(run: Run) -> Iterator[Shown]:
    half, rows = len(run.text) // 2, []
    for name, cut in (("letters", "".join), ("words", list)):
        first, second = cut(run.text[:half]), cut(run.text[half:])
        new = 100 * sum(unit not in set(first) for unit in second) / len(second)
        rows.append({"unit": name, "different": len({*first, *second}), "all": len(first) + len(second), "new": new})
    yield "A model computes with numbers, so a text is cut into units, and each different unit gets a number, its id. The list of all different units is the vocabulary; the units of a text, one after another, are its tokens. Which units?"
    yield table(f"{len(run.text)} words of {run.source}", rows, unit="cut into", different="vocabulary", all="tokens", new="new in the second half [%] :2")  # fmt: skip
    yield f"Letters: a tiny vocabulary, and long texts. Words: short texts, but {rows[1]['new']:.0f}% of the words in the second half did not occur in the first, and a new word has no id. Byte-pair encoding (BPE) finds units in between: frequent words whole, rare ones in pieces."


@lesson.step("Count the neighbours, merge the most frequent pair")
def neighbours(run: Run) -> Iterator[Shown]:
    counts, first = pair_counts(run.counts), run.learned[0]
    top = sorted(counts, key=lambda pair: (-counts[pair], pair))[:4]
    yield "Every word begins as its letters and a sign for its end, written _ here. Count how often each two symbols stand side by side, within words and over the whole text:"
    yield table("the most frequent pairs of neighbours", [{"pair": shown(pair), "count": counts[pair]} for pair in top], pair="pair", count="count")  # fmt: skip
    yield formula("next merge = the pair (a, b) with the largest count(a, b)")
    yield f"That is {shown(first.pair)}, {first.times} times. Write it as one new symbol everywhere."
    yield question(f"The text had {run.symbols:,} symbols. How many after this merge?", first.symbols, "Each place where the pair stood has one symbol less.", 0)  # fmt: skip
    stood = sum((word + END_OF_WORD).count("".join(first.pair)) for word in run.text)
    yield exactly(
        "shrinks", f"symbols saved: places where {shown(first.pair)} stood", stood, run.symbols - first.symbols
    )
    yield merge_pair


@lesson.step("One merge after the other")
def merging(run: Run) -> Iterator[Shown]:
    rows = [{"n": n, "pair": shown(m.pair), "new": shown(("".join(m.pair),)), "count": m.times, "symbols": m.symbols} for n, m in enumerate(run.learned, start=1)]  # fmt: skip
    sizes = [run.symbols, *(m.symbols for m in run.learned)]
    yield "Count again, merge again. A merge may join what earlier ones made."
    yield table(f"the first of {len(rows)} merges", rows[:7], n="merge", pair="pair", new="becomes", count="count", symbols="symbols left")  # fmt: skip
    yield f"{len(rows)} merges: {sizes[0]:,} symbols become {sizes[-1]:,}, and the vocabulary has {len(rows)} more. Counts never rise: no pair stood more often than the one before it. How many merges there are is chosen by hand."
    yield at_most("falling", "largest rise of the count from one merge to the next", 0, max(b.times - a.times for a, b in pairwise(run.learned)))  # fmt: skip
    yield exactly("library", "merges that the library learns as well, in this order", len(run.learned), sum(tuple(one) == other.pair for one, other in zip(run.bpe.merges, run.learned, strict=False)))  # fmt: skip
    yield learn_by_counting


@lesson.step("A word that was never seen")
def a_new_word(run: Run) -> Iterator[Shown]:
    word = run.new[0]
    states = apply_in_order(word, [m.pair for m in run.learned])
    seen = "it stands in the text that was learned from" if word in run.text else "it does not stand in the text that was learned from"  # fmt: skip
    last = states[-1][1] if states else letters_of(word)
    rows = [{"merge": "start", "word": shown(letters_of(word))}, *({"merge": shown(pair), "word": shown(symbols)} for pair, symbols in states)]  # fmt: skip
    ids, known = run.bpe.encode(word), set(word) <= {symbol for symbols in run.counts for symbol in symbols}
    kept = "Joined, the tokens are the word again." if known else "It has a letter that the text did not hold; see the next part."  # fmt: skip
    yield f'To cut "{word}" ({seen}), apply the merges in the order in which they were learned, wherever they fit.'
    yield table(f'"{word}", merge by merge', rows, merge="merge", word="the word")
    yield f"{len(last)} tokens for {len(word)} letters and the end. {kept} Given merges enough, a word that is frequent in the text becomes one token."
    pieces = tuple(run.bpe.tokens[i] for i in ids)
    if known:
        yield exactly("pieces", "the library's pieces of it", shown(last), shown(pieces))
        yield exactly("back", "its ids, decoded", word, run.bpe.decode(ids))
    yield apply_in_order
    yield Try.here(text="tokenization" if word != "tokenization" else DEFAULT_TEXT)


@lesson.step("Is anything unknown then?")
def the_unknown(run: Run) -> Iterator[Shown]:
    in_bytes, letter = ByteLevelBPE.train(" ".join(run.text), 256 + 40), STRANGER
    unknown = sum(run.bpe.tokens[i] == run.bpe.unknown for i in run.bpe.encode(letter))
    tokens, back = len(in_bytes.encode(letter)), in_bytes.decode(in_bytes.encode(letter)) == letter
    yield "A word in known letters can always be written. But a character that the text did not hold is in no piece: it becomes the token <unk>, and what it was is lost."
    yield "Byte-level BPE begins with the 256 bytes; every text is made of bytes."
    yield table("one character that the text does not hold: the snowman", [{"kind": "BPE over letters", "tokens": len(run.bpe.encode(letter)) - 1, "unknown": unknown}, {"kind": "BPE over bytes", "tokens": tokens, "unknown": 0}], kind="tokenizer", tokens="tokens", unknown="of them unknown")  # fmt: skip
    yield Said("Subword tokens have solved the problem of unknown words.", "true with conditions", "For every word in the letters of the base alphabet; a new character stays unknown. Over bytes nothing does.", "C279")  # fmt: skip
    yield exactly("letter", "unknown tokens of a new character, over letters", 1, unknown)
    yield exactly("bytes", "the new character over bytes: encoded and decoded, is it the same?", "yes", "yes" if back else "no")  # fmt: skip
    yield Source("Radford et al.", 2019, "Language Models are Unsupervised Multitask Learners", "section 2.2")


@lesson.step("What a list of merges is not")
def not_the_best(run: Run) -> Iterator[Shown]:
    cuts = [(word, tuple(run.bpe.tokens[i] for i in run.bpe.encode(word)), fewest_tokens(word, run.bpe.tokens)) for word in sorted(set(run.rest))]  # fmt: skip
    writable = [(word, used, least) for word, used, least in cuts if least is not None]
    wasteful = [(word, used, tuple(least)) for word, used, least in writable if len(least) < len(used)]
    example = min(wasteful, key=lambda cut: (len(cut[1]), cut[0]), default=None)
    found = f'{len(wasteful)} of {len(writable)} different words would need fewer, such as "{example[0]}": BPE makes {shown(example[1])}, where {shown(example[2])} would do.' if example else f"Here, though, none of {len(writable)} different words needs fewer."  # fmt: skip
    yield "Merges are chosen greedily, by what is frequent now, and applied in that order. Nobody looks for the best cut of a word, nor for its meaning."
    yield Said("BPE writes a word with as few tokens as its vocabulary allows.", "too strong", f"Not always. {found}")
    yield Said("BPE finds the stems and endings of a language.", "too strong", "It finds what is frequent in its text. Endings and fragments are all the same to it, as the merges above show.")  # fmt: skip
    yield at_most("least", "no word is cut into fewer tokens than the fewest possible: words that are", 0, sum(len(used) < len(least) for _, used, least in writable))  # fmt: skip
    yield fewest_tokens
    yield Source("Gage", 1994, "A New Algorithm for Data Compression")
    yield Source("Sennrich, Haddow and Birch", 2016, "Neural Machine Translation of Rare Words with Subword Units", "section 3.2")  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Byte-pair encoding starts from letters or bytes and merges the most frequent pair of neighbours, again and again. A new word is cut by the same merges in the same order: frequent words stay whole, rare ones become pieces."
    yield "So there are no unknown words as long as every character is in the alphabet; over bytes that holds for any text. It was taken from data compression in 2016; since GPT-2 many language models use it over bytes."
    yield Try("tfx quiz tokenizer-bpe")
