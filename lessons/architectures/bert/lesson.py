"""BERT and its inputs: tokens, segments and places, filled gaps, and what segment vectors are for, with and without."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, between, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.data.masked_tokens import MASKED_SHARE, RANDOM_SHARE, mask_tokens
from tfx.data.sentence_pairs import ANSWERS, ID_OF, MASK, NAMES, SPECIAL, VOCABULARY, pack_pairs
from tfx.lab.training.segment_vectors import SIZES, order_told
from tfx.models import Bert
from tfx.models.bert import BERT_BASE, BERT_LARGE, bert_parameter_count
from tfx.ops.norms.layer_norm import layer_norm_forward

ASKED, DRAWN = 500, 20_000
WAYS = {"segments": (True, False), "places": (False, True), "neither": (False, False)}


@dataclass(frozen=True)
class Settings:
    rate: float = setting(0.15, 0.1, 0.5, "share of the tokens that are chosen to be asked for")
    steps: int = setting(60, 50, 200, "updates of the models that learn the order of two sentences")


class Run:
    """first, second: a pair of sentences drawn by the seed.  pair: packed, with segments.  bert: untrained."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        rng = np.random.default_rng(request.seed)
        (a, b), verb = rng.choice(NAMES, 2, replace=False).tolist(), str(rng.choice([*ANSWERS]))
        self.first, self.second = (a, verb, b), (b, ANSWERS[verb], a)
        self.pair = pack_pairs([(self.first, self.second)])
        self.words = [VOCABULARY[id] for id in self.pair.ids[0]]
        self.bert = Bert(len(VOCABULARY), dtype="float64", seed=request.seed, **SIZES)

    @cached_property
    def told(self) -> dict[str, float]:
        with blas_threads(1):
            return {way: order_told(*given, self.settings.steps, ASKED, self.seed) for way, given in WAYS.items()}


lesson = Lesson(Run, Settings)


@lesson.step("An encoder that learns from text alone")
def from_text(run: Run) -> Iterator[Shown]:
    rows = [{"place": i + 1, "token": word, "segment": "AB"[segment]} for i, (word, segment) in enumerate(zip(run.words, run.pair.segments[0], strict=True))]  # fmt: skip
    yield "Labels are dear, text is not. BERT is an encoder that learns from plain text, by filling gaps and by matching sentences (stretches of text), and is then tuned for a task with few labels. It reads one or two, packed into one row:"
    yield table("a pair of sentences as BERT gets it", rows, place="place", token="token", segment="segment")
    yield "The last vector of [CLS] stands for the whole, [SEP] ends a sentence. The segment, or token type, says to which of the two a token belongs."
    yield exactly("packed", "tokens: two sentences, [CLS] and two [SEP]", len(run.first) + len(run.second) + 3, int(run.pair.lengths[0]))  # fmt: skip


@lesson.step("What goes in: three vectors, added")
def three_vectors(run: Run) -> Iterator[Shown]:
    parameters, ids, segments = run.bert.parameters(), run.pair.ids[0], run.pair.segments[0]
    tokens, kinds, places = (parameters[name].value for name in ("embedding.table", "input.segments.table", "input.positions"))  # fmt: skip
    s = tokens[ids] + kinds[segments] + places[: len(ids)]
    x, _ = run.bert.input.forward(run.pair.ids, run.pair.segments)
    shown = [1, len(run.first) + 3]
    rows = [{"token": f"{i + 1}: {run.words[i]}", "e": tokens[ids[i], 0], "g": kinds[segments[i], 0], "p": places[i, 0], "s": s[i, 0], "x": x[0, i, 0]} for i in shown]  # fmt: skip
    own = BERT_BASE["d_model"] * 2
    share = own / sum(bert_parameter_count(**BERT_BASE)[part] for part in ("embedding", "blocks", "pooler"))
    yield "Each token becomes the sum of three learned vectors: for the token (E), for its segment, for its place (PE). The sum is normalised; then come the blocks, post-LN and with GELU."
    yield formula("x_t = norm(E[token t] + vector of its segment + PE[t])")
    i = shown[0]
    yield question(f"Token 2: its three vectors begin with {tokens[ids[i], 0]:.5f}, {kinds[0, 0]:.5f} and {places[i, 0]:.5f}. Their sum?", s[i, 0], "Add them up.")  # fmt: skip
    yield table(
        "the first number", rows, token="token", e="of E :3", g="segment :3", p="of PE :3", s="sum :3", x="x :3"
    )
    yield f"In BERT-base the segments have 2 * {BERT_BASE['d_model']} = {own:,} numbers, {share:.4%} of the model."
    yield agree("sum", "x is the norm of the sum", x[0], layer_norm_forward(s, np.ones(s.shape[1]), np.zeros(s.shape[1]), eps=1e-12)[0])  # fmt: skip
    yield Source("Devlin et al.", 2019, "BERT", "section 3")
    yield layer_norm_forward


