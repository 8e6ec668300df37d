"""Pre-training objectives: three ways to ask a text about itself, what each reads, and how many answers each gets."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.data.masked_tokens import mask_tokens
from tfx.data.span_corruption import corrupt_spans, restore_spans
from tfx.lab.scale.markov_texts import MarkovTexts
from tfx.lab.training.fill_the_gap import draw, most
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

DEFAULT_TEXT = "the animal did not cross the street because it was too tired and the street was too wide"
LONGEST, LONG, PAPER_RATE, PAPER_SPAN = 20, 512, 0.15, 3.0
SYMBOLS, DRAWN, SOURCE_LENGTH = 6, 4000, 4000


@dataclass(frozen=True)
class Settings:
    rate: float = setting(0.3, 0.1, 0.5, "share of the words that are hidden; 0.15 in the papers")
    span: float = setting(3.0, 1.0, 5.0, "mean length of a span that is cut, in words")


class Run:
    """ids: (T,), the same number for the same word; the mask and the sentinels come behind the words."""

    def __init__(self, request: Request) -> None:
        self.words = read_words(request.text, DEFAULT_TEXT, at_least=6)[:LONGEST]
        self.settings, self.seed, self.n = request.settings, request.seed, len(self.words)
        vocabulary = list(dict.fromkeys(self.words))
        self.ids = np.array([vocabulary.index(word) for word in self.words])
        self.mask = len(vocabulary)
        self.sentinels = range(self.mask + 1, self.mask + 2 + self.n)
        self.names = [*vocabulary, "[MASK]", *(f"<{i + 1}>" for i in range(self.n + 1))]
        rng = np.random.default_rng(request.seed)
        self.hidden = mask_tokens(self.ids[None], rng, self.mask + 1, self.mask, rate=self.settings.rate, masked=1.0, random=0.0)  # fmt: skip
        self.cut = corrupt_spans(self.ids, self.sentinels, rng, self.settings.rate, self.settings.span)

    def text(self, ids: np.ndarray) -> str:
        return " ".join(self.names[id] for id in ids)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("A text asks its own questions")
def own_questions(run: Run) -> Iterator[Shown]:
    half = run.n // 2
    yield f"Labels are made by people, one at a time. A text needs none: hide a part of it, and the rest is the question, the part the answer. That is self-supervised pre-training, and what limits it is text and computing, not labels. Your {run.n} words:"
    yield formula(f"reads: {' '.join(run.words[:half])}        asked: {run.words[half]}")
    yield question("Asked for each next word, from the words before it: how many questions?", run.n - 1, "Each word but the first, which has nothing before it.", 0)  # fmt: skip
    yield "Three ways to hide are in use: what comes next (GPT), some tokens (BERT), some spans, that is runs of tokens (T5)."
    yield exactly("pairs", "questions with something before the answer", run.n - 1, sum(len(run.ids[:i]) > 0 for i in range(run.n)))  # fmt: skip


@lesson.step("Next token: chances that multiply to the text's")
def next_token(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    source = MarkovTexts(SYMBOLS, rng)
    ids = source.draw(1, SOURCE_LENGTH, rng)[0]
    chances = source.table[ids[:-1], ids[1:]]
    rows = [{"read": int(a), "next": int(b), "p": p, "loss": -math.log(p)} for a, b, p in zip(ids[:3], ids[1:4], chances[:3], strict=True)]  # fmt: skip
    loss = float(-np.log(chances).mean())
    total = sum(row["loss"] for row in rows)
    yield "Autoregressive: each token from those before it, under a causal mask. The chances multiply to that of the text:"
    yield formula("p(text) = p(token 1) p(token 2 | token 1) p(token 3 | tokens 1, 2) ...")
    yield f"{SYMBOLS} tokens with known chances, given the last one:"
    yield table("the first three", rows, read="after", next="next", p="chance :3", loss="loss [nats] :3")
    yield question(f"These losses sum to {total:.3f}. The chance of the three, given token 1?", math.exp(-total), "exp(-sum): the product of the chances.")  # fmt: skip
    yield f"Over {SOURCE_LENGTH:,} tokens the mean is {loss:.3f} nats (best on average: the entropy, {source.entropy:.3f}). Perplexity is exp of it, {math.exp(loss):.2f}: as among so many equal tokens."
    yield agree("product", "exp(-sum of losses) is the product of chances", math.exp(-total), float(np.prod(chances[:3])))  # fmt: skip
    yield within("entropy", "mean loss of who knows the source, against its entropy", source.entropy, loss, 0.08)


@lesson.step("Hidden tokens: both sides, few answers")
def hidden_tokens(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    chosen, wide = run.hidden.chosen, len(run.names)
    logits = rng.standard_normal((1, run.n, wide))
    loss, cache = cross_entropy_forward(logits, run.hidden.targets, keep=chosen)
    moved = np.where(chosen[..., None], logits, rng.standard_normal(logits.shape))
    elsewhere = float(np.abs(cross_entropy_backward(1.0, cache)[~chosen]).max())
    gaps = draw(DRAWN, SYMBOLS, rng)
    seen_before = float((~gaps.first).mean() + gaps.first.mean() / SYMBOLS)
    yield "Masked language modelling: chosen tokens, 15 percent in BERT, are asked for with both sides in view."
    yield formula(run.text(run.hidden.ids[0]))
    yield f"The loss counts at the {chosen.sum()} chosen places alone. BERT hides 80 percent of these, swaps 10 for random tokens, leaves 10: in use there is no [MASK]."
    yield f"Why both sides? In doubled tokens, a a b b c c, one of the middle two is hidden; its twin may stand behind it. {SYMBOLS} symbols:"
    yield question("Read from left to right: which share of gaps can be filled, at most?", most(SYMBOLS), f"Half have it before; of the others one in {SYMBOLS} is luck.")  # fmt: skip
    yield f"With both sides all can be. Drawn {DRAWN:,} times, the left side gives {seen_before:.3f}."
    yield exactly("places", "the loss, when all scores elsewhere are others", loss, cross_entropy_forward(moved, run.hidden.targets, keep=chosen)[0])  # fmt: skip
    yield exactly("zero", "largest gradient at a place not chosen", 0.0, elsewhere)
    yield within("left", "gaps that the left side can fill", most(SYMBOLS), seen_before, 0.03)
    yield See("bert", "fill_gaps")
    yield cross_entropy_forward


@lesson.step("Cut spans: text in, text out")
def cut_spans(run: Run) -> Iterator[Shown]:
    source, target = run.cut
    gone = len(target) - 1 - (runs := int(np.isin(source, run.sentinels).sum()))
    yield "T5 cuts out spans, puts one sentinel for each, a token that occurs nowhere else, and lets the decoder write what was cut:"
    yield formula(f"source   {run.text(source)}")
    yield formula(f"target   {run.text(target)}")
    yield question(f"{run.n} words, {gone} cut in {runs} span{'s' * (runs > 1)}. How many tokens are source and target together?", len(source) + len(target), "All words stay, in one or the other; a sentinel for each span in both, and one more at the end.", 0)  # fmt: skip
    yield 'Then all tasks are put the same way, strings in and strings out, with the task\'s name in front: "translate English to German: ..." or "summarize: ...". One model and one loss serve all, and even a class is written as a word.'
    yield exactly("restored", "words that source and target give back", run.n, int((restore_spans(source, target, run.sentinels) == run.ids).sum()))  # fmt: skip
    yield exactly("length", "source and target: words, twice the spans, one", run.n + 2 * runs + 1, len(source) + len(target))  # fmt: skip
    yield Source("Raffel et al.", 2020, "T5", "sections 3.1.4 and 3.3.4")
    yield corrupt_spans


@lesson.step("How many answers a text gives")
def answers(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    ids = rng.integers(1000, size=LONG)
    masked = int(mask_tokens(ids[None], rng, 1001, 1000, rate=PAPER_RATE).chosen.sum())
    source, target = corrupt_spans(ids, range(1001, 1101), rng, PAPER_RATE, PAPER_SPAN)
    rows = [
        {"way": "next token", "read": LONG, "asked": LONG - 1, "sees": "left", "fits": "writing"},
        {"way": "hidden tokens", "read": LONG, "asked": masked, "sees": "both sides", "fits": "labels, search"},
        {"way": "cut spans", "read": len(source), "asked": len(target), "sees": "both, then left", "fits": "text to text"},
    ]  # fmt: skip
    ratio = (LONG - 1) / masked
    yield f"A text of {LONG} tokens, at the papers' rates:"
    yield question(f"15 percent of the tokens are asked for: how many of these {LONG}?", masked, f"{PAPER_RATE} * {LONG}, rounded.", 0)  # fmt: skip
    yield table("one text, one pass", rows, way="objective", read="tokens in", asked="answers", sees="sees", fits="fits")  # fmt: skip
    yield f"Next-token training gets {ratio:.1f} times as many answers out of a pass, and it trains just what writing needs. Masking gets few, with more context for each. More answers are not in themselves better: a token that both sides give away teaches little."
    yield exactly("masked", f"15 percent of {LONG}, rounded", round(PAPER_RATE * LONG), masked)
    yield within("shorter", "cut spans: tokens in and answers, as a share of the text", 1.0, (len(source) + len(target)) / LONG, 0.15)  # fmt: skip


@lesson.step("Why it helps, and what is often said")
def why_it_helps(run: Run) -> Iterator[Shown]:
    yield "To guess what is hidden, a model has to find out which words are alike, what belongs to what, and some of what the text is about. These weights are a start from which a task with labels is learned from fewer examples. How many fewer depends on how near the task is to the text."
    yield Said("Masked modelling learns from both sides of a token.", "true", "Who knows the source foretells a hidden token better from both.", "C299")  # fmt: skip
    yield Said("BERT gives the probability of a sentence, as GPT does.", "false", "Chances of hidden tokens, each given the others, do not multiply to one of the text.")  # fmt: skip
    yield Said("Causal models cannot be used to understand.", "false", "A prompt puts what they are to judge to the left of the answer.")  # fmt: skip
    yield "Most large language models of today are decoders, pre-trained on next tokens."
    yield Source("Devlin et al.", 2019, "BERT", "section 3.1, task 1")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Self-supervised pre-training takes its targets from the text, so data are not limited by labels. Causal: predict each next token; chances multiply to an exact probability of the text, and each place gives a loss. Masked: hide about 15 percent and predict these from both sides, 80/10/10, with a loss at the chosen places alone."
    yield "Span corruption: runs of tokens become sentinels, and a decoder writes them; T5 casts every task as text to text with a prefix. All three give a start that learns a task from fewer labels."
    yield Try("tfx quiz pretraining-objectives")