@lesson.step("Task 1: fill the gaps")
def fill_gaps(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rate, vocab = run.settings.rate, len(VOCABULARY)
    ordinary = rng.integers(len(SPECIAL), vocab, size=(100, DRAWN // 100))
    found = mask_tokens(ordinary, rng, vocab, ID_OF[MASK], SPECIAL, rate)
    read, true = found.ids[found.chosen], ordinary[found.chosen]
    masked, kept = float((read == ID_OF[MASK]).mean()), float((read == true).mean())
    rows = [{"reads": "[MASK]", "rule": 80.0, "share": 100 * masked}, {"reads": "another token", "rule": 10.0, "share": 100 * (1 - masked - kept)}, {"reads": "itself", "rule": 10.0, "share": 100 * kept}]  # fmt: skip
    one = mask_tokens(run.pair.ids, rng, vocab, ID_OF[MASK], SPECIAL, rate, masked=1.0, random=0.0)
    yield "Some tokens are chosen, 15 percent in the paper, and the model is asked for these alone, with both sides in view:"
    yield formula(" ".join(VOCABULARY[id] for id in one.ids[0]))
    yield "But in use there is no [MASK]. So only 80 percent of the chosen read [MASK]; 10 read a random token, which may be the right one, and 10 themselves: no token can be trusted blindly, and real words are asked for too."
    yield question(f"Of 1,000 tokens, {rate:.0%} chosen: how many read [MASK], on average?", 1000 * rate * MASKED_SHARE, f"1000 * {rate:g} * {MASKED_SHARE}.")  # fmt: skip
    yield table(f"what stands at the chosen of {DRAWN:,} tokens", rows, reads="what is read", rule="rule [%] :2", share="measured [%] :3")  # fmt: skip
    yield within("chosen", "share of tokens that are chosen", rate, float(found.chosen.mean()), 0.003)
    yield within("masked", "of these, [MASK]", MASKED_SHARE, masked, 0.04)
    yield within("kept", "of these, the token itself: 10 percent, and chance hits", 1 - MASKED_SHARE - RANDOM_SHARE + RANDOM_SHARE / (vocab - len(SPECIAL)), kept, 0.03)  # fmt: skip
    yield Source("Devlin et al.", 2019, "BERT", "section 3.1, task 1")


@lesson.step("Task 2: do two sentences belong together?")
def belong_together(run: Run) -> Iterator[Shown]:
    output, _ = run.bert.forward(run.pair.ids, run.pair.segments, run.pair.lengths)
    w = run.bert.parameters()
    pooled = np.tanh(output.hidden[:, 0] @ w["pooler.w"].value + w["pooler.b"].value)
    scores = pooled @ w["next_sentence.w"].value + w["next_sentence.b"].value
    counts = bert_parameter_count(**BERT_BASE)
    yield "The last vector of [CLS] has seen both sentences. It goes through one layer, the pooler, and from there to two scores: the second sentence follows in the text, or it was drawn from elsewhere."
    yield formula("pooled = tanh(linear map of the last vector of [CLS])", "(C,) -> (C,)")
    yield formula("two scores = linear map of pooled", "(C,) -> (2,)")
    yield f"Shapes here: hidden {output.hidden.shape}, scores of words {output.mlm_logits.shape}, scores of the pair {output.nsp_logits.shape}. The losses of both tasks are added."
    yield f"A task of your own takes the place of these heads: from the pooled vector for a text, from each token's vector for labels of words. Only the new map starts from nothing: 3 classes on BERT-base are 768 * 3 + 3 = {BERT_BASE['d_model'] * 3 + 3:,} numbers on top of {sum(counts[k] for k in ('embedding', 'blocks', 'pooler')):,}."  # fmt: skip
    yield agree("scores", "the scores of the pair come from [CLS]", output.nsp_logits, scores)
    yield Source("Devlin et al.", 2019, "BERT", "section 3.1, task 2")


@lesson.step("What nobody can tell without segments and places")
def same_bag(run: Run) -> Iterator[Shown]:
    turned = pack_pairs([(run.second, run.first)])
    bare = Bert(len(VOCABULARY), dtype="float64", positions="none", seed=run.seed, **SIZES)
    pairs = {"segments": (bare, True), "places": (run.bert, False), "neither": (bare, False)}
    moved = {}
    for way, (model, segments) in pairs.items():
        scores = [model.forward(each.ids, each.segments if segments else None, each.lengths)[0].nsp_logits for each in (run.pair, turned)]  # fmt: skip
        moved[way] = float(np.abs(scores[0] - scores[1]).max())
    yield f'Put the sentences the other way round: "{" ".join(run.second)}", then "{" ".join(run.first)}". The words are the same, and attention reads a bag of vectors. What tells the orders apart?'
    yield table("untrained BERT: the scores of the pair move by", [{"given": way, "moved": value} for way, value in moved.items()], given="given", moved="move by :2")  # fmt: skip
    yield "Without both nothing can move: the same vectors are summed in another order. Each of the two alone makes a difference, so either can be learned from."
    yield question("Without both: how many percent of the orders are told correctly?", 50, "Both orders get the same scores: one is told wrongly.")  # fmt: skip
    yield "Segments say which words stand together. Places say where each word stands, and with [SEP] among them where a sentence ends."
    yield agree("bag", "neither: the scores move by", moved["neither"])
    yield at_least("segments", "segments alone: they move by", 1e-4, moved["segments"])
    yield at_least("places", "places alone: they move by", 1e-4, moved["places"])


@lesson.step("Trained: with segment vectors and without")
def with_and_without(run: Run) -> Iterator[Shown]:
    told = run.told
    rows = [{"given": way, "right": 100 * told[way]} for way in WAYS]
    yield f"Three small models learn which of two sentences came first, {run.settings.steps} updates each, from the same pairs. Asked are {ASKED} pairs of names that training never showed."
    yield table("order told correctly", rows, given="given", right="right [%] :3")
    yield f"Segments alone tell {told['segments']:.0%}. With neither it is a guess. But places alone tell {told['places']:.0%}: here segment vectors are a help that can be done without."
    yield "That they are needed for pairs is so where nothing else marks the border. BERT has [SEP] and places as well; with segments no layer has to work out from them which sentence a token is in."
    yield at_least("told-segments", "segments alone: share right", 0.9, told["segments"])
    yield at_least("told-places", "places alone: share right", 0.9, told["places"])
    yield between("guess", "neither: share right", 0.38, 0.62, told["neither"])
    yield Source("Lan et al.", 2020, "ALBERT", "section 3.1")


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    base, large = (sum(bert_parameter_count(**sizes)[part] for part in ("embedding", "blocks", "pooler")) for sizes in (BERT_BASE, BERT_LARGE))  # fmt: skip
    yield Said("Token types tell nouns from verbs.", "false", "They tell sentence A from sentence B.")
    yield Said("BERT replaces 15 percent of tokens by [MASK].", "too strong", f"15 are chosen; {15 * MASKED_SHARE:.0f} in 100 read [MASK].")  # fmt: skip
    yield Said("[SEP] makes segment vectors useless.", "too strong", "Both mark the border. [SEP] is one token; the segment is written on every token.")  # fmt: skip
    yield Said("BERT and GPT are the same stack.", "too strong", "BERT is post-LN without a norm at the end; GPT is causal, since GPT-2 pre-LN.")  # fmt: skip
    yield f"RoBERTa, 2019, dropped task 2 and has one segment vector for all tokens. ALBERT asks for the order of sentences. BERT-base has {base / 1e6:.0f} million numbers, BERT-large {large / 1e6:.0f}."
    yield exactly("base", "BERT-base, counted", 109_482_240, base)
    yield Source("Liu et al.", 2019, "RoBERTa", "section 4.2")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "BERT is an encoder that learns from text by filling gaps: 15 percent of the tokens are chosen, most of these hidden by [MASK], and asked for with both sides in view. A second task asks whether two sentences belong together."
    yield "Its input is the sum of token, position and token-type embeddings. The token type is a learned vector for sentence A or B. It tells two packed sentences apart in pair tasks; position and [SEP] can tell them apart too, and RoBERTa dropped it."
    yield Try("tfx quiz bert")
